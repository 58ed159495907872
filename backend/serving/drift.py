"""Is production as it was when the model was evaluated? Two-sample tests with a false-alarm rate for the whole month.

Every test of a day is made at ``level(tests)``: ``MONTHLY_RATE`` over thirty days and all tests (Bonferroni, which holds
although every day is held against the same evaluation). benchmarks/monitor.py simulates months: how many false alarms,
and after how many days a drift is seen.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

MEAN_LIMIT = 0.50
"""Below it the input has shifted and the model needs retraining (final report §11, step 9)."""
MEAN_OVER = 0.52
"""At or above it a mean that was too low is well again; between the two nothing changes."""
MONTHLY_RATE = 0.05
"""Chance of any false drift alarm in thirty days, over all tasks and tests."""
FEWEST = 30
"""Answers that a day needs before anything is said about it."""
KINDS = ("mean", "reward", "unparsable", "length")


@dataclass(frozen=True)
class Sample:
    """Answers of one task: arrays of one length.

    Attributes:
        rewards: from 0 to 1.
        unparsable: whether there was no JSON where there should be.
        lengths: characters.
    """

    rewards: np.ndarray
    unparsable: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class Finding:
    """What one look at one thing says.

    Attributes:
        kind: of ``KINDS``.
        raised: whether it is a reason for an alarm.
        over: whether an alarm about it may end.
        words: in plain English.
    """

    kind: str
    raised: bool
    over: bool
    words: str


def level(tests: int) -> float:
    """The level of each of a day's tests."""
    return MONTHLY_RATE / (30 * max(1, tests))


def look(day: Sample, reference: Sample | None, alpha: float) -> list[Finding]:
    """Judge a day's answers of one task.

    Args:
        day: at least ``FEWEST`` answers.
        reference: the evaluation's; None where there is none, and then only the mean is looked at.
        alpha: level of each test.
    """
    mean = float(day.rewards.mean())
    found = [
        Finding(
            "mean", mean < MEAN_LIMIT, mean >= MEAN_OVER,
            f"mean reward {mean:.2f} over {len(day.rewards)} answers; the limit is {MEAN_LIMIT:.2f}",
        )
    ]  # fmt: skip
    if reference is None:
        return found
    expected = float(reference.rewards.mean())
    p = _shift(day.rewards, reference.rewards)
    found.append(
        Finding(
            "reward", p < alpha, p >= alpha,
            f"mean reward {mean:.2f}, in the evaluation {expected:.2f} (Mann-Whitney p = {p:.2g})",
        )
    )  # fmt: skip
    p = _more_often(day.unparsable, reference.unparsable)
    found.append(
        Finding(
            "unparsable", p < alpha, p >= alpha,
            f"{day.unparsable.mean():.0%} of the answers hold no JSON, in the evaluation {reference.unparsable.mean():.0%} "
            f"(Fisher p = {p:.2g})",
        )
    )  # fmt: skip
    p = _shift(day.lengths, reference.lengths)
    found.append(
        Finding(
            "length", p < alpha, p >= alpha,
            f"{day.lengths.mean():.0f} characters on average, in the evaluation {reference.lengths.mean():.0f} "
            f"(Mann-Whitney p = {p:.2g})",
        )
    )  # fmt: skip
    return found


def tests_per_day(tasks_with_reference: int) -> int:
    """How many tests a day has: three for each task that has a reference (the mean's limit is no test)."""
    return 3 * tasks_with_reference


def _shift(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p of the Mann-Whitney test, ties corrected."""
    if len(a) == 0 or len(b) == 0 or np.ptp(np.concatenate((a, b))) == 0:
        return 1.0
    return float(stats.mannwhitneyu(a, b, method="asymptotic").pvalue)


def _more_often(a: np.ndarray, b: np.ndarray) -> float:
    """One-sided p of Fisher's exact test that ``a`` is true more often than ``b``."""
    table = [[int(a.sum()), int((~a).sum())], [int(b.sum()), int((~b).sum())]]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)
