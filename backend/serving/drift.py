"""Drift in production: two-sample tests against the evaluation and the weeks before, with a false-alarm rate per month.

An evaluation has twenty answers per task, so only a large difference from it can be detected. Three weeks of production
have thousands of answers, so a small change can be detected. But days differ from each other, because different things
are asked. So when there is at least a week of days, a day must also differ by more than days usually do. Every test of a
day has the level ``level(tests)``: ``MONTHLY_RATE`` divided by thirty days and all tests (Bonferroni, which is valid
although every day is compared with the same evaluation). benchmarks/monitor.py simulates months: how many false alarms
there are, and after how many days a drift is detected.
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
"""The fewest answers of a day that is tested."""
_FEWEST_DAYS = 7
"""The fewest days from which the difference between days is estimated."""
_OVER = 0.05
"""If p is at least this, an open alarm may close; between the alarm level and this, it stays open."""
EVALUATION, BEFORE = "the evaluation", "the weeks before"
"""The two references that a day is compared with."""
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
    """Answers of one task, as arrays of the same length.

    Attributes:
        rewards: from 0 to 1.
        unparsable: whether JSON was expected and there was none.
        lengths: in characters.
        days: a number for the day of each answer, if there are several days.
    """

    rewards: np.ndarray
    unparsable: np.ndarray
    lengths: np.ndarray
    days: np.ndarray | None = None


def together(days: Sequence[Sample]) -> Sample:
    """The answers of several days in one sample, each with its day."""
    return Sample(
        np.concatenate([d.rewards for d in days]),
        np.concatenate([d.unparsable for d in days]),
        np.concatenate([d.lengths for d in days]),
        np.repeat(np.arange(len(days)), [len(d.rewards) for d in days]),
    )


@dataclass(frozen=True)
class Finding:
    """The result of one test.

    Attributes:
        kind: mean; reward, unparsable or length against the evaluation; change in reward (…) against the weeks before.
        raised: whether it opens an alarm.
        over: whether an open alarm about it may close.
        words: what was found, in words.
    """

    kind: str
    raised: bool
    over: bool
    words: Text


def look(
    day: Sample, references: Mapping[str, Sample], alpha: float, limits: MonitorSettings | None = None
) -> list[Finding]:
    """Test a day's answers of one task.

    Args:
        day: at least ``FEWEST`` answers.
        references: the samples to compare it with, by name: ``EVALUATION``, ``BEFORE``, both or neither.
        alpha: level of each test.
        limits: of the task's suite; the default ones when left out.

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
            p = max(
                test(a, b), _p_between_days(float(a.mean()), b, _day_means(of(weeks), weeks.days) if weeks else None)
            )
            compared = fill(
                "{what} {now}; {where} {then} (p = {p})", "{what} {now}; {where} {then} (p = {p})",
                what=_WHAT[kind], now=shown(float(a.mean())), where=_WHERE[name], then=shown(float(b.mean())),
                p=f"{p:.1g}",
            )  # fmt: skip
            found.append(Finding(kind if name == EVALUATION else f"change in {kind}", p < alpha, p >= _OVER, compared))
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


def _p_between_days(mean: float, then: np.ndarray, days: np.ndarray | None) -> float:
    """Two-sided p of a t-test of a day's mean against that of ``then``, given how much days differ from each other.

    Args:
        mean: of the day.
        then: the values it is compared with.
        days: the means of the days before it; with fewer than seven, p is 0, so that only the other test decides.
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
