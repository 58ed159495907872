"""Similarity of two prompts: the Jaccard similarity of their sets of five-character sequences (shingles; Broder, 1997)."""

from array import array
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from rewards.text import fold

SAME = 0.90
"""Two prompts of a set with this similarity or more count as duplicates."""
LEAK = 0.80
"""An eval prompt with this similarity or more to a train prompt counts as a leak."""
_RUN = 5


@lru_cache(maxsize=256)  # a text is looked up, and then often added
def shingles(text: str) -> frozenset[str]:
    """The five-character sequences of a text; accents, case and layout do not matter."""
    plain = " ".join(fold(text).split())
    return frozenset(plain[i : i + _RUN] for i in range(max(1, len(plain) - _RUN + 1)))


class Neighbours:
    """Exact nearest-text search: an inverted index from each shingle to the texts that contain it."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._holders: dict[str, array[int]] = {}
        self._sizes: array[int] = array("i")
        for text in texts:
            self.add(text)

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, text: str) -> None:
        """Add a text; its index is the number of texts added before it."""
        mine = shingles(text)
        for shingle in mine:
            self._holders.setdefault(shingle, array("i")).append(len(self._sizes))
        self._sizes.append(len(mine))

    def nearest(self, text: str) -> tuple[float, int]:
        """(similarity from 0 to 1, index) of the most similar text; (0, -1) when no text shares a shingle with it."""
        mine = shingles(text)
        held = array("i")
        for shingle in mine & self._holders.keys():
            held += self._holders[shingle]
        if not held:
            return 0.0, -1
        common = np.bincount(np.frombuffer(held, dtype=np.int32), minlength=len(self))
        likeness = common / (np.frombuffer(self._sizes, dtype=np.int32) + len(mine) - common)
        best = int(likeness.argmax())
        return float(likeness[best]), best
