"""Runs from a terminal: list them, see in what two of them differ, start them elsewhere and take them in.

workbench runs list
workbench runs diff RUN RUN
workbench runs places
workbench runs launch RUN --where gpu1 --dry-run
workbench runs sync FOLDER --follow
workbench runs import trainer_state.json --name "last year's run"
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.cli import Commands, answer
from backend.errors import UserError
from backend.runs.handle import LOCAL
from backend.runs.imported import IMPORTED, import_run
from backend.runs.launchers import find_launcher
from backend.runs.places import in_words, rooms
from backend.runs.queue import enqueue
from backend.runs.taken import follow_folder, take_in_folder
from backend.runs.watch import current_runs
from backend.store.engine import reading
from backend.store.runs import run_folder
from backend.store.tables import Run
from backend.training.config import TrainConfig, differences

app = Commands(help=__doc__, no_args_is_help=True)


@app.command("list")
def list_runs() -> None:
    """Every run: id, status, preset, name, and why it ended."""
    found = current_runs()
    for run in found:
        reason = run.reason.splitlines()[0] if run.reason else ""
        typer.echo(f"{run.id:<24}{run.status:<10}{run.preset:<16}{run.name}  {reason}")
    answer([_as_dict(run) for run in found])


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="A run's id.")], b: Annotated[str, typer.Argument(help="Another's.")]
) -> None:
    """The fields in which two runs' configurations differ."""
    left, right = run_config(a), run_config(b)
    changed = differences(left, right)
    for field, (before, after) in changed.items():
        typer.echo(f"{field:<28}{before!s:<28}{after}")
    if not changed:
        typer.echo("the configurations are the same")
    answer({field: {"a": before, "b": after} for field, (before, after) in changed.items()})


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="trainer_state.json, or a JSONL of logged steps.")],
    name: Annotated[str, typer.Option(help="Shown on the pages.")] = "",
) -> None:
    """Take the logs of a run from elsewhere; its curves appear on Runs beside the others."""
    run = import_run(file, name)
    typer.echo(f"imported as {run}")
    answer({"run": run})


@app.command()
def sync(
    folder: Annotated[Path, typer.Argument(help="A run's folder, trained with `run_training.py --folder`.")],
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the run has ended.")] = False,
) -> None:
    """Take a run's folder into the store, once or until its run has ended; repeating it changes nothing."""
    run = follow_folder(folder, typer.echo) if follow else take_in_folder(folder)
    if not follow:
        typer.echo(f"{run.id} {run.status}{f': {run.reason}' if run.reason else ''}")
    for aside in run.set_aside:
        typer.echo(f"set aside: {aside['file']}: {aside['why']}")
    answer({**_as_dict(run), "set_aside": run.set_aside})


@app.command()
def launch(
    run: Annotated[str, typer.Argument(help="A run's id, a new one or one that stopped or failed.")],
    where: Annotated[str, typer.Option(help="A section of launch.toml; this machine when left out.")] = LOCAL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be run there; start nothing.")] = False,
) -> None:
    """Put a run into a place's queue."""
    launcher = find_launcher(where)
    if dry_run:
        script = launcher.script(run_folder(run)).rstrip()
        typer.echo(script)
        answer({"run": run, "where": where, "queued": False, "script": script})
        return
    enqueue(run, where)
    typer.echo(f"{run} waits for {where}; `workbench runs list` says how it is")
    answer({"run": run, "where": where, "queued": True})


@app.command("places")
def places_() -> None:
    """Where runs can be started, and how many run and wait there."""
    found = rooms()
    for name, room in found.items():
        typer.echo(f"{name:<24}{in_words(room)}")
    answer([{"place": name, **asdict(room), "free": room.free} for name, room in found.items()])


def _as_dict(run: Run) -> dict[str, Any]:
    fields = ("id", "name", "preset", "status", "reason", "seed", "parent_id", "profile", "fingerprint")
    times = ("created_at", "started_at", "ended_at")
    return {name: getattr(run, name) for name in (*fields, *times)}


def run_config(run_id: str) -> TrainConfig:
    """The configuration a run was started with.

    Raises:
        UserError: there is no such run.
    """
    with reading() as session:
        run = session.get(Run, run_id)
    if run is None:
        raise UserError(f"there is no run {run_id}; `workbench runs list` shows those there are")
    if run.preset == IMPORTED:
        raise UserError(f"run {run_id} was imported from its logs, which do not tell its configuration")
    return TrainConfig.model_validate(run.config)
