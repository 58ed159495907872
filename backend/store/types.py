"""Column types that take the same values on SQLite and on PostgreSQL, and give the same back.

SQLite keeps whatever it is given, and PostgreSQL refuses some of it in the middle of a transaction. Here a value is checked
before it is sent to either. Times are UTC, with their zone, whatever the database's own zone is.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect
from sqlalchemy import String as PlainString
from sqlalchemy import Text as PlainText
from sqlalchemy.types import TypeDecorator

from backend.errors import UserError
from backend.files import check_text

_as_it_is: ContextVar[bool] = ContextVar("as_it_is", default=False)


@contextmanager
def as_it_is() -> Iterator[None]:
    """In this block nothing is checked: a backup takes what is there."""
    token = _as_it_is.set(True)
    try:
        yield
    finally:
        _as_it_is.reset(token)


def problem(type_: Any, value: Any) -> str:
    """Why a column of this type cannot keep the value; "" where it can."""
    if isinstance(value, str) and isinstance(type_, String | Text):
        most = getattr(type_.impl_instance, "length", None)
        if most is not None and len(value) > most:
            return f"{value[:40]!r}… has {len(value)} characters; at most {most} are kept"
        if not value.isascii() or "\x00" in value:
            try:
                check_text(value)
            except ValueError as error:
                return str(error)
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return f"a whole number of {len(str(abs(value)))} digits; at most 18 are kept"
    if isinstance(type_, Json) and value is not None:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            return "infinity, or what is no number, cannot be kept"
    return ""


class _Checked(TypeDecorator[Any]):
    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is not None and not _as_it_is.get() and (why := problem(self, value)):
            raise UserError(f"cannot be stored: {why}")
        return value


class String(_Checked):
    """Text of at most so many characters."""

    impl = PlainString
    cache_ok = True


class Text(_Checked):
    """Text of any length."""

    impl = PlainText
    cache_ok = True


class Json(_Checked):
    """What is read whole."""

    impl = JSON
    cache_ok = True


class UtcTime(TypeDecorator[datetime]):
    """A time, always in UTC and with its zone; one without a zone counts as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _utc(value)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
