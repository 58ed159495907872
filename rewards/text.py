"""Small text measures shared by the rewards. All are linear in the length of the text."""

import re
import unicodedata
from functools import lru_cache
from itertools import islice

WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """Lower-case ``text`` and drop its accents, so that "Avaliação" and "avaliacao" compare equal."""
    text = text.lower()
    if text.isascii():
        return text
    marked = [c for c in set(text) if c > "\x7f"]
    if len(marked) <= _FEW:  # a fast pass for each character is cheaper than one slow pass for all
        for c in marked:
            text = text.replace(c, _plain(c))
        return text
    return text.translate({ord(c): _plain(c) for c in marked})


_FEW = 40


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


def words(text: str) -> list[str]:
    """The words of ``text`` in order (runs of letters, digits and underscores)."""
    if text.isascii():  # folded text is ASCII, and this is several times faster than the pattern
        return text.translate(_ASCII_WORDS).split()
    return WORD.findall(text)


_ASCII_WORDS = {i: chr(i) if chr(i).isalnum() or chr(i) == "_" else " " for i in range(128)}


def has_words(text: str, count: int) -> bool:
    """Whether ``text`` has at least ``count`` words."""
    return sum(1 for _ in islice(WORD.finditer(text), count)) == count


def visible(text: str) -> str:
    """``text`` as a phone's notification shows it: white space collapsed, invisible characters removed.

    Control and format characters (zero-width spaces, direction marks, soft hyphens) take no space on a screen, so
    they must not make an empty notification look filled, and they must not split a long one.
    """
    shown = " ".join(text.split())
    if shown.isprintable():
        return shown
    unseen = {ord(c): None for c in set(shown) if unicodedata.category(c) in _UNSEEN}
    return shown.translate(unseen).strip()


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn"})


def visible_length(text: str) -> int:
    """Number of characters of ``text`` that a phone shows; combining marks and variation selectors count 0."""
    shown = visible(text)
    if shown.isascii():
        return len(shown)
    marks = [c for c in set(shown) if c > "\x7f" and unicodedata.category(c).startswith("M")]
    return len(shown) - sum(shown.count(c) for c in marks)


def starts_word(text: str, beginning: str) -> bool:
    """Whether a word of ``text`` starts with ``beginning``."""
    at = text.find(beginning)
    while at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_"):
        at = text.find(beginning, at + 1)
    return at >= 0
