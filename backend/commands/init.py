"""Write a small reward file to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from backend.errors import UserError

app = typer.Typer(add_completion=False)

TEMPLATE = '''"""Reward functions for `workbench audit`, `open` and `train`; TRL calls the same ones in GRPO."""


def correct(completions, answer, **kwargs):
    """A batch, as TRL calls it: one number for each completion, None where it does not apply."""
    return [1.0 if a and a.lower() in c.lower() else 0.0 for c, a in zip(completions, answer)]


def short(completion):
    """One row: the parameters' names say what is handed over (prompt, or any column of the data)."""
    return 1.0 if len(completion.split()) <= 80 else 0.0


WEIGHTS = {"correct": 1.0, "short": 0.2}
GUIDELINE = "Would you send this answer as it is? 1 useless … 3 usable after correction … 5 excellent"
'''


@app.command()
def init(file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("my_rewards.py")) -> None:
    """Write a reward file of two functions, to be changed."""
    if file.exists():
        raise UserError(f"{file} exists; give another name")
    file.write_text(TEMPLATE, encoding="utf-8")
    typer.echo(f"wrote {file}; next: workbench open {file} completions.jsonl")
