"""Does the gain remain at equal length? A reward that pays for long answers can rise without better ones."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from backend.evaluation.paired import FEWEST_PAIRS, mean_interval


@dataclass(frozen=True)
class EqualLength:
    """A task's gain for prompts that both models answer at the same length.

    Attributes:
        task: its name.
        longer: how much longer the tuned completions are on average, in the unit of the lengths.
        delta, low, high: the gain at equal length with its 95 % interval; NaN where it cannot be told: fewer than
            ``FEWEST_PAIRS`` prompts, or the same difference in length on all of them.
        outside: whether no prompt, or every prompt, became longer, so that equal length lies outside what was seen.
    """

    task: str
    longer: float
    delta: float
    low: float
    high: float
    outside: bool


def at_equal_length(paired: pd.DataFrame) -> list[EqualLength]:
    """Per task, regress the difference in reward on the difference in length; the intercept is the gain at equal length.

    Args:
        paired: columns task, base, tuned (rewards) and base_length, tuned_length; one row per prompt.
    """
    return [
        _of_task(
            str(task),
            (rows["tuned"] - rows["base"]).to_numpy(float),
            (rows["tuned_length"] - rows["base_length"]).to_numpy(float),
        )
        for task, rows in paired.groupby("task", sort=False)
    ]


def _of_task(task: str, d: NDArray[np.float64], longer: NDArray[np.float64]) -> EqualLength:
    """The intercept with an interval that holds where the spread changes with the length (HC3, MacKinnon and White 1985)."""
    n, mean = len(d), float(longer.mean())
    outside = not longer.min() <= 0 <= longer.max()
    if n < FEWEST_PAIRS or np.ptp(longer) == 0:
        known = n >= FEWEST_PAIRS and mean == 0
        found = (float(d.mean()), *mean_interval([d])) if known else (float("nan"),) * 3
        return EqualLength(task, mean, *found, outside)
    scale = longer.std()
    x = np.column_stack([np.ones(n), longer / scale])
    inverse = np.linalg.inv(x.T @ x)
    hat = np.einsum("ij,jk,ik->i", x, inverse, x)
    slope = inverse @ x.T @ d
    left = (d - x @ slope) / np.maximum(1 - hat, 1e-9)
    spread = inverse @ (x.T * left**2) @ x @ inverse
    half = float(stats.t.ppf(0.975, n - 2) * np.sqrt(spread[0, 0]))
    delta = float(slope[0])
    return EqualLength(task, mean, delta, delta - half, delta + half, outside)
