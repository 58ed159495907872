"""Text for people, in both languages of the app; a terminal or a file takes the English."""

from typing import NamedTuple


class Text(NamedTuple):
    """The same words in English and in Portuguese."""

    en: str
    pt: str

    def __str__(self) -> str:
        return self.en

    def within(self, lang: str) -> str:
        """The words in one language: ``pt``, or else English."""
        return self.pt if lang == "pt" else self.en


def fill(en: str, pt: str, **parts: "Text | str | int") -> Text:
    """Both templates with their ``{parts}`` filled in, each in its own language."""
    texts = {name: part if isinstance(part, Text) else Text(str(part), str(part)) for name, part in parts.items()}
    return Text(
        en.format(**{name: text.en for name, text in texts.items()}),
        pt.format(**{name: text.pt for name, text in texts.items()}),
    )


def decimal(value: float, digits: int = 2, signed: bool = False) -> Text:
    """A number with sensible digits; a decimal comma in Portuguese."""
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return Text(text, text.replace(".", ","))


def brazilian(value: float, digits: int = 2) -> str:
    """1234.5 -> "1.234,50"."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def duration(seconds: float) -> Text:
    """A length of time in the unit one would say it in: 45 s, 12 min, 3.4 h."""
    if seconds < 90:
        return Text(f"{seconds:.0f} s", f"{seconds:.0f} s")
    if seconds < 5400:
        return Text(f"{seconds / 60:.0f} min", f"{seconds / 60:.0f} min")
    return fill("{n} h", "{n} h", n=decimal(seconds / 3600, 1))


_TASKS = {
    "extraction": Text("Extraction", "Extração"),
    "sql_qa": Text("SQL Q&A", "SQL Q&A"),
    "insights": Text("Insights", "Insights"),
    "push": Text("Push", "Push"),
    "overall": Text("Overall", "Geral"),
}


def task_words(task: str) -> Text:
    """A task as people call it."""
    return _TASKS.get(task, Text(task, task))
