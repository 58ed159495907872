"""Spearman's rank correlation of human scores with rewards: estimate, bootstrap interval, permutation p-value.

Average ranks for ties, as in scipy.stats.spearmanr. A resample of n items with replacement is a vector of counts, and
the ranks inside it follow from cumulative counts, so all resamples are ranked at once without sorting any.
"""

from dataclasses import dataclass
from math import atanh, ceil

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Array = NDArray[np.float64]

RESAMPLES = 10_000
PERMUTATIONS = 10_000
SEED = 20_240_427


@dataclass(frozen=True)
class Correlation:
    """Spearman's rho of one reward with the human scores.

    ``rho``, ``low``, ``high`` and ``p`` are None where the rho is undefined: fewer than 3 items, or one side constant.
    """

    n: int
    rho: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    constant: bool = False
    """The reward gives every completion the same value."""


def correlate(human: Array, rewards: Array) -> list[Correlation]:
    """Correlate human scores with one or more rewards on the same completions.

    Args:
        human: (n,) mean human score of each completion.
        rewards: (n, k) value of each of k rewards (or components).

    Returns:
        k correlations with 95 % percentile bootstrap intervals (completions resampled, seeded) and two-sided
        permutation p-values. The same resamples serve all k, so that differences between them are paired.

    Raises:
        ValueError: the lengths differ, or a value is not finite.
    """
    human, rewards = np.asarray(human, float), np.asarray(rewards, float)
    if rewards.ndim != 2 or len(human) != len(rewards):
        raise ValueError(f"human has {human.shape}, rewards {rewards.shape}; need (n,) and (n, k)")
    if not (np.isfinite(human).all() and np.isfinite(rewards).all()):
        raise ValueError("scores must be finite numbers")
    n, k = rewards.shape
    constant = [bool(np.ptp(rewards[:, j]) == 0) if n else False for j in range(k)]
    if n < 3 or np.ptp(human) == 0:
        return [Correlation(n, None, constant=c) for c in constant]
    rng = np.random.default_rng(SEED)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)
    shuffled = rng.permuted(np.tile(_standardised(rankdata(human)), (PERMUTATIONS, 1)), axis=1)
    human_ranks = resampled_ranks(human, counts)
    return [
        Correlation(n, None, constant=True)
        if constant[j]
        else _one(human, rewards[:, j], counts, human_ranks, shuffled)
        for j in range(k)
    ]


def _one(human: Array, reward: Array, counts: Array, human_ranks: Array, shuffled: Array) -> Correlation:
    ranks = _standardised(rankdata(reward))
    rho = float(_standardised(rankdata(human)) @ ranks)
    permuted = np.abs(shuffled @ ranks)
    p = float((1 + (permuted >= abs(rho) - 1e-12).sum()) / (len(shuffled) + 1))
    draws = weighted_correlation(human_ranks, resampled_ranks(reward, counts), counts)
    low, high = np.nanquantile(draws, [0.025, 0.975]) if np.isfinite(draws).any() else (np.nan, np.nan)
    return Correlation(len(human), rho, float(low), float(high), p)


def _standardised(ranks: Array) -> Array:
    """Centred and of unit length, so that a product of two is their correlation."""
    centred = ranks - ranks.mean()
    return centred / np.sqrt((centred**2).sum())


def resampled_ranks(values: Array, counts: Array) -> Array:
    """Average ranks inside every resample.

    Args:
        values: (n,) the items' values.
        counts: (B, n) how often each item was drawn.

    Returns:
        (B, n): the average rank each item's value has within that resample.
    """
    _, group = np.unique(values, return_inverse=True)
    groups = int(group.max()) + 1
    member = np.zeros((len(values), groups))
    member[np.arange(len(values)), group] = 1.0
    size = counts @ member
    average = np.cumsum(size, axis=1) - (size - 1) / 2
    return average[:, group]


def weighted_correlation(x: Array, y: Array, counts: Array) -> Array:
    """Pearson correlation of ``x`` and ``y`` (B, n) under weights ``counts`` (B, n); NaN where one is constant."""
    total = counts.sum(axis=1)
    mean_x = (counts * x).sum(axis=1) / total
    mean_y = (counts * y).sum(axis=1) / total
    covariance = (counts * x * y).sum(axis=1) / total - mean_x * mean_y
    variance_x = (counts * x * x).sum(axis=1) / total - mean_x**2
    variance_y = (counts * y * y).sum(axis=1) / total - mean_y**2
    product = variance_x * variance_y
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(product > 1e-12, covariance / np.sqrt(product), np.nan)


def ratings_needed(rho: float, above: float = 0.30) -> int | None:
    """About how many rated completions put the 95 % interval's low end over ``above``, if ``rho`` stays as it is.

    Fisher's z with the variance 1.06 / (n - 3) for Spearman's rho. None when ``rho`` is not over ``above``.
    """
    if rho <= above:
        return None
    distance = atanh(min(rho, 0.999)) - atanh(above)
    return ceil(3 + 1.06 * (norm.ppf(0.975) / distance) ** 2)
