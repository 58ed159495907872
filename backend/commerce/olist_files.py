"""CSV files as people keep them: any encoding, separator and quoting, with columns nobody asked for."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from backend.errors import UserError

MOST_BYTES = 1_000_000_000
"""A larger file is rejected: it would not fit in memory together with the others (Olist's largest has 60 MB)."""
_NOTHING = ["", "N/A", "n/a", "NA", "NULL", "null", "None", "NaN", "nan", "NaT", "<NA>", "#N/A", "-", r"\N"]
_HEAD = 65_536
_MANGLED = "Ã"
"""UTF-8 read as Latin-1 has this letter in place of most of Portuguese's accents."""


def snake(name: str) -> str:
    """A column's or file's name in snake case: "Order ID" and "orderId" -> "order_id"."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip().strip("\"'"))
    return re.sub(r"\W+", "_", name).strip("_").lower()


def csv_files(folder: Path) -> list["CsvFile"]:
    """The CSV files in ``folder``; in its sub-folders, where it has none of its own. None of them is opened here."""
    for pattern in ("*", "*/*", "*/*/*"):
        paths = sorted(p for p in folder.glob(pattern) if p.suffix.lower() in (".csv", ".tsv", ".txt") and p.is_file())
        if paths:
            return [CsvFile(path) for path in paths]
    return []


@dataclass(frozen=True)
class CsvFile:
    """A file, and what its first bytes say about it."""

    path: Path

    @cached_property
    def _start(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(_HEAD)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self._start.strip()

    @property
    def is_pointer(self) -> bool:
        """Whether it only says where Git LFS keeps the data."""
        return self._start.startswith(b"version https://git-lfs")

    @property
    def encodings(self) -> tuple[str, ...]:
        """The encodings to try in turn."""
        if self._start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return ("utf-16",)
        return ("utf-8-sig", "cp1252", "latin-1")

    @cached_property
    def _header_line(self) -> str:
        text = self._start.decode(self.encodings[0], errors="replace")
        return next((line for line in text.splitlines() if line.strip()), "")

    @cached_property
    def separator(self) -> str:
        """The one of , ; tab and | that stands in the header most often."""
        return max(",;\t|", key=self._header_line.count)

    @cached_property
    def header(self) -> dict[str, str]:
        """Each column's name in snake case -> as written."""
        names = next(csv.reader([self._header_line], delimiter=self.separator), [])
        return {snake(name): name for name in reversed(names)}

    def read(
        self, columns: set[str], dropped: Counter[tuple[str, str]], mended: Counter[tuple[str, str]]
    ) -> pd.DataFrame:
        """These columns as text, with empty values as missing; lines that are no rows are counted in ``dropped``.

        Raises:
            UserError: it is too large, cut off, or not a table.
        """
        size = self.path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(
                f"{self.path} has {size / 1e9:.1f} GB; files up to {MOST_BYTES / 1e9:.0f} GB are read. Give a part of it: say, "
                "one year of orders"
            )
        for encoding in self.encodings:
            try:
                frame = self._parsed(columns, encoding, dropped)
            except UnicodeDecodeError:
                continue
            except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error, ValueError) as error:
                raise UserError(self._why_unreadable(error)) from error
            if encoding != self.encodings[0]:
                mended[self.path.name, "not UTF-8; read as Windows-1252"] = 1
            return _unmangled(frame, self.path.name, mended)
        raise UserError(f"{self.path} is no text. Download it again")

    def _parsed(self, columns: set[str], encoding: str, dropped: Counter[tuple[str, str]]) -> pd.DataFrame:
        how = {
            "sep": self.separator,
            "dtype": "str",
            "encoding": encoding,
            "keep_default_na": False,
            "na_values": _NOTHING,
        }
        try:
            return pd.read_csv(self.path, **how)[list(columns)]
        except pd.errors.ParserError as error:
            if "Expected" not in str(error):
                raise

        def count(_: list[str]) -> None:
            dropped[self.path.name, "a line with more fields than the header"] += 1

        return pd.read_csv(self.path, engine="python", on_bad_lines=count, **how)[list(columns)]

    def _why_unreadable(self, error: Exception) -> str:
        text = str(error).strip()
        if "EOF inside string" in text or "unexpected end of data" in text:
            row = "".join(c for c in text.rpartition("row")[2] if c.isdigit())
            return f"{self.path}: row {row or '?'} opens a quote that is never closed: the file was cut off. Download it again"
        return f"{self.path} cannot be read as CSV: {text}. Download it again, or save it as CSV with commas"


def _unmangled(frame: pd.DataFrame, file: str, mended: Counter[tuple[str, str]]) -> pd.DataFrame:
    """The frame with its accents, where UTF-8 was once read as Latin-1 ("nÃ£o")."""
    for column in frame.columns:
        mangled = frame[column].str.contains(_MANGLED, regex=False, na=False)
        if not mangled.any():
            continue
        whole = frame.loc[mangled, column].map(_whole)
        changed = int((whole != frame.loc[mangled, column]).sum())
        if changed:
            frame.loc[mangled, column] = whole
            mended[file, "accents that an earlier conversion had broken, mended"] += changed
    return frame


def _whole(text: str) -> str:
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text
