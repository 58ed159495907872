"""One training at a time per GPU (per machine on a CPU), by a lock that the operating system releases when its holder
dies. Machines that share a runs folder have locks of their own there."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from backend.runs.handle import LOCAL, this_host
from backend.settings import get_settings

HELD = "WORKBENCH_TRAINING_LOCK_HELD"
"""Environment variable of processes that need no lock: children of a run of several seeds, whose parent holds it for all, and
jobs of a scheduler, which gives each its share of the machine."""
A_MOMENT = 0.5
"""In seconds: somebody who only looks whether a lock is held has it for less."""
_POLL_SECONDS = 0.5


@contextmanager
def training_lock(
    run_id: str, on_wait: Callable[[str], None] = lambda holder: None, folder: Path | None = None
) -> Iterator[None]:
    """Hold the lock for a run; waits while another run holds it.

    Args:
        run_id: the run, named in the message of other runs that wait for it.
        on_wait: called once with the other run's id if this run has to wait.
        folder: where the lock's file is; the runs folder when left out.
    """
    if os.environ.get(HELD):
        yield
        return
    lock = _training_lock(folder)
    holder = Path(lock.lock_file).with_suffix(".holder")
    try:
        lock.acquire(timeout=A_MOMENT)
    except Timeout:
        on_wait(holder.read_text(encoding="utf-8") if holder.is_file() else "another run")
        lock.acquire(poll_interval=_POLL_SECONDS)
    try:
        holder.write_text(run_id, encoding="utf-8")
        yield
    finally:
        lock.release()


def is_training() -> bool:
    """Whether a run holds this machine's training lock now."""
    return _is_held(_training_lock())


def dispatcher_lock(launcher: str = LOCAL) -> FileLock:
    """The lock of the process that starts this machine's queued runs of a launcher."""
    return _lock(f"dispatcher-{launcher}")


def starting_file(launcher: str = LOCAL) -> Path:
    """Names the process that was started to hold that lock; gone as soon as it has looked at the lock."""
    lock = Path(dispatcher_lock(launcher).lock_file)
    return lock.with_suffix(".starting")


def is_dispatching(launcher: str = LOCAL) -> bool:
    """Whether such a process is running."""
    return _is_held(dispatcher_lock(launcher))


def _is_held(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _training_lock(folder: Path | None = None) -> FileLock:
    device = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return _lock(f"training-{device}" if device else "training", folder)


def _lock(name: str, folder: Path | None = None) -> FileLock:
    folder = folder or get_settings().runs_dir
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f".{re.sub(r'[^A-Za-z0-9._-]', '-', f'{name}-{this_host()}')}.lock")
