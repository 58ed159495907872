"""The current state of every run, for pages and terminals."""

from pathlib import Path
from typing import Any

from backend.files import read_json
from backend.runs.processes import settle
from backend.runs.queue import ensure_dispatcher
from backend.runs.sync import sync_run
from backend.store.engine import reading
from backend.store.runs import all_runs
from backend.store.tables import Run


def current_runs() -> list[Run]:
    """Every run, newest first; runs recorded as running are first updated from their folders and processes."""
    with reading() as session:
        runs = all_runs(session)
    if any(run.place is not None for run in runs):
        ensure_dispatcher()
    active = [run.id for run in runs if run.status == "running" or (run.status == "queued" and run.pid is not None)]
    if not active:
        return runs
    for run_id in active:
        sync_run(run_id)
        settle(run_id)
    with reading() as session:
        return all_runs(session)


def firings(run: Run) -> list[dict[str, Any]]:
    """The stop rules that fired in a run, in order: step, rule, action (warn, stop) and what, in words."""
    return read_json(Path(run.folder) / "watch.json") or []
