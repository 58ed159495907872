"""A run's reward beside what is known without it, evaluation after evaluation: truth measures, and people's scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from backend.evaluation.evaluate import EvaluationResult
from backend.evaluation.gap import FEWEST, Curve, Measured, Parting, parting_now
from backend.evaluation.step_ratings import HumanCurve, human_curve
from backend.rating.imported import HIGHEST, LOWEST
from backend.store.evaluations import run_completions
from backend.suites import find_task

PEOPLE = "people"
OVERALL = "overall"


@dataclass(frozen=True)
class Watched:
    """A measure beside the reward on the prompts that it is about; both as shares of their range.

    Attributes:
        name: of the truth measure, or ``people``.
        task: its task, or ``overall``.
        reward, other: over the run's evaluations.
        human: people's estimates with intervals, where it is people.
    """

    name: str
    task: str
    reward: Curve
    other: Measured
    human: HumanCurve | None = None

    def now(self, step: int | None = None) -> Parting | None:
        """How surely the measure has not gone along, at the last evaluation or at one before."""
        return parting_now(self.reward, self.other, step)

    def parting(self) -> Parting | None:
        """Since when the two part, as the rule ``gap`` has it: two evaluations in a row say so. None while they do not."""
        confirmed, before = list[Parting](), False
        for step in self.other.steps:
            found = self.now(step)
            is_parted = found is not None and found.parted
            if found is not None and is_parted and (before or confirmed):
                confirmed.append(found)
            before = is_parted
        return max(confirmed, key=lambda p: p.strength, default=None)


def rows_of(results: Sequence[EvaluationResult], columns: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Evaluations as rows, one per completion: step, task, prompt_id, reward (its total), truth (NaN where it is not known).

    Args:
        results: of the same prompts.
        columns: prompt id -> what stands beside it in the data.
    """
    rows = [
        (r.step, c.task, c.prompt_id, c.total, truth_share(c.task, c.text, columns.get(c.prompt_id, {})))
        for r in results
        for c in r.completions
    ]
    return pd.DataFrame(rows, columns=["step", "task", "prompt_id", "reward", "truth"])


def stored_rows(session: Session, run_id: str) -> pd.DataFrame:
    """A run's evaluations on its eval prompts, from the store: the columns of ``rows_of``, completion_id, sample, human (1 to 5)."""
    frame = run_completions(session, run_id)
    frame["truth"] = [truth_share(r.task, r.text, r.facts) for r in frame.itertuples()]
    return frame.drop(columns=["text", "facts"])


def truth_share(task: str, text: str, columns: Mapping[str, Any]) -> float:
    """The share of a prompt's facts that a completion gets right; NaN where the task has no truth, or the prompt no facts."""
    known = find_task(task)
    judged = known.truth.judge(text, columns) if known is not None and known.truth is not None else None
    return fmean(judged) if judged else float("nan")


def truths_beside(rows: pd.DataFrame) -> list[Watched]:
    """The truth measure of every task that has one, beside its reward.

    Args:
        rows: as ``rows_of`` gives them.
    """
    found = []
    for task, of_task in rows[rows["truth"].notna()].groupby("task", sort=False):
        known = find_task(str(task))
        reward, truth = (_curve(of_task.assign(value=values)) for values in (shares(of_task), of_task["truth"]))
        if known is not None and known.truth is not None and reward is not None and truth is not None:
            found.append(Watched(known.truth.name, str(task), reward, truth))
    return found


def people_beside(rows: pd.DataFrame) -> Watched | None:
    """People's score beside the reward, over all tasks; None while there are too few ratings.

    Args:
        rows: as ``stored_rows`` gives them.
    """
    if rows.empty or rows["human"].notna().sum() == 0:
        return None
    scaled = rows.assign(reward=shares(rows), human=(rows["human"] - LOWEST) / (HIGHEST - LOWEST))
    reward, human = _curve(scaled.assign(value=scaled["reward"])), human_curve(scaled)
    if reward is None or human is None:
        return None
    return Watched(PEOPLE, OVERALL, reward, human.estimates, human)


def gap_metrics(watched: Sequence[Watched]) -> dict[str, float]:
    """``gap/<measure>/<task>`` as the rule reads it, and ``gap_since/…``, the step from which the two part the most."""
    found: dict[str, float] = {}
    for one in watched:
        now = one.now()
        found[f"gap/{one.name}/{one.task}"] = now.strength if now is not None else 0.0
        if now is not None:
            found[f"gap_since/{one.name}/{one.task}"] = now.since
    return found


def shares(rows: pd.DataFrame) -> pd.Series:
    """Each reward as a share of its task's range: of its bounds, or of all the rewards in the rows where it has none.

    Args:
        rows: columns task and reward.
    """
    low, high = rows.groupby("task")["reward"].transform("min"), rows.groupby("task")["reward"].transform("max")
    for task in rows["task"].unique():
        known = find_task(str(task))
        if known is not None and known.bounds is not None:
            mine = rows["task"] == task
            low, high = low.mask(mine, known.bounds[0]), high.mask(mine, known.bounds[1])
    return ((rows["reward"] - low) / (high - low).where(high > low, 1.0)).astype(float)


def _curve(rows: pd.DataFrame) -> Curve | None:
    """(evaluations, prompts) of the prompts that every evaluation has; None where they are too few."""
    table = rows.pivot_table(index="step", columns="prompt_id", values="value", aggfunc="mean").dropna(axis="columns")
    if table.shape[1] < FEWEST:
        return None
    return Curve([int(step) for step in table.index], table.to_numpy(np.float64))
