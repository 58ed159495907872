"""Whether an explanation states the true result (``sql-execution/3``): its numbers, and the names beside them, read in Portuguese."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from backend.commerce.categories import category_name
from backend.commerce.questions import MONTHS
from backend.commerce.shop import PAYMENT_NAMES, STATE_NAMES
from rewards.commerce.v5.forms import NUMBER, value_of
from rewards.commerce.v5.places import states_in
from rewards.commerce.v5.portuguese import sense, sentences
from rewards.commerce.v5.sql_qa import with_months
from rewards.text import fold

SILENT = 0.3
"""Of an explanation without a number: neither right nor wrong."""
_UNPROVED = 0.3
"""Of a right statement beside a query that does not give the true result."""
_ASIDE = 0.5
"""What a text leaves that speaks of another state than the question's, or ranks the names the other way round."""
_NAMES = re.compile(r"\b[a-z]+_[a-z_]+\b")
_OTHER_STATEMENT = re.compile(
    r"\b(?:drop|truncate|alter) table\b|\bdelete from\b|\binsert into\b|\bupdate \w+ set\b", re.I
)
_THOUSANDS = re.compile(r"(\d+(?:[.,]\d+)?)\s?(mil|milh(?:ão|ões)|mi)\b(?! milh)", re.I)
_UNTRUE = re.compile(
    r"\b(?:errad\w+|incorret\w+|falso|falsa|mentira)\b|\bnao (?:e|eh|foi|da|sao|chega a|passa de)(?: de)?(?: r\$)? ?$"
)
_MONEY_BEFORE = re.compile(r"r\$\s?$")
_MONEY_AFTER = re.compile(r"^\s?(?:reais|real)\b")
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
    if _OTHER_STATEMENT.search(prose):
        return 0.0
    prose = _THOUSANDS.sub(_in_full, _NAMES.sub(" ", prose.replace("`", " ")))[:4_000]
    found = sentences(with_months(prose))
    rows = [s for s in found if "|" in s.tokens]
    sound = max(0.0, (sense([s for s in found if "|" not in s.tokens] or found) - 0.4) / 0.6)
    sound = max(sound, _TABLE) if rows else sound
    allowed = _allowed(gold_sql)
    wanted = [value for row in gold for value in row if isinstance(value, int | float) and not isinstance(value, bool)]
    labels = [value for row in gold for value in row if isinstance(value, str)]
    said = [found for found in _said(prose, gold, gold_sql) if found[0] not in allowed]
    aside = _ASIDE if states_in(prose) - _states_of(gold_sql, labels) else 1.0
    if not said and wanted:
        named = _named(labels, prose) * _in_order(labels, prose, gold_sql) if labels else 0.0
        return (SILENT + 0.3 * named * sound if right else 0.0) * aside if found or right else 0.0
    true = sum(holds for _, holds in said) / len(said) if said else 1.0
    recall = (
        sum(any(holds and _close(n, value) for n, holds in said) for value in wanted) / len(wanted) if wanted else 1.0
    )
    recall = min(1.0, 1.5 * recall) if len(wanted) > 3 else recall  # of a long ranking, its head is enough
    if labels:
        recall *= 0.4 + 0.6 * min(1.0, 1.5 * _named(labels, prose)) * _in_order(labels, prose, gold_sql)
    return recall * true**2 * sound * aside * (1.0 if right else _UNPROVED)


_TABLE = 0.8
"""Of a table of the result, which reads like no sentence."""


def _in_full(match: re.Match[str]) -> str:
    """\"193,0 mil\" as a program writes it."""
    return f"{value_of(match[1]) * (1_000 if match[2].lower() == 'mil' else 1_000_000):.2f}"


def _said(prose: str, gold: Sequence[Sequence[Any]], gold_sql: str) -> list[tuple[float, bool]]:
    """The numbers that ``prose`` gives, outside of the result's names, and whether each is one of the result's: not denied, in its
    unit, and in a ranking beside its own name."""
    folded = fold(prose)
    names = [
        (m.start(), m.end(), i)
        for i, row in enumerate(gold)
        for value in row
        if isinstance(value, str)
        for m in _places(value, folded)
    ]
    blank = list(folded)
    for start, end, _ in names:
        if any(c.isdigit() for c in folded[start:end]):
            blank[start:end] = " " * (end - start)
    text = "".join(blank)
    found = []
    for match in NUMBER.finditer(text):
        value = value_of(match.group())
        before, after = text[max(0, match.start() - 40) : match.start()], text[match.end() : match.end() + 40]
        clause = re.split(r"[.;!\n]\s", before)[-1]
        whole = clause + re.split(r"[.;!\n]", after)[0]
        denied = (
            _UNTRUE.search(clause) is not None or re.search(r"\b(?:errad|incorret|falso|falsa)\w*", whole) is not None
        )
        row = _row_beside(names, match.start(), match.end(), text) if len(gold) > 1 else None
        values = gold[row] if row is not None else [v for of_row in gold for v in of_row]
        holds = any(_close(value, v) for v in values if isinstance(v, int | float) and not isinstance(v, bool))
        found.append((value, holds and not denied and _in_unit(before, after, gold_sql)))
    return found


def _row_beside(names: list[tuple[int, int, int]], start: int, end: int, text: str) -> int | None:
    """The row whose name stands by a number: the last one before it in its line, else the first one after it."""
    before = [n for n in names if n[1] <= start and start - n[1] < 60 and "\n" not in text[n[1] : start]]
    if before:
        return max(before)[2]
    after = [n for n in names if n[0] >= end and n[0] - end < 40 and "\n" not in text[end : n[0]]]
    return min(after)[2] if after else None


def _in_unit(before: str, after: str, gold_sql: str) -> bool:
    """Whether a number's sign fits what is asked: no share where orders are counted, no share where money is."""
    measure = gold_sql.upper().partition("FROM")[0]
    percent, money = after.lstrip().startswith("%"), bool(_MONEY_BEFORE.search(before) or _MONEY_AFTER.search(after))
    if "100" in measure:
        return not money
    if "PRICE" in measure or "FREIGHT" in measure:
        return not percent
    return not percent and not money if measure else True


def _states_of(gold_sql: str, labels: Sequence[str]) -> set[str]:
    return {code.lower() for code in re.findall(r"'([A-Za-z]{2})'", gold_sql)} | {
        v.lower() for v in labels if len(v) == 2
    }


def _in_order(labels: Sequence[str], prose: str, gold_sql: str) -> float:
    """1 where names stand in the result's order, ``_ASIDE`` where most stand the other way round."""
    if "ORDER BY" not in gold_sql.upper():
        return 1.0
    folded = fold(prose)
    at = [min((m.start() for m in _places(label, folded)), default=-1) for label in labels]
    at = [place for place in at if place >= 0]
    turned = sum(a > b for a, b in pairwise(at))
    return _ASIDE if len(at) > 2 and turned > 0.5 * (len(at) - 1) else 1.0


def _places(label: str, folded: str) -> Iterator[re.Match[str]]:
    """Where a value of the database is named in a folded text."""
    forms = sorted({fold(form) for form in _forms(label)}, key=len, reverse=True)
    return re.finditer(r"\b(?:" + "|".join(map(re.escape, forms)) + r")\b", folded)


def _named(labels: Sequence[str], prose: str) -> float:
    folded = fold(prose)
    return sum(any(True for _ in _places(label, folded)) for label in labels) / len(labels)


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
