"""Measure whether a completion's query gives the true result. This is the only reward component that executes something
(profile v5-exec).

The query is written by a model, so it is not trusted. sqlglot must parse it as a single SELECT over the shop's tables.
SQLite opens the file read-only, and its authorizer allows only reading those tables and calling harmless functions.
Parsing and running happen in a process of their own, which ends with the query that passes ``SECONDS`` of CPU time (a half more by the clock) or
its memory (``backend.commerce.sql_worker``). At most ``MOST_ROWS`` rows are fetched, and at most a megabyte.

If you change what this module measures, change ``VERSION``, which is part of the profile's fingerprint.
"""

import json
import math
import sqlite3
import time
from contextlib import closing
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import expressions as sql

from backend.commerce import sql_worker
from backend.commerce.shop import open_shop, shop_identity
from backend.errors import UserError
from rewards.commerce.sql_qa import statements
from rewards.types import Columns, Profile

VERSION = "sql-execution/1"
SECONDS = 1.0
MOST_ROWS = 200
_MOST_CHARACTERS = 5_000
_RESULT_BYTES = 1_000_000
_SQLITE_BYTES = 100_000_000
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
"""Of a text or a row (bytes), of columns, and of what a statement is made of."""
_TOLERANCE = 0.005
_RAN = 0.2
_TABLES = frozenset(("customers", "sellers", "products", "orders", "order_items", "reviews", "orders_enriched"))
_FUNCTIONS = frozenset(
    """abs avg cast coalesce count date datetime ifnull iif instr julianday length lower max min nullif printf replace
    round strftime substr substring sum time total trim ltrim rtrim upper like glob group_concat row_number rank
    dense_rank ntile lag lead first_value last_value""".split()
)


def measured(completion: str, columns: Columns, profile: Profile, shop: Path) -> dict[str, float]:
    """The share of the component ``execution``, for a profile that this version can measure.

    Raises:
        UserError: the profile needs another version, or the prompts were made from another shop.
    """
    if profile.measured_by != VERSION:
        raise UserError(f"profile {profile.name} asks for {profile.measured_by}, and this version measures {VERSION}")
    return {"execution": measure(completion, columns, shop)}


class Refused(Exception):
    """The query was refused; the message says why."""


def measure(completion: str, columns: Columns, shop: Path) -> float:
    """How right the completion's first query is, from 0 to 1.

    Args:
        completion: what the model wrote.
        columns: the prompt's facts; ``gold_result`` is the true result, ``shop`` the hash of the data it was computed on.
        shop: commerce.db.

    Returns:
        1 if the query's result is the true one (numbers to half a percent, columns in any order, rows in the true
        order); 0.2 if the query runs and gives another result; 0 if there is no query, or it is refused, fails or takes
        too long. Prompts without a gold result give 0.

    Raises:
        UserError: the prompt was made from another shop, so that every result would be wrong.
    """
    gold = columns.get("gold_result")
    spans = statements(completion)
    if not isinstance(gold, list) or not spans:
        return 0.0
    changed = shop.stat().st_mtime_ns if shop.exists() else 0
    true = json.dumps(gold)
    _same_shop(str(columns.get("shop", "")), str(columns.get("gold_sql", "")), true, shop, changed)
    start, end = spans[0]
    return _measured(completion[start:end], true, shop, changed)


@lru_cache(maxsize=8192)
def _measured(query: str, gold: str, shop: Path, changed: int) -> float:
    try:
        rows = run_query(query, shop)
    except Refused:
        return 0.0
    return 1.0 if same_result(rows, json.loads(gold)) else _RAN


@lru_cache(maxsize=8192)
def _same_shop(data_hash: str, gold_sql: str, gold: str, shop: Path, changed: int) -> None:
    """Check that the prompts were made from this shop's data."""
    source, there = shop_identity(shop)
    if data_hash == there:
        return
    if not data_hash:  # a user's own prompts, or those of an earlier version: compare the gold query's result
        try:
            if same_result(run_query(gold_sql, shop), json.loads(gold)):
                return
        except Refused:
            pass
    raise UserError(
        f"the SQL prompts were made from another shop ({data_hash or 'unnamed'}) than {shop} holds ({source}, {there}): every "
        "result would be wrong. Make the prompts again with `python -m backend.data prompts`, or use a profile without "
        "execution"
    )


