"""Do the raters agree? A reward cannot agree with people who do not agree with each other."""

from dataclasses import dataclass
from itertools import combinations

import krippendorff
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.inter_rater import cohens_kappa

from backend.audit.correlation import FEWEST_PROMPTS, fisher_correlation, spread, weights_without

Array = NDArray[np.float64]

SCALE = (1, 2, 3, 4, 5)
SEED = 20_240_427
LARGE = 5_000
"""If more completions than this have two raters, a stable sample of this many is used."""
AGREE = 1
"""Raters agree on a completion when their scores lie at most this far apart."""


@dataclass(frozen=True)
class Agreement:
    """How far raters agree on the completions that two or more of them scored.

    Attributes:
        completions: how many such completions there are.
        alpha: Krippendorff's alpha for ordinal data; None where it is undefined.
        low, high: its 95 % interval (prompts left out in turn); None with fewer than ``FEWEST_PROMPTS`` prompts.
        rater: Spearman's ρ of one rater with another.
        raters: how many raters a rated completion has (harmonic mean over all rated completions, as noise averages out).
        ceiling: the ρ with these raters' mean that a reward without any error reaches; None where raters do not agree at
            all, because nothing can then be told. ``ceiling_low`` and ``ceiling_high``: its 95 % interval.
    """

    completions: int
    alpha: float | None = None
    low: float | None = None
    high: float | None = None
    rater: float | None = None
    raters: float = 1.0
    ceiling: float | None = None
    ceiling_low: float | None = None
    ceiling_high: float | None = None


def agreement(ratings: pd.DataFrame) -> Agreement:
    """Agreement of all raters.

    Args:
        ratings: columns completion_id, prompt_id, rater, score; one row per rating.
    """
    size = ratings.groupby("completion_id")["score"].transform("size")
    shared = ratings[size >= 2]
    items = shared["completion_id"].drop_duplicates()
    if len(items) > LARGE:
        shared = shared[shared["completion_id"].isin(items.sample(LARGE, random_state=SEED))]
    matrix = as_matrix(shared)
    if matrix.shape[1] < 2:
        return Agreement(matrix.shape[1])
    prompts = shared.drop_duplicates("completion_id").set_index("completion_id")["prompt_id"].sort_index().tolist()
    without = weights_without(prompts)
    draws = alphas(matrix, without)
    interval: tuple[float | None, float | None] = (None, None)
    if len(set(prompts)) >= FEWEST_PROMPTS and np.isfinite(draws).all():
        found = spread(draws)
        interval = (found.low, min(1.0, found.high))
    raters = float((~ratings["completion_id"].duplicated()).sum() / (1 / size**2).sum())
    return Agreement(matrix.shape[1], ordinal_alpha(matrix), *interval, **_ceiling(matrix, prompts, without, raters))


def alphas(matrix: Array, weights: Array) -> Array:
    """Ordinal alpha with each row of weights (b, n) on the completions; NaN where one is undefined.

    A completion's part in the coincidence matrix (Krippendorff 2011, section C) does not depend on the others. So the
    matrix of weighted completions is a weighted sum of these parts, and nothing has to be counted from the ratings again.
    """
    raters = (~np.isnan(matrix)).sum(axis=0)
    coincidences = _summed(_pairs(matrix) / (raters[:, None, None] - 1), weights)
    margins = coincidences.sum(axis=2)
    # Ordinal distance: the number of ranks between two values, counting half of the ranks of each of the two.
    middle = np.cumsum(margins, axis=1) - margins / 2
    distance = (middle[:, :, None] - middle[:, None, :]) ** 2
    observed = (coincidences * distance).sum(axis=(1, 2))
    expected = (margins[:, :, None] * margins[:, None, :] * distance).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (margins.sum(axis=1) - 1) * observed / expected, np.nan)


def _pairs(matrix: Array) -> Array:
    """(n, values, values): how often two raters of a completion gave the one and the other value, in order; values that occur."""
    scale = np.unique(matrix[~np.isnan(matrix)])
    counts = np.stack([(matrix == value).sum(axis=0) for value in scale], axis=1).astype(float)  # (n, values)
    return counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(scale))


def _summed(parts: Array, weights: Array) -> Array:
    """(b, values, values): the completions' parts (n, values, values), summed under each row of weights (b, n)."""
    return (weights @ parts.reshape(len(parts), -1)).reshape(-1, *parts.shape[1:])


