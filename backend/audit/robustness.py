"""Checks of a ρ: inside prompts, on a held-out half, by rater agreement, and against the completion's length alone.

Half of the prompts is held out from whatever one tunes a reward by: disagreements, what each component adds, Δρ of two
profiles, regression cases. So a reward that was fitted to the ratings it was looked at with is seen to rank worse on the
other half. The gate and every ρ of the audit use all ratings.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backend.audit.correlation import Difference, rho_difference, spearman, subset_difference, within_prompt
from backend.suites import by_task
from rewards.types import Functions, Task


@dataclass(frozen=True)
class View:
    """A task's ρ, computed in one way.

    Attributes:
        name: weighted (to the whole queue), pooled, within-prompt, visible half, held-out half, raters agree, raters
            differ, or length alone.
        n: how many completions (within prompts: how many prompts) it is computed from.
        rho: of the reward (for ``length alone``: of the completion's length) with the human scores; None if undefined.
    """

    name: str
    n: int
    rho: float | None


def views(rated: pd.DataFrame, agreed: pd.Series) -> list[View]:
    """All views of one task.

    Args:
        rated: the task's totals, one row per completion: completion_id, prompt_id, value, human, length, weight.
        agreed: completion_id -> whether its raters agree, for those with two or more.
    """
    held = rated["prompt_id"].map(is_held_out)
    agreement = rated["completion_id"].map(agreed)
    inside = within_prompt(rated["human"], rated["value"], rated["prompt_id"].tolist())
    return [
        View("weighted", len(rated), spearman(rated["human"], rated["value"], rated["weight"].fillna(1.0))),
        _view("pooled", rated),
        View("within-prompt", inside.n, inside.rho),
        _view("visible half", rated[~held]),
        _view("held-out half", rated[held]),
        _view("raters agree", rated[agreement == True]),  # noqa: E712  NaN where only one rater scored
        _view("raters differ", rated[agreement == False]),  # noqa: E712
        _view("length alone", rated, "length"),
    ]


def is_held_out(prompt_id: str) -> bool:
    """Whether a prompt is in the held-out half."""
    return zlib.crc32(prompt_id.encode()) % 2 == 1


def visible(rated: pd.DataFrame) -> pd.DataFrame:
    """The rows of the prompts that one may tune a reward by."""
    return rated[~rated["prompt_id"].map(is_held_out).astype(bool)]


def held_out_difference(rated: pd.DataFrame) -> Difference:
    """ρ on the held-out half minus ρ on the visible one, of one task's totals."""
    return subset_difference(
        rated["human"], rated["value"], rated["prompt_id"].tolist(), rated["prompt_id"].map(is_held_out)
    )


def _view(name: str, rated: pd.DataFrame, column: str = "value") -> View:
    return View(name, len(rated), spearman(rated["human"], rated[column]))


def leave_one_out(rated: pd.DataFrame, task: Task | None = None) -> pd.DataFrame:
    """What each component adds to a task's ρ.

    Args:
        rated: one task's rows, one per (completion, component), ``total`` among them.
        task: says how components make up the total; a sum within [0, 1] when left out.

    Returns:
        Columns component, rho (its own), without (the total's when it is left out), adds (the total's minus that);
        the component that adds least comes first. NaN where a rho is undefined.
    """
    values = rated.pivot(index="completion_id", columns="component", values="value")
    whole, values = values["total"], values.drop(columns="total")
    human = rated.groupby("completion_id")["human"].first().reindex(values.index)
    rows = [
        (c, _rho(human, values[c]), _rho(human, total_without(values, c, task)), _rho(human, whole)) for c in values
    ]
    frame = pd.DataFrame(rows, columns=["component", "rho", "without", "whole"])
    return (
        frame.assign(adds=frame["whole"] - frame["without"])
        .drop(columns="whole")
        .sort_values("adds", ignore_index=True)
    )


def total_without(values: pd.DataFrame, component: str, task: Task | None = None) -> pd.Series:
    """The total as it would be without a component; one that does not apply to a completion counts nothing there."""
    left = values.drop(columns=component).fillna(0.0)
    bounds: tuple[float, float] | None = (0.0, 1.0)
    if task is not None:
        bounds = task.bounds
        if isinstance(task.reward, Functions):
            left = left * pd.Series(task.reward.weights).reindex(left.columns)
    total = left.sum(axis=1)
    return total.clip(*bounds) if bounds is not None else total


def _rho(human: pd.Series, values: pd.Series) -> float:
    """ρ on the completions that have a value; NaN where it is undefined."""
    there = values.notna()
    rho = spearman(human[there], values[there])
    return np.nan if rho is None else rho


def profile_differences(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Two reward profiles on the same ratings.

    Args:
        before, after: ``rated_scores`` under either profile.

    Returns:
        Columns task, n, before, after, delta, low, high: each task's ρ under both, and Δρ with its 95 % interval.
    """
    a, b = (frame[frame["component"] == "total"] for frame in (before, after))
    both = a.merge(b[["completion_id", "value"]], on="completion_id", suffixes=("_a", "_b"))
    rows = []
    for task, of in by_task(both):
        weights = of["weight"].fillna(1.0)
        rhos = (spearman(of["human"], of[c], weights) for c in ("value_a", "value_b"))
        d = rho_difference(of["human"], of["value_a"], of["value_b"], of["prompt_id"].tolist(), weights)
        rows.append((task, len(of), *rhos, d.delta, d.low, d.high))
    return pd.DataFrame(rows, columns=["task", "n", "before", "after", "delta", "low", "high"])


def lifted(rated: pd.DataFrame, high: float = 0.6, low: float = 2.0) -> pd.DataFrame:
    """What GRPO would exploit: completions with a high reward and a low human score, by the component that raised it.

    Args:
        rated: rows of ``rated_scores``, any number of tasks.
        high: a total of at least this counts as a high reward.
        low: a human score of at most this counts as low.

    Returns:
        Columns task, component (the one that is most above its task's mean), completions, reward and human (means),
        example (a completion_id); most completions first.
    """
    parts = rated[rated["component"] != "total"].copy()
    parts["above"] = parts["value"] - parts.groupby(["task", "component"])["value"].transform("mean")
    totals = rated[rated["component"] == "total"].set_index("completion_id")
    suspects = totals[(totals["value"] >= high) & (totals["human"] <= low)]
    top = parts[parts["completion_id"].isin(suspects.index)].sort_values("above").groupby("completion_id").tail(1)
    top = top.assign(reward=top["completion_id"].map(suspects["value"]))
    found = top.groupby(["task", "component"], as_index=False).agg(
        completions=("completion_id", "size"),
        reward=("reward", "mean"),
        human=("human", "mean"),
        example=("completion_id", "first"),
    )
    return found.sort_values("completions", ascending=False, ignore_index=True)
