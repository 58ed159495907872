"""What tests with real training processes share."""

import time
from collections.abc import Callable
from pathlib import Path

from backend.runs.processes import is_alive, last_lines, settle
from backend.store.engine import reading
from backend.store.tables import Run


def get_run(run_id: str) -> Run:
    """The run as the store has it now."""
    with reading() as session:
        return session.get_one(Run, run_id)


def wait_until(what: str, condition: Callable[[], object], seconds: float = 120) -> None:
    """Look again and again until the condition holds; fails with ``what`` after so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def wait_for(run_id: str, status: str, seconds: float = 120) -> Run:
    """Wait until the run has this status and its process is gone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        settle(run_id)
        run = get_run(run_id)
        if run.status == status and not is_alive(run):  # the process outlives its last word by a moment
            return run
        assert run.status in ("queued", "running", status), run.reason
        time.sleep(0.3)
    raise AssertionError(f"still {get_run(run_id).status}: {last_lines(Path(get_run(run_id).folder) / 'log.txt')}")
