"""Measure whether a completion's query gives the true result. This is the only reward component that executes something
(profiles v5-exec and v5).

The query is written by a model, so it is not trusted. sqlglot must parse it as a single SELECT over the shop's tables.
SQLite opens the file read-only, and its authorizer allows only reading those tables and calling harmless functions.
Parsing and running happen in a process of their own, which ends with the query that passes ``SECONDS`` of CPU time (a half more
by the clock) or its memory (``backend.commerce.sql_worker``). At most ``MOST_ROWS`` rows are fetched, and at most a megabyte.

What is measured has versions, and a profile names its own, which is part of its fingerprint. ``sql-execution/1`` (v5-exec) compares
row by row; ``sql-execution/3`` (v5, and whoever calls ``measure``) takes any tie-break of equal rank, knows the names of CTEs, tells a
query from a constant (``sql_results``), and also measures whether the explanation states the result (``sql_statement``). Version 2 was
never released. If you
change what one of them measures, make a new version.
"""

import json
import sqlite3
import time
from contextlib import closing
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import expressions as sql

from backend.commerce import sql_worker
from backend.commerce.shop import open_shop, shop_identity
from backend.commerce.sql_results import TABLES as _TABLES
from backend.commerce.sql_results import asks_the_data, holds, is_true_result, parsed
from backend.commerce.sql_statement import stated
from backend.errors import UserError
from rewards.commerce.sql_qa import statements
from rewards.commerce.v5.sql_qa import first_query
from rewards.types import Columns, Profile, Result

VERSIONS = ("sql-execution/1", "sql-execution/3")
VERSION = VERSIONS[-1]
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
_RAN = 0.2
_MAY_ADD, _UNASKED = 2, 0.15
"""How many columns beside those asked for cost nothing, and what each more costs: a row of all measures answers no question."""
_FUNCTIONS = frozenset(
    """abs avg cast coalesce count date datetime ifnull iif instr julianday length lower max min nullif printf replace
    round strftime substr substring sum time total trim ltrim rtrim upper like glob group_concat row_number rank
    dense_rank ntile lag lead first_value last_value""".split()
)


def measured(completion: str, columns: Columns, profile: Profile, shop: Path) -> dict[str, float]:
    """The share of the component ``execution`` and, from version 2, of ``stated``.

    Raises:
        UserError: the profile needs a version that is not known here, or the prompts were made from another shop.
    """
    if profile.measured_by not in VERSIONS:
        raise UserError(
            f"profile {profile.name} asks for {profile.measured_by}, and this version measures {', '.join(VERSIONS)}"
        )
    execution = measure(completion, columns, shop, profile.measured_by)
    if profile.measured_by == VERSIONS[0]:
        return {"execution": execution}
    gold = columns.get("gold_result")
    if not isinstance(gold, list) or not gold:
        return {"execution": execution, "stated": 0.0}
    _, prose = first_query(completion)
    return {
        "execution": execution,
        "stated": stated(prose, gold, str(columns.get("gold_sql", "")), execution == 1.0),
    }


class Refused(Exception):
    """The query was refused; the message says why."""


def measure(completion: str, columns: Columns, shop: Path, version: str = VERSION) -> float:
    """How right the completion's first query is, from 0 to 1.

    Args:
        completion: what the model wrote.
        columns: the prompt's facts; ``gold_result`` is the true result, ``gold_sql`` the query that gives it, ``shop`` the hash
            of the data it was computed on.
        shop: commerce.db.
        version: of ``VERSIONS``.

    Returns:
        1 if the query's result is the true one (numbers to half a percent, columns in any order, less for more than two that
        nobody asked for); 0.2 if the query runs and
        gives another result; 0 if there is no query, or it is refused, fails or takes too long. Prompts without a gold result
        give 0. In version 1 the rows must stand in the gold result's order; in version 2 rows of equal rank may stand in any,
        also where a limit cuts them off, CTEs may have names, and the query must also be right on half of the orders.

    Raises:
        UserError: the prompt was made from another shop, so that every result would be wrong.
    """
    gold, gold_sql = columns.get("gold_result"), str(columns.get("gold_sql", ""))
    first = version == VERSIONS[0]
    query = _first_statement(completion) if first else first_query(completion)[0]
    if not isinstance(gold, list) or not query:
        return 0.0
    changed = shop.stat().st_mtime_ns if shop.exists() else 0
    true = json.dumps(gold)
    _same_shop(str(columns.get("shop", "")), gold_sql, true, shop, changed)
    return _measured(query, true, shop, changed) if first else _measured_2(query, true, gold_sql, shop, changed)


