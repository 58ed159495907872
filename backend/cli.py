"""How every command line here ends and answers, and the old doors to those that have moved into ``backend.commands``.

A command says what it did in words, and calls ``answer`` with the same as data. With ``--json``, which every command of a
``Commands`` has, the data go to standard output as one JSON value, and the words to standard error.
docs/schemas/commands.json has the schema of each.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, redirect_stdout
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from inspect import Parameter, signature
from math import isfinite
from typing import Annotated, Any, TextIO, TypeVar

import typer

from backend.errors import UserError
from rewards.types import Text

_json_to: ContextVar[TextIO | None] = ContextVar("json_to", default=None)
"""Where the JSON of the command that runs now goes; None where nobody asked for it."""
_Flag = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output; words go to standard error.")]
T = TypeVar("T", bound=Callable[..., Any])


class Commands(typer.Typer):
    """A typer app whose every command has ``--json``."""

    def command(self, name: str | None = None, **given: Any) -> Callable[[T], T]:
        register = super().command(name, **given)

        def add(function: T) -> T:
            register(_with_json(function))
            return function

        return add


def _with_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with one more option: words go to standard error, so that ``answer`` has standard output alone."""

    @wraps(function)
    def run(*given: Any, as_json: bool, **named: Any) -> None:
        token = _json_to.set(sys.stdout if as_json else None)
        try:
            with redirect_stdout(sys.stderr) if as_json else nullcontext():
                function(*given, **named)
        finally:
            _json_to.reset(token)

    known = signature(function)
    flag = Parameter("as_json", Parameter.KEYWORD_ONLY, default=False, annotation=_Flag)
    run.__signature__ = known.replace(parameters=[*known.parameters.values(), flag])  # type: ignore[attr-defined]
    run.__annotations__ = {**function.__annotations__, "as_json": _Flag}
    return run


def answer(found: Any) -> None:
    """What a command found or did, as data: printed as JSON where that was asked for.

    Args:
        found: dictionaries, lists, text and numbers; what is no finite number becomes null, anything else its text (English, of two languages).
    """
    if (out := _json_to.get()) is not None:
        print(json.dumps(_plain(found), ensure_ascii=False, indent=2), file=out, flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(of) for key, of in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | Text):
        return [_plain(one) for one in value]
    value = value.item() if hasattr(value, "item") else value  # a number of numpy's
    value = value.isoformat() if hasattr(value, "isoformat") else value
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def command_line(app: typer.Typer) -> None:
    """Run a typer app; a user's error is a message and exit code 2, not a traceback."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def run_command(name: str) -> None:
    """Run ``backend.commands.<name>``: what ``python -m backend.data`` and its like do.

    Named in a string, because command lines stand on top of everything: no package imports one.
    """
    command_line(import_module(f"backend.commands.{name}").app)
