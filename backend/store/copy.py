"""Copy everything in one store into another: from SQLite to PostgreSQL or back, or into a backup file.

The source is read in one transaction that sees no later change, so the copy is one consistent state even while people
rate. At the end, the rows and checksums of both sides are compared; if they differ, nothing is kept in the target.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text
from sqlalchemy.exc import StatementError

from backend.errors import UserError
from backend.files import name_aside
from backend.store.engine import get_engine
from backend.store.tables import Base
from backend.store.types import as_it_is, problem

_BATCH = 2_000


@dataclass(frozen=True)
class Copied:
    """One table: how many rows, and a checksum over them that does not depend on their order."""

    table: str
    rows: int
    checksum: str


def copy_store(source: str, target: str, on_table: Callable[[str, int], None] = lambda *_: None) -> list[Copied]:
    """Copy every table.

    Args:
        source, target: SQLAlchemy URLs; both are brought to this version's schema, and the target must hold no rows.
        on_table: called with each table's name and number of rows when the table is done.

    Returns:
        What was copied, one item per table.

    Raises:
        UserError: a database cannot be opened, both are the same, the target is not empty, or what arrived differs from
            what was sent. The target is then as it was.
    """
    a, b = get_engine(source), get_engine(target)
    if a.url == b.url:
        raise UserError("source and target are the same database")
    snapshot = a.execution_options(isolation_level="REPEATABLE READ") if a.dialect.name == "postgresql" else a
    with snapshot.connect() as read, b.execution_options(writes=True).begin() as write:
        read.execute(select(1))  # on SQLite the transaction begins here
        for table in Base.metadata.sorted_tables:
            if write.execute(select(func.count()).select_from(table)).scalar():
                raise UserError(f"{b.url.render_as_string()} holds rows in {table.name}: give an empty database")
        sent, copied = {}, []
        for table in Base.metadata.sorted_tables:
            sent[table.name] = _copy(read, write, table)
            on_table(table.name, sent[table.name].rows)
        for table in Base.metadata.sorted_tables:
            arrived = summed(table, _rows(write, table))
            if arrived != sent[table.name]:
                raise UserError(
                    f"{table.name}: {arrived.rows} rows arrived of {sent[table.name].rows}, or with other content"
                )
            copied.append(arrived)
        if b.dialect.name == "postgresql":
            _continue_ids(write)
    return copied


def back_up(url: str, path: Path) -> list[Copied]:
    """Write a backup of a store: one SQLite file, complete or not there at all, which its owner alone can read.
    ``copy_store`` from it restores it.

    Raises:
        UserError: the file exists or cannot be written, or the store cannot be read.
    """
    if path.exists():
        raise UserError(f"{path} exists; give another name, or move it away")
    aside = name_aside(path)
    target = f"sqlite:///{aside.resolve()}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.touch(mode=0o600)  # it holds everyone's ratings; SQLite's files beside it get the same mode
        with as_it_is():
            copied = copy_store(url, target)
        engine = get_engine(target)
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")  # so that everything is in the one file
        engine.dispose()
        aside.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    finally:
        for left in path.parent.glob(f"{aside.name}*"):
            left.unlink(missing_ok=True)
    return copied


def summed(table: Table, rows: Iterator[dict[str, Any]]) -> Copied:
    """Count rows and compute their checksum."""
    count, total = 0, 0
    for row in rows:
        count += 1
        total += _digest(row)
    return Copied(table.name, count, f"{total % 2**128:032x}")


def _copy(read: Connection, write: Connection, table: Table) -> Copied:
    return summed(table, _written(_rows(read, table), write, table))


def _written(rows: Iterator[dict[str, Any]], write: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """Write the rows in batches, and yield each row after it is written."""
    while batch := list(islice(rows, _BATCH)):
        try:
            write.execute(insert(table), batch)
        except StatementError as error:
            raise UserError(_refused(table, batch, error)) from error
        yield from batch


def _refused(table: Table, batch: list[dict[str, Any]], error: StatementError) -> str:
    """Which row of a batch the target cannot keep, and what helps."""
    for row in batch:
        for column in table.columns:
            if why := problem(column.type, row[column.name]):
                which = ", ".join(f"{key.name} = {row[key.name]!r}" for key in table.primary_key.columns)
                return (
                    f"the row {which} of {table.name} cannot be copied: {column.name}, {why}. Correct that value in the source "
                    f"(UPDATE {table.name} SET {column.name} = … WHERE {which}) and copy again; nothing was copied"
                )
    return f"{table.name} cannot be copied: {str(error.orig).strip().splitlines()[0]}; nothing was copied"


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """Every row; rows that refer to another row of the same table come last."""
    own = [c for c in table.columns if any(key.column.table is table for key in c.foreign_keys)]
    query = select(table).order_by(*(c.is_not(None) for c in own), *table.primary_key.columns)
    for row in connection.execution_options(yield_per=_BATCH).execute(query).mappings():
        yield dict(row)


def _digest(row: dict[str, Any]) -> int:
    plain = json.dumps([_plain(row[name]) for name in sorted(row)], sort_keys=True, ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()[:16], "big")


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)  # one database's 3.0 is the other's 3
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def _continue_ids(connection: Connection) -> None:
    """Set PostgreSQL's id sequences past the copied ids, which the sequences do not know."""
    for table in Base.metadata.sorted_tables:
        if "id" in table.columns and table.columns["id"].type.python_type is int:
            connection.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                    f"COALESCE((SELECT MAX(id) FROM {table.name}), 0) + 1, false)"
                )
            )
