"""The best step chosen on the prompts that judge it, and on others: what a run that learns nothing seems to gain.

A run of 60 evaluations whose policy wanders without learning: from step to step every prompt's expected score changes a
little, by chance and with mean 0 over all prompts there are. Each evaluation adds chance in sampling. The step with the highest
mean on the 65 eval prompts is kept; then base and kept step are answered anew with one seed (as ``Evaluator`` does), once on
the eval prompts and once on 130 test prompts with four answers each, and ``compare`` gives its verdicts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.evaluation.compare import compare
from benchmarks.coverage.claim import Measured, at_most, stated

Array = NDArray[np.float64]

EVALUATIONS = 60
"""Of preset v4.1: 600 steps, one evaluation in ten."""
EVAL = {"extraction": 20, "sql_qa": 15, "insights": 15, "push": 15}
TEST = {task: 2 * n for task, n in EVAL.items()}
SEED = 12


@dataclass(frozen=True)
class Wander:
    """How a policy that learns nothing changes.

    Attributes:
        name: in words.
        spread: standard deviation of a prompt's expected change since the base.
        moved: share of the prompts that change at all.
        lasting: correlation of a change with that of the evaluation before.
        chance: standard deviation of one answer's score around its expectation, as far as base and step do not share it: both
            are sampled with one seed, and a prompt that did not change gets the same answer.
    """

    name: str
    spread: float = 0.08
    moved: float = 1.0
    lasting: float = 0.0
    chance: float = 0.03


SHAPES = (
    Wander("every prompt changes a little, anew each time"),
    Wander("the same, more chance in sampling", chance=0.06),
    Wander("changes last (correlation 0.8 from one evaluation to the next)", spread=0.10, lasting=0.8),
    Wander("60 % of the prompts stay as they are", spread=0.13, moved=0.4, chance=0.04),
)


def run(rng: np.random.Generator, shape: Wander) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One run: (base and the chosen step on the eval prompts, the same on the test prompts), as ``compare`` takes them."""
    n = sum(EVAL.values()) + sum(TEST.values())
    on_eval = np.arange(n) < sum(EVAL.values())
    changes = np.empty((EVALUATIONS, n))
    changes[0] = rng.normal(size=n)
    for step in range(1, EVALUATIONS):
        fresh = np.sqrt(1 - shape.lasting**2) * rng.normal(size=n)
        changes[step] = shape.lasting * changes[step - 1] + fresh
    changes *= shape.spread * (rng.random(n) < shape.moved)
    curve = changes + shape.chance * rng.normal(size=changes.shape) * (changes != 0)
    best = int(curve[:, on_eval].mean(axis=1).argmax())
    answers = np.where(on_eval, 1, 4)
    d = changes[best] + shape.chance / np.sqrt(answers) * rng.normal(size=n) * (changes[best] != 0)
    return _paired(EVAL, d[on_eval]), _paired(TEST, d[~on_eval])


def _paired(counts: dict[str, int], d: Array) -> pd.DataFrame:
    task = np.repeat(list(counts), list(counts.values()))
    return pd.DataFrame({"prompt_id": np.arange(len(d)), "task": task, "base": 0.5, "tuned": 0.5 + d})


def measure(rng: np.random.Generator, shape: Wander, runs: int) -> dict[str, tuple[float, float]]:
    """Split -> (share of the runs with a task that "improved", mean gain over all prompts)."""
    found: dict[str, list[tuple[bool, float]]] = {"eval": [], "test": []}
    for _ in range(runs):
        for split, paired in zip(found, run(rng, shape), strict=True):
            *tasks, overall = compare(paired)
            found[split].append((any(c.verdict == "improved" for c in tasks), overall.delta))
    return {
        split: (float(np.mean([a for a, _ in rows])), float(np.mean([b for _, b in rows])))
        for split, rows in found.items()
    }


def simulate(runs: int = 300) -> Iterable[Measured]:
    """Both claims for every shape."""
    rng = np.random.default_rng(SEED)
    for shape in SHAPES:
        found = measure(rng, shape, runs)
        for split, where in (("eval", "on the eval prompts that chose the step"), ("test", "on the test prompts")):
            improved, gain = found[split]
            share = f"a task “improved” though nothing was learned, {where}"
            yield stated(share, shape.name, improved) if split == "eval" else at_most(share, shape.name, improved, 0.05)
            yield stated(f"mean gain though nothing was learned, {where} (of the reward's range)", shape.name, gain)
