"""Raters differ in severity: how far each one scores above or below the others, and human scores without it.

The model is additive, score = completion + rater, with both as fixed effects (the two-way layout; a many-facet model on the
raw scale, Linacre 1989, without its logits). Only completions that two raters share say anything about severity, so it does
not matter which completions a rater was given: a strict rater of base answers and a lenient one of tuned answers are told
apart from a better model, if both have also scored some of the same completions.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from backend.audit.correlation import (
    Correlation,
    acting_prompts,
    fisher_correlation,
    numbered,
    ranks_under,
    rhos_under,
    weights_without,
)

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

FEWEST_SHARED = 5
"""Two raters are linked when they have scored this many completions both."""


@dataclass(frozen=True)
class Severity:
    """How raters differ.

    Attributes:
        identified: whether all raters are linked by shared completions, so that their severity can be told.
        of: rater -> points above (lenient) or below (strict) the raters' mean, on the scale of the scores; empty when
            not identified.
        human: completion_id -> the mean of its scores, each less its rater's severity; empty when not identified.
    """

    identified: bool
    of: dict[str, float] = field(default_factory=dict)
    human: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))

    @property
    def range(self) -> float:
        """Points between the most lenient and the strictest rater."""
        return max(self.of.values()) - min(self.of.values()) if self.of else 0.0


def severity(ratings: pd.DataFrame) -> Severity:
    """Estimate the raters' severity by least squares.

    Args:
        ratings: columns completion_id, rater, score; one row per rating.
    """
    ids, completion = np.unique(ratings["completion_id"], return_inverse=True)
    raters, rater = np.unique(ratings["rater"].to_numpy(str), return_inverse=True)
    if len(raters) < 2 or not _linked(completion, rater):
        return Severity(False)
    of = _least_squares(completion, rater, ratings["score"].to_numpy(float), len(raters))
    human = _less_severity(completion, rater, ratings["score"].to_numpy(float), of)
    return Severity(True, dict(zip(raters.tolist(), of.tolist(), strict=True)), pd.Series(human, ids, name="human"))


def adjusted_correlation(ratings: pd.DataFrame, rewards: pd.DataFrame) -> Correlation | None:
    """ρ of a reward with the human scores less the raters' severity; its interval counts that severity is estimated too.

    A whole score stands for all that a rater would round to it. So a score of 3 less a severity of 0.1 is not simply below
    another rater's 3: it is a stretch from 2.4 to 3.4, and its rank the mean rank of the values in it. Where raters do not
    differ this is Spearman's ρ with ties, and it does not jump when an estimated severity crosses 0.

    Args:
        ratings: columns completion_id, rater, score; one row per rating of these completions.
        rewards: index completion_id; columns value, prompt_id, weight.

    Returns:
        None where severity cannot be told, or a completion has no rating.
    """
    completion = rewards.index.get_indexer(ratings["completion_id"])
    size = np.bincount(completion, minlength=len(rewards))
    raters, rater = np.unique(ratings["rater"].to_numpy(str), return_inverse=True)
    if len(raters) < 2 or not _linked(completion, rater) or (size == 0).any():
        return None
    score, value = ratings["score"].to_numpy(float), rewards["value"].to_numpy(float)
    if min(len(value), len(np.unique(score))) < 2 or np.ptp(value) == 0:
        return None
    step = 1.0 if (score == np.round(score)).all() else 0.0
    rhos = []
    for weights in weights_without(rewards["prompt_id"].tolist(), rewards["weight"]):
        kept, here = weights[completion] > 0, weights > 0
        of = _least_squares(completion[kept], rater[kept], score[kept], len(raters))
        human = _less_severity(completion[kept], rater[kept], score[kept], of, len(rewards))[here]
        ranks = _stretched_ranks(human, step / size[here], weights[here])
        rewards_ranks = ranks_under(value[here], weights[None, here])
        rhos.append(float(rhos_under(ranks[None, :], rewards_ranks, weights[None, here])[0]))
    plain = np.bincount(completion, score) / size
    acting = acting_prompts(numbered(rewards["prompt_id"].tolist()), plain, value)
    return fisher_correlation(np.array(rhos), len(rewards), rewards["prompt_id"].nunique(), acting)


def _stretched_ranks(middle: Array, width: Array, weights: Array) -> Array:
    """(n,) centred ranks of values that are each spread evenly over a stretch; ties where it has no width.

    The sum of all stretches' distribution functions is piecewise linear, so its mean over a stretch is a difference of
    quadratics, summed over the stretches that begin, and end, before a point.
    """
    if not width.any():
        return ranks_under(middle, weights[None, :])[0]
    density = weights / width

    def area(points: Array) -> Array:
        """Of the summed distribution functions, up to each point."""
        total = np.zeros(len(points))
        for edge, sign in ((middle - width / 2, 1), (middle + width / 2, -1)):
            order = np.argsort(edge)
            sums = np.cumsum(np.stack([density, density * edge, density * edge**2])[:, order], axis=1)
            before = np.searchsorted(edge[order], points, side="right")
            d, de, dee = np.concatenate([np.zeros((3, 1)), sums], axis=1)[:, before]
            total += sign * (d * points**2 - 2 * de * points + dee) / 2
        return total

    ranks = (area(middle + width / 2) - area(middle - width / 2)) / width
    return ranks - np.average(ranks, weights=weights)


def _linked(completion: Numbers, rater: Numbers) -> bool:
    """Whether shared completions link all raters."""
    scored = np.zeros((completion.max() + 1, rater.max() + 1))
    scored[completion, rater] = 1
    return bool(connected_components(scored.T @ scored >= FEWEST_SHARED, directed=False)[0] == 1)


def _least_squares(completion: Numbers, rater: Numbers, score: Array, raters: int) -> Array:
    """(raters,) severities with mean 0: the normal equations after each completion's mean is taken out."""
    scored = np.zeros((completion.max() + 1, raters))
    scored[completion, rater] = 1
    size = np.maximum(scored.sum(axis=1), 1)
    mean = np.bincount(completion, score, len(size)) / size
    normal = np.diag(scored.sum(axis=0)) - scored.T @ (scored / size[:, None])
    of = np.linalg.lstsq(normal, np.bincount(rater, score - mean[completion], raters), rcond=None)[0]
    return of - of.mean()


def _less_severity(
    completion: Numbers, rater: Numbers, score: Array, of: Array, completions: int | None = None
) -> Array:
    """(completions,) mean score less severity; 0 for a completion without a rating."""
    size = np.maximum(np.bincount(completion, minlength=completions or 0), 1)
    return np.bincount(completion, score - of[rater], completions or 0) / size
