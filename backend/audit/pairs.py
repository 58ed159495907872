"""What choices between two completions say: strengths within a prompt, and how often each reward chooses as people do."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.audit.correlation import mean_over_prompts

Array = NDArray[np.float64]
PRIOR = 0.1
"""Half a choice each way, roughly, in ten: it keeps the strength of a completion that always wins finite."""
_STEPS = 50


@dataclass(frozen=True)
class Accuracy:
    """How often a reward prefers, of two completions, the one that a person prefers.

    Attributes:
        pairs, choices: different pairs, and people's choices among them; those of neither are left out.
        accuracy: the share on which the reward agrees; the reward's ties count one half. None without choices.
        low, high: its 95 % interval over prompts; None with fewer than ``FEWEST_PROMPTS`` prompts.
        ties: the share of choices on which the reward scores both alike.
    """

    pairs: int
    choices: int
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    ties: float | None = None


def pairwise_accuracy(choices: pd.DataFrame, values: Mapping[int, float]) -> Accuracy:
    """Compare a reward with people's choices.

    Args:
        choices: prompt_id, first, second, better (``backend.store.pairs.pair_ratings``).
        values: completion id -> the reward's value; pairs with one that has none are left out.
    """
    told = choices[(choices["better"] != 0) & choices["first"].isin(values) & choices["second"].isin(values)]
    pairs = len(told[["first", "second"]].drop_duplicates())
    if told.empty:
        return Accuracy(0, 0)
    difference = (told["first"].map(values) - told["second"].map(values)).to_numpy(float)
    people = np.where(told["better"] == 1, 1.0, -1.0)
    right = (1 + np.sign(difference) * people) / 2
    found = mean_over_prompts(right, told["prompt_id"].tolist(), 0.0, 1.0)
    return Accuracy(pairs, len(told), *found, ties=float((difference == 0).mean()))


def same_choice(choices: pd.DataFrame) -> Accuracy:
    """How often two raters of one pair choose the same, where neither says that they are alike: what a reward can reach at most."""
    told = choices[choices["better"] != 0]
    both = told.merge(told, on=["prompt_id", "first", "second"], suffixes=("", "_other"))
    both = both[both["rater"] < both["rater_other"]]
    if both.empty:
        return Accuracy(0, 0)
    same = (both["better"] == both["better_other"]).to_numpy(float)
    found = mean_over_prompts(same, both["prompt_id"].tolist(), 0.0, 1.0)
    return Accuracy(len(both[["first", "second"]].drop_duplicates()), len(both), *found)


def strengths(choices: pd.DataFrame) -> dict[int, float]:
    """Bradley-Terry strengths (log odds) of every completion that stood in a pair, with mean 0 within its prompt.

    A choice of neither counts as half a win for each.

    Args:
        choices: as in ``pairwise_accuracy``.
    """
    found: dict[int, float] = {}
    for _, of_prompt in choices.groupby("prompt_id", sort=True):
        ids = sorted({*of_prompt["first"], *of_prompt["second"]})
        place = {number: i for i, number in enumerate(ids)}
        wins = np.zeros((len(ids), len(ids)))
        for first, second, better in zip(of_prompt["first"], of_prompt["second"], of_prompt["better"], strict=True):
            i, j = place[first], place[second]
            wins[i, j] += {1: 1.0, 2: 0.0, 0: 0.5}[better]
            wins[j, i] += {1: 0.0, 2: 1.0, 0: 0.5}[better]
        found |= {int(number): float(value) for number, value in zip(ids, bradley_terry(wins), strict=True)}
    return found


def bradley_terry(wins: Array, prior: float = PRIOR) -> Array:
    """(n,) strengths in log odds, mean 0: the most probable ones under a weak normal prior, by Newton's method.

    Args:
        wins: (n, n) how often the row's item won against the column's.
        prior: its precision (1 / variance); 0 for maximum likelihood, which is infinite where one always wins.
    """
    n, games = len(wins), wins + wins.T
    strength = np.zeros(n)
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
        slope = (wins - games * expected).sum(axis=1) - prior * strength
        curve = games * expected * (1 - expected)
        hessian = np.diag(curve.sum(axis=1) + prior) - curve
        step = np.linalg.lstsq(hessian, slope, rcond=None)[0]
        strength = strength + step
        if np.abs(step).max() < 1e-10:
            break
    return np.asarray(strength - strength.mean())
