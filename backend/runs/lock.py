"""One training at a time per GPU (per machine on a CPU): a lock that the operating system frees when its holder dies."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from backend.settings import get_settings

HELD = "WORKBENCH_TRAINING_LOCK_HELD"
"""Set for the children of a run of several seeds, whose parent holds the lock for them all."""
_POLL_SECONDS = 0.5


@contextmanager
def training_lock(run_id: str, on_wait: Callable[[str], None] = lambda holder: None) -> Iterator[None]:
    """Hold the machine for a run; waits for as long as another run has it.

    Args:
        run_id: who holds it, for the message to those who wait.
        on_wait: called once with the holder's run id when there is somebody to wait for.
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
    """Whether some run holds the machine at this moment."""
    return _is_held(_lock("training"))


def lock_holder() -> str:
    """The run that holds the machine, or held it last."""
    try:
        return _holder_file().read_text(encoding="utf-8")
    except OSError:
        return "another run"


def dispatcher_lock() -> FileLock:
    """Held by the one process that starts queued runs."""
    return _lock("dispatcher")


def is_dispatching() -> bool:
    """Whether the queue has somebody who serves it."""
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
