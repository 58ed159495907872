"""A team's reward file as a suite: its functions run in a worker process, within limits of time and memory.

A crash, an endless loop or an allocation without end costs that process and nothing else: the message says which function and
which row, nothing is stored, and the next request starts a new worker. A worker is also replaced when one of the team's files has
changed, so what is scored and fingerprinted is the file as it is now.
"""

import math
import os
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.settings import get_settings
from backend.suites.suite import JudgeOf, Scored, Suite, ToScore
from backend.suites.worker import PLACE
from backend.worker_process import WorkerEnded, WorkerProcess
from rewards.calling import Gap, RewardFault
from rewards.types import NO_TEXT, Criterion, Functions, Guideline, Profile, Score, Task, Text

_SETTING = {"seconds": " (WORKBENCH_REWARD_SECONDS)", "gigabytes": " (WORKBENCH_REWARD_GIGABYTES)", "": ""}
_BATCH = 512
"""Rows in one request: a limit of time is for so many."""
_CHECK_SECONDS = 0.3
"""How often a file is looked at for a change."""


class Worker:
    """One worker process for one reward file, started when it is needed."""

    def __init__(self, spec: str) -> None:
        self._spec, self._lock = spec, threading.Lock()
        self._place = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as this object; it has no name to leave behind
        self._process = WorkerProcess(["backend.suites", spec, str(self._place.fileno())], [self._place.fileno()])

    def ask(self, request: Mapping[str, Any], functions: Sequence[str] = (), seconds: float = 0) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Args:
            request: as ``backend.suites.worker`` reads it.
            functions: names in the order in which the worker calls them, to say where it was.
            seconds: how long it may wait for others, beside the time that a reward function has.

        Raises:
            RewardFault: a reward function failed, took too long or too much memory, or ended its process.
            UserError: the file cannot be loaded.
        """
        settings = get_settings()
        with self._lock:  # one place is for one request
            os.pwrite(self._place.fileno(), PLACE.pack(-1, -1), 0)
            try:
                answer = self._process.ask(request, settings.reward_seconds + seconds, settings.reward_gigabytes)
            except WorkerEnded as error:
                raise self._where(str(error) + _SETTING[error.limit], functions) from error
        if "fault" in answer:
            raise RewardFault(**answer["fault"])
        if "error" in answer:
            raise UserError(answer["error"])
        return dict(answer)

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def _where(self, what: str, functions: Sequence[str]) -> UserError | RewardFault:
        """The error that says what happened to the process and where it was."""
        function, row = PLACE.unpack(os.pread(self._place.fileno(), PLACE.size, 0))
        if not 0 <= function < len(functions):
            return UserError(f"{self._spec} {what}")
        return RewardFault(functions[function], what, row if row >= 0 else None)


class FileSuite:
    """A reward file as a suite, and whether that is still the file as it is."""

    def __init__(self, spec: str) -> None:
        self._spec, self._worker = spec, Worker(spec)
        self._suite: Suite | None = None
        self._seen: dict[str, tuple[int, int]] = {}
        self._checked = 0.0
        self._fingerprints: dict[str, str] = {}
        self._judges: dict[str, JudgeOf] = {}
        self.source: dict[str, str] = {}
        """The team's own files, as they were when the suite was last described: relative path -> text."""

    def suite(self) -> Suite | None:
        """The suite as its files are now; None where the file is a suite of the workbench's own kind.

        Raises:
            UserError: the file cannot be loaded.
        """
        now = time.monotonic()
        if self._checked and now - self._checked < _CHECK_SECONDS:
            return self._suite
        if self._seen and self._seen == _stamps(self._seen):
            self._checked = now
            return self._suite
        self._worker.close()
        said = self._worker.ask({"do": "describe"})
        self._suite = None if said["is_suite"] else self._made(said)
        self._seen = _stamps(said.get("files") or [])
        self._checked = time.monotonic()
        return self._suite

    def _made(self, said: Mapping[str, Any]) -> Suite:
        self._fingerprints, self.source = dict(said["fingerprints"]), dict(said["source"])
        self._judges = {name: self._judge(name, judge) for name, judge in said["judges"].items()}
        guideline = _guideline(said["guideline"])
        criteria = tuple(Criterion(key, Text(*texts[:2]), Text(*texts[2:])) for key, *texts in said["criteria"])
        bounds = tuple(said["bounds"]) if said["bounds"] else None
        tasks = tuple(
            Task(
                name,
                Functions(weights, bounds, tuple(said["columns"][name])),
                label=self._label(name, said["name"]),
                guideline=guideline,
                criteria=criteria,
                rendering="markdown",
            )
            for name, weights in said["tasks"].items()
        )
        return Suite(
            name=said["name"],
            tasks=tasks,
            profiles=(Profile("current", Text("the file as it is", "o arquivo como está")),),
            is_open=said["is_open"],
            scale=tuple(said["scale"]),
            scorer=Scored(self._score, self._fingerprint, partial(_read_source, self), self._spec, self._judges),
        )

    def _label(self, task: str, suite: str) -> Text:
        """A file's only task is called as the file is, so that no sentence speaks of "the reward of rewards"."""
        file = Path(self._spec).name
        return Text(file, file) if task == suite and file.endswith(".py") else NO_TEXT

    def _judge(self, name: str, said: Mapping[str, Any]) -> JudgeOf:
        def ask(what: str, rows: Sequence[Any], sample: int = 0) -> list[float | Gap]:
            request = {"do": "ask", "judge": name, "what": what, "rows": rows, "sample": sample}
            try:
                answers = self._worker.ask(request, seconds=said["seconds_per_row"] * len(rows))["answers"]
            except RewardFault as fault:
                raise UserError(str(fault)) from fault
            return [_value(answer) for answer in answers]

        price = tuple(said["price"]) if said["price"] else None
        return JudgeOf(
            name, said["model"], said["endpoint"], said["fingerprint"], price, said["seconds_per_row"],
            lambda rows, sample: ask("again", rows, sample), lambda rows: ask("pairs", rows),
        )  # fmt: skip

    def _fingerprint(self, task: str) -> str:
        return self._fingerprints.get(task) or next(iter(self._fingerprints.values()))

    def _score(self, task: Task, rows: Sequence[ToScore]) -> list[Score]:
        """The functions' values on these rows, in batches."""
        if not isinstance(task.reward, Functions):
            raise TypeError(f"{task.name} is no task of a reward file")
        found: list[Score] = []
        waiting = sum(self._judges[name].seconds_per_row for name in task.reward.weights if name in self._judges)
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            sent = [
                {
                    "prompt": r.messages, "completion": r.completion, "columns": r.columns, "form": r.form,
                    "token_ids": r.token_ids,
                }
                for r in batch
            ]  # fmt: skip
            try:
                request = {"do": "score", "task": task.name, "rows": sent}
                said = self._worker.ask(request, list(task.reward.weights), waiting * len(batch))
            except RewardFault as fault:
                row = "" if fault.row is None else f", row {start + fault.row + 1}"
                where = f"rows {start + 1} to {start + len(batch)} of task {task.name}"
                if fault.row is not None:
                    where += f"; the completion is {_short(batch[fault.row].completion)}"
                raise UserError(
                    f"reward function {fault.function}{row}: {fault.what} ({where}). No score was stored"
                ) from fault
            found += [_score(total, values, task.reward.bounds) for total, values in said["scores"]]
        return found


