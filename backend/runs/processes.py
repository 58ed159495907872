"""A run's process on this machine: started in a session of its own, known by (pid, start time, process table).

A pid alone does not identify a process: the operating system reuses pids, and every machine and container has a table of
its own. No signal is sent to a process with another start time, and no process of another table is judged here.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import psutil
from sqlalchemy.orm import Session, object_session

from backend.access import needs
from backend.errors import UserError
from backend.runs.causes import KILLED_ON_REQUEST, cause_of_death, stopped_by
from backend.runs.ending import ask_to_stop, forget_standing, read_standing
from backend.runs.handle import FOLDER, LOCAL, UNKNOWN, Handle, State, silent_since, this_host
from backend.settings import ROOT
from backend.store.engine import writing
from backend.store.events import record
from backend.store.runs import get_run, store_now
from backend.store.tables import Run, utc_now

_LAST_LINES = 15


def start_process(folder: Path) -> subprocess.Popen[bytes]:
    """Start the process of the run in ``folder``, which outlives this one.

    Its output goes to ``log.txt`` in the run's folder. A run that was started before continues from its last complete
    checkpoint.

    Raises:
        OSError: the log cannot be written, or no process can be started.
    """
    with (folder / "log.txt").open("ab") as log:
        forget_standing(folder)
        return start_detached(["-m", "run_training", "--run", folder.name], log)


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
    """Record that the run is running, and in which process of this machine."""
    bind(run, pid)
    mark_begun(run)


def mark_begun(run: Run) -> None:
    """Record that the run's job has begun to run."""
    session = object_session(run)
    run.status, run.reason, run.place, run.exit_code, run.ended_at = "running", "", None, None, None
    run.started_at = run.started_at or utc_now()
    run.heartbeat_at = store_now(session) if session is not None else utc_now()


def bind(run: Run, pid: int) -> None:
    """Record the run's process on this machine."""
    run.handle, run.stop_asked = Handle(LOCAL, this_host(), process_job(pid)).as_dict(), ""


def process_job(pid: int) -> dict[str, Any]:
    """What a process is known by: its pid, its start and the process table it is in."""
    return {"pid": pid, "started": started_at(pid), "table": process_table()}


@lru_cache
def process_table() -> str:
    """The process table that this process sees: of this start of the machine, and of this container; "" where unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


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


def process_state(job: dict[str, Any] | None) -> State:
    """Whether a process of this machine runs; unknown where it is in another process table (see ``process_job``)."""
    if job is None or job.get("table", process_table()) != process_table():
        return UNKNOWN
    now = started_at(job["pid"])
    runs = now is not None and job["started"] is not None and abs(now - job["started"]) < 0.05
    return State("running" if runs else "ended")


def is_alive(run: Run) -> bool:
    """Whether the run's own process is seen to run on this machine (another process with the same pid does not count)."""
    handle = Handle.of(run)
    return handle is not None and handle.launcher == LOCAL and handle.is_mine and _runs(handle)


def _runs(handle: Handle) -> bool:
    return process_state(handle.job).name == "running"


@needs("engineer")
def request_stop(run_id: str, force: bool = False) -> None:
    """Ask the run to end at the next step with a checkpoint, or end it and all it started at once (``force``).

    A process of this machine gets a signal. Elsewhere the machine that has the run carries it out when it next reports. If
    it is silent and force is asked for, the run is given up: it is recorded as failed, so that it can be resumed, and a
    process that still lives ends itself when it sees that.

    Raises:
        UserError: the run is not running, or its process is gone.
    """
    with writing() as session:
        run = get_run(session, run_id)
        handle = Handle.of(run)
        is_here = handle is not None and handle.launcher == LOCAL and handle.is_mine
        ended = is_here and handle is not None and process_state(handle.job).name == "ended"
        if handle is None or run.place is not None or run.status not in ("queued", "running") or ended:
            raise UserError(f"run {run_id} has no running process; reload the page to see how it ended")
        run.stop_asked = "force" if force else "stop"
        record(session, "killed" if force else "stopped", run_id)
        if is_here and _runs(handle):
            signal_process(handle.job or {}, force)
            run.reason = KILLED_ON_REQUEST if force else "stop requested; it ends at the next step"
        elif force and (silence := silent_since(session, run)) is not None:
            where = handle.host if handle.launcher == LOCAL else handle.launcher
            run.status, run.ended_at = "failed", utc_now()
            run.reason = (
                f"given up on request: silent since {silence:%Y-%m-%d %H:%M} UTC on {where or 'an unknown machine'}"
            )
        elif handle.launcher == FOLDER:
            _ask_in_folder(run, force)
        else:
            where = handle.host if handle.launcher == LOCAL else handle.launcher
            run.reason = f"{'end' if force else 'stop'} requested; {where} carries it out"


