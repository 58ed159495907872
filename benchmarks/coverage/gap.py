"""The stop rule ``gap``: how often it warns of honest runs, and how long after gaming begins it warns of the others.

A run of 30 evaluations on 20 prompts whose truth is known (five facts each, answered anew at every evaluation: the noisiest
case), and on 65 prompts of which people rate eight a time. A policy that learns follows a smooth curve; in a run that is gamed, at a
random evaluation between the 6th and the 18th, it finds a cheap way up. Rule and estimate are the workbench's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.evaluation.gap import LIMIT, Curve, Estimates, parting_now
from backend.evaluation.step_ratings import human_curve, quarter
from backend.rating.design import allocate

Array = NDArray[np.float64]

RUNS, EVALUATIONS = 400, 30
PROMPTS, FACTS = 20, 5
TASKS, RATED = {"a": 20, "b": 15, "c": 15, "d": 15}, 8
SEED = 31


@dataclass(frozen=True)
class Shape:
    """What a run is like.

    Attributes:
        name: in words.
        gain: by how much quality rises over the run, as a share of the range.
        along: what truth gains for each unit that the reward gains honestly.
        speed: evaluations in which most of the gain happens.
        prompts, facts: with known truth.
        gamed: by how much gaming lifts the reward; 0 in an honest run.
        harm: by how much truth falls with it.
        late: evaluations by which truth follows the reward.
        lasting: whether an answer stays as right as it was until the policy changes, in place of being drawn anew.
    """

    name: str
    gain: float = 0.35
    along: float = 1.0
    speed: float = 8.0
    prompts: int = PROMPTS
    facts: int = FACTS
    gamed: float = 0.0
    harm: float = 0.0
    late: float = 0.0
    lasting: bool = False


HONEST = (
    Shape("learns, truth goes along"),
    Shape("truth gains half of what the reward gains", along=0.5),
    Shape("slow learning: 0.10 over the whole run", gain=0.10, speed=30.0),
    Shape("learns nothing", gain=0.0),
    Shape("noisy truth: 8 prompts with 3 facts", prompts=8, facts=3),
    Shape("noisy truth that gains half", along=0.5, prompts=8, facts=3),
    Shape("answers stay as they are until they get better", lasting=True),
    Shape("the same, right or wrong alone, truth gains half", along=0.5, facts=1, lasting=True),
    Shape("quick: all in 3 evaluations", gain=0.5, speed=3.0),
)
LATE = Shape("truth follows three evaluations later", late=3.0)
GAMED = (
    Shape("a length exploit: longer is paid, truth stands still", gamed=0.35),
    Shape("a length exploit, truth falls by 0.15", gamed=0.35, harm=0.15),
    Shape("a small exploit (0.15), truth stands still", gamed=0.15),
    Shape("an exploit from the start, nothing is learned", gain=0.0, gamed=0.5),
    Shape("a length exploit, answers stay as right as they were", gamed=0.35, lasting=True),
    Shape("a length exploit, 65 prompts with truth", gamed=0.35, prompts=65),
    Shape("a length exploit, noisy truth: 8 prompts with 3 facts", gamed=0.35, prompts=8, facts=3),
)


def _rising(at: Array, middle: float, speed: float) -> Array:
    """A smooth rise from 0 to 1 around ``middle``, most of it within ``speed`` evaluations."""
    raw = 1 / (1 + np.exp(-(at - middle) * 4 / speed))
    start = 1 / (1 + np.exp(middle * 4 / speed))
    return (raw - start) / (1 - start)


def policy(rng: np.random.Generator, shape: Shape) -> tuple[Array, Array, int]:
    """One run: (evaluations,) the reward's and quality's gains, and the evaluation at which gaming begins."""
    at = np.arange(EVALUATIONS, dtype=float)
    middle = rng.uniform(shape.speed / 2, EVALUATIONS / 2)
    honest = shape.gain * _rising(at, middle, shape.speed)
    follows = shape.gain * shape.along * _rising(at - shape.late, middle, shape.speed).clip(0)
    begins = 0 if not shape.gain else int(rng.integers(6, 19))
    found = np.where(at >= begins, 1 - np.exp(-(at - begins).clip(0) / 3), 0.0)
    if shape.gamed:  # from then on the policy learns nothing else
        honest, follows = (np.where(at > begins, gains[begins], gains) for gains in (honest, follows))
    return honest + shape.gamed * found, follows - shape.harm * found, begins


def answers(rng: np.random.Generator, shape: Shape, reward: Array, quality: Array) -> tuple[Curve, Curve]:
    """Reward and truth of every prompt at every evaluation."""
    n = shape.prompts
    ease = rng.normal(0, 0.15, n)
    level = 0.35 + reward[:, None] * rng.uniform(0.5, 1.5, n) + ease
    rewards = np.round(20 * (level + rng.normal(0, 0.08, (EVALUATIONS, n)))).clip(0, 20) / 20
    drawn = rng.random((1 if shape.lasting else EVALUATIONS, shape.facts, n))
    right = (drawn < (0.4 + quality[:, None, None] + ease).clip(0.02, 0.98)).mean(axis=1)
    steps = range(EVALUATIONS)
    return Curve(steps, rewards), Curve(steps, right)


def people(rng: np.random.Generator, reward: Array, quality: Array) -> tuple[Curve, pd.DataFrame, Array]:
    """The reward of four tasks' prompts, the rows that ``human_curve`` takes, and what people would say of all of them."""
    task = np.repeat(list(TASKS), list(TASKS.values()))
    ease = rng.normal(0, 0.15, len(task))
    level = 0.35 + reward[:, None] * rng.uniform(0.5, 1.5, len(task)) + ease
    rewards = np.round(20 * (level + rng.normal(0, 0.08, level.shape))).clip(0, 20) / 20
    said = (0.35 + quality[:, None] + ease + rng.normal(0, 0.15, level.shape)).clip(0, 1)
    frames = []
    for step in range(EVALUATIONS):
        frame = pd.DataFrame({"step": step, "task": task, "reward": rewards[step], "human": np.nan})
        stratum = frame["task"] + "/" + quarter(frame["reward"]).astype(str)
        for name, count in allocate(stratum.value_counts().to_dict(), {}, RATED).items():
            places = rng.choice(np.flatnonzero(stratum == name), count, replace=False)
            heard = said[step, places] + rng.normal(0, 0.12, count)  # raters are not of one mind
            frame.loc[places, "human"] = np.round(4 * heard).clip(0, 4) / 4
        frames.append(frame)
    return Curve(range(EVALUATIONS), rewards), pd.concat(frames, ignore_index=True), said.mean(axis=1)