def run_query(query: str, shop: Path, seconds: float = SECONDS) -> list[tuple[Any, ...]]:
    """The rows of one SELECT, run in a process whose time and memory are limited (``backend.commerce.sql_worker``).

    Raises:
        Refused: it is not a single SELECT over the shop's tables, SQLite rejects it, or it passes a limit.
        UserError: there is no shop at this path.
    """
    try:
        return sql_worker.run(query, shop, seconds)
    except sql_worker.NotRun as error:
        raise Refused(str(error)) from error


def run_here(query: str, shop: Path, seconds: float) -> list[tuple[Any, ...]]:
    """As ``run_query``, in this process: the worker's, which the system ends where this function cannot."""
    check(query)
    with closing(open_shop(shop)) as db:
        for pragma in ("query_only = ON", "temp_store = MEMORY", f"hard_heap_limit = {_SQLITE_BYTES}"):
            db.execute(f"PRAGMA {pragma}")
        for limit, most in _LIMITS.items():
            db.setlimit(limit, most)
        db.set_authorizer(_allowed)
        ends = time.process_time() + seconds
        db.set_progress_handler(lambda: time.process_time() > ends, 1_000)
        try:
            return _fetched(db.execute(query))
        except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError, MemoryError) as error:
            raise Refused(str(error)) from error


def _fetched(cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
    """The first rows, as long as they are small."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    for row in islice(cursor, MOST_ROWS):
        size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
        if size > _RESULT_BYTES:
            raise Refused(f"its result is larger than {_RESULT_BYTES} bytes")
        rows.append(row)
    return rows


def check(query: str) -> None:
    """Check that a query is a single SELECT over the shop's tables.

    Raises:
        Refused: it is not; the message says why.
    """
    if len(query) > _MOST_CHARACTERS:
        raise Refused(f"the query has {len(query)} characters; {_MOST_CHARACTERS} are run")
    try:
        parsed = [tree for tree in sqlglot.parse(query, read="sqlite") if tree is not None]
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        raise Refused("not SQL that can be read") from error
    if len(parsed) != 1:
        raise Refused(f"{len(parsed)} statements; one SELECT is run")
    (tree,) = parsed
    if not isinstance(tree, sql.Select | sql.SetOperation):
        raise Refused(f"{tree.key.upper()} is not SELECT")
    if any(with_.args.get("recursive") for with_ in tree.find_all(sql.With)):
        raise Refused("WITH RECURSIVE can run for ever")
    own = {cte.alias_or_name.lower() for cte in tree.find_all(sql.CTE)}
    for table in tree.find_all(sql.Table):
        if table.name.lower() not in _TABLES | own or table.db:
            raise Refused(f"{table.sql()} is no table of the shop")


def _allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """SQLite's authorizer, which it calls for each part of a statement before compiling it."""
    fine = action == sqlite3.SQLITE_SELECT
    fine = fine or (action == sqlite3.SQLITE_READ and (first or "").lower() in _TABLES | {""})
    fine = fine or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS)
    return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY


def same_result(rows: list[tuple[Any, ...]], gold: list[list[Any]]) -> bool:
    """Whether a query gave the true result.

    The values of each true row must be in the query's row at the same position, in any order of columns. A query may give
    more columns (such as a count next to the mean), but not more rows.
    """
    return len(rows) == len(gold) and all(_holds(row, true) for row, true in zip(rows, gold, strict=True))


def _holds(row: tuple[Any, ...], true: list[Any]) -> bool:
    left = list(row)
    for value in true:
        match = next((i for i, other in enumerate(left) if _equal(other, value)), None)
        if match is None:
            return False
        left.pop(match)
    return True


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(a == b)
