"""A run of several: train its children, each in a process of its own, within the budget; then compare them as one."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.evaluation.several import as_plain, settings_among, several_table, several_words
from backend.files import write_json
from backend.runs.attempt import End
from backend.runs.handle import State
from backend.runs.lock import HELD
from backend.runs.plan import read_plan, read_used, write_used
from backend.runs.processes import child_environment, settle
from backend.store.engine import patiently, reading, writing
from backend.store.runs import get_run
from backend.store.tables import Run
from backend.training.stopping import STOPS

COMPARISON = "comparison_over_runs.json"
"""In the parent's folder: base against tuned, per setting and task."""
_POLL_SECONDS = 0.5


def train_children(parent_id: str, children: Sequence[str]) -> End:
    """Train every child that has not finished, then compare those that have; returns how the whole ended.

    A child that fails, or that a rule stops, does not keep the others from their turn. When the parent is asked to stop, or
    the budget is used up, the child under way ends at its next step with a checkpoint and no other is started. Resuming the
    parent goes on with those that have not finished.
    """
    parent = _Parent(parent_id, children)
    for child in children:
        if not parent.must_end and _run(child).status != "finished":
            parent.train(child)
    compare_children(parent_id, children)
    return parent.end()


class _Parent:
    """The parent's process, which gives its children their turn."""

    def __init__(self, parent_id: str, children: Sequence[str]) -> None:
        self._id, self._children = parent_id, children
        self._folder = Path(_run(parent_id).folder)
        self._plan, self._used = read_plan(self._folder), read_used(self._folder)
        self._signals = 0
        self._signal = self._said = ""
        for number in STOPS:
            signal.signal(number, self._receive)

    def _receive(self, number: int, _frame: Any) -> None:
        self._signals += 1
        self._signal = signal.Signals(number).name

    @property
    def hours(self) -> float:
        """What the children have taken together."""
        return sum(self._used.values())

    @property
    def is_used_up(self) -> bool:
        """Whether nothing of the budget is left."""
        return self.hours >= self._plan.most_hours

    @property
    def must_end(self) -> bool:
        """Whether no other child may be started, and the one under way has to stop."""
        return bool(self._signals) or self.is_used_up

    def train(self, child: str) -> None:
        """Train a child to its end, or until the whole has to end."""
        print(f"\n--- {child}", flush=True)
        flag = "--run" if _run(child).status == "queued" else "--resume"
        process = subprocess.Popen(
            [sys.executable, "-m", "run_training", flag, child], env={**child_environment(), HELD: self._id}
        )
        done = self._done()
        sent, before, since = 0, self._used.get(child, 0.0), time.monotonic()
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
            self._used[child] = before + (time.monotonic() - since) / 3600
            write_used(self._folder, self._used)
            if process.returncode is not None:
                break
            if sent < max(self._signals, int(self.must_end)):  # a second signal ends it at once
                sent += 1
                process.send_signal(signal.SIGTERM)
            self._say(done)
        patiently(lambda: settle(child, State("ended", process.returncode)))

    def _say(self, done: str) -> None:
        """Record how far the whole is, where its pages show it."""
        words = f"{done}; {self._plan.used_words(self.hours)}"
        if words == self._said:
            return
        with suppress(UserError), writing() as session:  # it is said again when the store answers
            run = get_run(session, self._id)
            if not run.stop_asked:
                run.reason = words
            self._said = words

    def _done(self) -> str:
        ended = [_run(child).status for child in self._children]
        return f"{ended.count('finished')} of {len(ended)} runs have finished"

    def end(self) -> End:
        """How the whole ended, and what it took."""
        runs = [_run(child) for child in self._children]
        missing = [run for run in runs if run.status != "finished"]
        done = f"{self._done()}; {self._plan.used_words(self.hours)}"
        if not missing:
            return End("finished", done, 0)
        if self._signals:
            return End("stopped", f"stopped by {self._signal}: {done}", 0)
        if self.is_used_up:
            more = f"`run_training.py --resume {self._id} --hours …` (or --dollars) goes on with a larger one"
            return End("stopped", f"the budget is used up: {done}. {more}", 0)
        why = "; ".join(f"{run.id} {run.status}: {(run.reason.splitlines() or [''])[0]}" for run in missing)
        failed = any(run.status != "stopped" for run in missing)
        return End("failed" if failed else "stopped", f"{done}. {why}", int(failed))


def compare_children(parent_id: str, children: Sequence[str]) -> None:
    """Compare the children that have finished; print the result, and save it in the parent's folder."""
    with reading() as session:
        parent = get_run(session, parent_id)
        settings = settings_among(session, [get_run(session, child) for child in children])
    if not any(setting.seeds for setting in settings):
        return
    folder = Path(parent.folder)
    plan, hours = read_plan(folder), sum(read_used(folder).values())
    cost = {"hours": hours, "most_hours": plan.hours, "most_dollars": plan.dollars, "estimated_hours": plan.estimate}
    write_json(folder / COMPARISON, as_plain(settings) | {"cost": cost})
    print("\n" + several_table(settings), *map(str, several_words(settings)), sep="\n", flush=True)


def _run(run_id: str) -> Run:
    def read() -> Run:
        with reading() as session:
            return session.get_one(Run, run_id)

    return patiently(read)
