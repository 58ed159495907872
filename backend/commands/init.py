"""Write a small reward file to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.errors import UserError
from backend.suites.reward_file import TEMPLATE

app = Commands(add_completion=False)


@app.command()
def init(file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("my_rewards.py")) -> None:
    """Write a reward file of two functions, to be changed."""
    if file.exists():
        raise UserError(f"{file} exists; give another name")
    file.write_text(TEMPLATE, encoding="utf-8")
    typer.echo(f"wrote {file}; next: workbench open {file} completions.jsonl")
    answer({"file": file})
