"""Compare base and tuned: a verdict per task that a reader can reproduce.

Pure functions over paired scores. Both one-sided p-values are always computed: the seeds' report took a one-sided
p = 0.96 for "random noise", although the same data give p = 0.04 for *worse* (final report §4, SQL).

A verdict needs two kinds of evidence that point the same way. The signed ranks give it its direction; the mean must follow:
the larger of their two p-values is corrected over the tasks. Ranks alone would name a change out of nothing where the
differences are skewed, because the typical prompt moves although the mean does not. Nor can the mean of few prompts be
trusted alone: fifteen prompts have no rare large loss among them with probability 15 % when 12 % of all prompts have one. So
the mean must also keep its sign if as many prompts were added as the sample can have missed, each as far on the other side
of the mean as any prompt of the table lies of its task's mean (``keeps_sign``). benchmarks/coverage/comparison.py measures
what this keeps out and what power it costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from backend.evaluation.paired import (
    FEWEST_PAIRS,
    Array,
    holm,
    mean_interval,
    mean_p,
    mean_test,
    rank_biserial,
    wilcoxon,
)
from backend.evaluation.power import detectable, unseen
from backend.evaluation.settings import ALPHA, ComparisonSettings

Verdict = Literal[
    "improved",
    "most gain, few may lose much",
    "regressed",
    "most lose, few may gain much",
    "possibly better",
    "possibly worse",
    "no detectable change",
    "not enough data",
]
MOST_GAIN: Verdict = "most gain, few may lose much"
"""The signed ranks say "better", but the mean does not surely follow."""
MOST_LOSE: Verdict = "most lose, few may gain much"


@dataclass(frozen=True)
class TaskComparison:
    """Base against tuned on one task (or ``overall``). Scores are rewards in [0, 1]; d = tuned - base per prompt."""

    task: str
    n: int
    base: float
    tuned: float
    delta: float
    low: float
    """Lower end of the 95 % interval of the mean difference (``paired.intervals``); NaN with one prompt."""
    high: float
    p_better: float
    p_worse: float
    p_two_sided: float
    p_holm: float
    """Two-sided p corrected over the tasks (Holm); for overall, the uncorrected one."""
    effect: float
    """Matched-pairs rank-biserial correlation, -1 to 1."""
    wins: int
    ties: int
    losses: int
    detectable: float
    """The smallest |mean difference| that this verdict would have found with 80 % power; NaN where there is none."""
    verdict: Verdict
    p_mean: float = float("nan")
    """Two-sided p of the mean by flips of the signs; uncorrected."""
    p_mean_holm: float = float("nan")
    p_both: float = float("nan")
    """The larger of the two-sided p of the ranks and of the mean's interval, corrected over the tasks (Holm); what "improved"
    and "regressed" rest on."""
    non_inferior: bool = False
    """Whether the interval's lower end lies above minus the margin that was fixed beforehand."""
    balanced: tuple[float, float, float] | None = None
    """For overall: (delta, low, high) of the mean over the tasks, each counting the same. None for a task."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TaskComparison":
        """What ``as_dict`` gave, also once it has been JSON; of an older file some fields may be missing."""
        balanced = values.get("balanced")
        return cls(**{**values, "balanced": None if balanced is None else tuple(balanced)})


def compare(paired: pd.DataFrame, settings: ComparisonSettings | None = None) -> list[TaskComparison]:
    """Compare per task and overall.

    Args:
        paired: columns task, base, tuned; one row per prompt (means over samples).
        settings: what the verdicts are judged by.

    Returns:
        One comparison per task in order of appearance, then ``overall`` over all prompts.

    Raises:
        ValueError: there are no pairs, or a score is NaN or infinite.
    """
    settings = settings or ComparisonSettings()
    if paired.empty:
        raise ValueError("there are no pairs to compare: the two evaluations share no prompt")
    values = paired[["base", "tuned"]].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("a score is NaN or infinite; every prompt needs a finite score in both evaluations")
    if paired["task"].isna().any():
        raise ValueError("a row names no task")
    task_of = paired["task"].astype(str).to_numpy()
    rows = {task: values[task_of == task] for task in dict.fromkeys(task_of)}
    strata = [np.round(scores[:, 1] - scores[:, 0], 9) for scores in rows.values()]  # rounded, so that equal ones tie
    *of_tasks, of_all = judge(strata, settings)
    furthest = _furthest(strata)
    found = [
        _comparison(task, scores, [d], judged, furthest, settings, len(rows))
        for (task, scores), d, judged in zip(rows.items(), strata, of_tasks, strict=True)
    ]
    return [*found, _comparison("overall", values, strata, of_all, furthest, settings)]


@dataclass(frozen=True)
class Judged:
    """What the tests say of one row of a table, and the verdict. The p-values' meaning: see ``TaskComparison``."""

    p_better: float
    p_worse: float
    p_two_sided: float
    p_mean: float
    p_holm: float
    p_mean_holm: float
    p_both: float
    verdict: Verdict


