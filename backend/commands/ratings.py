"""The audit from a terminal.

workbench ratings gates --decide Ana      # judge every rated task's reward and keep the decisions
workbench ratings export ratings.csv      # or .jsonl; raters under pseudonyms
workbench ratings import ratings.jsonl    # JSONL, CSV, or an Argilla or Label Studio JSON export
workbench ratings preferences pairs.jsonl # what raters chose on Compare, as TRL's preference data (or .parquet)
"""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from backend.audit.exchange import import_ratings, read_ratings, write_ratings
from backend.audit.gates import decide_gates, standing_gates
from backend.audit.preferences import write_preferences
from backend.cli import Commands, answer
from backend.store.engine import in_parts, in_transaction, reading, writing
from backend.suites import default_profile

app = Commands(help=__doc__, no_args_is_help=True)


@app.command()
def gates(
    profile: Annotated[str, typer.Option(help="Version of the reward rules; the suite's default when left out.")] = "",
    decide: Annotated[str, typer.Option(help="Decide anew, in this name.")] = "",
) -> None:
    """The standing decision on each task's reward."""
    profile = profile or default_profile()
    if decide:
        with writing() as session:
            decide_gates(session, profile, decide)
    with reading() as session:
        standing = standing_gates(session, profile)
    for task, gate in standing.items():
        typer.echo(f"{task:<16}{gate.verdict:<22}{gate.reason}")
    if not standing:
        typer.echo(f"no decision on {profile} yet; `workbench ratings gates --decide NAME` makes one")
    gates = [{"task": task, "verdict": gate.verdict, "reason": gate.reason} for task, gate in standing.items()]
    answer({"profile": profile, "gates": gates})


@app.command()
def export(file: Path) -> None:
    """Write every rating to a .csv or .jsonl file."""
    with reading() as session:
        wrote = write_ratings(session, file)
    typer.echo(f"wrote {wrote} ratings to {file}")
    answer({"file": file, "ratings": wrote})


@app.command(name="import")
def import_(file: Path) -> None:
    """Take the ratings of a file into the store, in parts, so that raters need not wait; the same file again adds nothing."""
    records = read_ratings(file)
    for part in in_parts(records):
        in_transaction(partial(import_ratings, records=list(part)))
    typer.echo(f"imported {len(records)} ratings")
    answer({"file": file, "ratings": len(records)})


@app.command()
def preferences(file: Path) -> None:
    """Write the pairs that raters chose from to a .jsonl or .parquet file: prompt, chosen, rejected."""
    with reading() as session:
        wrote = write_preferences(session, file)
    typer.echo(f"wrote {wrote} pairs to {file}")
    answer({"file": file, "pairs": wrote})
