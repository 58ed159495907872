"""Runs that live without training: each a process of its own that reports and syncs with the code of a real one.

python -m benchmarks.live 100 RUN_ID RUN_ID …     # ends when its input does

Forked from one process that has loaded everything, so that a hundred of them fit into a small machine. Each logs a step with
twenty numbers to its folder every second, and the thread of a real run's process carries them to the store.
"""

import gc
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import psutil
from sqlalchemy import func, select

from backend.runs.processes import mark_running
from backend.runs.sync import METRICS, sync_run
from backend.runs.worker import _keep_in_sync
from backend.settings import ROOT, get_settings
from backend.store.engine import reading, writing
from backend.store.runs import store_now
from backend.store.tables import Metric, Run
from backend.training.metrics_file import append_metrics

NUMBERS = 20
_STEP_SECONDS = 1.0


@contextmanager
def live_runs(count: int) -> Iterator["Living"]:
    """So many live runs, from when all have reported; they end with the block."""
    ids = [f"live-{n:03}" for n in range(count)]
    with writing() as session:
        for run_id in ids:
            folder = get_settings().runs_dir / run_id
            folder.mkdir(parents=True)
            session.add(Run(id=run_id, name=run_id, preset="nano", config={"max_steps": 10_000}, seed=1, folder=str(folder),
                            status="queued", profile="v5", fingerprint="x"))  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.live", *ids]
    with Popen(command, cwd=ROOT, stdin=PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        living = Living(ids, psutil.Process(process.pid))
        while living.oldest() is None:
            if process.poll() is not None:
                raise SystemExit("the live runs ended before they began")
            time.sleep(0.5)
        yield living
        living.end(process)


class Living:
    """What can be seen of live runs while they live."""

    def __init__(self, ids: Sequence[str], parent: psutil.Process) -> None:
        self._ids, self._parent = ids, parent

    def oldest(self) -> float | None:
        """Seconds since the sign of life that is longest ago; None before every run has given one and logged something."""
        with reading() as session:
            wanted = select(func.count(), func.min(Run.heartbeat_at)).where(Run.id.in_(self._ids), Run.metrics_read > 0)
            count, last = session.execute(wanted).one()
            return (store_now(session) - last).total_seconds() if last and count == len(self._ids) else None

    def cpu_seconds(self) -> float:
        """What all of them have used so far."""
        return sum(sum(child.cpu_times()[:2]) for child in self._parent.children())

    def end(self, process: "Popen[bytes]") -> None:
        """Let them end, and check that the store has every line that they logged, and that nobody said of one that it failed.

        Raises:
            SystemExit: something is missing.
        """
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        lines = 0
        for run_id in self._ids:
            sync_run(run_id)  # what came after the last look
            lines += len((get_settings().runs_dir / run_id / METRICS).read_bytes().splitlines())
        with reading() as session:
            kept = session.scalar(select(func.count()).select_from(Metric).where(Metric.run_id.in_(self._ids)))
            states = set(session.scalars(select(Run.status).where(Run.id.in_(self._ids))))
        if kept != NUMBERS * lines or states != {"running"}:
            raise SystemExit(f"logged {NUMBERS * lines} numbers, kept {kept}; runs are {states}")


def _live(run_id: str, done: Any) -> None:
    """A run's process: it says that it runs, then logs; its other thread reports and syncs."""
    with writing() as session:
        run = session.get_one(Run, run_id)
        mark_running(run, os.getpid())
    begun, ended = threading.Event(), threading.Event()
    begun.set()
    syncing = threading.Thread(target=_keep_in_sync, args=(run_id, ended, begun))
    syncing.start()
    step = 0
    while not done.wait(_STEP_SECONDS):
        step += 1
        append_metrics(Path(run.folder) / METRICS, step, {f"n{k}": step / (k + 1) for k in range(NUMBERS)})
    ended.set()
    syncing.join()


def main(ids: list[str]) -> None:
    """Fork the runs, and wait for the end of the input."""
    context = multiprocessing.get_context("fork")
    done = context.Event()
    gc.freeze()  # the children share what is loaded
    children = [context.Process(target=_live, args=(run_id, done)) for run_id in ids]
    for child in children:
        child.start()
    sys.stdin.read()
    done.set()
    for child in children:
        child.join()


if __name__ == "__main__":
    main(sys.argv[1:])
