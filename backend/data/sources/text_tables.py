"""JSONL and CSV, plain or packed with gzip, read line by line."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from backend.data.sources.limits import too_wide
from backend.errors import UserError
from backend.files import LONGEST_LINE, csv_records, load_users_json


def reads_jsonl(path: Path) -> bool:
    """Whether the name says JSONL."""
    return path.is_file() and _kind(path) in (".jsonl", ".ndjson")


def reads_csv(path: Path) -> bool:
    """Whether the name says CSV."""
    return path.is_file() and _kind(path) in (".csv", ".tsv")


def jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    """One object a line; empty lines do not count."""
    with _opened(path) as file:
        for number, line in _lines(path, file):
            if line.strip():
                yield str(number), _object(line)


def csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    """A row a record, under the header's names; a number stands as text."""
    with _opened(path) as file:
        lines = (line for _, line in _lines(path, file))
        records = csv_records(lines, path, "\t" if _kind(path) == ".tsv" else ",")
        _, header = next(records, (1, []))
        if wide := too_wide(len(header)):
            raise UserError(f"{path} has {wide}")
        for number, cells in records:
            if len(cells) > len(header):
                yield str(number), ValueError("more cells than the header has names")
            elif cells:
                yield str(number), {k: v for k, v in zip(header, cells, strict=False) if k and v}


def _kind(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _opened(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _lines(path: Path, file: IO[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines; what is wrong with the file itself is said with its name."""
    number = 0
    try:
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise UserError(f"{path}:{number}: the line has more than {LONGEST_LINE} characters; split it")
            yield number, line
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise UserError(f"cannot read {path}: {error}. Give UTF-8 text") from error


def _object(line: str) -> dict[str, Any] | ValueError:
    try:
        value = load_users_json(line)
    except ValueError as error:
        return error
    if not isinstance(value, dict):
        return ValueError("the line is no JSON object")
    wide = too_wide(len(value))
    return ValueError(wide) if wide else value
