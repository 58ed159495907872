"""Which states of Brazil a text names."""

import re

from rewards.commerce.v5.lexicon import STATES
from rewards.text import fold

_CODE = {name: code for code, name in STATES.items()}
_NAMES = re.compile(
    r"\b(?:" + "|".join(sorted((name for name in _CODE if name != "para"), key=len, reverse=True)) + r")\b"
)
"""The longest first: Mato Grosso do Sul is not Mato Grosso."""
_PARA = re.compile(r"\bpar[\u00e1\u00c1]\b", re.I)
"""The state that only its accent tells from a preposition."""
_LETTERS = re.compile(r"\b[A-Z]{2}\b")


def states_in(text: str) -> frozenset[str]:
    """The states that ``text``, as it was written, names in full or by their two capital letters; as two small letters."""
    named = {_CODE[name] for name in _NAMES.findall(fold(text))}
    named |= {code.lower() for code in _LETTERS.findall(text)} & STATES.keys()
    return frozenset(named | ({"pa"} if _PARA.search(text) else set()))
