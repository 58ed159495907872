"""Base against tuned: false verdicts, intervals, power, seeds and people, simulated on differences like those of rewards.

Every shape has mean 0, so whatever a table of it names is false. A few minutes in all.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from backend.evaluation.compare import Verdict, judge
from backend.evaluation.length import at_equal_length
from backend.evaluation.paired import Array, intervals
from backend.evaluation.people import people_estimate
from backend.evaluation.power import detectable
from backend.evaluation.seeds import MeanSquares
from backend.evaluation.settings import ALPHA, ComparisonSettings
from benchmarks.coverage.claim import Measured, at_most, between, stated

Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
RARE = 0.12
"""The share of prompts that lose much in "rare losses", as much as the others gain together."""


def _zeros(rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    return np.where(rng.random(size) < 0.6, 0.0, rng.normal(0, 0.3, size))


def _gamma(shape: float, sign: int, rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    return sign * 0.2 * (rng.gamma(shape, 1, size) - shape) / np.sqrt(shape)


def _rare(sign: int, noise: float, rng: np.random.Generator, size: tuple[int, ...]) -> Array:
    moved = np.where(rng.random(size) < RARE, -0.05 * (1 - RARE) / RARE, 0.05)
    return sign * moved + rng.normal(0, noise, size)


SHAPES: dict[str, Draw] = {
    "normal": lambda rng, size: rng.normal(0, 0.2, size),
    "laplace": lambda rng, size: rng.laplace(0, 0.14, size),
    "tied": lambda rng, size: np.round(rng.normal(0, 0.2, size), 1),
    "zeros": _zeros,
    "gamma 1": partial(_gamma, 1.0, 1),
    "gamma 0.5": partial(_gamma, 0.5, 1),
    "gamma 0.5, mirrored": partial(_gamma, 0.5, -1),
    "rare losses": partial(_rare, 1, 0.01),
    "rare losses, noisy": partial(_rare, 1, 0.05),
    "rare gains": partial(_rare, -1, 0.01),
}
"""Tied: rounded to 0.1. Zeros: 60 % of the prompts do not change. Rare losses: 88 % gain 0.05, 12 % lose 0.37."""

_IN_WORDS = {
    "tied": "tied (to 0.1)",
    "zeros": "60 % zeros",
    "rare losses": "88 % gain a little, 12 % lose much",
    "rare losses, noisy": "the same, with noise of ±0.05",
    "rare gains": "88 % lose a little, 12 % gain much",
}
MIXED: dict[str, list[str]] = {
    "normal, zeros, gamma 0.5, rare losses": ["normal", "zeros", "gamma 0.5", "rare losses"],
    "tied, gamma 1, gamma 0.5, rare gains": ["tied", "gamma 1", "gamma 0.5, mirrored", "rare gains"],
    "tied, normal, laplace, rare losses": ["tied", "normal", "laplace", "rare losses"],
    "rare losses, rare gains, gamma 0.5 twice": ["rare losses", "rare gains", "gamma 0.5", "gamma 0.5, mirrored"],
}
SIZES = (15, 20, 32, 65)
_SEED = 17


def verdicts(strata: Sequence[Array]) -> list[Verdict]:
    """The verdicts of ``compare`` alone, per task and overall, without the numbers beside them."""
    return [judged.verdict for judged in judge(strata, ComparisonSettings())]


def _tables(shapes: Sequence[str], n: int, tables: int) -> Iterable[list[Array]]:
    rng = np.random.default_rng([_SEED, n, tables])
    drawn = [np.round(SHAPES[shape](rng, (tables, n)), 9) for shape in shapes]
    return ([d[i] for d in drawn] for i in range(tables))


def false_verdicts(shapes: Sequence[str], n: int, tables: int = 1000) -> tuple[float, float, float]:
    """The share of tables of nothing that say "improved" or "regressed" of a task; that do of a task or overall; and that
    say "possibly" of a task."""
    found = [verdicts(strata) for strata in _tables(shapes, n, tables)]
    sure, possible = {"improved", "regressed"}, {"possibly better", "possibly worse"}
    return (
        float(np.mean([bool(sure & {*table[:-1]}) for table in found])),
        float(np.mean([bool(sure & {*table}) for table in found])),
        float(np.mean([bool(possible & {*table[:-1]}) for table in found])),
    )


def power_of_a_gain(gain: float, spread: float, n: int, others: float | None = None, tables: int = 400) -> float:
    """How often the first of four tasks is called improved; ``others``: the other three's spread, around 0; None: as it."""
    rng = np.random.default_rng([_SEED, n])
    found = 0
    for _ in range(tables):
        first = rng.normal(gain, spread, n)
        rest = [rng.normal(gain, spread, n) if others is None else rng.normal(0, others, n) for _ in range(3)]
        found += verdicts([first, *rest])[0] == "improved"
    return found / tables


