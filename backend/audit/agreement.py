"""Do the raters agree? A reward cannot agree with people who do not agree with each other."""

from dataclasses import dataclass
from itertools import combinations

import krippendorff
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr
from statsmodels.stats.inter_rater import cohens_kappa

Array = NDArray[np.float64]

SCALE = (1, 2, 3, 4, 5)
RESAMPLES = 500
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
        low, high: its 95 % bootstrap interval, completions resampled.
        ceiling: Spearman's rho of one rater with another: the rho of a reward that ranks like a person.
    """

    completions: int
    alpha: float | None = None
    low: float | None = None
    high: float | None = None
    ceiling: float | None = None


def agreement(ratings: pd.DataFrame) -> Agreement:
    """Agreement of all raters.

    Args:
        ratings: columns completion_id, rater, score; one row per rating.
    """
    shared = ratings[ratings.groupby("completion_id")["score"].transform("size") >= 2]
    items = shared["completion_id"].drop_duplicates()
    if len(items) > LARGE:
        shared = shared[shared["completion_id"].isin(items.sample(LARGE, random_state=SEED))]
    matrix = as_matrix(shared)
    if matrix.shape[1] < 2:
        return Agreement(matrix.shape[1])
    alpha = ordinal_alpha(matrix)
    draws = resampled_alphas(matrix)
    known = draws[np.isfinite(draws)]
    if not len(known):
        return Agreement(matrix.shape[1], alpha, ceiling=_ceiling(matrix))
    low, high = (float(x) for x in np.quantile(known, [0.025, 0.975]))
    return Agreement(matrix.shape[1], alpha, low, high, _ceiling(matrix))


def resampled_alphas(matrix: Array) -> Array:
    """(RESAMPLES,) ordinal alphas of the completions resampled with replacement; NaN where one is undefined.

    A completion's part in the coincidence matrix (Krippendorff 2011, section C) does not depend on the others. So the
    matrix of a resample is a weighted sum of these parts, and no resample has to be counted from its ratings.
    """
    n = matrix.shape[1]
    scale = np.unique(matrix[~np.isnan(matrix)])
    counts = np.stack([(matrix == value).sum(axis=0) for value in scale], axis=1).astype(float)  # (n, values)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(scale))
    parts = pairs / (counts.sum(axis=1)[:, None, None] - 1)
    drawn = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    coincidences = (drawn @ parts.reshape(n, -1)).reshape(RESAMPLES, len(scale), len(scale))
    margins = coincidences.sum(axis=2)
    # Ordinal distance: the number of ranks between two values, counting half of the ranks of each of the two.
    middle = np.cumsum(margins, axis=1) - margins / 2
    distance = (middle[:, :, None] - middle[:, None, :]) ** 2
    observed = (coincidences * distance).sum(axis=(1, 2))
    expected = (margins[:, :, None] * margins[:, None, :] * distance).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (margins.sum(axis=1) - 1) * observed / expected, np.nan)


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


def _ceiling(matrix: Array) -> float | None:
    """Rho over all ordered pairs of raters on the same completion."""
    pairs = [(a, b) for column in matrix.T for a, b in combinations(column[~np.isnan(column)], 2)]
    both = np.array(pairs + [(b, a) for a, b in pairs])
    if len(pairs) < 3 or np.ptp(both[:, 0]) == 0:
        return None
    return float(spearmanr(both[:, 0], both[:, 1]).statistic)


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
