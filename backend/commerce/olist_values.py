"""Values in CSV files as people write them: numbers, days, states, postal codes."""

import re
from collections.abc import Mapping

import pandas as pd

from backend.commerce.shop import STATE_CODES
from rewards.text import fold

_YEAR_FIRST = r"^(?P<year>\d{4})[-/.]?(?P<month>\d{1,2})[-/.]?(?P<day>\d{1,2})(?!\d)"
_YEAR_LAST = r"^(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.](?P<year>\d{4}|\d{2})(?!\d)"
_SERIAL = r"^[2-6]\d{4}(?:[.,]\d+)?$"
_WITH_A_MONTHS_NAME = r"\d.*[A-Za-z]{3}|[A-Za-z]{3}.*\d"


def numbers(values: pd.Series) -> pd.Series:
    """Texts as numbers, with a decimal point or comma, with or without "R$"; a text that is not a number becomes missing."""
    plain = pd.to_numeric(values, errors="coerce").astype(float)
    rest = plain.isna() & values.notna()
    if rest.any():
        plain[rest] = pd.to_numeric(values[rest].map(_with_a_point), errors="coerce")
    return plain.where(plain.abs() < 1e9)


def _with_a_point(text: str) -> str:
    """ "R$ 1.234,56" and "1,234.56" -> "1234.56"; one point before three digits parts thousands."""
    text = re.sub(r"R\$|\s", "", text)
    if "," in text and "." in text:
        thousands = "," if text.rindex(".") > text.rindex(",") else "."
        return text.replace(thousands, "").replace(",", ".")
    return re.sub(r"\.(?=\d{3}(?:\D|$))", "", text).replace(",", ".")


def days(columns: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Time stamps of one file as ISO days ("2017-10-02"); other texts become missing.

    Year first, or day or month first: where one number of any row is over 12, it is the day; otherwise the day is first.
    Also a spreadsheet's count of days, and a month's name.
    """
    texts = {name: values.str.strip() for name, values in columns.items()}
    parts = pd.concat([text.str.extract(_YEAR_LAST) for text in texts.values()])
    month_first = not (pd.to_numeric(parts["first"]) > 12).any() and bool((pd.to_numeric(parts["second"]) > 12).any())
    return {name: _days(text, month_first) for name, text in texts.items()}


def _days(text: pd.Series, month_first: bool) -> pd.Series:
    found = text.str.extract(_YEAR_FIRST)
    last = text.str.extract(_YEAR_LAST)
    day, month = ("second", "first") if month_first else ("first", "second")
    year = last["year"].where(last["year"].str.len() == 4, "20" + last["year"])
    iso = found["year"] + "-" + found["month"] + "-" + found["day"]
    iso = iso.where(found["year"].notna(), year + "-" + last[month] + "-" + last[day])
    parsed = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")
    left = parsed.isna() & text.notna()
    if left.any():
        rest = text[left]
        serial = rest[rest.str.match(_SERIAL)].str.replace(",", ".", regex=False).astype(float)
        parsed.loc[serial.index] = pd.to_datetime(serial // 1, unit="D", origin="1899-12-30").astype(parsed.dtype)
        named = rest[rest.str.contains(_WITH_A_MONTHS_NAME)]
        read = pd.to_datetime(named, format="mixed", dayfirst=True, errors="coerce", utc=True)
        parsed.loc[named.index] = read.dt.tz_localize(None).astype(parsed.dtype)
    return parsed.where((parsed.dt.year >= 1990) & (parsed.dt.year <= 2100)).dt.strftime("%Y-%m-%d")


def states(values: pd.Series) -> pd.Series:
    """States as two letters, also where the whole name is written; other texts stay, in capitals."""
    return values.map(lambda text: STATE_CODES.get(fold(text.strip()), text.strip().upper()), na_action="ignore")


def postal_codes(values: pd.Series) -> pd.Series:
    """Postal code prefixes without leading zeros, because spreadsheets drop them."""
    code = values.str.replace(r"\..*$", "", regex=True).str.strip().str.lstrip("0")
    return code.where(code != "")