def interval_coverage(shape: str, n: int, samples: int = 10_000) -> float:
    """The share of intervals of a mean that hold it."""
    low, high = intervals(SHAPES[shape](np.random.default_rng([_SEED, n]), (samples, n)))
    return float(np.mean((low <= 0) & (high >= 0)))


def stated_power(shape: str, n: int, tasks: int = 4, tables: int = 250) -> float:
    """How often a change of the size that a table says it could have seen is found, up and down, in the first task."""
    rng = np.random.default_rng([_SEED, n])
    found = []
    for strata in _tables([shape] * tasks, n, tables):
        centred = np.concatenate([d - d.mean() for d in strata])
        change = detectable(strata[0], tasks, float(centred.min()), float(centred.max()))
        for sign, verdict in ((1, "improved"), (-1, "regressed")) * 2:
            first, *rest = [SHAPES[shape](rng, (n,)) for _ in range(tasks)]
            found.append(verdicts([np.round(first + sign * change, 9), *rest])[0] == verdict)
    return float(np.mean(found))


def seeds_coverage(seeds: int, spread: float, prompts: Sequence[int], samples: int = 1000) -> float:
    """The share of intervals over seeds that hold the mean; ``prompts``: of each task; ``spread``: between seeds."""
    rng = np.random.default_rng([_SEED, seeds, sum(prompts)])
    task_of = np.repeat(np.arange(len(prompts)), prompts)
    held = 0
    for i in range(samples):
        of_prompts = 0.1 if i % 2 else 0.2
        d = rng.normal(0, spread, (seeds, 1)) + rng.normal(0, of_prompts, len(task_of)) + task_of / 10
        d = d + rng.normal(0, 0.05, (seeds, len(task_of)))
        true = float((task_of / 10).mean())
        held += abs(d.mean() - true) <= MeanSquares.of(d, task_of).half_interval()
    return held / samples


def people_coverage(rated: Sequence[int], prompts: Sequence[int], samples: int = 600) -> float:
    """The share of prediction-powered intervals of the whole that hold it; tasks differ, and are rated unequally."""
    rng = np.random.default_rng([_SEED, sum(rated)])
    true = float(np.average(np.arange(len(prompts)), weights=prompts))
    held = 0
    for _ in range(samples):
        tasks = []
        for task, (n, size) in enumerate(zip(rated, prompts, strict=True)):
            reward = rng.normal(0, 0.2, size)
            human = task + 3 * reward + rng.normal(0, 0.8, size)
            human[rng.permutation(size)[n:]] = np.nan
            tasks.append(pd.DataFrame({"task": str(task), "reward": reward, "human": human}))
        e = people_estimate("overall", pd.concat(tasks))
        held += e.low is not None and e.high is not None and e.low <= true <= e.high
    return held / samples


def equal_length_coverage(n: int, samples: int = 600) -> float:
    """The share of intervals of the gain at equal length that hold it, where length earns reward and spread grows with it."""
    rng = np.random.default_rng([_SEED, n])
    held = 0
    for _ in range(samples):
        longer = rng.normal(40, 60, n)
        d = 0.1 + 0.002 * longer + rng.normal(0, 0.1, n) * (1 + np.abs(longer) / 100)
        frame = pd.DataFrame({"task": "a", "base": 0.0, "tuned": d, "base_length": 0.0, "tuned_length": longer})
        e = at_equal_length(frame)[0]
        held += e.low <= 0.1 <= e.high
    return held / samples


