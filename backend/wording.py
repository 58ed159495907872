"""Text for people, in both languages of the app; terminals and files use the English one."""

from collections.abc import Callable, Sequence
from math import isnan

from rewards.types import Text

__all__ = ["Text", "decimal", "duration", "fill", "general", "joined", "p_value", "speaker"]


def fill(en: str, pt: str, **parts: "Text | str | int") -> Text:
    """Both templates with their ``{parts}`` filled in, each in its own language.

    ``{n:run waits|runs wait}`` gives the words for the number ``n``: the first ones for 1.
    """

    def within(lang: str) -> dict[str, str | int]:
        return {
            name: _Number(p) if isinstance(p, int) else p.within(lang) if isinstance(p, Text) else str(p)
            for name, p in parts.items()
        }

    return Text(en.format(**within("en")), pt.format(**within("pt")))


class _Number(int):
    def __format__(self, spec: str) -> str:
        one, bar, more = spec.partition("|")
        return (one if self == 1 else more) if bar else super().__format__(spec)


def joined(parts: Sequence[Text], by: str = "; ") -> Text:
    """The parts one after another, in each language."""
    return Text(by.join(p.en for p in parts), by.join(p.pt for p in parts))


def decimal(value: float, digits: int = 2, signed: bool = False) -> Text:
    """A number with sensible digits, and a minus sign that is no hyphen; a decimal comma in Portuguese, a dash for NaN."""
    if isnan(value):
        return Text("–", "–")
    value = round(value, digits) + 0.0  # not "-0.00"
    text = (f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}").replace("-", "−")
    return Text(text, text.replace(".", ","))


def grouped(n: int) -> Text:
    """A whole number, its thousands apart: 20,000; with points in Portuguese."""
    return Text(f"{n:,}", f"{n:,}".replace(",", "."))


def general(value: float) -> Text:
    """A number in its shortest form: 0.7, 5e-07; a decimal comma in Portuguese."""
    return Text(f"{value:g}", f"{value:g}".replace(".", ","))


def p_value(value: float) -> Text:
    """A p-value to four digits; a smaller one is not said to be 0."""
    return decimal(value, 4) if value >= 0.0001 else Text("< 0.0001", "< 0,0001")


def duration(seconds: float) -> Text:
    """A length of time in the unit that people use for it: 45 s, 12 min, 3.4 h."""
    if seconds < 90:
        return Text(f"{seconds:.0f} s", f"{seconds:.0f} s")
    if seconds < 5400:
        return Text(f"{seconds / 60:.0f} min", f"{seconds / 60:.0f} min")
    return fill("{n} h", "{n} h", n=decimal(seconds / 3600, 1))


def speaker(lang: str) -> Callable[[str, str], str]:
    """(English, Portuguese) -> the words in one language."""
    return lambda en, pt: Text(en, pt).within(lang)
