"""The ways of asking: one template a line in ``phrasings/<name>.txt``, which may be edited."""

from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "phrasings"


@lru_cache
def phrasings(name: str) -> tuple[str, ...]:
    """The templates of ``phrasings/<name>.txt``, without its ``#`` lines; ``\\n`` in a line is a line break."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.replace("\\n", "\n") for line in lines if line.strip() and not line.startswith("#"))


def filled(template: str, **parts: str) -> str:
    """The template with its ``{parts}`` put in; braces inside a part stay as they are."""
    pieces = [template]
    for name, part in parts.items():
        pieces = [x for piece in pieces for x in _around(piece, "{" + name + "}", part)]
    return "".join(pieces)


class _Part(str):
    """Text that has been put in, which no later part is looked for in."""


def _around(piece: str, mark: str, part: str) -> list[str]:
    if isinstance(piece, _Part) or mark not in piece:
        return [piece]
    before, _, after = piece.partition(mark)
    return [before, _Part(part), *_around(after, mark, part)]
