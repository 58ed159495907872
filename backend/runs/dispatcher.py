"""The dispatcher: starts the next queued run when the machine is free, records how it ends, and exits after the last run.

    python -m backend.runs.dispatcher

Launching a run from a page starts it; after that it does not need the page or the app. Only one runs at a time, because
it holds a lock that the operating system releases when the process dies. Killing it harms no run: each run is a session
of its own, and the next dispatcher continues with the queue.
"""

import time

from filelock import Timeout

from backend.errors import UserError
from backend.runs.lock import dispatcher_lock, is_training
from backend.runs.processes import mark_running, settle, start_process
from backend.runs.queue import waiting
from backend.store.engine import patiently, reading, writing
from backend.store.tables import utc_now

_POLL_SECONDS = 0.5


def serve() -> None:
    """Start queued runs one after the other until none is left."""
    while patiently(_next) is not None:
        lock = dispatcher_lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return  # another dispatcher is running
        try:
            while patiently(_next) is not None:
                try:
                    _serve_one()
                except UserError as error:  # the store is busy, or does not answer for a moment
                    print(error, flush=True)
                    time.sleep(5)
        finally:
            lock.release()
        # The outer loop checks again, because a run may be queued between the last check and the release of the lock.


def _next() -> str | None:
    with reading() as session:
        line = waiting(session)
        return line[0].id if line else None


def _serve_one() -> None:
    """Start the first run of the queue if the machine is free, and wait until it ends."""
    if is_training():
        time.sleep(_POLL_SECONDS)
        return
    with writing() as session:
        line = waiting(session)
        if not line:
            return
        run = line[0]
        try:
            process = start_process(run)
        except OSError as error:
            run.status, run.place, run.ended_at = "failed", None, utc_now()
            run.reason = f"its process cannot be started: {error}"
            return
        mark_running(run, process.pid)
        run_id = run.id
    exit_code = process.wait()
    patiently(lambda: settle(run_id, exit_code))


if __name__ == "__main__":
    serve()
