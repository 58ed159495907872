"""Masking of six sets of invented reviews: how much of what is marked is found, and how much of what is found is marked."""

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.commerce.personal import find

TEXTS = Path(__file__).parent / "personal"
_MARK = re.compile(r"⟦(\S+) ([^⟧]+)⟧")


@dataclass
class Measured:
    """Marked items and masks of a set of texts; an item is found where masks cover eight tenths of it."""

    items: int = 0
    masks: int = 0
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / self.items

    @property
    def precision(self) -> float:
        return 1 - len(self.false) / self.masks


def read(name: str) -> list[str]:
    lines = (TEXTS / name).read_text(encoding="utf-8").splitlines()
    return [line.replace("⏎", "\n") for line in lines if line.strip() and not line.startswith("#")]


def unmarked(line: str) -> tuple[str, list[tuple[int, int]]]:
    """(the text, where its personal data stand)."""
    text, spans, end = "", [], 0
    for match in _MARK.finditer(line):
        text += line[end : match.start()]
        spans.append((len(text), len(text) + len(match[2])))
        text, end = text + match[2], match.end()
    return text + line[end:], spans


def measured(name: str) -> Measured:
    result = Measured()
    for line in read(name):
        text, spans = unmarked(unicodedata.normalize("NFC", line))
        found = find(text)
        covered = {i for item in found for i in range(item.start, item.end)}
        result.items += len(spans)
        result.masks += len(found)
        result.missed += [
            f"{text[a:b]!r} in {text!r}" for a, b in spans if len(covered & set(range(a, b))) < 0.8 * (b - a)
        ]
        result.false += [
            f"{item.kind} {text[item.start : item.end]!r} in {text!r}"
            for item in found
            if not any(item.start < b and a < item.end for a, b in spans)
        ]
    return result


@pytest.mark.parametrize("name", ["known.txt", "fresh.txt", "third.txt", "fourth.txt", "fifth.txt", "sixth.txt"])
def test_nine_tenths_are_found_and_nine_tenths_of_the_masks_are_right(name: str) -> None:
    result = measured(name)
    assert result.recall >= 0.9, "\n".join(result.missed)
    assert result.precision >= 0.9, "\n".join(result.false)


def test_traps_and_personal_data_are_many() -> None:
    known, fresh = read("known.txt"), read("fresh.txt")
    assert len(known) >= 200 and len(fresh) >= 60
    for lines in (known, fresh):
        assert 0.4 < sum("⟦" in line for line in lines) / len(lines) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "a@",
        "a@a.",
        "9.",
        "123.",
        "11 ",
        "rua aa ",
        "moro na rua a ",
        "cpf n ",
        "Maria da ",
        "att, ",
        "r$ 1",
        "pedido de 1",
    ],
)
def test_a_hostile_text_ends(unit: str) -> None:
    """100 kB take tenths of a second; a pattern that backtracks would not come back."""
    find(unit * (100_000 // len(unit)))
