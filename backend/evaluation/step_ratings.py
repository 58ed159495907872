"""What people would say of every evaluation of a run, from the few completions of each that they have rated.

Prediction-powered (see ``people``): the reward of every completion predicts its human score, and the rated ones correct the
prediction. They were not drawn alike, so each stands for its stratum: the completions of its task and quarter of the reward,
over how many of those were rated; strata in which nobody has rated join the nearest one. How far scores lie apart beside the
prediction is estimated over the whole run, since a handful of ratings cannot tell it. The interval is for the evaluation's own
completions, of which people have seen some.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from backend.evaluation.gap import Estimates
from backend.evaluation.settings import ALPHA
from backend.rating.design import QUARTERS

FEWEST = 3
"""Rated completions that an evaluation needs for an estimate."""
_FEWEST_FREEDOM = 4
_FEWEST_FOR_SLOPE = 10


@dataclass(frozen=True)
class HumanCurve:
    """Human scores over a run's evaluations, as shares of the scale.

    Attributes:
        estimates: of each evaluation with enough ratings.
        low, high: ends of each one's 95 % interval.
        rated: how many completions of each were rated.
        slope: by how much the human score moves with the reward; 0 while there are too few ratings.
    """

    estimates: Estimates
    low: tuple[float, ...]
    high: tuple[float, ...]
    rated: tuple[int, ...]
    slope: float


def human_curve(rows: pd.DataFrame) -> HumanCurve | None:
    """Estimate the mean human score of every evaluation; None while there are too few ratings.

    Args:
        rows: one per completion: step, task, reward and human, both as shares of their range; human is NaN where nobody rated.
    """
    rated = rows[rows["human"].notna()]
    counts = rated.groupby("step").size()
    steps = [int(step) for step, count in counts.items() if count >= FEWEST]
    rated = rated[rated["step"].isin(steps)]
    slope = _slope(rated)
    spread = _spread(rated, slope)
    if spread is None:
        return None
    sigma, freedom = spread
    values, errors = [], []
    by_step = dict(iter(rows.groupby("step")))
    for step in steps:
        of_step = by_step[step]
        mine = of_step["human"].notna().to_numpy()
        weights, reward = _weights(of_step, mine), of_step["reward"].to_numpy(float)
        corrections = (of_step["human"].to_numpy(float) - slope * reward)[mine]
        values.append(slope * reward.mean() + weights @ corrections)
        errors.append(sigma * np.sqrt((weights**2).sum()))
    half = float(stats.t.ppf(1 - ALPHA / 2, freedom))
    return HumanCurve(
        Estimates(steps, np.array(values), np.array(errors), freedom),
        tuple(v - half * e for v, e in zip(values, errors, strict=True)),
        tuple(v + half * e for v, e in zip(values, errors, strict=True)),
        tuple(int(counts[step]) for step in steps),
        slope,
    )


def quarter(reward: pd.Series) -> pd.Series:
    """The quarter of the range that each reward lies in, from 0 to 3."""
    return pd.Series(np.floor(reward.to_numpy(float).clip(0, 1 - 1e-9) * QUARTERS).astype(int), reward.index)


def _slope(rated: pd.DataFrame) -> float:
    """By how much human scores move with the reward within a task."""
    if len(rated) < _FEWEST_FOR_SLOPE:
        return 0.0
    of_task = rated.groupby("task")[["reward", "human"]]
    apart = rated[["reward", "human"]] - of_task.transform("mean")
    squares = float((apart["reward"] ** 2).sum())
    return float((apart["reward"] * apart["human"]).sum()) / squares if squares > 1e-9 else 0.0


def _spread(rated: pd.DataFrame, slope: float) -> tuple[float, int] | None:
    """(standard deviation of the human scores beside the prediction, degrees of freedom); None while there are too few."""
    beside = rated["human"] - slope * rated["reward"]
    for groups in (["step", "task"], ["step"]):
        keys = [rated[name] for name in groups]
        freedom = len(rated) - beside.groupby(keys).ngroups
        if freedom >= _FEWEST_FREEDOM:
            apart = beside - beside.groupby(keys).transform("mean")
            return float(np.sqrt((apart**2).sum() / freedom)), freedom
    return None


def _weights(of_step: pd.DataFrame, mine: np.ndarray) -> np.ndarray:
    """(rated,) the share of the evaluation's completions that each rated one stands for; they sum to 1."""
    task, place = of_step["task"].to_numpy(), quarter(of_step["reward"]).to_numpy()
    weights = np.zeros(mine.sum())
    for name in np.unique(task):
        for at in np.unique(place[task == name]):
            size = int(((task == name) & (place == at)).sum())
            near = task[mine] == name  # its own task, or where nobody rated that, all
            candidates = near if near.any() else np.ones(mine.sum(), bool)
            distance = np.where(candidates, np.abs(place[mine] - at), np.inf)
            nearest = distance == distance.min()
            weights[nearest] += size / len(task) / nearest.sum()
    return weights
