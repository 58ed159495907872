"""Serves the queue: starts the next run as soon as the machine is free, sees how it ends, and leaves with the last one.

    python -m backend.runs.dispatcher

Launching from a page starts it; it needs neither the page nor the app. There is one at a time, by a lock that the
operating system frees when it dies. Killing it harms no run: runs are sessions of their own, and the next dispatcher goes
on with the queue.
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
            return  # another one serves
        try:
            while patiently(_next) is not None:
                try:
                    _serve_one()
                except UserError as error:  # the store is busy or away for a moment
                    print(error, flush=True)
                    time.sleep(5)
        finally:
            lock.release()
        # A run queued between the last look and the release is seen by the next look.


def _next() -> str | None:
    with reading() as session:
        line = waiting(session)
        return line[0].id if line else None


def _serve_one() -> None:
    """Start the first in line once the machine is free, and wait for its end."""
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
