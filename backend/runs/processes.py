"""A run's process: started in a session of its own, named by (pid, start time), stopped by signal.

A pid alone is not an identity: the operating system reuses it. Nothing is ever signalled whose start time differs.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from backend.errors import UserError
from backend.settings import ROOT
from backend.store.engine import writing
from backend.store.tables import Run, utc_now

_LAST_LINES = 15


def launch(run_id: str, resume: bool = False) -> int:
    """Start a created run, or go on with one that stopped or failed, as a process that outlives this one.

    Its output goes to ``log.txt`` in the run's folder, so that nobody has to read a pipe.

    Returns:
        The process's pid.

    Raises:
        UserError: there is no such run, or it runs already.
    """
    with writing() as session:
        run = _get(session, run_id)
        if is_alive(run):
            raise UserError(f"run {run_id} is running already")
        folder = Path(run.folder)
        with (folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "run_training.py"), "--resume" if resume else "--run", run_id],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        mark_running(run, process.pid)
    return process.pid


def mark_running(run: Run, pid: int) -> None:
    """Bind the run to a process."""
    run.pid, run.pid_started = pid, started_at(pid)
    run.status, run.reason = "running", ""
    run.started_at = run.started_at or utc_now()


def started_at(pid: int) -> float | None:
    """When the process with this pid started (seconds since 1970); None when it is gone or a zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def is_alive(run: Run) -> bool:
    """Whether the run's own process is there, and not another one with its pid."""
    if run.pid is None or run.pid_started is None:
        return False
    now = started_at(run.pid)
    return now is not None and abs(now - run.pid_started) < 1


def request_stop(run_id: str, force: bool = False) -> None:
    """Ask the run to end at the next step with a checkpoint (SIGTERM), or end it at once (SIGKILL).

    Raises:
        UserError: the run has no living process.
    """
    with writing() as session:
        run = _get(session, run_id)
        if not is_alive(run) or run.pid is None:
            raise UserError(f"run {run_id} has no running process; reload the page to see how it ended")
        os.kill(run.pid, signal.SIGKILL if force else signal.SIGTERM)
        run.reason = "killed" if force else "stop requested; it ends at the next step"


def settle(run_id: str) -> None:
    """Mark a run whose process is gone without saying how it ended as failed, with its last words."""
    with writing() as session:
        run = _get(session, run_id)
        if run.status != "running" or is_alive(run):
            return
        last = last_lines(Path(run.folder) / "log.txt")
        run.status, run.ended_at = "failed", utc_now()
        run.reason = f"{run.reason or 'the process died'}. Last lines of its log:\n{last}"


def last_lines(path: Path, count: int = _LAST_LINES) -> str:
    """The end of a text file, empty when there is none; reads no more than its last 64 kB."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65_536))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""


def _get(session, run_id: str) -> Run:
    run = session.get(Run, run_id)
    if run is None:
        raise UserError(f"there is no run {run_id}")
    return run
