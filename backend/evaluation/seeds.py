"""Compare base and tuned over several training seeds, which are never counted as more prompts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from backend.evaluation.paired import Array


@dataclass(frozen=True)
class SeedComparison:
    """Base against tuned on one task (or ``overall``) over several training seeds."""

    task: str
    deltas: list[float]
    """Each seed's mean difference over its prompts."""
    delta: float
    """Mean over the seeds."""
    low: float
    """Lower end of the 95 % interval for other seeds and other prompts; NaN with one prompt a task."""
    high: float
    seed_share: float | None
    """How much of the variance of a (seed, prompt) difference lies between the seeds; None where nothing varies."""


def compare_seeds(frames: Mapping[int, pd.DataFrame]) -> dict[str, Any]:
    """Compare base and tuned over several training seeds; different seeds are never counted as more prompts.

    Args:
        frames: seed -> its paired scores (columns prompt_id, task, base, tuned) on the same prompts.

    Returns:
        ``seeds`` (the seeds) and ``tasks``: one ``SeedComparison`` as plain values per task, then overall.

    Raises:
        ValueError: fewer than two seeds, or they were evaluated on different prompts.
    """
    if len(frames) < 2:
        raise ValueError("comparing over seeds needs two or more")
    if len({frozenset(frame["prompt_id"]) for frame in frames.values()}) > 1:
        raise ValueError("the seeds were evaluated on different prompts")
    tables = {
        seed: frame.assign(d=(frame["tuned"] - frame["base"]).round(9)).sort_values("prompt_id")
        for seed, frame in frames.items()
    }
    d = np.stack([table["d"].to_numpy(float) for table in tables.values()])  # (seeds, prompts)
    task_of = next(iter(tables.values()))["task"].to_numpy()
    tasks = list(dict.fromkeys(next(iter(frames.values()))["task"]))
    found = [_over_seeds(task, d[:, task_of == task], task_of[task_of == task]) for task in tasks]
    found.append(_over_seeds("overall", d, task_of))
    return {"seeds": list(frames), "tasks": [asdict(c) for c in found]}


def _over_seeds(task: str, d: Array, task_of: NDArray[Any]) -> SeedComparison:
    squares = MeanSquares.of(d, task_of)
    delta, half = float(d.mean()), squares.half_interval()
    return SeedComparison(
        task=task,
        deltas=[float(mean) for mean in d.mean(axis=1)],
        delta=delta,
        low=delta - half,
        high=delta + half,
        seed_share=squares.seed_share(),
    )


@dataclass(frozen=True)
class MeanSquares:
    """Analysis of variance of d = mean + seed + prompt + error: every seed crossed with every prompt, prompts nested in tasks.

    Attributes:
        seeds, prompts, tasks: how many there are.
        between_seeds, between_prompts, error: mean squares, with seeds - 1, prompts - tasks, and their product as degrees of
            freedom. NaN where that is 0.
    """

    seeds: int
    prompts: int
    tasks: int
    between_seeds: float
    between_prompts: float
    error: float

    @classmethod
    def of(cls, d: Array, task_of: NDArray[Any]) -> "MeanSquares":
        """From d (seeds, prompts) and each prompt's task."""
        seeds, prompts = d.shape
        tasks = np.unique(task_of)
        left = d.copy()  # without each seed's mean of each task
        for task in tasks:
            left[:, task_of == task] -= d[:, task_of == task].mean(axis=1, keepdims=True)
        of_prompt = left.mean(axis=0)
        freedom = prompts - len(tasks)
        nan = float("nan")
        return cls(
            seeds,
            prompts,
            len(tasks),
            prompts * float(d.mean(axis=1).var(ddof=1)),
            seeds * float((of_prompt**2).sum()) / freedom if freedom else nan,
            float(((left - of_prompt) ** 2).sum()) / (freedom * (seeds - 1)) if freedom else nan,
        )

    def half_interval(self, level: float = 0.95) -> float:
        """Half the interval of the mean over other seeds and other prompts.

        The mean's variance is that of the seeds' means, MS(seed) / (S P), and that of the prompts, (MS(prompt) - MS(error))
        / (S P). Each part is multiplied by the squared t quantile of its own degrees of freedom (Banerjee 1960, "Approximate
        confidence interval for linear functions of means of k populations", Sankhya 22), so that two seeds that happen
        to agree do not make the interval short: Satterthwaite's degrees of freedom, taken from such data, do.
        """
        if not self.prompts > self.tasks:
            return float("nan")
        t_seeds, t_prompts = stats.t.ppf(0.5 + level / 2, [self.seeds - 1, self.prompts - self.tasks])
        of_prompts = max(0.0, self.between_prompts - self.error)
        variance = t_seeds**2 * self.between_seeds + t_prompts**2 * of_prompts
        return float(np.sqrt(variance / (self.seeds * self.prompts)))

    def seed_share(self) -> float | None:
        """Share of the variance of a (seed, prompt) difference that lies between seeds; None where nothing varies.

        From the unbiased estimates of the components; the seeds' is cut at 0 after that, and the prompts' too.
        """
        if not self.prompts > self.tasks:
            return None
        of_seeds = max(0.0, (self.between_seeds - self.error) / self.prompts)
        of_prompts = max(0.0, (self.between_prompts - self.error) / self.seeds)
        total = of_seeds + of_prompts + self.error
        return of_seeds / total if total > 0 else None
