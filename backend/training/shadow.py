"""Shadow measures: what rides along in training and evaluation with weight 0, and only watches.

They never reach TRL, where even a reward of weight 0 takes part in sums and in the question whether a completion has any
reward; and the random state is put back after them. So losses are the same, bit for bit, with them and without (a test holds it).
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from backend.errors import UserError
from backend.suites import ToScore, get_task, profiles, score_completions, suite_of
from backend.suites.reward_file import RewardFile, load_reward_file
from rewards.calling import RewardFault, RewardFunction, Row

TRUTH = "truth"
"""Stands for the truth measure of every task that has one."""
Values = list[float | None]


@dataclass(frozen=True)
class Measure:
    """One measure of one task.

    Attributes:
        name, task: together unique.
        values: completions of the task -> a value for each, None where it does not apply.
        reads_tokens: whether it has to be told the completions' token ids.
    """

    name: str
    task: str
    values: Callable[[Sequence[ToScore]], Values]
    reads_tokens: bool = False


class Shadow:
    """A run's shadow measures.

    Args:
        names: of a configuration's ``shadow``.
        tasks: that the run trains on.

    Attributes:
        reads_tokens: whether a measure has to be told the completions' token ids.

    Raises:
        UserError: a reward function cannot be loaded, or two measures have one name.
    """

    def __init__(self, names: Sequence[str], tasks: Sequence[str]) -> None:
        self._measures = [measure for name in names for measure in _measures(name, tasks)]
        keys = [(m.name, m.task) for m in self._measures]
        if twice := sorted({name for name, task in keys if keys.count((name, task)) > 1}):
            raise UserError(f"shadow names {', '.join(twice)} twice; a function's name is its measure's name")
        self.reads_tokens = any(m.reads_tokens for m in self._measures)
        self._failed: set[str] = set()

    @property
    def names(self) -> list[str]:
        """The measures' names, in order."""
        return list(dict.fromkeys(m.name for m in self._measures))

    def watch(self, asked: Sequence[tuple[str, ToScore]], may_fail: bool = True) -> list[dict[str, float]]:
        """Measure completions, each given with its task.

        Args:
            asked: the completions.
            may_fail: whether a measure that fails is only left out of this batch and said in the log.

        Returns:
            measure -> value for each completion, those that apply.

        Raises:
            UserError: a measure failed and may not.
        """
        found: list[dict[str, float]] = [{} for _ in asked]
        with _random_state_kept():
            for measure in self._measures:
                places = [place for place, (task, _) in enumerate(asked) if task == measure.task]
                for place, value in zip(
                    places, self._values(measure, [asked[i][1] for i in places], may_fail), strict=True
                ):
                    if value is not None:
                        found[place][measure.name] = value
        return found

    def _values(self, measure: Measure, asked: Sequence[ToScore], may_fail: bool) -> Values:
        try:
            return measure.values(copy.deepcopy(asked)) if asked else []  # it may change what it is given
        except (UserError, RewardFault) as error:
            if not may_fail:
                raise UserError(f"the shadow measure {measure.name} failed: {error}") from error
            if measure.name not in self._failed:
                self._failed.add(measure.name)
                print(f"\nthe shadow measure {measure.name} failed and is left out here: {error}", flush=True)
            return [None] * len(asked)


def shadow_means(tasks: Sequence[str], values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """``shadow/<measure>/<task>``: the mean of each measure over the completions of a task that it applies to.

    Args:
        tasks: of the completions.
        values: of the completions, as ``Shadow.watch`` gives them.
    """
    of: dict[str, list[float]] = {}
    for task, measured in zip(tasks, values, strict=True):
        for name, value in measured.items():
            of.setdefault(f"shadow/{name}/{task}", []).append(value)
    return {name: fmean(found) for name, found in of.items()}


def check_shadow_name(name: str) -> None:
    """Check that a name could be a measure's, without loading anything.

    Raises:
        ValueError: it is neither ``truth``, nor a profile, nor names a file or a function.
    """
    known = [TRUTH, *profiles()]
    if name not in known and ":" not in name and not name.endswith(".py"):
        raise ValueError(
            f"{name!r} is no shadow measure; give {', '.join(known)}, or a reward function as file.py or module:function"
        )


def _measures(name: str, tasks: Sequence[str]) -> list[Measure]:
    if name == TRUTH:
        return [m for task in tasks for m in _truth(task)]
    if name in profiles():
        return [_profile(name, task) for task in tasks if any(p.name == name for p in suite_of(task).profiles)]
    loaded = load_reward_file(name)
    if not isinstance(loaded, RewardFile):
        raise UserError(
            f"shadow={name}: it is a suite of tasks; name one of its profiles, or a file of reward functions"
        )
    return [_function(function, task) for function in loaded.functions.values() for task in tasks]


def _truth(task: str) -> list[Measure]:
    truth = get_task(task).truth
    if truth is None:
        return []

    def values(asked: Sequence[ToScore]) -> Values:
        judged = [truth.judge(one.completion, one.columns) for one in asked]
        return [fmean(right) if right else None for right in judged]

    return [Measure(truth.name, task, values)]


def _profile(name: str, task: str) -> Measure:
    return Measure(name, task, lambda asked: [score.total for score in score_completions(task, asked, name)])


def _function(function: RewardFunction, task: str) -> Measure:
    def values(asked: Sequence[ToScore]) -> Values:
        rows = [Row([dict(m) for m in one.messages], one.completion, one.columns, one.form) for one in asked]
        found = function.values(rows, {"completion_ids": [one.token_ids for one in asked]} if reads_tokens else {})
        return [value if isinstance(value, float) else None for value in found]  # a judge that gave none is no value

    reads_tokens = "completion_ids" in (function.wants or ())
    return Measure(function.name, task, values, reads_tokens)


@contextmanager
def _random_state_kept() -> Iterator[None]:
    """Whatever is drawn inside, the random states of Python, NumPy and torch are as before."""
    import torch

    of_python, of_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)