def _ask_in_folder(run: Run, force: bool) -> None:
    """Ask a run that is known by its folder alone."""
    if force:
        raise UserError(
            f"nobody here knows the process of run {run.id}; end it where it is, or stop it at the next step"
        )
    try:
        ask_to_stop(Path(run.folder))
    except OSError as error:
        raise UserError(f"cannot ask for a stop in {run.folder}: {error.strerror}") from error
    run.reason = "stop requested in its folder; if it runs in a copy, it does not see that: stop it there"


def signal_process(job: dict[str, Any], force: bool) -> None:
    """Send a process of this machine SIGTERM, or SIGKILL to it and all it started; the caller knows that it is this one."""
    with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it has just ended by itself
        if force:
            for child in psutil.Process(job["pid"]).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        os.kill(job["pid"], signal.SIGKILL if force else signal.SIGTERM)


def settle(run_id: str, state: State | None = None, job: dict[str, Any] | None = None) -> None:
    """Record the end of a run of this machine whose job has ended without recording it in the store.

    Runs of other machines, and those of which nobody can say whether they live, are left as they are. What happened is taken
    from what the process wrote in its folder, else from its exit code or signal, else from the end of its log.

    Args:
        run_id: the run.
        state: what its launcher says; without it, a process on this machine is looked at.
        job: of which the launcher says so. A run that has been resumed meanwhile has another one, and is left as it is.
    """
    with writing() as session:
        run = get_run(session, run_id)
        handle = Handle.of(run)
        if handle is None or not handle.is_mine or (job is not None and handle.job != job):
            return
        if state is None:
            state = _seen_here(session, run, handle)
        _settle(session, run, handle, state)


def _seen_here(session: Session, run: Run, handle: Handle) -> State:
    if handle.launcher != LOCAL:
        return UNKNOWN
    state = process_state(handle.job)
    if (
        state is UNKNOWN
        and handle.job is not None
        and (run.status == "queued" or silent_since(session, run) is not None)
    ):
        # Of this machine's name, in another process table, and silent: one that ended with the machine or its container.
        return State("ended", words="its machine or container was started anew")
    return state


def _settle(session: Session, run: Run, handle: Handle, state: State) -> None:
    waited = run.status == "queued" and run.place is None and handle.job is not None
    # A page may have recorded the failure before the dispatcher, which knows the exit code: record it again with it.
    lacked_exit_code = run.status == "failed" and run.exit_code is None and state.code is not None
    if state.name != "ended":
        return
    if state.code is not None:
        run.exit_code = state.code
    if not (run.status == "running" or waited or lacked_exit_code):
        return
    run.ended_at, run.place = run.ended_at or utc_now(), None
    standing = read_standing(Path(run.folder))
    if standing is not None and standing.has_ended:
        run.status, run.reason = standing.status, standing.reason
        run.exit_code = standing.exit_code if run.exit_code is None else run.exit_code
        run.ended_at = standing.ended_at or run.ended_at
        return
    run.status, run.reason = _end_of(run, handle, state, waited)


def _end_of(run: Run, handle: Handle, state: State, waited: bool) -> tuple[str, str]:
    """(status, reason) of a run that ended without writing them down."""
    if waited and handle.launcher == LOCAL:  # it waited for the machine in a terminal that was closed
        return "cancelled", "it gave up waiting for its turn"
    if waited and run.stop_asked and state.code is None:  # its job was taken back before it began
        return "cancelled", "taken out of the queue"
    if run.stop_asked == "force":
        return "failed", KILLED_ON_REQUEST
    if (by := stopped_by(run.exit_code)) is not None:
        return "stopped", f"stopped by {by} before it could write a checkpoint"
    last = last_lines(Path(run.folder) / "log.txt")
    return "failed", f"{state.words or cause_of_death(run.exit_code, last)}\nLast lines of its log:\n{last}"


def last_lines(path: Path, count: int = _LAST_LINES) -> str:
    """The end of a text file, empty when there is none; reads no more than its last 64 kB."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65_536))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""
