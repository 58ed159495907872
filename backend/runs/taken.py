"""Take in the folder of a run that trained, or trains, where no store is: its row is made, and follows the folder."""

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from backend.access import needs
from backend.data.jsonl import read_prompts
from backend.errors import UserError
from backend.runs.create import add_run
from backend.runs.ending import HEARTBEAT, Standing, read_standing
from backend.runs.handle import FOLDER, Handle, this_host
from backend.runs.processes import mark_begun
from backend.runs.sync import sync_run
from backend.runs.worker import write_comparison
from backend.store.engine import patiently, reading, writing
from backend.store.events import record
from backend.store.runs import get_run, store_now
from backend.store.tables import Run
from backend.training.config import config_from_json

_FOLLOW_SECONDS = 2.0
_COPIED = ("config.json", "prompts.jsonl")


@needs("engineer")
def take_in_folder(folder: Path) -> Run:
    """Bring a run's row up to what its folder says; makes the row if there is none. Repeating it changes nothing.

    The run's id is the folder's name. A run that the store has as running elsewhere is left to whoever follows it.

    Raises:
        UserError: the folder is no run's, or the run is under way in the hands of a launcher or another machine.
    """
    folder = folder.resolve()
    run_id = folder.name
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", run_id):
        raise UserError(
            f"{folder}: a run's folder is named by its id, up to 40 letters, digits, dots, - and _; rename it"
        )
    missing = [name for name in _COPIED if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder} is no run's folder: {', '.join(missing)} is missing")
    standing = read_standing(folder)
    with writing() as session:
        run = session.get(Run, run_id)
        if run is None:
            config = config_from_json((folder / "config.json").read_text(encoding="utf-8"))
            run = add_run(session, run_id, config, read_prompts(folder / "prompts.jsonl"), folder, "queued")
            record(session, "imported", run_id, file=folder.name)
        elif not _may_take(run):
            raise UserError(f"run {run_id} is under way; whoever started it follows it. Stop it first")
        run.folder = str(folder)
        if run.status not in ("finished",):
            _stand(run, standing)
    sync_run(run_id)
    with reading() as session:
        run = get_run(session, run_id)
    if run.status == "finished":
        write_comparison(run_id)
    return run


def _may_take(run: Run) -> bool:
    """Whether the run is nobody else's at present."""
    handle = Handle.of(run)
    is_ours = handle is None or handle.launcher == FOLDER
    return is_ours or run.status not in ("queued", "running")


def _stand(run: Run, standing: Standing | None) -> None:
    """Bring status, reason and times to what the run's process has written."""
    if standing is None:
        return
    is_new = run.handle is None
    run.handle = Handle(FOLDER, this_host()).as_dict()
    if standing.has_ended:
        run.status, run.reason, run.exit_code = standing.status, standing.reason, standing.exit_code
        run.started_at, run.ended_at = standing.started_at or run.started_at, standing.ended_at
        run.place = None
    elif is_new:  # of one that has ended here, a copy may say that it runs: only signs of life tell (``follow_folder``)
        mark_begun(run)


@needs("engineer")
def follow_folder(folder: Path, say: Callable[[str], None]) -> Run:
    """Take the folder in again and again until its run has ended; ``say`` is told of every change of its status."""
    beat, status = _sign(folder), ""
    while True:
        run = patiently(lambda: take_in_folder(folder))
        if run.status != status:
            status = run.status
            say(f"{run.id} {status}{f': {run.reason}' if run.reason else ''}")
        standing = read_standing(folder)
        if run.status not in ("queued", "running") and (standing is None or standing.has_ended):
            return run
        if (new := _sign(folder)) != beat:
            beat = new
            patiently(partial(_report, run.id))
        time.sleep(_FOLLOW_SECONDS)


def _sign(folder: Path) -> str:
    try:
        return (folder / HEARTBEAT).read_text(encoding="utf-8")
    except OSError:
        return ""


def _report(run_id: str) -> None:
    with writing() as session:
        run = get_run(session, run_id)
        if run.status == "running":
            run.heartbeat_at = store_now(session)
        else:
            mark_begun(run)
