"""One training at a time per GPU (per machine on a CPU), by a lock that the operating system releases when its holder
dies."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from backend.settings import get_settings

HELD = "WORKBENCH_TRAINING_LOCK_HELD"
"""Environment variable for the children of a run of several seeds: the parent holds the lock for all of them."""
_POLL_SECONDS = 0.5


@contextmanager
def training_lock(run_id: str, on_wait: Callable[[str], None] = lambda holder: None) -> Iterator[None]:
    """Hold the lock for a run; waits while another run holds it.

    Args:
        run_id: the run, named in the message of other runs that wait for it.
        on_wait: called once with the other run's id if this run has to wait.
    """
    if os.environ.get(HELD):
        yield
        return
    lock = _lock("training")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait(lock_holder())
        lock.acquire(poll_interval=_POLL_SECONDS)
    try:
        _holder_file().write_text(run_id, encoding="utf-8")
        yield
    finally:
        lock.release()


def is_training() -> bool:
    """Whether a run holds the training lock now."""
    return _is_held(_lock("training"))


def lock_holder() -> str:
    """The id of the run that holds the training lock, or held it last."""
    try:
        return _holder_file().read_text(encoding="utf-8")
    except OSError:
        return "another run"


def dispatcher_lock() -> FileLock:
    """The lock of the process that starts queued runs."""
    return _lock("dispatcher")


def is_dispatching() -> bool:
    """Whether a dispatcher process is running."""
    return _is_held(dispatcher_lock())


def _is_held(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _lock(name: str) -> FileLock:
    folder = get_settings().runs_dir
    folder.mkdir(parents=True, exist_ok=True)
    device = os.environ.get("CUDA_VISIBLE_DEVICES", "").replace(",", "-").replace("/", "-")
    return FileLock(folder / f".{name}{'-' + device if device and name == 'training' else ''}.lock")


def _holder_file() -> Path:
    return Path(_lock("training").lock_file).with_suffix(".holder")