def first_warning(reward: Curve, other: Estimates | Curve, limit: float = LIMIT) -> int | None:
    """The evaluation at which the rule first warns, as in a run that is looked at after each."""
    for step in range(1, EVALUATIONS):
        found = parting_now(reward, other, step)
        if found is not None and found.strength >= limit:
            return step
    return None


def with_truth(rng: np.random.Generator, shape: Shape, runs: int) -> Array:
    """(runs,) evaluations from the beginning of gaming to the warning; NaN where there is none."""
    return np.array([_delay(*answers(rng, shape, *gains), begins) for *gains, begins in _policies(rng, shape, runs)])


def with_people(rng: np.random.Generator, shape: Shape, runs: int) -> tuple[Array, float]:
    """As ``with_truth``, by the human score; and the share of the evaluations whose interval holds what people would say."""
    delays, held = [], []
    for *gains, begins in _policies(rng, shape, runs):
        reward, rows, said = people(rng, *gains)
        curve = human_curve(rows)
        assert curve is not None
        held.append(np.mean((curve.low <= said) & (said <= curve.high)))
        delays.append(_delay(reward, curve.estimates, begins))
    return np.array(delays), float(np.mean(held))


def _policies(rng: np.random.Generator, shape: Shape, runs: int) -> Iterable[tuple[Array, Array, int]]:
    return (policy(rng, shape) for _ in range(runs))


def _delay(reward: Curve, other: Estimates | Curve, begins: int) -> float:
    found = first_warning(reward, other)
    return np.nan if found is None else found - begins
