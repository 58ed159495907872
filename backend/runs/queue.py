"""The queue of runs. It is kept in the store, so that it survives restarts; ``backend.runs.dispatcher`` starts its runs."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.runs.lock import is_dispatching
from backend.runs.processes import is_alive, start_detached
from backend.settings import get_settings
from backend.store.engine import in_turn, writing
from backend.store.events import record
from backend.store.runs import get_run
from backend.store.tables import Run, utc_now


@needs("engineer")
def enqueue(run_id: str) -> None:
    """Put a run at the end of the queue, a new one or one that stopped or failed; it starts when the machine is free.

    Raises:
        UserError: there is no such run, it runs already, waits already, or has finished.
    """
    with writing() as session:
        in_turn(session, "runs")
        run = get_run(session, run_id)
        if run.status == "running" and is_alive(run):
            raise UserError(f"run {run_id} is running already")
        if run.place is not None:
            raise UserError(f"run {run_id} is in the queue already")
        if run.status == "finished":
            raise UserError(f"run {run_id} has finished; clone it to train once more")
        record(session, "resumed" if run.started_at else "launched", run_id, name=run.name, preset=run.preset)
        last = session.scalar(select(func.max(Run.place))) or 0.0
        run.status, run.place, run.pid, run.reason, run.ended_at = "queued", last + 1, None, "", None
    ensure_dispatcher()


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
    """Swap a run with the run before (``up``) or after it in the queue; does nothing if there is no such run.

    Raises:
        UserError: it is not in the queue.
    """
    with writing() as session:
        in_turn(session, "runs")
        line = waiting(session)
        ids = [run.id for run in line]
        if run_id not in ids:
            raise UserError(f"run {run_id} is not in the queue any more")
        i = ids.index(run_id)
        j = i - 1 if up else i + 1
        if 0 <= j < len(line):
            line[i].place, line[j].place = line[j].place, line[i].place


def waiting(session: Session) -> list[Run]:
    """The runs in the queue, in the order in which they will start."""
    return list(session.scalars(select(Run).where(Run.place.is_not(None)).order_by(Run.place, Run.id)))


def ensure_dispatcher() -> None:
    """Start the dispatcher if none is running; it outlives this process, and exits when the queue is empty."""
    if is_dispatching():
        return
    with (get_settings().runs_dir / ".dispatcher.log").open("ab") as log:
        start_detached(["-m", "backend.runs.dispatcher"], log)
