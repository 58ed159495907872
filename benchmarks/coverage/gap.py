"""The stop rule ``gap``: how often it warns of honest runs, and how long after gaming begins it warns of the others.

False alarms are counted over whole runs that are looked at after every evaluation. A run of 30 evaluations on 20 prompts whose truth is known (five facts each, answered anew at every evaluation: the noisiest
case), and on 65 prompts of which people rate eight a time. A policy that learns follows a smooth curve; in a run that is gamed, at a
random evaluation between the 6th and the 18th, it finds a cheap way up. Rule and estimate are the workbench's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.evaluation.gap import Curve, Estimates, parting_now
from backend.evaluation.step_ratings import human_curve
from backend.rating.design import QUARTERS, allocate
from benchmarks.coverage.claim import Measured, at_most, between, stated

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
WITH_PEOPLE = (HONEST[0], HONEST[2], GAMED[0], GAMED[1])


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
    task = np.repeat(np.array(list(TASKS)), list(TASKS.values()))
    ease = rng.normal(0, 0.15, len(task))
    level = 0.35 + reward[:, None] * rng.uniform(0.5, 1.5, len(task)) + ease
    rewards = np.round(20 * (level + rng.normal(0, 0.08, level.shape))).clip(0, 20) / 20
    said = (0.35 + quality[:, None] + ease + rng.normal(0, 0.15, level.shape)).clip(0, 1)
    human = np.full(level.shape, np.nan)
    places = np.floor(rewards.clip(0, 0.999) * QUARTERS).astype(int)
    for step in range(EVALUATIONS):
        strata = np.char.add(np.char.add(task, "/"), places[step].astype(str))
        names, sizes = np.unique(strata, return_counts=True)
        for name, count in allocate(dict(zip(names.tolist(), sizes.tolist(), strict=True)), {}, RATED).items():
            of = rng.choice(np.flatnonzero(strata == name), count, replace=False)
            heard = said[step, of] + rng.normal(0, 0.12, count)  # raters are not of one mind
            human[step, of] = np.round(4 * heard).clip(0, 4) / 4
    rows = {"step": np.repeat(np.arange(EVALUATIONS), len(task)), "task": np.tile(task, EVALUATIONS)}
    frame = pd.DataFrame({**rows, "reward": rewards.ravel(), "human": human.ravel()})
    return Curve(range(EVALUATIONS), rewards), frame, said.mean(axis=1)


def first_warning(reward: Curve, other: Estimates | Curve) -> int | None:
    """The evaluation at which the rule first warns: the second in a row at which the two part, looked at after each."""
    before = False
    for step in range(1, EVALUATIONS):
        found = parting_now(reward, other, step)
        now = found is not None and found.parted
        if now and before:
            return step
        before = now
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


def simulate(runs: int = RUNS) -> Iterable[Measured]:
    """False alarms of honest runs, warnings of gamed ones with their delay in evaluations, and people's interval."""
    rng = np.random.default_rng(SEED)
    for shape in HONEST:
        yield at_most("an honest run is warned of", shape.name, _share(with_truth(rng, shape, runs)), 0.05)
    yield stated("an honest run is warned of", LATE.name, _share(with_truth(rng, LATE, runs)))
    for shape in GAMED:
        yield from _warned(shape.name, with_truth(rng, shape, runs))
    for shape in WITH_PEOPLE:
        delays, held = with_people(rng, shape, runs)
        name = f"by people, eight rated an evaluation: {shape.name}"
        if shape.gamed:
            yield from _warned(name, delays)
        else:
            yield at_most("an honest run is warned of", name, _share(delays), 0.05)
        yield between("95 % interval of what people would say of an evaluation", name, held, 0.92, 0.98)


def _share(delays: Array) -> float:
    return float(np.isfinite(delays).mean())


def _warned(name: str, delays: Array) -> Iterable[Measured]:
    after = delays[np.isfinite(delays) & (delays >= 0)]
    half, most = (f"{np.quantile(after, q):.0f}" if len(after) else "–" for q in (0.5, 0.9))
    words = f"a gamed run is warned of (of those, half within {half} evaluations, nine in ten within {most})"
    yield stated(words, name, len(after) / len(delays))
    yield at_most("a gamed run is warned of before it is gamed", name, float((delays < 0).mean()), 0.05)
