"""Templates for the wording of prompts: one per line in ``phrasings/<name>.txt``; you may edit these files."""

from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "phrasings"


@lru_cache
def phrasings(name: str) -> tuple[str, ...]:
    """The templates of ``phrasings/<name>.txt``, without its ``#`` lines; ``\\n`` in a line is a line break."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.replace("\\n", "\n") for line in lines if line.strip() and not line.startswith("#"))


def filled(template: str, **parts: str) -> str:
    """The template with its ``{parts}`` filled in; braces inside a part stay as they are."""
    pieces = [template]
    for name, part in parts.items():
        pieces = [x for piece in pieces for x in _around(piece, "{" + name + "}", part)]
    return "".join(pieces)


class _Part(str):
    """A part that has been filled in; names in braces inside it are not replaced."""


def _around(piece: str, placeholder: str, part: str) -> list[str]:
    """The piece split at each placeholder, with the part in its place."""
    if isinstance(piece, _Part) or placeholder not in piece:
        return [piece]
    before, _, after = piece.partition(placeholder)
    return [before, _Part(part), *_around(after, placeholder, part)]
