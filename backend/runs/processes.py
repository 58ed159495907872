"""A run's process: started in a session of its own, identified by (pid, start time), stopped by a signal.

A pid alone does not identify a process, because the operating system reuses pids. No signal is sent to a process with
another start time.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psutil

from backend.access import needs
from backend.errors import UserError
from backend.runs.causes import cause_of_death
from backend.settings import ROOT
from backend.store.engine import writing
from backend.store.events import record
from backend.store.runs import get_run
from backend.store.tables import Run, utc_now

_LAST_LINES = 15


def start_process(run: Run) -> subprocess.Popen[bytes]:
    """Start the run's process, which outlives this one.

    Its output goes to ``log.txt`` in the run's folder. A run that was started before continues from its last complete
    checkpoint.

    Raises:
        OSError: the log cannot be written, or no process can be started.
    """
    with (Path(run.folder) / "log.txt").open("ab") as log:
        return start_detached(["-m", "run_training", "--run", run.id], log)


def start_detached(
    arguments: Sequence[str], out: IO[bytes], errors: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start a Python process of this project in a session of its own: a closed browser or Ctrl+C does not end it.

    Args:
        arguments: of the interpreter: ``-m``, a module of this project, and the module's arguments.
        out: the file for its output (a file, because nobody would read a pipe).
        errors: a separate file for its errors; ``out`` when left out.

    Raises:
        OSError: no process can be started.
    """
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=errors or subprocess.STDOUT,
        start_new_session=True,
        env=child_environment(),
    )


def child_environment() -> dict[str, str]:
    """The environment of a child process: it finds this project's modules from any folder, whatever lies there."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(paths)}


def mark_running(run: Run, pid: int) -> None:
    """Record that the run is running, and in which process."""
    bind(run, pid)
    run.status, run.reason, run.place, run.exit_code, run.ended_at = "running", "", None, None, None
    run.started_at = run.started_at or utc_now()
    run.heartbeat_at = utc_now()


def bind(run: Run, pid: int) -> None:
    """Record the run's process by its pid and start time."""
    run.pid, run.pid_started = pid, started_at(pid)


def started_at(pid: int) -> float | None:
    """When the process with this pid started; None when it is gone or a zombie.

    In seconds: on Linux since the machine was started, because a change of the clock does not affect that; elsewhere
    since 1970.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            after_name = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            return int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        return process.create_time()
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def is_alive(run: Run) -> bool:
    """Whether the run's own process is running (another process with the same pid does not count)."""
    if run.pid is None or run.pid_started is None:
        return False
    now = started_at(run.pid)
    return now is not None and abs(now - run.pid_started) < 0.05


@needs("engineer")
def request_stop(run_id: str, force: bool = False) -> None:
    """Ask the run to end at the next step with a checkpoint (SIGTERM), or end it and all it started at once (SIGKILL).

    Raises:
        UserError: the run has no living process.
    """
    with writing() as session:
        run = get_run(session, run_id)
        if not is_alive(run) or run.pid is None:
            raise UserError(f"run {run_id} has no running process; reload the page to see how it ended")
        if force:
            for child in psutil.Process(run.pid).children(recursive=True):
                child.kill()
        os.kill(run.pid, signal.SIGKILL if force else signal.SIGTERM)
        run.reason = "killed on request" if force else "stop requested; it ends at the next step"
        record(session, "killed" if force else "stopped", run_id)


def settle(run_id: str, exit_code: int | None = None) -> None:
    """Record the end of a run whose process is gone and has not recorded it itself: the cause, and the end of its log.

    Args:
        run_id: the run.
        exit_code: of its process, if the caller waited for it and knows it.
    """
    with writing() as session:
        run = get_run(session, run_id)
        waiting = run.status == "queued" and run.pid is not None
        # A page may have recorded the failure before the dispatcher, which knows the exit code: record it again with it.
        lacked_exit_code = run.status == "failed" and run.exit_code is None and exit_code is not None
        if exit_code is not None:
            run.exit_code = exit_code
        if not (run.status == "running" or waiting or lacked_exit_code) or is_alive(run):
            return
        run.ended_at, run.place = run.ended_at or utc_now(), None
        if waiting:  # it waited for the machine in a terminal that was closed
            run.status, run.reason = "cancelled", "it gave up waiting for its turn"
            return
        last = last_lines(Path(run.folder) / "log.txt")
        on_request = run.reason if run.reason.startswith("killed on request") else ""
        run.status = "failed"
        run.reason = f"{on_request or cause_of_death(run.exit_code, last)}\nLast lines of its log:\n{last}"


def last_lines(path: Path, count: int = _LAST_LINES) -> str:
    """The end of a text file, empty when there is none; reads no more than its last 64 kB."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65_536))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""
