"""What changed between two completions, word by word."""

import re
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "removed", "added"]
_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_LONGEST = 4_000


def word_changes(before: str, after: str) -> list[tuple[Kind, str]]:
    """The pieces of both texts in reading order; same and removed ones make up ``before``, same and added ones ``after``.

    Texts of over 4,000 words are not compared: the whole of one is removed, of the other added.
    """
    a, b = _WORD.findall(before), _WORD.findall(after)
    if max(len(a), len(b)) > _LONGEST:
        return [("removed", before), ("added", after)]
    pieces: list[tuple[Kind, str]] = []
    for kind, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(a[i:j])))
            continue
        if i < j:
            pieces.append(("removed", "".join(a[i:j])))
        if k < m:
            pieces.append(("added", "".join(b[k:m])))
    return pieces