def _short(text: str) -> str:
    said = repr(text)
    return said if len(said) <= 80 else said[:77] + "…"


def _read_source(suite: FileSuite) -> dict[str, str]:
    return suite.source


def _score(total: float | None, said: Mapping[str, Any], bounds: tuple[float, float] | None) -> Score:
    """A score as the worker said it; no total: a function that counts in it has a gap."""
    values = {name: _value(value) for name, value in said.items() if value is not None}
    gaps = {name: value for name, value in values.items() if isinstance(value, Gap)}
    numbers = {name: value for name, value in values.items() if not isinstance(value, Gap)}
    return Score(math.nan if total is None else _within(total, bounds), numbers, gaps)


def _value(said: Any) -> float | Gap:
    return Gap(*said) if isinstance(said, list) else float(said)


def _within(total: float, bounds: tuple[float, float] | None) -> float:
    return total if bounds is None else min(bounds[1], max(bounds[0], total))


def _guideline(text: str) -> Guideline | None:
    """A team's own words in place of the question; without any, the general guideline."""
    return Guideline(Text(text, text)) if text else None


def _stamps(files: Sequence[str] | Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """When each file was changed, and its size; (0, 0) for one that is gone."""
    found = {}
    for file in files:
        try:
            state = Path(file).stat()
            found[str(file)] = (state.st_mtime_ns, state.st_size)
        except OSError:
            found[str(file)] = (0, 0)
    return found
