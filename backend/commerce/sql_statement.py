"""Whether an explanation states the true result (``sql-execution/2``): its numbers, and the names beside them, read in Portuguese."""

import re
from collections.abc import Sequence
from typing import Any

from backend.commerce.categories import category_name
from backend.commerce.questions import MONTHS
from backend.commerce.shop import PAYMENT_NAMES, STATE_NAMES
from rewards.commerce.v5.forms import numbers
from rewards.commerce.v5.portuguese import sense, sentences
from rewards.text import fold

SILENT = 0.3
"""Of an explanation without a number: neither right nor wrong."""
_UNPROVED = 0.3
"""Of a right statement beside a query that does not give the true result."""
_CODE = re.compile(r"`[^`\n]*`|\b[a-z]+_[a-z_]+\b")
_MONTH = re.compile(r"(20\d\d)-(\d\d)")


def stated(prose: str, gold: Sequence[Sequence[Any]], gold_sql: str, right: bool) -> float:
    """How truly an explanation states the result, from 0 to 1.

    Args:
        prose: what stands around the query.
        gold: the true rows.
        gold_sql: its numbers (a limit, a year) say nothing of the result, and may be spoken of.
        right: whether the query gives the true result.

    Returns:
        The share of the true values that are stated, times the share of the stated numbers that are true, times how much it
        reads like sentences. A text without numbers is worth ``SILENT`` beside a right query; numbers that are not true are 0.
    """
    prose = _CODE.sub(" ", prose)
    found = sentences(prose[:4_000])
    sound = max(0.0, (sense(found) - 0.4) / 0.6)
    allowed = _allowed(gold_sql)
    said = [n for n in numbers(prose) if n not in allowed]
    wanted = [value for row in gold for value in row if isinstance(value, int | float) and not isinstance(value, bool)]
    labels = [value for row in gold for value in row if isinstance(value, str)]
    if not said and wanted:
        named = _named(labels, prose) if labels else 0.0
        return (SILENT + 0.3 * named * sound if right else 0.0) if found or right else 0.0
    true = sum(any(_close(n, value) for value in wanted) for n in said) / len(said) if said else 1.0
    recall = sum(any(_close(n, value) for n in said) for value in wanted) / len(wanted) if wanted else 1.0
    recall = min(1.0, 1.5 * recall) if len(wanted) > 3 else recall  # of a long ranking, its head is enough
    if labels:
        recall *= 0.4 + 0.6 * min(1.0, 1.5 * _named(labels, prose))
    return recall * true**2 * sound * (1.0 if right else _UNPROVED)


def _named(labels: Sequence[str], prose: str) -> float:
    folded = fold(prose)
    return sum(
        any(re.search(rf"\b{re.escape(fold(form))}\b", folded) for form in _forms(label)) for label in labels
    ) / len(labels)


def _forms(label: str) -> list[str]:
    """How a value of the database may be written in a text."""
    forms = [
        label,
        label.replace("_", " "),
        category_name(label),
        STATE_NAMES.get(label, ""),
        PAYMENT_NAMES.get(label, ""),
    ]
    if label.startswith("cartao"):
        forms.append("cartão")
    if match := _MONTH.fullmatch(label):
        month = int(match[2])
        forms += [MONTHS[month - 1], f"{match[2]}/{match[1]}"] if 1 <= month <= 12 else []
    return [form for form in forms if form]


def _allowed(gold_sql: str) -> set[float]:
    """Numbers that a text about the question may hold: those of the gold query, and a ranking's places."""
    tail = gold_sql.rsplit("LIMIT", 1)
    places = int(match[0]) if len(tail) > 1 and (match := re.search(r"\d+", tail[1])) else 0
    years = {float(year) for year in re.findall(r"20\d\d", gold_sql)}
    months = {float(int(m)) for m in re.findall(r"20\d\d-(\d\d)", gold_sql)}
    return {float(n) for n in range(1, min(places, 10) + 1)} | years | months


def _close(stated: float, true: float) -> bool:
    return any(
        abs(stated - value) <= 0.006 * abs(value) + 1e-9 for value in (true, 100 * true if 0 < abs(true) < 1 else true)
    )
