"""What can be done with a run that has ended: export its model, measure general ability; each in a process of its own."""

from dataclasses import dataclass

from backend.access import needs
from backend.errors import UserError
from backend.runs.jobs import is_working, last_result, last_words, start_job
from backend.runs.lock import is_training
from backend.runs.processes import run_folder
from backend.store.engine import writing
from backend.store.events import record


@dataclass(frozen=True)
class AfterJob:
    """The last such process of a run.

    Attributes:
        running: it has not ended yet.
        words: what it said at its end.
        failed: whether it ended without doing its work.
    """

    running: bool
    words: str = ""
    failed: bool = False


@needs("engineer")
def start_export(run_id: str) -> None:
    """Write the adapter and the merged model to ``export/`` in the run's folder.

    Raises:
        UserError: it is there already or being written, or a run has the machine.
    """
    folder = run_folder(run_id)
    if (folder / "export").exists():
        raise UserError(f"{folder / 'export'} is there already; move it away to export again")
    _start(run_id, "export", ["-m", "backend.models", "export", run_id, str((folder / "export").resolve())])


@needs("engineer")
def start_benchmark(run_id: str, tasks: str, limit: int) -> None:
    """Measure base and tuned model on lm-eval's tasks (comma-separated), so many documents each.

    Raises:
        UserError: it is being done, or a run has the machine.
    """
    options = ["--tasks", tasks, "--limit", str(limit)]
    _start(run_id, "benchmark", ["-m", "backend.evaluation", "benchmark", run_id, *options])
    with writing() as session:
        record(session, "benchmarked", run_id, tasks=tasks, limit=limit)


def after_job(run_id: str, what: str) -> AfterJob | None:
    """How far the run's ``export`` or ``benchmark`` is, or how it ended; None when there was none."""
    place = run_folder(run_id) / f".{what}"
    working = is_working(place)
    if working is None or working:
        return None if working is None else AfterJob(True)
    done = last_result(place, "wrote ")
    return AfterJob(False, done) if done else AfterJob(False, last_words(place), failed=True)


def _start(run_id: str, what: str, arguments: list[str]) -> None:
    place = run_folder(run_id) / f".{what}"
    if is_working(place):
        raise UserError(f"the {what} of {run_id} is under way already")
    if is_training():
        raise UserError("a run is training and has the machine; do it when it has ended")
    start_job(place, arguments)
