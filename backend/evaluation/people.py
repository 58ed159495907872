"""Would people agree? Estimate the difference in human scores from few ratings and many reward scores.

Prediction-powered inference (Angelopoulos et al. 2023; power-tuned as in "PPI++", arXiv 2311.01453): the reward's
difference, known for every prompt, is used as a prediction of the human difference, and the prompts that people rated
correct the prediction's error. The interval is valid even if the reward is bad; a good reward makes it narrower than the
interval from the ratings alone. The ppi-python package is not used: it needs numba for a formula of four lines, and its
normal quantiles give too short intervals for the 20 to 60 pairs that people rate. Here the quantiles are Student's t.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sqlalchemy.orm import Session

from backend.access import needs
from backend.evaluation.compare import ALPHA
from backend.rating.queue import enqueue
from backend.store.evaluations import evaluation_people, evaluation_texts
from backend.store.tables import Evaluation

Array = NDArray[np.float64]

FEWEST_PAIRS = 5
SPREAD = 1.2
"""The expected standard deviation of a difference of human scores (scale of 1 to 5), before there are ratings."""


@dataclass(frozen=True)
class PeopleEstimate:
    """The mean difference of human scores, tuned minus base, in points on the scale of 1 to 5.

    Attributes:
        task: a task, or ``overall``.
        pairs: prompts whose base and tuned completions people have both rated.
        prompts: all the prompts of the comparison.
        delta, low, high: the estimate and its 95 % interval; None with fewer than ``FEWEST_PAIRS`` pairs.
        alone_low, alone_high: the interval from the ratings alone.
        weight: how much the reward counts in the estimate; 0 where it does not predict the human scores.
    """

    task: str
    pairs: int
    prompts: int
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    alone_low: float | None = None
    alone_high: float | None = None
    weight: float = 0.0


def prediction_powered(human: Array, reward: Array, reward_rest: Array) -> tuple[float, float, float, float]:
    """Mean of the human differences with a 95 % interval.

    Args:
        human: (n,) human difference of each rated pair.
        reward: (n,) the reward's difference on the same pairs.
        reward_rest: (m,) the reward's difference on the pairs nobody rated.

    Returns:
        (mean, low, high, weight of the reward).
    """
    n, m = len(human), len(reward_rest)
    spread = float(reward.var(ddof=1))
    weight = 0.0
    if m and spread > 1e-12:
        weight = float(np.cov(human, reward)[0, 1] / (spread * (1 + n / m)))
    mean = float(human.mean() + weight * ((reward_rest.mean() if m else 0.0) - (reward.mean() if m else 0.0)))
    variance = float((human - weight * reward).var(ddof=1)) / n
    if m > 1:
        variance += weight**2 * float(np.concatenate([reward, reward_rest]).var(ddof=1)) / m
    half = float(stats.t.ppf(1 - ALPHA / 2, n - 1) * np.sqrt(variance))
    return mean, mean - half, mean + half, weight


def people_estimate(task: str, rows: pd.DataFrame) -> PeopleEstimate:
    """Estimate one task.

    Args:
        task: its name.
        rows: columns reward (difference) and human (difference; NaN where a side is unrated); one row per prompt.
    """
    rated = rows.dropna(subset=["human"])
    n = len(rated)
    if n < FEWEST_PAIRS:
        return PeopleEstimate(task, n, len(rows))
    human, reward = rated["human"].to_numpy(float), rated["reward"].to_numpy(float)
    delta, low, high, weight = prediction_powered(human, reward, rows[rows["human"].isna()]["reward"].to_numpy(float))
    half = float(stats.t.ppf(1 - ALPHA / 2, n - 1) * human.std(ddof=1) / np.sqrt(n))
    if high - low > 2 * half:  # the reward makes the interval wider: use the ratings alone
        delta, low, high, weight = float(human.mean()), float(human.mean()) - half, float(human.mean()) + half, 0.0
    return PeopleEstimate(
        task, n, len(rows), delta, low, high, float(human.mean()) - half, float(human.mean()) + half, weight
    )


def would_people_agree(
    session: Session, base: Evaluation, tuned: Evaluation, paired: pd.DataFrame
) -> list[PeopleEstimate]:
    """The human difference per task and overall, from the ratings that either evaluation's completions have."""
    people = [evaluation_people(session, e.id).set_index("prompt_id")["human"] for e in (base, tuned)]
    rows = paired.assign(
        reward=paired["tuned"] - paired["base"],
        human=paired["prompt_id"].map(people[1]) - paired["prompt_id"].map(people[0]),
    )
    tasks = [people_estimate(str(task), of_task) for task, of_task in rows.groupby("task", sort=False)]
    return [*tasks, people_estimate("overall", rows)]


def pairs_needed(difference: float, spread: float = SPREAD, power: float = 0.80) -> int:
    """About how many rated pairs are needed to detect a mean difference of ``difference`` points with ``power``."""
    z = stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(power)
    return int(np.ceil((z * spread / difference) ** 2))


def prompts_to_rate(paired: pd.DataFrame, rated: set[str], count: int) -> list[str]:
    """Prompts whose pair of completions people should rate next.

    Systematic sampling: the prompts are sorted by task and by the reward's difference, and every ``k``-th one is taken
    from a random start. So the rated prompts cover the whole range of the reward's difference, which the estimate
    corrects, and every prompt has the same probability, which keeps the interval valid.
    """
    fresh = paired[~paired["prompt_id"].isin(rated)].assign(d=lambda f: f["tuned"] - f["base"])
    if fresh.empty:
        return []
    ordered = fresh.sort_values(["task", "d", "prompt_id"], ignore_index=True)
    step = len(ordered) / min(count, len(ordered))
    start = np.random.default_rng(len(rated)).uniform(0, step)
    places = [int(start + i * step) for i in range(min(count, len(ordered)))]
    return ordered.loc[[p for p in places if p < len(ordered)], "prompt_id"].tolist()


@needs("pm")
def queue_pairs(session: Session, base: Evaluation, tuned: Evaluation, paired: pd.DataFrame, count: int) -> int:
    """Add both completions of ``count`` more prompts to the raters' queue; returns how many are new.

    Raters do not see which model wrote a completion, and get them mixed with the others.
    """
    both = [evaluation_people(session, e.id)["prompt_id"] for e in (base, tuned)]
    chosen = prompts_to_rate(paired, set(both[0]) & set(both[1]), count)
    ids: list[int] = []
    for evaluation in (base, tuned):
        texts = evaluation_texts(session, evaluation.id)
        ids += texts[texts["prompt_id"].isin(chosen)].drop_duplicates("prompt_id")["completion_id"].tolist()
    return enqueue(session, ids)
