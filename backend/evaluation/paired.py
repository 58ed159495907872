"""Tests and intervals of paired differences d = tuned - base, one per prompt. Pure functions, seeded.

Two questions, two tests. Signed ranks (Wilcoxon) ask whether the typical prompt moved; flips of the signs ask whether the
mean moved. With skewed differences the answers can differ: most prompts gain a little and a few lose much.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

RESAMPLES = 10_000
SEED = 20_240_427
_COUNTED = 300
EXACT = 13
"""Up to this many changed prompts all flips of their signs are counted."""
FEWEST_PAIRS = 6
"""With fewer non-zero pairs no two-sided signed-rank p can fall below 0.05."""


def wilcoxon(d: Array) -> tuple[float, float, float]:
    """Signed-rank p-values (better, worse, two-sided) of paired differences, zeros dropped, ties at their mean rank.

    Exact up to 300 changed prompts; beyond that scipy's normal approximation, which then agrees to many digits.

    The same for any order of the prompts, and mirrored when gains and losses change places. ``zero_method="pratt"`` is never
    used: with exact p-values it gives false positives without a warning.
    """
    d = d[d != 0]
    if len(d) == 0:
        return 1.0, 1.0, 1.0
    if len(d) > _COUNTED:
        better, worse = (
            float(stats.wilcoxon(d, alternative=side, method="asymptotic").pvalue) for side in ("greater", "less")
        )
        return better, worse, min(1.0, 2 * min(better, worse))
    doubled = np.rint(2 * stats.rankdata(np.abs(d))).astype(int)  # whole numbers, because a mean rank may end in a half
    at_least, gains = sum_chances(tuple(np.sort(doubled).tolist())), int(doubled[d > 0].sum())
    better, worse = float(at_least[gains]), float(at_least[len(at_least) - 1 - gains])
    return better, worse, min(1.0, 2 * min(better, worse))


def rank_sum_chances(n: int) -> Array:
    """(n (n + 1) / 2 + 1,) P(rank sum of the gains >= s) for every s, where each of n ranks is a gain by a coin toss."""
    return sum_chances(tuple(range(1, n + 1)))


@lru_cache(maxsize=64)
def sum_chances(sizes: tuple[int, ...]) -> Array:
    """(sum of the sizes + 1,) P(sum of the gains >= s) for every s, where each size is a gain by a coin toss.

    What scipy.stats.wilcoxon computes with ``method="exact"``, for ties too, and kept: a comparison asks for it at every task.
    """
    chances = np.zeros(sum(sizes) + 1)
    chances[0], top = 1.0, 0
    for size in sizes:
        top += size
        chances[: top + 1] /= 2
        chances[size : top + 1] += chances[: top + 1 - size].copy()
    return np.minimum(1.0, np.cumsum(chances[::-1])[::-1])


def mean_test(d: Array) -> float:
    """Two-sided p of the mean by flips of the signs (Fisher's randomisation test): exact up to ``EXACT`` changed prompts,
    else of ``RESAMPLES`` seeded flips. The same for any order of the prompts, and for gains and losses exchanged.

    It asks whether the differences are symmetric about 0, weighing each by its size.
    """
    d = d[d != 0]
    if len(d) == 0:
        return 1.0
    sizes = np.sort(np.abs(d))
    sums = np.einsum("ij,j->i", 2 * _signs(len(d)) - 1, sizes)  # as fast as @, whose threads wait on a busy machine
    as_far = np.abs(sums) >= abs(float(d.sum())) - 1e-9
    return float(as_far.mean()) if len(d) <= EXACT else float((1 + as_far.sum()) / (RESAMPLES + 1))


@lru_cache(maxsize=8)
def _signs(n: int) -> Array:
    """(flips, n) which of n differences count as gains: every pattern up to ``EXACT``, else seeded coin tosses."""
    if n <= EXACT:
        return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)
    return np.random.default_rng(SEED).integers(0, 2, size=(RESAMPLES, n)).astype(float)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction. (statsmodels' runs the garbage collector at every call, which takes far longer.)"""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return [float(x) for x in corrected]


def rank_biserial(d: Array) -> float:
    """Matched-pairs rank-biserial correlation: (rank sum of gains - of losses) / their sum. 0 if nothing changed."""
    d = d[d != 0]
    if len(d) == 0:
        return 0.0
    ranks = stats.rankdata(np.abs(d))
    return float((ranks[d > 0].sum() - ranks[d < 0].sum()) / ranks.sum())


def mean_interval(
    strata: Sequence[Array], weights: Sequence[float] = (1.0,), level: float = 0.95
) -> tuple[float, float]:
    """Interval of a weighted mean of the strata's means; each stratum is a sample of its own. See ``intervals``.

    Args:
        strata: the differences of each task; one task alone is one stratum.
        weights: one for each stratum, summing to 1.
        level: the share of intervals that hold the mean.

    Returns:
        (low, high); NaN where a stratum has fewer than two differences, which say nothing about its spread.
    """
    if min(len(d) for d in strata) < 2:
        return float("nan"), float("nan")
    low, high = _widened(*_weighted(strata, weights), level)
    return float(low), float(high)


def mean_p(strata: Sequence[Array], weights: Sequence[float] = (1.0,)) -> tuple[float, float]:
    """One-sided p (better, worse) of a weighted mean: ``mean_interval`` at level 1 - 2 p just touches 0.

    1 where ``mean_interval`` is NaN.
    """
    if min(len(d) for d in strata) < 2:
        return 1.0, 1.0
    mean, variance, third, freedom = _weighted(strata, weights)
    error = np.sqrt(variance)
    if error < 1e-12:
        return (float(mean <= 0), float(mean >= 0))
    t, skew = mean / error, third / error**3
    straight = t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6
    return float(stats.t.sf(min(t, straight), freedom)), float(stats.t.cdf(max(t, straight), freedom))


def _weighted(strata: Sequence[Array], weights: Sequence[float]) -> tuple[float, float, float, float]:
    """Mean, variance and third cumulant of a weighted mean, and Satterthwaite's degrees of freedom of the variance."""
    w = np.asarray(weights, float)
    mean, variance, third = np.transpose([_moments(d) for d in strata])
    each = w**2 * variance
    shared = float((each**2 / [len(d) - 1 for d in strata]).sum())
    freedom = float(each.sum()) ** 2 / shared if shared > 0 else float(len(strata[0]) - 1)
    return float(w @ mean), float(each.sum()), float(w**3 @ third), freedom


def intervals(d: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Intervals of the means of many samples: Student's t, on each side widened for skewness where that lies further out.

    Student's t leaves out the mean of skewed differences too often (up to 12 % of samples instead of 5 %), always on the
    side of the long tail. Hall's transformation takes the skewness out of t (Hall 1992, "On the removal of skewness by
    transformation", JRSS B 54, 221-228); alone it is too short for long-tailed symmetric differences, whose
    sample skewness is noise. So each end is the outer one of the two.

    Args:
        d: (..., n) samples of n >= 2 differences.
        level: the share of intervals that hold the mean.

    Returns:
        (low, high), each of shape (...).
    """
    return _widened(*_moments(d), d.shape[-1] - 1.0, level)


def _moments(d: Array) -> tuple[Array, Array, Array]:
    """Mean, variance and third cumulant of the mean of samples (..., n), unbiased."""
    n = d.shape[-1]
    mean = d.mean(axis=-1)
    z = d - mean[..., None]
    variance = (z**2).sum(axis=-1) / (n - 1) / n
    third = (z**3).sum(axis=-1) / ((n - 1) * (n - 2)) / n if n > 2 else np.zeros_like(mean)
    return mean, variance, third


def _widened(
    mean: Array | float, variance: Array | float, third: Array | float, freedom: float, level: float
) -> tuple[Array, Array]:
    """The interval of ``intervals`` from the moments of a mean and the degrees of freedom of its variance."""
    t = float(stats.t.ppf(0.5 + level / 2, freedom))
    error = np.sqrt(variance)
    skew = np.divide(third, error**3, out=np.zeros_like(error), where=error > 1e-12)
    straight = np.abs(skew) < 1e-6
    skew = np.where(straight, 1.0, skew)

    def without_skew(y: float) -> Array:
        return np.where(straight, y, 3 / skew * (np.cbrt(1 + skew * (y - skew / 6)) - 1))

    return mean - error * np.maximum(t, without_skew(t)), mean + error * np.maximum(t, -without_skew(-t))
