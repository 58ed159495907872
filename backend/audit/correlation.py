"""Spearman's ρ of human scores with rewards, with intervals for completions that come several to a prompt.

Completions of one prompt are alike, so prompts are what is counted. Every interval and p-value comes from the
delete-a-group jackknife: the statistic is computed again without each prompt in turn (of many prompts: without each of
``GROUPS`` groups of them), and the spread of these values gives its standard error (Efron and Tibshirani 1993, "An
Introduction to the Bootstrap", chapter 11). A ρ is treated on Fisher's scale, and its quantile is Student's t with the
degrees of freedom that the values show (Satterthwaite): where few prompts make the ρ, as with a component that rarely acts,
the interval is wide. A p-value is the same t read backwards, so it is below 0.05 exactly where the 95 % interval leaves
out 0. docs/coverage.md has the measured coverage.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit  # Student's t without the thirty times slower checks of scipy.stats.t

Array = NDArray[np.float64]
Ids = Sequence[object] | NDArray[Any]
"""Which prompt each completion answers."""

GROUPS = 200
SEED = 20_240_427
FEWEST_PROMPTS = 10
"""With fewer prompts there is no interval and no p."""
FEWEST_ACTING = 5
"""A side that differs from its most common value in fewer prompts than this is too rare to tell."""


@dataclass(frozen=True)
class Correlation:
    """Spearman's ρ of one reward with the human scores.

    Attributes:
        n: completions.
        rho: None where it is undefined: fewer than 3 completions, or one side constant.
        low, high: its 95 % interval; None also with fewer than ``FEWEST_PROMPTS`` prompts, or where it is ``rare``.
        p: two-sided, of ρ = 0; None where there is no interval.
        constant: the reward gives every completion the same value.
        prompts: how many prompts the completions are of.
        rare: too few prompts make one side differ from its most common value.
        error: the standard error on Fisher's scale (within prompts: of the mean itself).
        acting: the prompts in which a side differs from its most common value, of the side that has fewer; None where
            nobody has counted.
    """

    n: int
    rho: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    constant: bool = False
    prompts: int = 0
    rare: bool = False
    error: float | None = None
    acting: int | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        """How many, ρ and its interval as plain values, for JSON."""
        return {"n": self.n, "rho": self.rho, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Difference:
    """The difference of two ρ, with its 95 % interval; None where one is undefined or too few prompts carry it."""

    delta: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Spread:
    """What the jackknife says of an estimate: standard error, 95 % interval and two-sided p of 0."""

    error: float
    low: float
    high: float
    p: float


def correlate(
    human: ArrayLike, rewards: ArrayLike, prompts: Ids, weights: ArrayLike | None = None
) -> list[Correlation]:
    """Correlate human scores with one or more rewards on the same completions.

    Args:
        human: (n,) human score of each completion.
        rewards: (n, k) value of each of k rewards (or components).
        prompts: n ids: which prompt each completion answers.
        weights: (n,) how many completions each stands for (``backend.rating.design``); all the same when left out.

    Returns:
        k correlations with 95 % intervals and two-sided p-values.

    Raises:
        ValueError: the lengths differ, a value is not finite, or a weight is not above 0.
    """
    human, rewards = np.asarray(human, float), np.asarray(rewards, float)
    if human.ndim != 1 or rewards.ndim != 2 or not len(human) == len(rewards) == len(prompts):
        shapes = f"human has {human.shape}, rewards {rewards.shape}, prompts ({len(prompts)},)"
        raise ValueError(f"{shapes}; need (n,), (n, k) and n")
    without = weights_without(prompts, weights)
    if not all(np.isfinite(values).all() for values in (human, rewards, without)):
        raise ValueError("scores and weights must be finite numbers")
    prompt_of = numbered(prompts)
    human_ranks = ranks_under(human, without)
    return [_correlation(human, rewards[:, j], prompt_of, human_ranks, without) for j in range(rewards.shape[1])]


def spearman(human: ArrayLike, reward: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Spearman's ρ alone, each completion counted ``weights`` times; None with fewer than 3, or where a side is constant."""
    human, reward = np.asarray(human, float), np.asarray(reward, float)
    if len(human) < 3 or np.ptp(human) == 0 or np.ptp(reward) == 0:
        return None
    every = np.ones((1, len(human))) if weights is None else np.asarray(weights, float)[None, :]
    return float(rhos_under(ranks_under(human, every), ranks_under(reward, every), every)[0])


