"""Small text measures shared by the rewards. All are linear in the length of the text."""

import re
import unicodedata
from collections.abc import Callable

WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """Lower-case ``text`` and drop its accents, so that "Avaliação" and "avaliacao" compare equal."""
    if text.isascii():
        return text.lower()
    return _without(unicodedata.normalize("NFKD", text), lambda c: unicodedata.combining(c) > 0).lower()


def words(text: str) -> list[str]:
    """The words of ``text`` in order (runs of letters, digits and underscores)."""
    return WORD.findall(text)


def visible(text: str) -> str:
    """What a phone's notification shows of ``text``: white space collapsed, invisible characters gone.

    Control and format characters (zero-width spaces, direction marks, soft hyphens) take no room on a screen, so
    they may neither fill an empty push nor split a long one.
    """
    return _without(" ".join(text.split()), lambda c: unicodedata.category(c) in _UNSEEN).strip()


def visible_length(text: str) -> int:
    """Number of characters a phone shows of ``text``; combining marks and variation selectors add none."""
    return len(_without(visible(text), lambda c: unicodedata.category(c).startswith("M")))


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn"})


def _without(text: str, drop: Callable[[str], bool]) -> str:
    """``text`` without the characters ``drop`` names; asked once per distinct character, so long text is quick."""
    dropped = {ord(c): None for c in set(text) if drop(c)}
    return text.translate(dropped) if dropped else text
