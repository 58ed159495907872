"""Completions come from anywhere: one reader per kind of file, each giving the same rows.

A reader says which files it reads and yields (place, row) pairs, where a row is a dictionary of columns. What the columns mean is
decided once, in ``layout``. A new source is one module and an entry in ``READERS``.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from backend.data.sources import inspect_log, json_table, parquet, run_folder, text_tables, verifiers_traces
from backend.errors import UserError

RawRow = tuple[str, dict[str, Any] | ValueError]
"""(where it stands, the row); a row that cannot be read comes as the error it gave."""

READERS: tuple[tuple[str, Callable[[Path], bool], Callable[[Path], Iterator[RawRow]]], ...] = (
    ("Parquet of a run's rollouts (its folder, or a part of it)", run_folder.reads, run_folder.rows),
    ("Parquet (TRL's logged completions among them), a file or a folder of them", parquet.reads, parquet.rows),
    ("an Inspect log (.eval)", inspect_log.reads, inspect_log.rows),
    ("traces of verifiers (traces.jsonl)", verifiers_traces.reads, verifiers_traces.rows),
    ("JSONL, also packed as .gz", text_tables.reads_jsonl, text_tables.jsonl_rows),
    ("CSV, also packed as .gz", text_tables.reads_csv, text_tables.csv_rows),
    (
        "a JSON table (a list of objects, or columns and data as wandb and Trackio write it)",
        json_table.reads,
        json_table.rows,
    ),
)
"""(what it is, whether a path is one, its rows); the first that fits reads."""


def columns_of(path: Path) -> list[str]:
    """The columns of a file's first rows.

    Raises:
        UserError: as ``raw_rows``.
    """
    rows = [row for _, row in islice(raw_rows(path), 20) if isinstance(row, dict)]
    return list(dict.fromkeys(name for row in rows for name in row))


def raw_rows(path: Path) -> Iterator[RawRow]:
    """The rows of a file or folder, one by one.

    Raises:
        UserError: it is not there, cannot be read, or is of no known kind.
    """
    if not path.exists():
        raise UserError(f"there is no file {path}")
    for _, reads, rows in READERS:
        if reads(path):
            return rows(path)
    known = "; ".join(what for what, _, _ in READERS)
    raise UserError(f"{path} is of no known kind. These are read: {known}")
