"""Is production as it was when the model was evaluated, and as it was in the weeks before? Two-sample tests with a false-alarm
rate for the whole month.

An evaluation has twenty answers a task, so only a large difference from it can be seen; three weeks of production have
thousands, so a small change can. But days differ among themselves, by what is asked on them: once there is a week of them,
a day must also lie further off than they do. Every test of a day is made at ``level(tests)``: ``MONTHLY_RATE`` over thirty days
and all tests (Bonferroni, which holds although every day is held against the same evaluation). benchmarks/monitor.py
simulates months: how many false alarms, and after how many days a drift is seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from backend.suites.suite import MonitorSettings
from backend.wording import Text, decimal, fill

MONTHLY_RATE = 0.05
"""Chance of any false drift alarm in thirty days, over all tasks and tests."""
FEWEST = 30
"""Answers that a day needs before anything is said about it."""
_FEWEST_DAYS = 7
"""Days that tell how much days differ."""
_OVER = 0.05
"""A p from which on a difference that was once sure is taken to be gone; in between, an alarm stays as it is."""
EVALUATION, BEFORE = "the evaluation", "the weeks before"
"""What a day is held against."""
_WHERE = {
    EVALUATION: Text("in the evaluation", "na avaliação"),
    BEFORE: Text("in the weeks before", "nas semanas anteriores"),
}
_WHAT = {
    "reward": Text("mean reward", "recompensa média"),
    "unparsable": Text("answers without JSON", "respostas sem JSON"),
    "length": Text("mean length in characters", "tamanho médio em caracteres"),
}


@dataclass(frozen=True)
class Sample:
    """Answers of one task: arrays of one length.

    Attributes:
        rewards: from 0 to 1.
        unparsable: whether there was no JSON where there should be.
        lengths: characters.
        days: which day each is of, where there are several; any numbers.
    """

    rewards: np.ndarray
    unparsable: np.ndarray
    lengths: np.ndarray
    days: np.ndarray | None = None


def together(days: Sequence[Sample]) -> Sample:
    """The answers of some days, each with its day."""
    return Sample(
        np.concatenate([d.rewards for d in days]),
        np.concatenate([d.unparsable for d in days]),
        np.concatenate([d.lengths for d in days]),
        np.repeat(np.arange(len(days)), [len(d.rewards) for d in days]),
    )


@dataclass(frozen=True)
class Finding:
    """What one look at one thing says.

    Attributes:
        kind: mean; reward, unparsable or length against the evaluation; change in reward (…) against the weeks before.
        raised: whether it is a reason for an alarm.
        over: whether an alarm about it may end.
        words: what was found.
    """

    kind: str
    raised: bool
    over: bool
    words: Text


def look(
    day: Sample, references: Mapping[str, Sample], alpha: float, limits: MonitorSettings | None = None
) -> list[Finding]:
    """Judge a day's answers of one task.

    Args:
        day: at least ``FEWEST`` answers.
        references: what it is held against: ``EVALUATION``, ``BEFORE``, both or neither.
        alpha: level of each test.
        limits: of the task's suite; the usual ones when left out.

    Returns:
        One finding for the mean's limit, and three for each reference.
    """
    limits = limits or MonitorSettings()
    mean = float(day.rewards.mean())
    words = fill(
        "mean reward {mean} over {n} answers; the limit is {limit}",
        "recompensa média {mean} em {n} respostas; o limite é {limit}",
        mean=decimal(mean), n=len(day.rewards), limit=decimal(limits.mean_limit),
    )  # fmt: skip
    found = [Finding("mean", mean < limits.mean_limit, mean >= limits.mean_over, words)]
    weeks = references.get(BEFORE)
    for name, then in references.items():
        for kind, of, test, shown in (
            ("reward", lambda s: s.rewards, _shift, decimal),
            ("unparsable", lambda s: s.unparsable, _more_often, "{:.0%}".format),
            ("length", lambda s: s.lengths, _shift, "{:.0f}".format),
        ):
            a, b = of(day), of(then)
            p = max(test(a, b), _as_days_go(float(a.mean()), b, _day_means(of(weeks), weeks.days) if weeks else None))
            told = fill(
                "{what} {now}; {where} {then} (p = {p})", "{what} {now}; {where} {then} (p = {p})",
                what=_WHAT[kind], now=shown(float(a.mean())), where=_WHERE[name], then=shown(float(b.mean())),
                p=f"{p:.1g}",
            )  # fmt: skip
            found.append(Finding(kind if name == EVALUATION else f"change in {kind}", p < alpha, p >= _OVER, told))
    return found


def level(tests: int) -> float:
    """The level of each of a day's tests; ``tests`` is three for each reference of each task."""
    return MONTHLY_RATE / (30 * max(1, tests))


def _day_means(values: np.ndarray, days: np.ndarray | None) -> np.ndarray | None:
    """The mean of each day; None where the days are not known."""
    if days is None:
        return None
    _, of_day = np.unique(days, return_inverse=True)
    return np.bincount(of_day, values.astype(float)) / np.bincount(of_day)


def _as_days_go(mean: float, then: np.ndarray, days: np.ndarray | None) -> float:
    """Two-sided p that a day's mean lies so far from that of ``then``, as days differ (t-test).

    Args:
        mean: of the day.
        then: values it is held against.
        days: the means of the days before it; fewer than a week of them decide nothing (0).
    """
    spread = 0.0 if days is None or len(days) < _FEWEST_DAYS else float(days.std(ddof=1))
    if days is None or spread == 0:
        return 0.0
    of_then = max(spread**2 / len(days), float(then.var()) / len(then))
    t = (mean - float(then.mean())) / np.sqrt(spread**2 + of_then)
    return float(2 * stats.t.sf(abs(t), len(days) - 1))


def _shift(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p of the Mann-Whitney test, ties corrected."""
    if len(a) == 0 or len(b) == 0 or np.ptp(np.concatenate((a, b))) == 0:
        return 1.0
    return float(stats.mannwhitneyu(a, b, method="asymptotic").pvalue)


def _more_often(a: np.ndarray, b: np.ndarray) -> float:
    """One-sided p of Fisher's exact test that ``a`` is true more often than ``b``."""
    table = [[int(a.sum()), int((~a).sum())], [int(b.sum()), int((~b).sum())]]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)
