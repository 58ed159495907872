"""The recorded example from the terminal.

workbench example load             # what the first start does
workbench example record           # train nano under v4.2.1 and v5, and write examples/ anew (`make example`)
workbench example record RUN RUN   # the same from two runs that have finished
workbench example attack           # write examples/attacks.jsonl anew, in a store that holds the example alone; then what
                                   # each text that was read earns under each version
"""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.errors import UserError
from backend.release.example import ATTACKS, EXAMPLES, FOLDERS, load_example, record_attacks, record_values
from backend.release.example import record as record_example
from backend.release.start import first_start
from backend.store.engine import reading
from backend.store.tables import Run

app = Commands(help=__doc__, no_args_is_help=True)


@app.command()
def load() -> None:
    """Load the example into the store."""
    first_start()
    load_example()
    typer.echo("the example is loaded")
    answer({"loaded": True})


@app.command()
def record(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Two finished nano runs, under v4.2.1 and under v5; trained when left out."),
    ] = None,
) -> None:
    """Write the runs' records, and which answers the readers score; the scores of unchanged answers stay."""
    with reading() as session:
        rows = [session.get(Run, run) for run in runs or [_trained(profile) for profile in ("v4.2.1", "v5")]]
        folders = [Path(row.folder) for row in rows if row is not None and row.status == "finished"]
    if len(folders) != len(FOLDERS):
        raise UserError(f"name {len(FOLDERS)} runs that have finished, the one under v4.2.1 first")
    unrated = record_example(dict(zip(FOLDERS, folders, strict=True)))
    typer.echo(f"recorded in {EXAMPLES}; {unrated} answers carry no scores")
    answer({"runs": folders, "folder": EXAMPLES, "unrated": unrated})


def _trained(profile: str) -> str:
    """Train nano under a version of the rewards; the run's id."""
    from backend.runs.create import create_run
    from backend.runs.worker import work
    from backend.training.config import get_preset, override

    run = create_run(override(get_preset("nano"), {"profile": profile, "rollout_share": 0.1}))
    work(run)
    return run


@app.command()
def attack() -> None:
    """Attack every task under both versions of the rewards, 20,000 calls each; the scores of unchanged finds stay."""
    record_attacks()
    record_values()
    typer.echo(f"wrote {ATTACKS}")
    answer({"file": ATTACKS})
