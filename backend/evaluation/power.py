"""What a comparison could have seen, and how many prompts it would need: the power of the rule of ``compare``.

A change of a task's mean is found where the signed ranks and the interval of the mean reject at alpha / tasks (the first
step of Holm), and the mean would keep its sign with some more prompts. All of these move along with the differences when
those are shifted, so each simulated sample has one smallest shift at which it is found, and no shift has to be searched for.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from backend.evaluation.paired import FEWEST_PAIRS, SEED, Array, intervals, rank_sum_chances
from backend.evaluation.settings import ALPHA

_SAMPLES = 200
_MOST = 50
"""Larger samples are simulated with this many differences, and the shift scaled by the root of the sizes' ratio."""


def detectable(
    d: Array,
    tasks: int = 1,
    fall: float | None = None,
    rise: float | None = None,
    power: float = 0.80,
    alpha: float = ALPHA,
) -> float:
    """The smallest |change of the mean| that ``compare`` finds with ``power`` in differences that spread like ``d``.

    Args:
        d: (n,) differences; centred and resampled.
        tasks: how many tasks the table has.
        fall, rise: how far below and above its task's mean a prompt of the table lies; those of ``d`` where not given.
        power: the share of samples in which the change is found, on average over both directions.
        alpha: the comparison's level.

    Returns:
        A change in the unit of ``d``; NaN where no change could be found: too few prompts for that many tasks.
    """
    n = len(d)
    if n < FEWEST_PAIRS:
        return float("nan")
    # Resampling shrinks the variance by (n - 1) / n; and the spread of a small sample is itself uncertain.
    z = (d - d.mean()) * np.sqrt(n / (n - 2))
    fall, rise = z.min() if fall is None else fall, z.max() if rise is None else rise
    return _quantile(z[_places(n)], n, tasks, float(fall), float(rise), power, alpha)


def detectable_from_spread(spread: float, n: int, tasks: int = 1, power: float = 0.80) -> float:
    """``detectable`` before there are data, for normal differences with the standard deviation ``spread``."""
    return spread * _of_normal(n, tasks, power)


def prompts_needed(spread: float, change: float, tasks: int = 1, power: float = 0.80) -> int:
    """The fewest prompts of a task with which ``detectable_from_spread`` is at most ``change``.

    Args:
        spread: the expected standard deviation of the differences.
        change: the change of the mean that is to be found.
        tasks: how many tasks the table has.
        power: how often it is to be found.

    Raises:
        ValueError: the change is not above 0.
    """
    if change <= 0:
        raise ValueError(f"a change of {change} cannot be found with any number of prompts; give one above 0")

    def enough(n: int) -> bool:
        return detectable_from_spread(spread, n, tasks, power) <= change

    few, many = FEWEST_PAIRS - 1, FEWEST_PAIRS
    while not enough(many):
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


@lru_cache(maxsize=1024)
def _of_normal(n: int, tasks: int, power: float) -> float:
    if n < FEWEST_PAIRS:
        return float("nan")
    furthest = float(stats.norm.ppf(0.5 ** (1 / (n * tasks))))  # the median of the largest of all the table's prompts
    normal = np.random.default_rng(SEED).standard_normal((2 * _SAMPLES, min(n, _MOST)))
    return _quantile(normal, n, tasks, -furthest, furthest, power, ALPHA)


@lru_cache(maxsize=8)
def _places(n: int) -> NDArray[np.int64]:
    """(_SAMPLES, at most _MOST) seeded draws from n places."""
    return np.random.default_rng(SEED).integers(0, n, size=(_SAMPLES, min(n, _MOST)))


def _quantile(samples: Array, n: int, tasks: int, fall: float, rise: float, power: float, alpha: float) -> float:
    m = samples.shape[1]
    gains = _gains_needed(m, alpha / tasks)
    if gains is None:
        return float("nan")
    scale = np.sqrt(m / n)
    first, second = np.triu_indices(m)
    walsh = (samples[:, first] + samples[:, second]) / 2
    places = [gains - 1, walsh.shape[1] // 2, walsh.shape[1] - gains]
    low, middle, high = np.partition(walsh, places, axis=1)[:, places].T
    typical = np.median(middle)  # of skewed differences it is not 0, however many there are
    least, most = intervals(samples, 1 - alpha / tasks)
    more = unseen(tasks, alpha) / (n + unseen(tasks, alpha))
    mean = scale * samples.mean(axis=1)
    up = [scale * (typical - high) - typical, -scale * least, -mean - more * fall]
    down = [scale * (low - typical) + typical, scale * most, mean + more * rise]
    return float(np.quantile([np.max(up, axis=0), np.max(down, axis=0)], power))


def unseen(tasks: int, alpha: float = ALPHA) -> float:
    """How many prompts a sample can have missed: log(2 tasks / alpha), 5.1 with four tasks.

    n prompts have none of a kind that makes up the share s with probability (1 - s)^n < exp(-s n); with s = log(2 tasks /
    alpha) / n that is alpha / (2 tasks), what one side of one task's test may err. With one side at 5 % it is the "rule of
    three" (Hanley and Lippman-Hand 1983, JAMA 249).
    """
    return float(np.log(2 * tasks / alpha))


def _gains_needed(n: int, alpha: float) -> int | None:
    """The smallest rank sum of the gains that the two-sided signed-rank test rejects at alpha; None if there is none.

    The rank sum of the gains is the number of Walsh averages (d_i + d_j) / 2, i <= j, above 0 (Tukey 1949), which is why
    an ordered Walsh average is the shift at which the test starts to reject.
    """
    rejected = np.flatnonzero(rank_sum_chances(n) < alpha / 2)
    return int(rejected[0]) if len(rejected) else None
