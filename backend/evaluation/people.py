"""Would people agree? Estimate the difference in human scores from few ratings and many reward scores.

Prediction-powered inference (Angelopoulos et al. 2023; power-tuned as in "PPI++", arXiv 2311.01453): the reward's
difference, known for every prompt, is used as a prediction of the human difference, and the prompts that people rated
correct the prediction's error. The interval is valid even if the reward is bad; a good reward makes it narrower than the
interval from the ratings alone. The estimates are those of the ppi-python package (a test holds them against it), which is
not used here: it needs numba for a formula of four lines, and its normal quantiles give too short intervals for the 20 to
60 pairs that people rate. Here the quantiles are Student's t. The whole is the sum of the tasks' estimates, each with its
share of the prompts, since people may have rated one task much more than another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sqlalchemy.orm import Session

from backend.access import needs
from backend.evaluation.settings import ALPHA
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
        delta, low, high: the estimate and its 95 % interval; None where a task has fewer than ``FEWEST_PAIRS`` pairs.
        alone_low, alone_high: the interval from the ratings alone.
        weight: how much the reward counts in the estimate; 0 where it does not predict the human scores. For overall, the
            mean over the prompts.
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


@dataclass(frozen=True)
class Mean:
    """An estimated mean.

    Attributes:
        value: the estimate.
        variances: of the independent parts it is the sum of, each with its degrees of freedom.
        weight: how much the reward counts in it.
    """

    value: float
    variances: tuple[tuple[float, int], ...]
    weight: float = 0.0

    def half_interval(self) -> float:
        """Half the 95 % interval: Student's t with Satterthwaite's degrees of freedom."""
        variance = sum(v for v, _ in self.variances)
        if variance == 0:
            return 0.0
        freedom = variance**2 / sum(v**2 / df for v, df in self.variances)
        return float(stats.t.ppf(1 - ALPHA / 2, freedom) * np.sqrt(variance))

    @staticmethod
    def combined(means: Sequence["Mean"], shares: Sequence[float]) -> "Mean":
        """The sum of independent estimates, each times its share."""
        parts = tuple((share**2 * v, df) for m, share in zip(means, shares, strict=True) for v, df in m.variances)
        value, weight = (float(np.dot(shares, [getattr(m, name) for m in means])) for name in ("value", "weight"))
        return Mean(value, parts, weight)


def prediction_powered(human: Array, reward: Array, reward_rest: Array) -> Mean:
    """Mean of the human differences, with the weight of the reward that makes it most precise (PPI++, section 6).

    Args:
        human: (n,) human difference of each rated pair.
        reward: (n,) the reward's difference on the same pairs.
        reward_rest: (m,) the reward's difference on the pairs nobody rated.
    """
    n, m = len(human), len(reward_rest)
    spread = float(np.concatenate([reward, reward_rest]).var(ddof=1))
    if m < 2 or spread < 1e-12:
        return _of_ratings(human)
    weight = float(np.cov(human, reward, ddof=0)[0, 1] / (spread * (1 + n / m)))
    errors = human - weight * reward
    return Mean(
        float(errors.mean() + weight * reward_rest.mean()),
        # n - 2: the weight was fitted to the same pairs
        ((float(errors.var(ddof=2)) / n, n - 2), (weight**2 * float(reward_rest.var(ddof=1)) / m, m - 1)),
        weight,
    )


def _of_ratings(human: Array) -> Mean:
    """The mean of the human differences from the ratings alone."""
    return Mean(float(human.mean()), ((float(human.var(ddof=1)) / len(human), len(human) - 1),))


def people_estimate(task: str, rows: pd.DataFrame) -> PeopleEstimate:
    """Estimate one task, or overall: then the tasks' estimates, each with its share of the prompts.

    Args:
        task: its name.
        rows: columns task, reward (difference) and human (difference; NaN where a side is unrated); one row per prompt.
    """
    powered, alone, shares = [], [], []
    pairs = int(rows["human"].notna().sum())
    for _, of_task in rows.groupby("task", sort=False):
        rated = of_task["human"].notna()
        if rated.sum() < FEWEST_PAIRS:
            return PeopleEstimate(task, pairs, len(rows))
        human = of_task.loc[rated, "human"].to_numpy(float)
        reward, rest = (of_task.loc[which, "reward"].to_numpy(float) for which in (rated, ~rated))
        alone.append(_of_ratings(human))
        better = prediction_powered(human, reward, rest)
        powered.append(min(alone[-1], better, key=Mean.half_interval))  # a bad reward can make it wider
        shares.append(len(of_task) / len(rows))
    estimate, ratings = Mean.combined(powered, shares), Mean.combined(alone, shares)
    half, half_alone = estimate.half_interval(), ratings.half_interval()
    return PeopleEstimate(
        task,
        pairs,
        len(rows),
        estimate.value,
        estimate.value - half,
        estimate.value + half,
        ratings.value - half_alone,
        ratings.value + half_alone,
        estimate.weight,
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


@needs("pm")
def queue_tuned(session: Session, tuned: Evaluation) -> int:
    """Put a run's tuned answers, the first to each prompt, before the raters, blind among the others; returns how many are new.

    So the reward is audited on what it has trained, where it can rank worse than on the base's answers.
    """
    texts = evaluation_texts(session, tuned.id)
    return enqueue(session, texts.drop_duplicates("prompt_id")["completion_id"].tolist())