def rho_difference(
    human: ArrayLike, a: ArrayLike, b: ArrayLike, prompts: Ids, weights: ArrayLike | None = None
) -> Difference:
    """Compare two rewards' ρ on the same ratings: b's minus a's. Both lose the same prompts, so most of the noise cancels.

    Args:
        human, a, b: (n,) human score, and the two rewards, of each completion.
        prompts, weights: as in ``correlate``.
    """
    human, a, b = (np.asarray(x, float) for x in (human, a, b))
    if spearman(human, a) is None or spearman(human, b) is None:
        return Difference(None)
    without = weights_without(prompts, weights)
    ranks = ranks_under(human, without)
    return _difference(
        rhos_under(ranks, ranks_under(b, without), without) - rhos_under(ranks, ranks_under(a, without), without),
        prompts,
    )


def subset_difference(human: ArrayLike, reward: ArrayLike, prompts: Ids, subset: ArrayLike) -> Difference:
    """A reward's ρ on a subset of the prompts minus its ρ on the others.

    Args:
        human, reward, prompts: as in ``correlate``.
        subset: (n,) whether each completion's prompt is in the subset.
    """
    human, reward, inside = np.asarray(human, float), np.asarray(reward, float), np.asarray(subset, bool)
    if any(spearman(human[part], reward[part]) is None for part in (inside, ~inside)):
        return Difference(None)
    without = weights_without(prompts)
    rhos = [
        rhos_under(
            ranks_under(human[part], without[:, part]), ranks_under(reward[part], without[:, part]), without[:, part]
        )
        for part in (inside, ~inside)
    ]
    return _difference(rhos[0] - rhos[1], prompts)


def within_prompt(human: ArrayLike, reward: ArrayLike, prompts: Ids) -> Correlation:
    """Spearman's ρ inside each prompt, averaged over prompts: GRPO learns only from the ranking inside a group.

    A pooled ρ can be high because some prompts are easy. A prompt whose completions all have the same human score is
    left out. A prompt whose human scores differ while its rewards are all equal counts as 0.

    Returns:
        A correlation whose ``n`` counts the prompts in the mean, and ``prompts`` all that have two or more completions.
        The interval, from 6 prompts in the mean on, is the mean's.
    """
    prompt_of = numbered(prompts)
    several = int((np.bincount(prompt_of) >= 2).sum())
    h, r = (_ranks_inside(np.asarray(side, float), prompt_of) for side in (human, reward))
    differ, product = np.bincount(prompt_of, h * h), np.bincount(prompt_of, r * r)
    with np.errstate(invalid="ignore", divide="ignore"):
        rhos = np.where(product > 0, np.bincount(prompt_of, h * r) / np.sqrt(differ * product), 0.0)
    values = rhos[differ > 0]
    m = len(values)
    if m < 3:
        return Correlation(m, None, prompts=several)
    mean = float(values.mean())
    if m < _FEWEST_INSIDE:
        return Correlation(m, mean, prompts=several)
    found = spread(np.concatenate([[mean], (values.sum() - values) / (m - 1)]))
    return Correlation(m, mean, max(-1.0, found.low), min(1.0, found.high), found.p, prompts=several, error=found.error)


_FEWEST_INSIDE = 6


def spread(values: ArrayLike) -> Spread:
    """The jackknife's standard error, interval and p of an estimate.

    Args:
        values: (1 + g,) the estimate, then its value without each of g groups.
    """
    values = np.asarray(values, float)
    estimate, left_out = values[0], values[1:]
    g = len(left_out)
    distance = left_out - left_out.mean()
    error = float(np.sqrt((g - 1) / g * (distance**2).sum()))
    if error < 1e-12:
        return Spread(error, float(estimate), float(estimate), 1.0 if abs(estimate) < 1e-12 else 0.0)
    scaled = distance / np.abs(distance).max()
    second, fourth = float((scaled**2).mean()), float((scaled**4).mean())
    freedom = min(g - 1.0, 2 * g * second**2 / max(fourth - second**2, 1e-12))
    half = float(stdtrit(freedom, 0.975)) * error
    return Spread(
        error, float(estimate - half), float(estimate + half), float(2 * stdtr(freedom, -abs(estimate) / error))
    )


