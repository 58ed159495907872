"""Spearman's rank correlation of human scores with rewards: estimate, bootstrap interval, permutation p-value.

Average ranks for ties, as in scipy.stats.spearmanr. A resample of n items with replacement is a vector of counts, and
the ranks inside it follow from cumulative counts, so all resamples are ranked at once without sorting any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, ceil

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Array = NDArray[np.float64]

RESAMPLES = 10_000
PERMUTATIONS = 10_000
SEED = 20_240_427
LARGE = 300
"""Beyond this many completions the interval and p come from Fisher's z, which then agrees with the resampling."""


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
    if n > LARGE:
        return [
            _large(human, rewards[:, j]) if not constant[j] else Correlation(n, None, constant=True) for j in range(k)
        ]
    counts = resample_counts(n)
    shuffled = np.random.default_rng(SEED + 1).permuted(
        np.tile(_standardised(rankdata(human)), (PERMUTATIONS, 1)), axis=1
    )
    human_ranks = resampled_ranks(human, counts)
    return [
        Correlation(n, None, constant=True)
        if constant[j]
        else _one(human, rewards[:, j], counts, human_ranks, shuffled)
        for j in range(k)
    ]


def spearman(human: Array, reward: Array) -> float | None:
    """Spearman's rho alone; None with fewer than 3 items or where one side is constant."""
    human, reward = np.asarray(human, float), np.asarray(reward, float)
    if len(human) < 3 or np.ptp(human) == 0 or np.ptp(reward) == 0:
        return None
    return float(_standardised(rankdata(human)) @ _standardised(rankdata(reward)))


def weighted_spearman(human: Array, reward: Array, weights: Array) -> float | None:
    """Spearman's rho with weights, as if each item occurred that many times; None where ``spearman`` is None."""
    if spearman(human, reward) is None:
        return None
    w = np.asarray(weights, float)[None, :]
    ranks = [resampled_ranks(np.asarray(x, float), w) for x in (human, reward)]
    return float(weighted_correlation(ranks[0], ranks[1], w)[0])


def _one(human: Array, reward: Array, counts: Array, human_ranks: Array, shuffled: Array) -> Correlation:
    ranks = _standardised(rankdata(reward))
    rho = float(_standardised(rankdata(human)) @ ranks)
    permuted = np.abs(shuffled @ ranks)
    p = float((1 + (permuted >= abs(rho) - 1e-12).sum()) / (len(shuffled) + 1))
    draws = weighted_correlation(human_ranks, resampled_ranks(reward, counts), counts)
    low, high = np.nanquantile(draws, [0.025, 0.975]) if np.isfinite(draws).any() else (np.nan, np.nan)
    return Correlation(len(human), rho, float(low), float(high), p)


def _large(human: Array, reward: Array) -> Correlation:
    """Fisher's z with the variance (1 + rho^2 / 2) / (n - 3) (Bonett and Wright 2000)."""
    n = len(human)
    rho = float(_standardised(rankdata(human)) @ _standardised(rankdata(reward)))
    z = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    half = norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return Correlation(
        n, rho, float(np.tanh(z - half)), float(np.tanh(z + half)), float(2 * norm.sf(abs(z) * np.sqrt(n - 3)))
    )


def _standardised(ranks: Array) -> Array:
    """Ranks with mean 0 and length 1, so that the dot product of two such vectors is their correlation."""
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
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    size = np.add.reduceat(counts[:, order], starts, axis=1)  # (B, groups): how many draws share each value
    average = np.cumsum(size, axis=1) - (size - 1) / 2
    return average[:, group]


def resample_counts(n: int) -> Array:
    """(B, n): how often each of n items is drawn in each of ``RESAMPLES`` seeded resamples with replacement."""
    drawn = np.random.default_rng(SEED).integers(0, n, size=(RESAMPLES, n))
    drawn += np.arange(RESAMPLES)[:, None] * n
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(float)


def weighted_correlation(x: Array, y: Array, counts: Array) -> Array:
    """Pearson correlation of ``x`` and ``y`` (B, n) under weights ``counts`` (B, n); NaN where one is constant."""
    total = counts.sum(axis=1)
    weighted_x, weighted_y = counts * x, counts * y
    mean_x, mean_y = weighted_x.sum(axis=1) / total, weighted_y.sum(axis=1) / total
    covariance = _row_products(weighted_x, y) / total - mean_x * mean_y
    variance_x = _row_products(weighted_x, x) / total - mean_x**2
    variance_y = _row_products(weighted_y, y) / total - mean_y**2
    product = variance_x * variance_y
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(product > 1e-12, covariance / np.sqrt(product), np.nan)


def _row_products(a: Array, b: Array) -> Array:
    """The dot product of each row of ``a`` with the same row of ``b``, without a temporary matrix."""
    return np.einsum("bn,bn->b", a, b)


def ratings_needed(rho: float, above: float = 0.30) -> int | None:
    """About how many rated completions raise the 95 % interval's lower end above ``above``, if ``rho`` does not change.

    Fisher's z with the variance 1.06 / (n - 3) for Spearman's rho. None when ``rho`` is not above ``above``.
    """
    if rho <= above:
        return None
    distance = atanh(min(rho, 0.999)) - atanh(above)
    return ceil(3 + 1.06 * (norm.ppf(0.975) / distance) ** 2)


@dataclass(frozen=True)
class Difference:
    """The difference of two rewards' rho on the same completions: b's rho minus a's, with its interval."""

    delta: float | None
    low: float | None = None
    high: float | None = None


def rho_difference(human: Array, a: Array, b: Array) -> Difference:
    """Compare two rewards' rho on the same ratings. Both use the same resamples, so most of the noise cancels.

    Args:
        human, a, b: (n,) mean human score, and the two rewards, of each completion.

    Returns:
        b's rho minus a's with a 95 % percentile bootstrap interval; None where either rho is undefined.
    """
    first, second = spearman(human, a), spearman(human, b)
    if first is None or second is None:
        return Difference(None)
    n = len(human)
    counts = resample_counts(n)
    ranks = resampled_ranks(np.asarray(human, float), counts)
    draws = [weighted_correlation(ranks, resampled_ranks(np.asarray(x, float), counts), counts) for x in (a, b)]
    low, high = np.nanquantile(draws[1] - draws[0], [0.025, 0.975])
    return Difference(second - first, float(low), float(high))


def within_prompt(human: Array, reward: Array, prompts: Sequence[str]) -> Correlation:
    """Spearman's rho inside each prompt, averaged over prompts: GRPO learns only from the ranking inside a group.

    A pooled rho can be high because some prompts are easy. A prompt whose completions all have the same human score is
    left out. A prompt whose human scores differ while its rewards are all equal counts as 0.

    Returns:
        A correlation whose ``n`` counts prompts, with a 95 % bootstrap interval over prompts and no p.
    """
    rows: dict[str, list[int]] = {}
    for i, prompt in enumerate(prompts):
        rows.setdefault(prompt, []).append(i)
    rhos = []
    for members in rows.values():
        h, r = human[members], reward[members]
        if len(members) >= 2 and np.ptp(h) > 0:
            rhos.append(float(_standardised(rankdata(h)) @ _standardised(rankdata(r))) if np.ptp(r) > 0 else 0.0)
    if len(rhos) < 3:
        return Correlation(len(rhos), None)
    values = np.array(rhos)
    drawn = np.random.default_rng(SEED).integers(0, len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return Correlation(len(values), float(values.mean()), float(low), float(high))
