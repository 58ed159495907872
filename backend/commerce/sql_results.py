"""Whether a query's rows are the true result (``sql-execution/3``): any tie-break of equal rank is right, and data must decide.

A gold query orders its rows by a measure and, so that its result is one and the same, then by the name of the group. A reader
asked for the five best sellers takes any of those who share the fifth place. So rows are compared by rank: at each place stands
a row of the true ranking with that place's measure, each at most once.

A result can also be right by accident or by heart (``SELECT 36``). So a right query is run again on half of the orders, where the
gold query gives another result, and must agree there too.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import sqlglot
from sqlglot import expressions as sql

Row = Sequence[Any]
Run = Callable[[str], Sequence[Row] | None]
"""A query -> its rows; None where it is refused or fails."""

TABLES = frozenset(("customers", "sellers", "products", "orders", "order_items", "reviews", "orders_enriched"))
_TOLERANCE = 0.005
_EVEN = "IN ('" + "','".join("02468acegikmoqsuwyACEGIKMOQSUWY") + "')"
_HALF = f"(substr(order_id, -1) {_EVEN}) <> (substr(order_id, -2, 1) {_EVEN})"
"""Half of the orders, by the last two characters of their number, the same in every table."""


def is_true_result(rows: Sequence[Row], gold: Sequence[Row], gold_sql: str, run: Run) -> bool:
    """Whether ``rows`` are the true result.

    Args:
        rows: what the query gave.
        gold: the true rows.
        gold_sql: the query that gives them: it says by what they are ranked. Empty: every place is fixed.
        run: runs a query on the same data, to see who else shares the last place of a ranking with a limit.
    """
    if len(rows) != len(gold):
        return False
    tree = parsed(gold_sql)
    ranks = rank_columns(tree) if tree is not None else None
    if ranks is None or not gold or max(ranks, default=0) >= len(gold[0]):
        return all(holds(row, true) for row, true in zip(rows, gold, strict=True))
    start = 0
    while start < len(gold):
        end = start + 1
        while end < len(gold) and all(gold[end][i] == gold[start][i] for i in ranks):
            end += 1
        left = _unmatched(rows[start:end], gold[start:end])
        if left and not (
            tree is not None
            and end == len(gold)
            and _share_the_place(left, rows[start:end], gold[-1], ranks, tree, run)
        ):
            return False
        start = end
    return True


def _unmatched(rows: Sequence[Row], true: Sequence[Row]) -> list[Row]:
    """The rows that hold none of the true ones, each true row being held by one at most."""
    free, left = list(true), []
    for row in rows:
        match = next((i for i, values in enumerate(free) if holds(row, values)), None)
        if match is None:
            left.append(row)
        else:
            free.pop(match)
    return left


def _share_the_place(
    left: list[Row], block: Sequence[Row], last: Row, ranks: tuple[int, ...], tree: sql.Query, run: Run
) -> bool:
    """Whether the rows that are not in the true result are of equal rank with its last row, which a limit cut off."""
    if not tree.args.get("limit"):
        return False
    whole = tree.copy()
    for part in ("limit", "order", "offset"):
        whole.set(part, None)
    columns = whole.selects
    whole.set(
        "expressions",
        [sql.alias_(c.unalias(), f"c{i}", quoted=False) if not c.alias else c for i, c in enumerate(columns)],
    )
    names = [c.alias_or_name for c in whole.selects]
    places = " AND ".join(f'"{names[i]}" IS {_literal(last[i])}' for i in ranks) or "1"
    said = {_literal(v) for row in left for v in row}
    others = [f'"{name}" IN ({", ".join(sorted(said))})' for i, name in enumerate(names) if i not in ranks]
    tied = run(f"SELECT * FROM ({whole.sql(dialect='sqlite')}) WHERE {' AND '.join([places, *others])}")
    return (
        tied is not None and not _unmatched(left, tied) and len({tuple(map(repr, row)) for row in block}) == len(block)
    )


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def rank_columns(tree: sql.Query) -> tuple[int, ...] | None:
    """The places, in the select list, of what a query ranks by: its ORDER BY without a last tie-break by the group's name.

    Empty where it has no order. None where it orders by something that it does not select.
    """
    order = tree.args.get("order")
    keys = [key.this for key in order.expressions] if order else []
    group = tree.args.get("group")
    groups = {g.sql() for g in group.expressions} if group else set()
    while len(keys) > 1 and keys[-1].sql() in groups:
        keys.pop()
    places = []
    for key in keys:
        place = next((i for i, column in enumerate(tree.selects) if _is_of(key, column, i)), None)
        if place is None:
            return None
        places.append(place)
    return tuple(places)


def _is_of(key: sql.Expr, column: sql.Expr, place: int) -> bool:
    if isinstance(key, sql.Literal) and not key.is_string:
        return key.name == str(place + 1)
    return key.sql() in (column.alias, column.unalias().sql())


def parsed(query: str) -> sql.Query | None:
    """A query's syntax tree; None where it is none, or more than one."""
    try:
        trees = [tree for tree in sqlglot.parse(query, read="sqlite") if tree is not None]
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return None
    return trees[0] if len(trees) == 1 and isinstance(trees[0], sql.Query) else None


