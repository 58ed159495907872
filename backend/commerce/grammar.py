"""Nouns with their article, and what Portuguese makes of a preposition before one: "de" + "o Acre" -> "do Acre".

A noun carries the article it takes in a sentence: "o" for Acre, none for Goiás, "as" for "5 categorias".
"""

from dataclasses import dataclass

_CONTRACTED = {
    "de": ("do", "da", "dos", "das"),
    "em": ("no", "na", "nos", "nas"),
    "por": ("pelo", "pela", "pelos", "pelas"),
    "a": ("ao", "à", "aos", "às"),
    "pra": ("pro", "pra", "pros", "pras"),
    "o": ("o", "a", "os", "as"),
}
_ARTICLES = ("o", "a", "os", "as")


@dataclass(frozen=True)
class Noun:
    """A noun without its article, and the article ("" where it takes none)."""

    text: str
    article: str = ""

    def after(self, preposition: str) -> str:
        """The noun after a preposition, contracted where Portuguese contracts; "o" stands for the article alone."""
        if not self.article:
            return self.text if preposition == "o" else f"{preposition} {self.text}"
        contracted = _CONTRACTED.get(preposition)
        if contracted is None:
            return f"{preposition} {self.article} {self.text}"
        return f"{contracted[_ARTICLES.index(self.article)]} {self.text}"


STATE_ARTICLES = {
    **dict.fromkeys("AC AP AM CE DF ES MA PA PR PI RJ RN RS TO".split(), "o"),
    **dict.fromkeys("BA PB".split(), "a"),
}
"""The states that take an article: "no Acre", "na Bahia", but "em Goiás"."""


def state_noun(code: str, name: str) -> Noun:
    """A state by its name, or by its two letters, which take the same article: "no Rio de Janeiro", "no RJ"."""
    return Noun(name, STATE_ARTICLES.get(code, ""))
