"""Parquet: one file, or a folder of them as TRL writes with ``log_completions`` (``completions_00010.parquet``, …)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.data.sources.limits import too_wide
from backend.errors import UserError

_BATCH = 2_000


def reads(path: Path) -> bool:
    """Whether it is a Parquet file, or a folder that holds some."""
    return path.suffix.lower() == ".parquet" if path.is_file() else any(path.glob("*.parquet"))


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    """Rows in the files' order, read in batches.

    Raises:
        UserError: a file cannot be read.
    """
    for file in [path] if path.is_file() else sorted(path.glob("*.parquet")):
        yield from _rows_of(file, "" if path.is_file() else f"{file.name} ")


def _rows_of(file: Path, named: str) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(file) as table:
            if wide := too_wide(len(table.schema_arrow.names)):
                raise UserError(f"{file} has {wide}")
            for batch in table.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{named}row {number}", {name: value for name, value in row.items() if value is not None}
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"cannot read {file} as Parquet: {str(error).splitlines()[0]}") from error
