"""How every command line here ends: a user's error is a message and exit code 2, not a traceback."""

import sys

import typer

from backend.errors import UserError


def command_line(app: typer.Typer) -> None:
    """Run a typer app."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
