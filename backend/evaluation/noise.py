"""Where the noise of a comparison comes from: which prompts were drawn, and chance in sampling their answers.

A score of policy p on prompt i is modelled as prompt + prompt by policy + answer, as in a random-effects analysis of variance
(Searle, Casella and McCulloch, "Variance Components", 1992, chapter 3). More prompts make both kinds of noise smaller; more
answers to each prompt only the second.
"""

from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

AGREEMENT = 0.5
"""The assumed correlation, over prompts, of the base's and the tuned policy's mean score: before a run nobody can know it."""


def variance_shares(samples: pd.DataFrame) -> dict[str, float | None]:
    """How much of the variance of each task's mean difference comes from sampling answers; the rest comes from prompts.

    The sampling variance of a prompt's difference is s²/k on each side (s²: the unbiased variance of its k answers), averaged over
    prompts; the variance of the prompts is what the differences of the prompts' means have beyond that, not below 0.

    Args:
        samples: columns prompt_id, task, side (``base`` or ``tuned``), sample, value; one row per answer.

    Returns:
        Task -> share from 0 to 1; None where a prompt has one answer only, where fewer than two prompts have both sides, or
        where nothing varies.
    """
    return {str(task): _sampling_share(rows) for task, rows in samples.groupby("task", sort=False)}


def _sampling_share(rows: pd.DataFrame) -> float | None:
    found = rows.groupby(["prompt_id", "side"])["value"].agg(["mean", "var", "size"]).unstack("side")
    found = found.dropna(subset=[("mean", "base"), ("mean", "tuned")]) if len(set(rows["side"])) == 2 else found[:0]
    if len(found) < 2 or (found["size"] < 2).any(axis=None):
        return None
    sampling = float((found["var"] / found["size"]).sum(axis=1).mean())
    total = float((found["mean"]["tuned"] - found["mean"]["base"]).var(ddof=1))
    prompts = max(0.0, total - sampling)
    return sampling / (sampling + prompts) if sampling + prompts > 0 else None


def expected_spread(evaluated: Array, explored: Array, answers: int) -> float:
    """The expected standard deviation of the prompts' differences between base and tuned, before there is a tuned policy.

    The base's side is measured. The tuned policy learns among the answers that the base gives in training, so its scores are
    assumed to vary as much as those, over all prompts and answers; of this, sampling is assumed to have the same share as in
    the base's evaluation (at temperature 0 none). The two policies' means correlate by ``AGREEMENT`` over prompts.

    Args:
        evaluated: (prompts, answers) scores of the base, sampled as in an evaluation; two or more of each.
        explored: the same, sampled as in training.
        answers: how many answers to each prompt the comparison will have, on each side.
    """
    between, within = _components(evaluated)
    share = within / (between + within) if between + within > 0 else 0.0
    total = sum(_components(explored))
    prompts_of_tuned = total * (1 - share)
    sampling = (within + total * share) / answers
    return sqrt(between + prompts_of_tuned - 2 * AGREEMENT * sqrt(between * prompts_of_tuned) + sampling)


def _components(values: Array) -> tuple[float, float]:
    """(variance between the prompts' expected scores, variance within a prompt) of (prompts, answers) scores; unbiased but for
    the limit at 0."""
    within = float(values.var(axis=1, ddof=1).mean())
    return max(0.0, float(values.mean(axis=1).var(ddof=1)) - within / values.shape[1]), within
