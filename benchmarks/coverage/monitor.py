"""The monitor's alarms: months of production from the first day on, and drifts and low means that it should find.

A month is thirty days. What is asked differs from day to day: each day of a task has a mean reward, a share without JSON
(around 2 %) and a mean length (8 % apart) of its own. The evaluation is one more such day, with as many answers as the seeds'
eval prompts give; with a drift, there are 28 days without it before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.serving.drift import FEWEST, MONTHLY_RATE, Day, look
from benchmarks.coverage.claim import Measured, at_most, stated

DAYS, BEFORE_DRIFT, MONTHS = 30, 28, 400
EVALUATED = (20, 15, 15, 15)
"""Answers in the evaluation, by task."""


@dataclass(frozen=True)
class Shape:
    """What production is like.

    Attributes:
        answers: per task and day; with ``varied`` up to three times as many, and a third of that at weekends.
        apart: standard deviation of the means of days.
        days: how the means of days are distributed, a name in ``_DAYS``.
        rewards: how rewards are distributed in a day, a name in ``_REWARDS``.
        mean: mean reward.
        tasks, evaluation: how many tasks, and whether they were evaluated.
        fall, lost: after ``BEFORE_DRIFT`` days: by how much the mean falls, and what share loses its JSON.
    """

    answers: int = 60
    apart: float = 0.03
    days: str = "normal"
    rewards: str = "steps"
    mean: float = 0.75
    tasks: int = 4
    evaluation: bool = True
    varied: bool = False
    fall: float = 0.0
    lost: float = 0.0


def _weekends(rng: np.random.Generator, days: int) -> np.ndarray:
    lower = (np.arange(days) + rng.integers(7)) % 7 >= 5
    return 0.45 * rng.normal(size=days) - 2 * (lower - 2 / 7)


def _lasting(rng: np.random.Generator, days: int) -> np.ndarray:
    found = rng.normal(size=days)
    for day in range(1, days):
        found[day] = 0.5 * found[day - 1] + 0.75**0.5 * found[day]
    return found


_DAYS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, days: rng.normal(size=days),
    "weekends": _weekends,
    "skewed": lambda rng, days: (2 - rng.gamma(2, 1, days)) / 2**0.5,
    "heavy tails": lambda rng, days: rng.standard_t(4, days) / 2**0.5,
    "one in ten odd": lambda rng, days: 0.5 * rng.normal(size=days) - 2.5 * ((rng.random(days) < 0.1) - 0.1),
    "lasting": _lasting,
}
"""(generator, days) -> how far each day is off, with a standard deviation of about 1."""


def _steps(rng: np.random.Generator, means: np.ndarray) -> np.ndarray:
    means = np.clip(means, 0.02, 0.98)
    return np.round(20 * rng.beta(8 * means, 8 * (1 - means))) / 20


def _skewed(rng: np.random.Generator, means: np.ndarray) -> np.ndarray:
    n = len(means)
    good = rng.random(n) < (means - 0.1) / 0.757
    return np.round(20 * np.where(good, rng.beta(9, 1.5, n), rng.beta(1, 9, n))) / 20


_REWARDS: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    "steps": _steps,
    "pass or fail": lambda rng, means: (rng.random(len(means)) < means).astype(float),
    "skewed": _skewed,
}
"""(generator, the mean of each answer's day) -> rewards."""
_IN_WORDS = {"steps": "in steps of 0.05", "pass or fail": "pass or fail"}


def _answers(rng: np.random.Generator, shape: Shape, days: int) -> np.ndarray:
    if not shape.varied:
        return np.full(days, shape.answers)
    weekend = (np.arange(days) + rng.integers(7)) % 7 >= 5
    return (shape.answers * rng.uniform(1, 3, days) / np.where(weekend, 3, 1)).astype(int).clip(FEWEST)


def production(rng: np.random.Generator, shape: Shape, answers: np.ndarray, before: int = 0) -> list[Day]:
    """One task's days, with so many answers each; a drift begins after the first ``before`` days."""
    days = len(answers)
    off = shape.apart * _DAYS[shape.days](rng, days)
    drifted = np.arange(days) >= before
    of_day = np.repeat(np.arange(days), answers)
    rewards = _REWARDS[shape.rewards](rng, (shape.mean + off - shape.fall * drifted)[of_day])
    wander = shape.apart > 0
    share = 1 / (1 + 49 * np.exp(0.5 * wander * rng.normal(size=days)))
    unparsable = rng.random(len(of_day)) < (1 - (1 - share) * (1 - shape.lost * drifted))[of_day]
    lengths = rng.lognormal(5.5, 0.3, len(of_day)) * np.exp(0.08 * wander * rng.normal(size=days))[of_day]
    ends = np.cumsum(answers)[:-1]
    return [Day.of(*parts) for parts in zip(*(np.split(v, ends) for v in (rewards, unparsable, lengths)), strict=True)]


def first_alarm(
    rng: np.random.Generator, shape: Shape, days: int, of_limit: bool = False, tasks: int | None = None
) -> int | None:
    """The first day, from 1, that ends with an alarm of drift (or of the limit); None when there is none in ``days``.

    Args:
        rng: generator.
        shape: with a drift, days count from its first one.
        days: how many to look at.
        of_limit: look at the limit of the mean, in place of drift.
        tasks: how many of the tasks to look at; all when left out.
    """
    before = BEFORE_DRIFT if shape.fall or shape.lost else 0
    calm = replace(shape, fall=0.0, lost=0.0)
    looked_at = list[tuple[list[Day], Day | None]]()
    for task in range(tasks or shape.tasks):
        answered = production(rng, shape, _answers(rng, shape, before + days), before)
        evaluation = production(rng, calm, np.array([EVALUATED[task]]))[0] if shape.evaluation else None
        looked_at.append((answered, evaluation))
    for day in range(1, days + 1):
        for answered, evaluation in looked_at:
            for finding in look(answered[: before + day], evaluation, shape.tasks):
                if finding.raised and (finding.kind == "mean") == of_limit:
                    return day
    return None


def false_alarms(shape: Shape, months: int = MONTHS, of_limit: bool = False) -> float:
    """Share of months, from the first day of production on, with any alarm of drift (or of the limit)."""
    rng = np.random.default_rng(0)
    return sum(first_alarm(rng, shape, DAYS, of_limit) is not None for _ in range(months)) / months


def found_within(shape: Shape, days: Sequence[int], months: int = MONTHS, of_limit: bool = False) -> dict[int, float]:
    """Number of days -> share of months in which one task's drift (or low mean) has raised an alarm by then."""
    rng = np.random.default_rng(0)
    firsts = [first_alarm(rng, shape, max(days), of_limit, tasks=1) for _ in range(months)]
    return {k: sum(first is not None and first <= k for first in firsts) / months for k in days}


CALM = {
    "30 answers a day": Shape(answers=30),
    "60 answers a day": Shape(),
    "200 answers a day": Shape(answers=200),
    "2,000 answers a day": Shape(answers=2000),
    "60, one task, no evaluation": Shape(tasks=1, evaluation=False),
    "200, no evaluation": Shape(answers=200, evaluation=False),
    "30, rewards pass or fail": Shape(answers=30, rewards="pass or fail"),
    "60, rewards skewed (13 % near 0)": Shape(rewards="skewed"),
    "30 to 180, fewer at weekends": Shape(varied=True),
    "200, days alike": Shape(answers=200, apart=0.0),
    "200, days 0.08 apart": Shape(answers=200, apart=0.08),
    "200, weekends 0.06 lower": Shape(answers=200, days="weekends"),
    "200, days skewed": Shape(answers=200, days="skewed"),
    "200, days with heavy tails": Shape(answers=200, days="heavy tails"),
}
"""Production without a drift. Where nothing else is said: four tasks, an evaluation, rewards in steps of 0.05 around 0.75,
days 0.03 apart and independent of each other."""
NOT_CALM = {
    "200, one day in ten 0.07 lower": Shape(answers=200, days="one in ten odd"),
    "200, what is asked lasts for days": Shape(answers=200, days="lasting"),
}
"""Production in which alarms cannot be called false: days that are odd, or days alike that follow each other."""
DRIFTS = {
    "rewards lower by 0.10": (Shape(fall=0.10), (5, 7)),
    "rewards lower by 0.20": (Shape(fall=0.20), (3, 5)),
    "15 % without JSON": (Shape(lost=0.15), (3, 5)),
    "30 % without JSON": (Shape(lost=0.30), (2, 3)),
}
"""Drift of one task of four after 28 days -> the days within which it is looked for."""


def simulate() -> Iterable[Measured]:
    """Every claim of docs/serving.md about alarms; about ten minutes."""
    for name, shape in CALM.items():
        yield at_most("months with a false alarm of drift, from day 1", name, false_alarms(shape), MONTHLY_RATE)
    for name, shape in NOT_CALM.items():
        yield stated("months with an alarm of drift, from day 1", name, false_alarms(shape))
    for mean in (0.50, 0.55):
        claim = f"months with a false alarm of the limit 0.50, true mean {mean:.2f}, from day 1"
        for answers in (30, 60, 200):
            for rewards in ("steps", "pass or fail"):
                shape = Shape(answers=answers, mean=mean, rewards=rewards, evaluation=False)
                found = false_alarms(shape, of_limit=True)
                yield at_most(claim, f"{answers} answers a day, rewards {_IN_WORDS[rewards]}", found, MONTHLY_RATE)
        lasting = Shape(answers=200, mean=mean, days="lasting", evaluation=False)
        yield stated(claim, "200, what is asked lasts for days", false_alarms(lasting, of_limit=True))
    for drift, (usual, days) in DRIFTS.items():
        for answers in (30, 200):
            within = found_within(replace(usual, answers=answers), days, MONTHS // 2)
            for k, value in within.items():
                yield stated(f"{drift} found within {k} days", f"{answers} answers a day", value)
    for answers in (30, 200):
        for rewards in ("steps", "pass or fail"):
            low = Shape(answers=answers, mean=0.40, rewards=rewards)
            for k, value in found_within(low, (7, 10, 14), MONTHS // 2, of_limit=True).items():
                shape = f"{answers} answers a day, rewards {_IN_WORDS[rewards]}"
                yield stated(f"true mean 0.40 found under the limit 0.50 within {k} days from day 1", shape, value)
