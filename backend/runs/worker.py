"""What a run's process does: bind itself to the run, train, keep the store fresh meanwhile, and say how it ended."""

import os
import threading
import traceback
from pathlib import Path

from backend.errors import UserError
from backend.runs.processes import mark_running
from backend.runs.sync import sync_run
from backend.store.engine import reading, writing
from backend.store.tables import Run, utc_now

_SYNC_SECONDS = 2.0


def work(run_id: str) -> int:
    """Train the run in this process; returns the exit code (0 finished or stopped, 1 failed, 2 user error)."""
    with reading() as session:
        run = session.get(Run, run_id)
    if run is None:
        raise UserError(f"there is no run {run_id}; `run_training.py --preset nano` makes a new one")
    if run.status in ("finished", "stopped", "failed"):
        raise UserError(f"run {run_id} has ended ({run.status}); start a new one")
    folder = Path(run.folder)
    with writing() as session:
        mark_running(session.get_one(Run, run_id), os.getpid())
    done = threading.Event()
    syncing = threading.Thread(target=_keep_in_sync, args=(run_id, done), daemon=True)
    syncing.start()
    status, reason, code = "failed", "", 1
    try:
        from backend.training.run import train

        outcome = train(folder)
        status, reason, code = outcome.status, outcome.reason, 0
    except UserError as error:
        reason, code = str(error), 2
        print(f"error: {error}", flush=True)
    except Exception as error:  # the run's last word: whatever ended it is kept with it
        reason = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    finally:
        done.set()
        syncing.join()
        sync_run(run_id)
        with writing() as session:
            ended = session.get_one(Run, run_id)
            ended.status, ended.reason, ended.ended_at = status, reason, utc_now()
    print(f"{status}: {reason}\nrun folder: {folder}", flush=True)
    return code


def _keep_in_sync(run_id: str, done: threading.Event) -> None:
    while not done.wait(_SYNC_SECONDS):
        sync_run(run_id)
