"""The queue of runs. It is kept in the store, so that it survives restarts; ``backend.runs.dispatcher`` starts its runs.

Every machine has a queue for each launcher: it starts what was queued there, and nothing else.
"""

import secrets
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.files import read_json, write_json, write_whole
from backend.runs.handle import LOCAL, Handle, this_host
from backend.runs.lock import is_dispatching, starting_file
from backend.runs.processes import is_alive, process_job, process_state, start_detached
from backend.settings import get_settings
from backend.store.engine import in_turn, writing
from backend.store.events import record
from backend.store.runs import get_run
from backend.store.tables import Run, utc_now

ATTEMPT = ".attempt"
"""In a run's folder: a word for the present attempt, by which a launcher that was cut off knows a job it has started."""


def attempt_of(folder: Path) -> str:
    """The word for the present attempt at the run in ``folder``."""
    try:
        return (folder / ATTEMPT).read_text(encoding="ascii").strip()
    except OSError:
        return "first"


@needs("engineer")
def enqueue(run_id: str, launcher: str = LOCAL) -> None:
    """Put a run at the end of a queue of this machine, a new one or one that stopped or failed; it starts when there is room.

    Args:
        run_id: the run.
        launcher: where it will run: on this machine, or a section of launch.toml.

    Raises:
        UserError: there is no such run or launcher, it runs already, waits already, or has finished; or its folder is not on
            this machine.
    """
    if launcher != LOCAL:
        from backend.runs.launchers import find_launcher

        find_launcher(launcher)
    with writing() as session:
        in_turn(session, "runs")
        run = get_run(session, run_id)
        if run.status == "running" and (is_alive(run) or _is_elsewhere(run)):
            raise UserError(f"run {run_id} is running already")
        if run.place is not None:
            raise UserError(f"run {run_id} is in the queue already")
        if run.status == "finished":
            raise UserError(f"run {run_id} has finished; clone it to train once more")
        handle = Handle.of(run)
        if handle is not None and not handle.is_mine and not (Path(run.folder) / "config.json").is_file():
            raise UserError(
                f"the folder of run {run_id} ({run.folder}) is on {handle.host or 'another machine'}. Resume it there; or copy "
                "the folder here, take it in with `workbench runs sync FOLDER`, and resume it then"
            )
        if launcher != LOCAL and session.scalar(select(Run.id).where(Run.parent_id == run_id).limit(1)):
            raise UserError(
                "a run of several seeds or settings starts on this machine; its children go elsewhere where --where says so"
            )
        if launcher != LOCAL:
            write_whole(Path(run.folder) / ATTEMPT, secrets.token_hex(8))
        record(session, "resumed" if run.started_at else "launched", run_id, name=run.name, preset=run.preset)
        last = session.scalar(select(func.max(Run.place))) or 0.0
        run.status, run.place, run.reason, run.ended_at, run.stop_asked = "queued", last + 1, "", None, ""
        run.handle = Handle(launcher, this_host()).as_dict()
    ensure_dispatcher(launcher)


def _is_elsewhere(run: Run) -> bool:
    """Whether the run is in the hands of another machine or launcher, which alone can say how it is."""
    handle = Handle.of(run)
    return handle is not None and (handle.launcher != LOCAL or not handle.is_mine)


@needs("engineer")
def cancel(run_id: str) -> None:
    """Take a run out of the queue.

    Raises:
        UserError: it is not in the queue (any more).
    """
    with writing() as session:
        in_turn(session, "runs")
        run = get_run(session, run_id)
        if run.place is None:
            raise UserError(f"run {run_id} is not in the queue any more; stop it instead")
        run.status, run.place, run.ended_at = "cancelled", None, utc_now()
        run.reason = "taken out of the queue"
        record(session, "took out", run_id)


@needs("engineer")
def move(run_id: str, up: bool) -> None:
    """Swap a run with the run before (``up``) or after it in its queue; does nothing if there is no such run.

    Raises:
        UserError: it is not in the queue.
    """
    with writing() as session:
        in_turn(session, "runs")
        run = get_run(session, run_id)
        handle = Handle.of(run)
        if run.place is None or handle is None:
            raise UserError(f"run {run_id} is not in the queue any more")
        line = waiting(session, handle)
        ids = [run.id for run in line]
        i = ids.index(run_id)
        j = i - 1 if up else i + 1
        if 0 <= j < len(line):
            line[i].place, line[j].place = line[j].place, line[i].place


def waiting(session: Session, queue: Handle | None = None) -> list[Run]:
    """The runs in a queue, in the order in which they will start.

    Args:
        session: a session.
        queue: a handle of its machine and launcher; the queue of this machine's own runs when left out.
    """
    queue = queue or Handle(LOCAL, this_host())
    line = session.scalars(select(Run).where(Run.place.is_not(None)).order_by(Run.place, Run.id))
    return [run for run in line if is_in(run, queue)]


def is_in(run: Run, queue: Handle) -> bool:
    """Whether the run is of the same machine and launcher."""
    handle = Handle.of(run)
    return handle is not None and (handle.launcher, handle.host) == (queue.launcher, queue.host)


def ensure_dispatcher(launcher: str = LOCAL) -> None:
    """Start a launcher's dispatcher if none is running; it outlives this process, and exits when nothing is left to do.

    One that was started and does not hold its lock yet counts: it takes seconds, and every page asks again meanwhile.
    """
    starting = starting_file(launcher)
    if is_dispatching(launcher) or process_state(read_json(starting)).name == "running":
        return
    with (get_settings().runs_dir / ".dispatcher.log").open("ab") as log:
        process = start_detached(["-m", "backend.runs.dispatcher", launcher], log)
    write_json(starting, process_job(process.pid))
