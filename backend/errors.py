"""The exception whose message is meant for the user, and helpers that report a file's bad rows in one."""

import json
from collections.abc import Sequence

from pydantic import ValidationError

_MOST_SHOWN = 10


class UserError(Exception):
    """Something the user can fix: the message says what was wrong, where, and what to do next.

    Command lines print it without a traceback and exit with 2; pages show it in place.
    """


def bad_rows(what: str, bad: Sequence[str]) -> UserError:
    """The error for a file that is rejected because of bad rows: how many there are, and the first ten."""
    more = f"\n… and {len(bad) - _MOST_SHOWN} more" if len(bad) > _MOST_SHOWN else ""
    return UserError(f"{len(bad)} {what} are bad; nothing was imported:\n" + "\n".join(bad[:_MOST_SHOWN]) + more)


def reason(error: Exception) -> str:
    """Why a row of a file was rejected, in words."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg} at column {error.colno})"
    return str(error)
