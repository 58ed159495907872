"""nano from the terminal: build it, or say where it already is."""

import os
import shutil
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.models.nano import ensure_nano
from backend.models.nano_cache import nano_path

app = Commands(add_completion=False)


@app.command()
def main(
    rebuild: Annotated[bool, typer.Option(help="Build again even when cached.")] = False,
    nice: Annotated[int, typer.Option(help="Lower the process's priority by this much.", min=0, max=19)] = 0,
) -> None:
    """Build nano (two to three minutes on two cores), or say where it already is."""
    os.nice(nice)
    if rebuild:
        shutil.rmtree(nano_path(), ignore_errors=True)
    folder = ensure_nano()
    typer.echo(f"nano is at {folder}")
    answer({"model": "nano", "folder": folder})
