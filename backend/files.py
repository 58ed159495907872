"""Write files so that a reader never sees a part of one, and read users' files, which may hold anything."""

import csv
import json
import math
import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from backend.errors import UserError

LARGEST_BYTES = 200_000_000
"""The largest size of a user's file of prompts, ratings or logs; a larger one is rejected before it is read."""

LONGEST_LINE = 10_000_000
"""Characters of one line of JSONL or CSV."""
LONGEST_CELL = 1_000_000
"""Characters of one cell of a CSV file."""


def name_aside(path: Path) -> Path:
    """A temporary name in ``path``'s folder, to write to and then rename; no other process or thread uses it."""
    return path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to a temporary file, then rename it: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = name_aside(path)
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, as ``write_whole`` does."""
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any | None:
    """The content of a JSON file that the workbench writes; None when it is missing or not (yet) complete."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def read_users_text(path: Path) -> str:
    """The text of a user's file; a byte order mark is fine.

    Raises:
        UserError: it cannot be read, is not UTF-8, or is larger than ``LARGEST_BYTES``.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise UserError(f"{path} is larger than {LARGEST_BYTES // 10**6} MB; split it")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}. Give a UTF-8 JSONL, JSON or CSV file.") from error


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number from 1, line) of the lines that are not empty; only a line feed ends a line, as in JSONL."""
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def load_users_line(line: str) -> Any:
    """As ``load_users_json``, of one line of a file.

    Raises:
        ValueError: as there, or the line is longer than ``LONGEST_LINE``.
    """
    if len(line) > LONGEST_LINE:
        raise ValueError(f"the line has {len(line)} characters; at most {LONGEST_LINE} are read")
    return load_users_json(line)


def load_users_json(text: str) -> Any:
    """Parse a user's JSON, and check that every database can store its texts and numbers.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or holds NaN, Infinity, a number beyond what is stored, NUL or half
            a character.
    """
    try:
        if _LARGE.search(text):  # slower, so only where there may be such a number
            value = json.loads(text, parse_constant=_no_number, parse_int=_whole, parse_float=_finite)
        else:
            value = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\" in text or "\x00" in text:  # without an escape or a NUL, every text in it can be stored
        check_text(value)
    return value


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """What a model wrote, with the replacement character in place of what no database keeps: NUL, and half a character."""
    return _UNSTORABLE.sub("\ufffd", text)


def check_text(value: Any) -> None:
    """Check that every text in a value can be stored.

    Raises:
        ValueError: a text in it holds NUL, or a surrogate that is half a character.
    """
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise ValueError("a text holds NUL or half a character (a lone surrogate)")
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_text(key)
            check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            check_text(inner)


_LARGE = re.compile(r"[0-9]{19}|[0-9][eE][+]?[0-9]{3}")


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (value := int(digits)) < 2**63:
        raise ValueError(f"a whole number of {len(digits.lstrip('-'))} digits; at most 18 are kept")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is larger than any number that is kept")
    return value


def csv_records(lines: Iterable[str], path: Path, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file: (the line a record begins on, its cells).

    Raises:
        UserError: a cell is longer than ``LONGEST_CELL``, or its quotes cannot be read; the message names file and line.
    """
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise UserError(
                f"{path}:{begins}: not CSV ({error}). A cell holds at most {LONGEST_CELL} characters, and a quote that opens "
                "one has to be closed"
            ) from error
        if record is None:
            return
        yield begins, record


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number")
