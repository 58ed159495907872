"""A run of several: train its children, here or where there is room, within the budget; then compare them as one."""

import signal
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.evaluation.several import as_plain, is_stopped_early, settings_among, several_table, several_words
from backend.files import write_json
from backend.runs.attempt import End
from backend.runs.handle import LOCAL, Handle, State
from backend.runs.lock import HELD
from backend.runs.median import OBJECTIVE, STOPPED, median_stop
from backend.runs.places import rooms
from backend.runs.plan import read_plan, read_used, write_used
from backend.runs.processes import child_environment, request_stop, settle
from backend.runs.queue import cancel, enqueue, ensure_dispatcher
from backend.store.engine import patiently, reading, writing
from backend.store.runs import get_run, load_metrics
from backend.store.tables import Run
from backend.training.stopping import STOPS

COMPARISON = "comparison_over_runs.json"
"""In the parent's folder: base against tuned, per setting and task."""
_POLL_SECONDS = 0.5
"""How long a look at a child takes."""


def train_children(parent_id: str, children: Sequence[str]) -> End:
    """Train every child that has not finished, then compare those that have; returns how the whole ended.

    Each gets its turn at the first of the plan's places that has room. A child that fails, or that a rule stops, does not keep
    the others from theirs; one that the median rule stops, where the plan has it, is done with. When the parent is asked to
    stop, or the budget is used up, the children under way end at their next step with a checkpoint and no other is started.
    Resuming the parent goes on with those that have not finished; one that is still under way elsewhere is waited for.
    """
    parent = _Parent(parent_id, children)
    parent.train()
    compare_children(parent_id, children)
    return parent.end()


class _Here:
    """A child in a process of this machine."""

    def __init__(self, child: str, parent: str) -> None:
        self._child = child
        flag = "--run" if _run(child).status == "queued" else "--resume"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "run_training", flag, child], env={**child_environment(), HELD: parent}
        )

    is_at_work = True

    def has_ended(self) -> bool:
        """Whether it has ended; waits a moment for that."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_POLL_SECONDS)
        if self._process.returncode is None:
            return False
        patiently(lambda: settle(self._child, State("ended", self._process.returncode)))
        return True

    def stop(self) -> None:
        """Ask it to end at the next step."""
        self._process.send_signal(signal.SIGTERM)


class _Elsewhere:
    """A child in the hands of the dispatcher of one of launch.toml's places."""

    def __init__(self, child: str, place: str) -> None:
        self._child, self._place = child, place

    @property
    def is_at_work(self) -> bool:
        """Whether it runs; it may wait for its turn there."""
        return _run(self._child).status == "running"

    def has_ended(self) -> bool:
        """Whether it has ended; sees to it that somebody follows it."""
        if _run(self._child).status not in ("queued", "running"):
            return True
        ensure_dispatcher(self._place)
        return False

    def stop(self) -> None:
        """Take it out of the queue, or ask it to end at the next step."""
        with suppress(UserError):  # it has just ended by itself
            (cancel if _run(self._child).place is not None else request_stop)(self._child)


