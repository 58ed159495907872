"""Templates for the wording of prompts: one per line in ``phrasings/<name>.txt``; you may edit these files.

``{estado}`` is the bare noun, ``{o estado}`` the noun with its article, and ``{de estado}`` (also em, para, pra, por, a) the
noun after that preposition, contracted: "do Acre", "de Goiás".
"""

import re
from functools import lru_cache
from pathlib import Path

from backend.commerce.grammar import Noun

_FOLDER = Path(__file__).parent / "phrasings"
_PLACE = re.compile(r"\{(?:(\w+) )?(\w+)\}")


@lru_cache
def phrasings(name: str) -> tuple[str, ...]:
    """The templates of ``phrasings/<name>.txt``, without its ``#`` lines; ``\\n`` in a line is a line break."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.replace("\\n", "\n") for line in lines if line.strip() and not line.startswith("#"))


def filled(template: str, **parts: str | Noun) -> str:
    """The template with its ``{parts}`` filled in; braces inside a part stay as they are."""

    def part(match: re.Match[str]) -> str:
        preposition, name = match.groups()
        if name not in parts:
            return match.group()
        given = parts[name]
        noun = given if isinstance(given, Noun) else Noun(given)
        return noun.after(preposition) if preposition else noun.text

    return _PLACE.sub(part, template)