def _correlation(
    human: Array, reward: Array, prompt_of: NDArray[np.int64], human_ranks: Array, without: Array
) -> Correlation:
    n, prompts = len(human), len(np.unique(prompt_of))
    constant = bool(n and np.ptp(reward) == 0)
    if n < 3 or constant or np.ptp(human) == 0:
        return Correlation(n, None, constant=constant, prompts=prompts)
    rhos = rhos_under(human_ranks, ranks_under(reward, without), without)
    return fisher_correlation(rhos, n, prompts, acting_prompts(prompt_of, human, reward))


def fisher_correlation(rhos: Array, n: int, prompts: int, acting: int | None = None) -> Correlation:
    """A correlation with its interval on Fisher's scale, where there are ``FEWEST_PROMPTS``.

    Args:
        rhos: (1 + g,) the ρ, then ρ without each of g groups of prompts; NaN where it is undefined.
        n, prompts: completions and prompts.
        acting: ``acting_prompts`` of the two sides; all when left out.
    """
    rho, m = float(rhos[0]), prompts if acting is None else acting
    if prompts < FEWEST_PROMPTS:
        return Correlation(n, rho, prompts=prompts)
    if np.isnan(rhos).any() or m < FEWEST_ACTING:
        return Correlation(n, rho, prompts=prompts, rare=True, acting=acting)
    most = 1 - 1 / (2 * m)  # of 2m rankings one is taken to be wrong, also where no prompt's absence shows it
    found = spread(np.arctanh(np.clip(rhos, -most, most)))
    if abs(rho) > _NEARLY_PERFECT:
        found = _nearly_perfect(np.clip(rho, -most, most), found.error, m)
    low, high = min(rho, float(np.tanh(found.low))), max(rho, float(np.tanh(found.high)))
    return Correlation(n, rho, low, high, found.p, prompts=prompts, error=found.error, acting=acting)


_NEAR_1, _NEARLY_PERFECT = 1 - 1e-12, 0.9


def _nearly_perfect(rho: float, error: float, acting: int) -> Spread:
    """For a ranking that is as good without nearly any prompt, so that leaving prompts out does not show what it may lack.

    The error is at least that of Spearman's ρ on Fisher's scale (Fieller, Hartley and Pearson 1957) for the prompts that
    differ from the most common value: where fifty of sixty answers have one score, the other ten make the ranking.
    """
    error = max(error, float(np.sqrt(1.06 / (acting - 3))))
    z = float(np.arctanh(rho))
    end = z - np.sign(z) * float(stdtrit(acting - 1, 0.975)) * error
    low, high = sorted((float(end), float(np.sign(z) * np.arctanh(_NEAR_1))))
    return Spread(error, low, high, float(2 * stdtr(acting - 1, -abs(z) / error)))


def _difference(values: Array, prompts: Ids) -> Difference:
    delta = float(values[0])
    if np.isnan(values).any() or len(set(prompts)) < FEWEST_PROMPTS:
        return Difference(delta)
    found = spread(values)
    return Difference(delta, found.low, found.high)