class _Parent:
    """The parent's process, which gives its children their turn."""

    def __init__(self, parent_id: str, children: Sequence[str]) -> None:
        self._id, self._children = parent_id, children
        self._folder = Path(_run(parent_id).folder)
        self._plan, self._used = read_plan(self._folder), read_used(self._folder)
        self._under_way: dict[str, _Here | _Elsewhere] = {}
        self._asked: set[str] = set()
        self._early: dict[str, str] = {}
        """Children that the median rule has asked to end, and why."""
        self._signal = self._said = self._done = ""
        for number in STOPS:
            signal.signal(number, self._receive)

    def _receive(self, number: int, _frame: Any) -> None:
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
        """Whether no other child may be started, and those under way have to stop."""
        return bool(self._signal) or self.is_used_up

    def train(self) -> None:
        """Give every child that has not finished its turn, until all have ended or the whole has to end."""
        waiting = []
        for run in map(_run, self._children):
            handle = Handle.of(run)
            if run.status in ("queued", "running") and handle is not None and handle.launcher != LOCAL:
                self._under_way[run.id] = _Elsewhere(run.id, handle.launcher)
            elif run.status != "finished" and not is_stopped_early(run):
                waiting.append(run.id)
        while self._under_way or (waiting and not self.must_end):
            while waiting and not self.must_end and (place := self._free_place()) is not None:
                self._start(waiting.pop(0), place)
            self._look()

    def _free_place(self) -> str | None:
        """The first of the plan's places that has room."""
        for place in self._plan.places:
            if place == LOCAL:
                if not self._is_busy_here():
                    return place
                continue
            with suppress(UserError, KeyError):  # launch.toml is being edited
                if rooms()[place].free:
                    return place
        return None

    def _is_busy_here(self) -> bool:
        return any(isinstance(each, _Here) for each in self._under_way.values())

    def _start(self, child: str, place: str) -> None:
        print(f"\n--- {child}{'' if place == LOCAL else f', {place}'}", flush=True)
        if place == LOCAL:
            self._under_way[child] = _Here(child, self._id)
            return
        try:
            enqueue(child, place)
            self._under_way[child] = _Elsewhere(child, place)
        except UserError as error:
            print(f"not started: {error}", flush=True)

    def _look(self) -> None:
        """Wait a moment, count what the children take, see who has ended, and pass on a stop."""
        since = time.monotonic()
        at_work = [child for child, each in self._under_way.items() if each.is_at_work]
        if not self._is_busy_here():
            time.sleep(_POLL_SECONDS)
        ended = [child for child, each in self._under_way.items() if each.has_ended()]
        for child in at_work:
            self._used[child] = self._used.get(child, 0.0) + (time.monotonic() - since) / 3600
        write_used(self._folder, self._used)
        for child in ended:
            del self._under_way[child]
            if why := self._early.pop(child, ""):
                patiently(partial(_say_why, child, why))
        if self._plan.median_stop is not None and not self.must_end:
            self._early |= _early(self._children, self._under_way.keys() - self._asked, self._plan.median_stop)
        to_end = self._under_way.keys() if self.must_end else self._early.keys()
        for child in to_end - self._asked:
            self._asked.add(child)  # once: a second signal would end it without a checkpoint
            self._under_way[child].stop()
        if ended or not self._done:
            self._done = _done([_run(child) for child in self._children])
        self._say()

    def _say(self) -> None:
        """Record how far the whole is, where its pages show it."""
        words = f"{self._done}; {self._plan.used_words(self.hours)}"
        if words == self._said:
            return
        with suppress(UserError), writing() as session:  # it is said again when the store answers
            run = get_run(session, self._id)
            if not run.stop_asked:
                run.reason = words
            self._said = words

    def end(self) -> End:
        """How the whole ended, and what it took."""
        runs = [_run(child) for child in self._children]
        missing = [run for run in runs if run.status != "finished" and not is_stopped_early(run)]
        done = f"{_done(runs)}; {self._plan.used_words(self.hours)}"
        if not missing:
            return End("finished", done, 0)
        if self._signal:
            return End("stopped", f"stopped by {self._signal}: {done}", 0)
        if self.is_used_up:
            more = f"`run_training.py --resume {self._id} --hours …` (or --dollars) goes on with a larger one"
            return End("stopped", f"the budget is used up: {done}. {more}", 0)
        why = "; ".join(f"{run.id} {run.status}: {(run.reason.splitlines() or [''])[0]}" for run in missing)
        failed = any(run.status != "stopped" for run in missing)
        return End("failed" if failed else "stopped", f"{done}. {why}", int(failed))


def _done(runs: Sequence[Run]) -> str:
    finished, early = sum(run.status == "finished" for run in runs), sum(map(is_stopped_early, runs))
    return f"{finished} of {len(runs)} runs have finished" + (f", {early} {STOPPED}" if early else "")


def _early(children: Sequence[str], under_way: Collection[str], grace: int) -> dict[str, str]:
    """Those of the children under way that the median rule stops now, and why; none while the store does not answer."""
    curves: dict[str, list[tuple[int, float]]] = {}
    with suppress(UserError), reading() as session:
        for point in load_metrics(session, list(children), [OBJECTIVE]).itertuples():
            curves.setdefault(str(point.run_id), []).append((int(point.step), float(point.value)))
    found = {child: median_stop(curves, child, grace) for child in under_way}
    return {child: why for child, why in found.items() if why is not None}


def _say_why(child: str, why: str) -> None:
    """Record at a child that the median rule has stopped it, unless it has ended otherwise meanwhile."""
    with writing() as session:
        run = get_run(session, child)
        if run.status == "stopped":
            run.reason = why


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