def on_half(query: str) -> str | None:
    """The same query over half of the orders; None where it cannot be rewritten."""
    tree = parsed(query)
    if tree is None:
        return None
    own = {cte.alias_or_name.lower() for cte in tree.find_all(sql.CTE)}
    for table in list(tree.find_all(sql.Table)):
        name = table.name.lower()
        if name in own or name not in TABLES:
            continue
        if name == "customers":
            condition = f"customer_id IN (SELECT customer_id FROM orders WHERE {_HALF})"
        elif name in ("sellers", "products"):
            continue
        else:
            condition = _HALF
        table.replace(
            sql.select("*").from_(name).where(condition, dialect="sqlite").subquery(table.alias or table.name)
        )
    return tree.sql(dialect="sqlite")


def asks_the_data(query: str, gold: Sequence[Row], gold_sql: str, run: Run) -> bool:
    """Whether a query with the true result has it from the data: it gives the true result over half of the orders too.

    True where half of the orders tells nothing. A query that holds the true numbers is none that asks.
    """
    if _is_recited(parsed(query), gold):
        return False
    half_gold, half = on_half(gold_sql), on_half(query)
    if half_gold is None or half is None:
        return True
    true, rows = run(half_gold), run(half)
    if true is None or rows is None or not true or all(value is None for row in true for value in row):
        return True
    return is_true_result(rows, true, half_gold, run)


def _is_recited(tree: sql.Query | None, gold: Sequence[Row]) -> bool:
    """Whether a query asks the data nothing, or names all the numbers that it gives."""
    if tree is None:
        return False
    said = {
        number
        for literal in tree.find_all(sql.Literal)
        if (number := _number(literal.name)) is not None  # also of a text that is cast
    }
    true = [value for row in gold for value in row if isinstance(value, int | float)]
    return tree.find(*_OF_DATA) is None or (any(v not in _USUAL for v in true) and all(float(v) in said for v in true))


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None


_USUAL = frozenset((0, 1, 2, 3, 5, 10, 100))
"""Numbers that queries hold anyway."""


_OF_DATA = (sql.Column, sql.AggFunc, sql.Star)
"""What a query holds that asks the data anything."""


# --- values -----------------------------------------------------------------------------------------------------
def holds(row: Row, true: Row) -> bool:
    """Whether a row has the values of a true one, in any order, perhaps among others."""
    left = list(row)
    for value in true:
        match = next((i for i, other in enumerate(left) if equal(other, value)), None)
        if match is None:
            return False
        left.pop(match)
    return True


def equal(a: Any, b: Any) -> bool:
    """Whether two values are the same, numbers to half a percent."""
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(a == b)
