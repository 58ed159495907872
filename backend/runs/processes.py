"""A run's process: started in a session of its own, named by (pid, start time), stopped by signal.

A pid alone is not an identity: the operating system reuses it. Nothing is ever signalled whose start time differs.
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

    Its output goes to ``log.txt`` in the run's folder. A run that had begun before goes on from its last whole
    checkpoint.

    Raises:
        OSError: the log cannot be written, or no process can be started.
    """
    with (Path(run.folder) / "log.txt").open("ab") as log:
        return start_detached(["-m", "run_training", "--run", run.id], log)


def start_detached(
    arguments: Sequence[str], out: IO[bytes], errors: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start this project's Python in a session of its own, where neither a closed browser nor Ctrl+C ends it.

    Args:
        arguments: of the interpreter: ``-m``, a module of this project, and its own.
        out: the file its output goes to, so that nobody has to read a pipe.
        errors: a file for its errors, where they are to lie apart.

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
    """This process's environment for a child that has to find this project's modules from any folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(paths)}


def mark_running(run: Run, pid: int) -> None:
    """Bind the run to a process."""
    bind(run, pid)
    run.status, run.reason, run.place, run.exit_code, run.ended_at = "running", "", None, None, None
    run.started_at = run.started_at or utc_now()
    run.heartbeat_at = utc_now()


def bind(run: Run, pid: int) -> None:
    """Remember which process is the run's, by pid and start."""
    run.pid, run.pid_started = pid, started_at(pid)


def started_at(pid: int) -> float | None:
    """When the process with this pid started; None when it is gone or a zombie.

    On Linux in seconds since the machine was switched on, which no change of the clock moves; elsewhere since 1970.
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
    """Whether the run's own process is there, and not another one with its pid."""
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
    """Mark a run whose process is gone without saying how it ended, with the cause and its last words.

    Args:
        run_id: the run.
        exit_code: how its process ended, from who saw it.
    """
    with writing() as session:
        run = get_run(session, run_id)
        waiting = run.status == "queued" and run.pid is not None
        # A page may have found it dead before the one who waited for it could say how it ended.
        told_late = run.status == "failed" and run.exit_code is None and exit_code is not None
        if exit_code is not None:
            run.exit_code = exit_code
        if not (run.status == "running" or waiting or told_late) or is_alive(run):
            return
        run.ended_at, run.place = run.ended_at or utc_now(), None
        if waiting:  # for the machine, in a terminal that was closed
            run.status, run.reason = "cancelled", "it gave up waiting for its turn"
            return
        last = last_lines(Path(run.folder) / "log.txt")
        asked = run.reason if run.reason.startswith("killed on request") else ""
        run.status = "failed"
        run.reason = f"{asked or cause_of_death(run.exit_code, last)}\nLast lines of its log:\n{last}"


def last_lines(path: Path, count: int = _LAST_LINES) -> str:
    """The end of a text file, empty when there is none; reads no more than its last 64 kB."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65_536))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""
