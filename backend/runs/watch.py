"""The current state of every run, for pages and terminals."""

import logging
from pathlib import Path
from typing import Any

from backend.files import read_json
from backend.runs.handle import LOCAL, Handle
from backend.runs.processes import is_alive, settle
from backend.runs.queue import ensure_dispatcher
from backend.runs.sync import take_in
from backend.store.engine import reading
from backend.store.runs import all_runs
from backend.store.tables import Run

_LOG = logging.getLogger(__name__)


def current_runs() -> list[Run]:
    """Every run, newest first.

    This machine's own runs that are under way are first updated from their folders and processes, and its dispatchers are
    started where there is something to do; where no process can be started, the log says so and the runs wait. Other
    machines' runs are as those have last reported them.
    """
    with reading() as session:
        runs = all_runs(session)
    mine = [(run, handle) for run in runs if (handle := Handle.of(run)) is not None and handle.is_mine]
    for launcher in sorted({handle.launcher for run, handle in mine if _needs_dispatcher(run, handle)}):
        try:
            ensure_dispatcher(launcher)
        except OSError as error:
            _LOG.warning("runs wait in the queue, because no process can be started: %s", error)
    active = [
        run
        for run, handle in mine
        if handle.launcher == LOCAL and (run.status == "running" or (run.status == "queued" and handle.job is not None))
    ]
    for run in active:
        if not is_alive(run):
            settle(run.id)
        take_in(run.id)
    if not active:
        return runs
    with reading() as session:
        return all_runs(session)


def _needs_dispatcher(run: Run, handle: Handle) -> bool:
    """Whether it waits for its turn, or is followed from here because its job is not a process of this machine."""
    return run.place is not None or (
        handle.launcher != LOCAL and handle.job is not None and run.status in ("queued", "running")
    )


def firings(run: Run) -> list[dict[str, Any]]:
    """The stop rules that fired in a run, in order: step, rule, action (warn, stop) and what, in words."""
    found = read_json(Path(run.folder) / "watch.json")
    return (
        [f for f in found if isinstance(f, dict) and {"step", "action", "what"} <= f.keys()]
        if isinstance(found, list)
        else []
    )
