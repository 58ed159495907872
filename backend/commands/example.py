"""The recorded example from the terminal.

workbench example load       # what the first start does
workbench example record     # train nano and write examples/ anew (`make example`)
workbench example record RUN # the same from a run that has finished
"""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.errors import UserError
from backend.files import write_json
from backend.release.example import EXAMPLES, RUN_FOLDER, copy_record, first_start, load_example, record_completions
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
    run: Annotated[str, typer.Argument(help="Id of a finished nano run; trained first when left out.")] = "",
) -> None:
    """Write examples/ anew: a run's record, and nano's completions with the ratings of those that are unchanged."""
    if not run:
        from backend.runs.create import create_run
        from backend.runs.worker import work
        from backend.training.config import get_preset

        run = create_run(get_preset("nano"))
        work(run)
    with reading() as session:
        row = session.get(Run, run)
    if row is None or row.status != "finished":
        raise UserError(f"there is no finished run {run}")
    copy_record(Path(row.folder), RUN_FOLDER)
    write_json(RUN_FOLDER / "run.json", {"status": row.status, "reason": row.reason})
    unrated = record_completions()
    typer.echo(f"recorded {run} in {EXAMPLES}; {unrated} completions carry no rating")
    answer({"run": run, "folder": EXAMPLES, "unrated": unrated})
