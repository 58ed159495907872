"""How every command line here ends, and the old doors to those that have moved into ``backend.commands``."""

import sys
from importlib import import_module

import typer

from backend.errors import UserError


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
