"""Best-of-n, and facts against what needs no reading: the coverage of their intervals.

Answers have a quality that people see with noise, in whole scores from 1 to 5, and prompts differ. The reward sees the
quality too (``honest``), or something of its own (``gamed``), in steps. What best-of-n of ``n`` truly gains is the mean over
many prompts. Facts: reviews whose rare truths an answer gets right less often; the truth is the balanced accuracy of many.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.audit.best_of_n import best_of_n
from backend.evaluation.truth import truth_change
from benchmarks.coverage.claim import Measured, between
from rewards.types import NO_TEXT, Columns, Fact, Text, Truth

Array = NDArray[np.float64]

SEED = 31
_MANY = 60_000
"""Prompts that the true value is computed on."""


@dataclass(frozen=True)
class Answers:
    """What people have rated: prompts, answers to each, and how much of the quality the reward sees."""

    name: str
    prompts: int
    answers: int
    sees: float
    same: float = 0.0
    """Share of the answers that have the reward's highest value, whatever they are worth."""


SHAPES = (
    Answers("10 prompts x 2, honest", 10, 2, 0.8),
    Answers("15 prompts x 4, honest", 15, 4, 0.8),
    Answers("30 prompts x 2, gamed", 30, 2, 0.0),
    Answers("30 prompts x 4, honest", 30, 4, 0.8),
    Answers("30 prompts x 8, gamed", 30, 8, 0.0),
    Answers("30 prompts x 8, honest, a third at the top", 30, 8, 0.8, 0.33),
    Answers("60 prompts x 4, honest", 60, 4, 0.8),
)


def draw(rng: np.random.Generator, shape: Answers, prompts: int) -> tuple[Array, Array]:
    """(rewards, human scores), each (prompts, answers)."""
    quality = rng.normal(size=(prompts, shape.answers))
    ease = rng.normal(scale=0.7, size=(prompts, 1))
    human = np.clip(np.rint(2.6 + 0.9 * quality + ease + 0.4 * rng.normal(size=quality.shape)), 1, 5)
    seen = shape.sees * quality + np.sqrt(1 - shape.sees**2) * rng.normal(size=quality.shape)
    reward = np.clip(np.rint(5 + 2 * seen + ease), 0, 10) / 10
    return np.where(rng.random(quality.shape) < shape.same, 1.0, reward), human


def true_gain(rng: np.random.Generator, shape: Answers, n: int) -> float:
    """What people gain by the best of n: the mean over many prompts, ties broken by chance."""
    reward, human = draw(rng, shape, _MANY)
    best = (reward + 1e-6 * rng.random(reward.shape))[:, :n].argmax(axis=1)
    return float((human[np.arange(_MANY), best] - human[:, :n].mean(axis=1)).mean())


def picking_coverage(rng: np.random.Generator, shape: Answers, runs: int) -> float:
    """How often the interval of what people gain by the best of all answers holds what they truly gain."""
    truth = true_gain(rng, shape, shape.answers)
    ids = np.repeat(np.arange(shape.prompts), shape.answers).tolist()
    held = 0
    for _ in range(runs):
        reward, human = draw(rng, shape, shape.prompts)
        last = best_of_n(reward.ravel(), human.ravel(), ids, ids)[-1]
        held += (
            last.judged_low is not None
            and last.judged_high is not None
            and last.judged_low <= truth <= last.judged_high
        )
    return held / runs


@dataclass(frozen=True)
class Facts:
    """Reviews with one fact that is rarely so, and one of three moods that the prompt states."""

    name: str
    prompts: int
    rare: float
    finds: float
    """How often a tuned answer gets a rare truth right."""


FACTS = (
    Facts("20 reviews, a fifth rare", 20, 0.2, 0.5),
    Facts("40 reviews, a fifth rare", 40, 0.2, 0.5),
    Facts("40 reviews, a tenth rare", 40, 0.1, 0.3),
    Facts("120 reviews, a tenth rare", 120, 0.1, 0.3),
)
_COMMON = 0.9
"""How often a tuned answer gets a common truth right."""
_RARE = Text("rare", "raro")


def _judged(text: str, columns: Columns) -> list[Fact]:
    return [Fact(_RARE, text == "1", columns["rare"])]


_TRUTH = Truth("simulated", Text("facts", "fatos"), NO_TEXT, lambda text, columns: None, _judged)


def facts_coverage(rng: np.random.Generator, shape: Facts, runs: int) -> float:
    """How often the interval of tuned over what needs no reading holds the balanced accuracy less a half."""
    truth = (_COMMON + shape.finds) / 2 - 0.5
    held = 0
    for _ in range(runs):
        rare = rng.random(shape.prompts) < shape.rare
        if rare.all() or not rare.any():
            rare[0] = not rare[0]
        right = rng.random(shape.prompts) < np.where(rare, shape.finds, _COMMON)
        frame = pd.DataFrame(
            {
                "prompt_id": np.arange(shape.prompts).astype(str),
                "text": np.where(rare == right, "1", "0"),
                "facts": [{"rare": bool(r)} for r in rare],
            }
        )
        found = truth_change(_TRUTH, frame.assign(text="0"), frame)
        held += found is not None and found.over_low <= truth <= found.over_high
    return held / runs


def simulate(runs: int = 2_000) -> Iterable[Measured]:
    """Both intervals for every shape."""
    rng = np.random.default_rng(SEED)
    for shape in SHAPES:
        value = picking_coverage(rng, shape, runs)
        yield between("95 % interval of what people gain by the best of n", shape.name, value, 0.93, 0.98)
    for facts in FACTS:
        value = facts_coverage(rng, facts, runs)
        yield between("95 % interval of facts over what needs no reading", facts.name, value, 0.92, 0.99)