def averages(values: Array, weights: Array) -> Array:
    """(b,) the weighted mean of ``values`` (n,) under each row of weights (b, n); NaN where a row has none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights @ values / weights.sum(axis=1))


def mean_over_prompts(
    values: Array, prompts: Ids, least: float, most: float
) -> tuple[float, float | None, float | None]:
    """A mean, and the low and high end of its 95 % interval over prompts; None with fewer than ``FEWEST_PROMPTS`` prompts.

    Args:
        values: (n,) what is averaged, n above 0.
        prompts: n ids.
        least, most: the scale of the values; the interval is kept inside.
    """
    means = averages(values, weights_without(prompts))
    if len(set(prompts)) < FEWEST_PROMPTS:
        return float(means[0]), None, None
    found = spread(means)
    return float(means[0]), max(least, found.low), min(most, found.high)


def weights_without(prompts: Ids, weights: ArrayLike | None = None) -> Array:
    """(1 + g, n): the weights, then the weights without each group of prompts (0 in place of its completions')."""
    every = np.ones(len(prompts)) if weights is None else np.asarray(weights, float)
    if len(every) and not (every > 0).all():
        raise ValueError("weights must be above 0")
    every = every / every.mean() if weights is not None and len(every) else every  # ρ does not depend on their scale
    prompt_of = numbered(prompts)
    m = int(prompt_of.max()) + 1 if len(prompt_of) else 0
    groups = min(m, GROUPS)
    group_of = np.random.default_rng(SEED).permutation(m) % GROUPS if m > GROUPS else np.arange(m)
    left_out = group_of[prompt_of][None, :] == np.arange(groups)[:, None] if m else np.zeros((0, len(every)), bool)
    return np.concatenate([every[None, :], np.where(left_out, 0.0, every)])


def numbered(ids: Ids) -> NDArray[np.int64]:
    """(n,): ids as numbers, in order of appearance."""
    number: dict[object, int] = {}
    return np.array([number.setdefault(one, len(number)) for one in ids], dtype=np.int64)


def shared_by_equals(
    values: Array, groups: NDArray[np.int64], of: Callable[[NDArray[np.int64], NDArray[np.int64]], Array]
) -> Array:
    """What each value's place in its group gives, where equal values of a group share: each gets their mean.

    Args:
        values: (n,) any.
        groups: (n,) the group of each, from 0 on.
        of: (place from the lowest, from 0; size of the group), (n,) each -> (n,).
    """
    order, size = np.lexsort((values, groups)), np.bincount(groups)
    value, group = values[order], groups[order]
    place = np.arange(len(values)) - (np.cumsum(size) - size)[group]
    new = (np.diff(group, prepend=-1) != 0) | (np.diff(value, prepend=np.nan) != 0)
    equal = np.cumsum(new) - 1
    shared = np.empty(len(values))
    shared[order] = (np.bincount(equal, of(place, size[group])) / np.bincount(equal))[equal]
    return shared


def _ranks_inside(values: Array, groups: NDArray[np.int64]) -> Array:
    """(n,): average ranks among the values of the same group, centred."""
    return shared_by_equals(values, groups, lambda place, size: place - (size - 1) / 2)


def acting_prompts(prompt_of: NDArray[np.int64], *sides: Array) -> int:
    """In how many prompts a side (n,) differs from its most common value; of several sides, of the one that has fewest."""
    return min(_acting(side, prompt_of) for side in sides)


def _acting(values: Array, prompt_of: NDArray[np.int64]) -> int:
    """In how many prompts a value differs from the most common one."""
    found, counts = np.unique(values, return_counts=True)
    return len(np.unique(prompt_of[values != found[counts.argmax()]]))


def ranks_under(values: Array, weights: Array) -> Array:
    """Average ranks, centred, under each row of weights.

    Args:
        values: (n,) the completions' values.
        weights: (b, n) how often each completion counts.

    Returns:
        (b, n): the middle of the ranks that a value takes, minus the middle of all ranks.
    """
    if not len(values):
        return np.zeros_like(weights)
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    size = np.add.reduceat(weights[:, order], starts, axis=1)  # (b, values): the weight that shares each value
    middle = np.cumsum(size, axis=1) - size / 2
    return (middle - size.sum(axis=1, keepdims=True) / 2)[:, group]


def rhos_under(x: Array, y: Array, weights: Array) -> Array:
    """(b,): the correlation of centred ranks (b, n) under each row of weights; NaN where one side is constant."""
    weighted = weights * x
    product = np.einsum("bn,bn->b", weighted, x) * np.einsum("bn,bn,bn->b", weights, y, y)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(product > 1e-9, np.einsum("bn,bn->b", weighted, y) / np.sqrt(product), np.nan)
