"""What changed between two completions, word by word."""

import re
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "removed", "added"]
_WORD = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_ALIKE = 0.4
"""Less similar texts are shown as different texts: showing the few words that they share by chance would confuse."""
_LONGEST = 4_000


def word_changes(before: str, after: str) -> list[tuple[Kind, str]]:
    """The pieces of both texts in reading order; same and removed ones make up ``before``, same and added ones ``after``.

    Texts of over 4,000 words, or with little in common, are not compared: ``before`` is one removed piece, and ``after``
    is one added piece.
    """
    a, b = _WORD.findall(before), _WORD.findall(after)
    if max(len(a), len(b)) > _LONGEST:
        return [("removed", before), ("added", after)]
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return [piece for piece in (("removed", before), ("added", after)) if piece[1]]
    pieces: list[tuple[Kind, str]] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(a[i:j])))
            continue
        if i < j:
            pieces.append(("removed", "".join(a[i:j])))
        if k < m:
            pieces.append(("added", "".join(b[k:m])))
    return pieces