def _first_statement(completion: str) -> str:
    spans = statements(completion)
    return completion[slice(*spans[0])] if spans else ""


@lru_cache(maxsize=8192)
def _measured(query: str, gold: str, shop: Path, changed: int) -> float:
    try:
        rows = run_query(query, shop, named=False)
    except Refused:
        return 0.0
    return 1.0 if same_result(rows, json.loads(gold)) else _RAN


@lru_cache(maxsize=8192)
def _measured_2(query: str, gold: str, gold_sql: str, shop: Path, changed: int) -> float:
    def run(sql_text: str) -> list[tuple[Any, ...]] | None:
        return _rows(sql_text, shop, changed)

    if (rows := run(query)) is None:
        return 0.0
    true = json.loads(gold)
    right = is_true_result(rows, true, gold_sql, run) and asks_the_data(query, true, gold_sql, run)
    unasked = len(rows[0]) - len(true[0]) if right and rows and true else 0
    return max(_RAN, 1.0 - _UNASKED * max(0, unasked - _MAY_ADD)) if right else _RAN


@lru_cache(maxsize=2048)
def _rows(query: str, shop: Path, changed: int) -> list[tuple[Any, ...]] | None:
    """A query's rows; None where it is refused or fails."""
    try:
        return run_query(query, shop)
    except Refused:
        return None


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


def run_query(query: str, shop: Path, seconds: float = SECONDS, named: bool = True) -> list[tuple[Any, ...]]:
    """The rows of one SELECT, run in a process whose time and memory are limited (``backend.commerce.sql_worker``).

    Args:
        query: of a model.
        shop: commerce.db.
        seconds: after which it is ended.
        named: whether CTEs are known by their names; not so in version 1, which refused to count the rows of one.

    Raises:
        Refused: it is not a single SELECT over the shop's tables, SQLite rejects it, or it passes a limit.
        UserError: there is no shop at this path.
    """
    try:
        return sql_worker.run(query, shop, seconds, named)
    except sql_worker.NotRun as error:
        raise Refused(str(error)) from error


def result_of(completion: str, shop: Path) -> Result:
    """What a completion's first query gives on the shop at this path, or why it gives nothing."""
    query, _ = first_query(completion)
    if not query:
        return Result(why="there is no query")
    try:
        rows = run_query(query, shop)
    except (Refused, UserError) as error:
        return Result(why=str(error))
    width = len(rows[0]) if rows else 0
    tree = parsed(query)
    names = tuple(tree.named_selects) if tree is not None else ()
    return Result(names if len(set(names)) == width else tuple(map(str, range(1, width + 1))), tuple(rows))


def run_here(query: str, shop: Path, seconds: float, named: bool = True) -> list[tuple[Any, ...]]:
    """As ``run_query``, in this process: the worker's, which the system ends where this function cannot."""
    own = check(query)
    known = own if named else frozenset[str]()
    with closing(open_shop(shop)) as db:
        for pragma in ("query_only = ON", "temp_store = MEMORY", f"hard_heap_limit = {_SQLITE_BYTES}"):
            db.execute(f"PRAGMA {pragma}")
        for limit, most in _LIMITS.items():
            db.setlimit(limit, most)
        db.set_authorizer(partial(_allowed, known))
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


def check(query: str) -> frozenset[str]:
    """Check that a query is a single SELECT over the shop's tables, and return the names of its CTEs.

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
    return frozenset(own)


def _allowed(own: frozenset[str], action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """SQLite's authorizer, which it calls for each part of a statement before compiling it.

    A CTE of which no column is read (``SELECT COUNT(*) FROM it``) is asked for by its own name, without a column.
    """
    fine = action == sqlite3.SQLITE_SELECT
    fine = fine or (action == sqlite3.SQLITE_READ and (first or "").lower() in own and not second)
    fine = fine or (action == sqlite3.SQLITE_READ and (first or "").lower() in _TABLES | {""})
    fine = fine or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS)
    return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY


def same_result(rows: list[tuple[Any, ...]], gold: list[list[Any]]) -> bool:
    """Whether a query gave the true result, row by row (version 1).

    The values of each true row must be in the query's row at the same position, in any order of columns. A query may give
    more columns (such as a count next to the mean), but not more rows.
    """
    return len(rows) == len(gold) and all(holds(row, true) for row, true in zip(rows, gold, strict=True))