def as_matrix(ratings: pd.DataFrame) -> Array:
    """(raters, completions) scores, NaN where a rater did not score; completions in order of their ids."""
    return ratings.pivot(index="rater", columns="completion_id", values="score").to_numpy(float)


def ordinal_alpha(matrix: Array) -> float | None:
    """Krippendorff's alpha, ordinal; None where every score is the same, because alpha is then undefined."""
    values = matrix[~np.isnan(matrix)]
    if len(np.unique(values)) < 2:
        return None
    # The level must be given: the package's default is interval data.
    return float(krippendorff.alpha(reliability_data=matrix, level_of_measurement="ordinal"))


def ceiling_of(rater: float, raters: float) -> float:
    """The highest ρ with the mean of ``raters`` raters whose ρ with each other is ``rater``.

    The reliability of a mean of k raters is k r / (1 + (k - 1) r) (Spearman 1910; Brown 1910), and a measure without error
    correlates with a noisy one at most by the root of its reliability. It holds for scores; for ranks it is close.
    """
    r = max(0.0, rater)
    return float(np.sqrt(raters * r / (1 + (raters - 1) * r)))


def _ceiling(matrix: Array, prompts: list[object], without: Array, raters: float) -> dict[str, float]:
    """Spearman's ρ over all ordered pairs of raters on the same completion, and the ceiling it sets for a reward.

    Raters give few values, so that their ranks are those of the pairs' table: no pair has to be ranked by itself.
    """
    pairs = _pairs(matrix)
    joint = _summed(pairs, without)
    margins = joint.sum(axis=2)
    ranks = np.cumsum(margins, axis=1) - margins / 2 - margins.sum(axis=1, keepdims=True) / 2  # centred
    variance = (margins * ranks**2).sum(axis=1)
    if pairs.sum() < 3 or variance[0] <= 0:
        return {"raters": raters}
    with np.errstate(invalid="ignore", divide="ignore"):
        rhos = np.where(variance > 0, np.einsum("bij,bi,bj->b", joint, ranks, ranks) / variance, np.nan)
    rater = float(rhos[0])
    if rater <= 0:
        return {"raters": raters, "rater": rater}
    found = {"raters": raters, "rater": rater, "ceiling": ceiling_of(rater, raters)}
    other = np.delete(pairs.sum(axis=2), margins[0].argmax(), axis=1).any(axis=1)  # than the most common score
    acting = len({prompt for prompt, differs in zip(prompts, other, strict=True) if differs})
    c = fisher_correlation(rhos, int(pairs.sum()), len(set(prompts)), acting)
    if c.low is not None and c.high is not None:
        found |= {"ceiling_low": ceiling_of(c.low, raters), "ceiling_high": ceiling_of(c.high, raters)}
    return found


def pairwise_kappa(ratings: pd.DataFrame, most: int = 12) -> pd.DataFrame:
    """Cohen's kappa with quadratic weights of every two raters: columns a, b, completions, kappa (NaN if undefined).

    If there are more than ``most`` raters, only those who rated most.
    """
    if ratings["rater"].nunique() > most:
        ratings = ratings[ratings["rater"].isin(ratings["rater"].value_counts().index[:most])]
    scores = {rater: rows.set_index("completion_id")["score"].round() for rater, rows in ratings.groupby("rater")}
    rows = []
    for (a, left), (b, right) in combinations(scores.items(), 2):
        both = pd.concat([left, right], axis=1, join="inner", keys=["a", "b"])
        if both.empty:
            continue
        table = pd.crosstab(both["a"], both["b"]).reindex(index=SCALE, columns=SCALE, fill_value=0)
        alike = both["a"].nunique() == 1 and both["b"].nunique() == 1
        kappa = float("nan") if alike else float(cohens_kappa(table.to_numpy(), wt="quadratic", return_results=False))
        rows.append({"a": a, "b": b, "completions": len(both), "kappa": kappa})
    return pd.DataFrame(rows, columns=["a", "b", "completions", "kappa"])


def agreed(ratings: pd.DataFrame) -> pd.Series:
    """completion_id -> whether its raters agree; completions with a single rater are left out."""
    spread = ratings.groupby("completion_id")["score"].agg(["min", "max", "size"])
    spread = spread[spread["size"] >= 2]
    return (spread["max"] - spread["min"] <= AGREE).rename("agreed")