def _furthest(values: dict[int, float], aim: float = 0.95) -> tuple[int, float]:
    return max(values.items(), key=lambda item: abs(item[1] - aim))


def _words(shape: str) -> str:
    return _IN_WORDS.get(shape, shape)


def simulate() -> Iterable[Measured]:
    """Every claim of docs/product.md on base against tuned."""
    possible: list[float] = []
    sizes = ", ".join(map(str, SIZES))
    for name, shapes in {**{_words(s): [s] * 4 for s in SHAPES}, **MIXED}.items():
        found = {n: false_verdicts(shapes, n) for n in SIZES}
        possible += [f[2] for f in found.values()] if name in ("normal", "laplace") else []
        worst = max(SIZES, key=lambda n: found[n][0])
        shape = f"4 tasks of nothing: {name}; the worst of {sizes} prompts each ({worst})"
        yield at_most("“improved” or “regressed” of a task", shape, found[worst][0], ALPHA)
        worst = max(SIZES, key=lambda n: found[n][1])
        shape = f"the same tables, overall counted too ({worst})"
        yield stated("“improved” or “regressed” of a task or overall", shape, found[worst][1])
    yield stated("“possibly” of a task", "4 tasks of nothing: normal, laplace", float(np.mean(possible)))
    yield stated(
        "“improved” or “regressed”",
        f"one task alone of nothing: {_words('rare losses')}; 15 prompts, which no test of them can tell",
        false_verdicts(["rare losses"], 15)[0],
    )
    for n in (15, 20, 32):
        for gain, spread in ((0.05, 0.1), (0.1, 0.1), (0.1, 0.15), (0.1, 0.2)):
            shape = f"{n} prompts, gain {gain}, differences spread by {spread}"
            yield stated("a gain is found", f"{shape}, all 4 tasks alike", power_of_a_gain(gain, spread, n))
            alone = power_of_a_gain(gain, spread, n, others=0.2)
            yield stated("a gain is found", f"{shape}, the other 3 tasks of nothing, spread by 0.2", alone)
    for shape in SHAPES:
        few = shape.startswith("rare")
        covered = {n: interval_coverage(shape, n) for n in (15, 20, 32, 65, 130)}
        if few:
            for n in (15, 20, 32):
                yield stated("95 % interval of the mean", f"{_words(shape)}; {n} prompts", covered.pop(n))
        n, value = _furthest(covered)
        where = f"{_words(shape)}; the furthest of {', '.join(map(str, covered))} prompts ({n})"
        yield between("95 % interval of the mean", where, value, 0.93, 0.99 if few else 0.98)
    for shape in ("normal", "laplace", "zeros", "gamma 1", "gamma 0.5"):
        for tasks in (4, 1):
            powers = {n: stated_power(shape, n, tasks) for n in SIZES}
            n, value = _furthest(powers, 0.80)
            where = f"{_words(shape)}, a table of {tasks}, up and down; the furthest from 80 % of {sizes} prompts ({n})"
            yield stated("“could have seen ±x” is found, where 80 % is said", where, value)
    for seeds in (2, 3, 5):
        for spread in (0.0, 0.02, 0.05, 0.10):
            layouts: tuple[tuple[int, ...], ...] = ((15,), (20, 15, 15, 15), (130,))
            values = {sum(p): seeds_coverage(seeds, spread, p) for p in layouts}
            n, value = _furthest(values)
            where = f"{seeds} seeds that differ by {spread}; the furthest of 15, 65 in 4 tasks, 130 prompts ({n})"
            yield between("95 % interval over seeds", where, value, 0.93, 0.97 if seeds == 5 else 0.99)
    for rated, prompts in (((15, 6, 6, 6), (20, 15, 15, 15)), ((30, 10, 10, 10), (40, 30, 30, 30))):
        where = (
            f"tasks that differ by 1 point; {', '.join(map(str, rated))} of {', '.join(map(str, prompts))} pairs rated"
        )
        yield between(
            "95 % interval of the human difference overall", where, people_coverage(rated, prompts), 0.92, 0.97
        )
    for n in (15, 20, 65):
        yield between("95 % interval of the gain at equal length", f"{n} prompts", equal_length_coverage(n), 0.93, 0.97)