def judge(strata: Sequence[Array], settings: ComparisonSettings) -> list[Judged]:
    """Judge a table: each task's differences (n,), then all of them.

    Args:
        strata: the differences of each task.
        settings: what the verdicts are judged by.

    Returns:
        One for each task, then one for overall, which is not corrected.
    """
    rows = [*([d] for d in strata), _apart(strata)]
    ranks = [wilcoxon(np.concatenate(row)) for row in rows]
    flipped = [mean_test(np.concatenate(row)) for row in rows]
    # In the direction of the ranks.
    means = [
        mean_p(row, _shares(row))[int(worse < better)] for row, (better, worse, _) in zip(rows, ranks, strict=True)
    ]
    both = [max(r[2], min(1.0, 2 * m)) for r, m in zip(ranks, means, strict=True)]
    corrected = [[*holm(p[:-1]), p[-1]] for p in ([r[2] for r in ranks], flipped, both)]
    furthest = _furthest(strata)
    found: list[Judged] = []
    for row, (better, worse, two_sided), p_mean, p_holm, p_mean_holm, p_both in zip(
        rows, ranks, flipped, *corrected, strict=True
    ):
        d, tasks = np.concatenate(row), len(strata) if len(found) < len(strata) else 1
        follows = p_both < settings.alpha and keeps_sign(d, furthest, tasks, settings.alpha)
        verdict = verdict_of(int(np.count_nonzero(d)), better, worse, p_holm, follows, settings.alpha, float(d.mean()))
        found.append(Judged(better, worse, two_sided, p_mean, p_holm, p_mean_holm, p_both, verdict))
    return found


def _furthest(strata: Sequence[Array]) -> tuple[float, float]:
    """How far below and above its task's mean a prompt of the table lies."""
    centred = np.concatenate([d - d.mean() for d in strata])
    return float(centred.min()), float(centred.max())


def _comparison(
    task: str,
    scores: Array,
    strata: list[Array],
    judged: Judged,
    furthest: tuple[float, float],
    settings: ComparisonSettings,
    tasks: int = 1,
) -> TaskComparison:
    """One row of the table.

    Args:
        task: its name.
        scores: (n, 2) base and tuned.
        strata: the differences, apart for each task.
        judged: what the tests say.
        furthest: how far below and above its task's mean a prompt of the table lies.
        settings: what the verdict is judged by.
        tasks: how many tasks the p-values are corrected over.
    """
    d = np.concatenate(strata)
    low, high = mean_interval(_apart(strata), _shares(_apart(strata)))
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    balanced = float(np.mean([of_task.mean() for of_task in strata]))
    return TaskComparison(
        task=task,
        n=len(d),
        base=float(scores[:, 0].mean()),
        tuned=float(scores[:, 1].mean()),
        delta=float(d.mean()),
        low=low,
        high=high,
        effect=rank_biserial(d),
        wins=wins,
        ties=len(d) - wins - losses,
        losses=losses,
        detectable=detectable(d, tasks, *furthest, alpha=settings.alpha),
        non_inferior=low > -settings.margin,
        balanced=(balanced, *mean_interval(strata, [1 / len(strata)] * len(strata))) if task == "overall" else None,
        **asdict(judged),
    )


def _apart(strata: Sequence[Array]) -> list[Array]:
    """The tasks as strata; all prompts as one where a task has a single prompt, which says nothing of its spread."""
    return list(strata) if min(len(d) for d in strata) > 1 else [np.concatenate(strata)]


def _shares(strata: Sequence[Array]) -> list[float]:
    total = sum(len(d) for d in strata)
    return [len(d) / total for d in strata]


def keeps_sign(d: Array, furthest: tuple[float, float], tasks: int = 1, alpha: float = ALPHA) -> bool:
    """Whether the mean keeps its sign with ``unseen`` more prompts as far on the other side of it as the furthest.

    Args:
        d: (n,) differences.
        furthest: how far below and above its task's mean a prompt of the table lies.
        tasks: how many tasks the table has.
        alpha: the comparison's level.
    """
    mean, more = float(d.mean()), unseen(tasks, alpha)
    fall, rise = (mean + far * more / (len(d) + more) for far in furthest)
    return fall > 0 if mean > 0 else rise < 0


def verdict_of(
    nonzero: int, p_better: float, p_worse: float, p_holm: float, follows: bool, alpha: float, mean: float
) -> Verdict:
    """The verdict in words; corrected evidence first, then uncorrected one-sided evidence as "possibly".

    Args:
        nonzero: how many prompts changed.
        p_better, p_worse: of the signed ranks, one-sided.
        p_holm: of the signed ranks, two-sided and corrected.
        follows: whether the mean surely goes the same way.
        alpha: the level.
        mean: the mean difference; "possibly" is said only where it goes the same way.
    """
    if nonzero < FEWEST_PAIRS:
        return "not enough data"
    if p_holm < alpha:
        if p_better < p_worse:
            return "improved" if follows else MOST_GAIN
        return "regressed" if follows else MOST_LOSE
    if p_better < alpha:
        return "possibly better" if mean > 0 else MOST_GAIN
    if p_worse < alpha:
        return "possibly worse" if mean < 0 else MOST_LOSE
    return "no detectable change"
