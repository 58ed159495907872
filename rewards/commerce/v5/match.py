"""Word lists with stems: ``atras*`` matches atraso and atrasada."""

from collections.abc import Iterable
from functools import lru_cache

_LONGEST_ENDING = 7
"""Letters that an ending may have after a stem: "comemor" and "acoes"; more are another word's."""
_ENDS_NO_WORD = frozenset("bcdfghjkpqtvxi")
"""Letters that end few words: with one of them, a stem by itself ("aniversari") is no word."""


class Words:
    """A list of folded words and stems, asked whether it has a word; each question takes time in the word's length alone."""

    def __init__(self, entries: Iterable[str]) -> None:
        entries = tuple(entries)
        self.whole = frozenset(e for e in entries if not e.endswith("*"))
        self.stems = frozenset(e[:-1] for e in entries if e.endswith("*"))
        self.longest = max((len(s) for s in self.stems), default=0)

    def has(self, word: str) -> bool:
        """Whether ``word`` is one of the words, or begins with one of the stems."""
        if word in self.whole:
            return True
        most = min(len(word) - (word[-1:] in _ENDS_NO_WORD), self.longest)
        return any(word[:n] in self.stems for n in range(max(1, len(word) - _LONGEST_ENDING), most + 1))

    def any(self, words: Iterable[str]) -> bool:
        """Whether one of ``words`` is there."""
        return any(self.has(word) for word in words)


@lru_cache(maxsize=512)
def listed(entries: str) -> Words:
    """The list written as words with spaces between."""
    return Words(entries.split())
