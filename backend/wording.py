"""Text for people, in both languages of the app; a terminal or a file takes the English."""

from typing import NamedTuple


class Text(NamedTuple):
    """The same words in English and in Portuguese."""

    en: str
    pt: str

    def __str__(self) -> str:
        return self.en
