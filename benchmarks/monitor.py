"""How often the monitor gives a false alarm, and how soon it detects a drift, in simulated months of production.

python -m benchmarks.monitor                   # 400 months each; about five minutes

A month is thirty days of four tasks, with a hundred answers per task and day. They have the distribution of the evaluation
(as many answers as the seeds' 65 eval prompts give); with a drift, another one from day fifteen on. Figures go to
benchmarks/results/monitor.json.
"""

import json
from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer

from backend.serving.drift import BEFORE, EVALUATION, Sample, level, look, together
from backend.settings import ROOT

TASKS = {"extraction": 20, "sql_qa": 15, "insights": 15, "push": 15}
"""Task -> answers in the evaluation."""
DAYS, DRIFT_DAY, WEEKS_DAYS = 30, 15, 21
Draw = Callable[[np.random.Generator, int], Sample]


def usual(rng: np.random.Generator, n: int) -> Sample:
    """Answers without drift: rewards in steps, mean 0.75; 2 % without JSON; lengths around 250 characters."""
    rewards = np.round(rng.beta(6, 2, n) * 20) / 20
    return Sample(rewards, rng.random(n) < 0.02, rng.lognormal(5.5, 0.3, n).round())


def uneven(rng: np.random.Generator, n: int) -> Sample:
    """A day without drift. Days differ: rewards with a standard deviation of 0.03, lengths with one of 5 %."""
    day = usual(rng, n)
    rewards = np.clip(day.rewards + rng.normal(0, 0.03), 0, 1)
    return Sample(rewards, day.unparsable, day.lengths * rng.lognormal(0, 0.05))


def worse(drop: float) -> Draw:
    """Lower the rewards by this amount."""

    def draw(rng: np.random.Generator, n: int) -> Sample:
        sample = usual(rng, n)
        return Sample(np.clip(sample.rewards - drop, 0, 1), sample.unparsable, sample.lengths)

    return draw


def broken(share: float) -> Draw:
    """Make this share of the answers without JSON, with a reward of 0."""

    def draw(rng: np.random.Generator, n: int) -> Sample:
        sample, gone = usual(rng, n), rng.random(n) < share
        return Sample(np.where(gone, 0.0, sample.rewards), sample.unparsable | gone, sample.lengths)

    return draw


def longer(factor: float) -> Draw:
    """Make the answers longer by this factor."""

    def draw(rng: np.random.Generator, n: int) -> Sample:
        sample = usual(rng, n)
        return Sample(sample.rewards, sample.unparsable, sample.lengths * factor)

    return draw


def first_alarm(rng: np.random.Generator, answers: int, before_it: Draw, then: Draw) -> tuple[int | None, bool]:
    """(days from the drift's first day to the end of the day that raised an alarm, whether there was one before it).

    Only extraction drifts; the other tasks stay as they were.
    """
    evaluations = {task: usual(rng, n) for task, n in TASKS.items()}
    days: dict[str, list[Sample]] = {task: [before_it(rng, answers) for _ in range(WEEKS_DAYS)] for task in TASKS}
    alpha, early = level(6 * len(TASKS)), False
    for day in range(DAYS):
        for task, before in days.items():
            drifted = day >= DRIFT_DAY and task == "extraction"
            now = (then if drifted else before_it)(rng, answers)
            references = {EVALUATION: evaluations[task], BEFORE: together(before[-WEEKS_DAYS:])}
            raised = any(f.raised for f in look(now, references, alpha))
            if raised and drifted:
                return day - DRIFT_DAY + 1, early
            early |= raised
            before.append(now)
    return None, early


def main(
    months: Annotated[int, typer.Option(min=10)] = 400, answers: Annotated[int, typer.Option(min=30)] = 100
) -> None:
    """Simulate."""
    scenarios: dict[str, Draw] = {
        "no drift": usual, "no drift, uneven days": uneven, "rewards lower by 0.10": worse(0.10), "rewards lower by 0.20": worse(0.20),
        "15 % without JSON": broken(0.15), "30 % without JSON": broken(0.30), "answers half as long again": longer(1.5),
    }  # fmt: skip
    result = {}
    for name, draw in scenarios.items():
        rng = np.random.default_rng(0)
        # Without drift there must be no alarm at all. To measure how soon a drift is detected, fewer months are enough.
        calm = draw in (usual, uneven)
        before_it = draw if calm else usual
        found = [first_alarm(rng, answers, before_it, draw) for _ in range(months if calm else months // 4)]
        days = [d for d, _ in found if d is not None]
        if calm:
            result[name] = {"months": len(found), "with_a_false_alarm": sum(e or d is not None for d, e in found)}
        else:
            within = {f"within_{k}_days": round(sum(d <= k for d in days) / len(found), 3) for k in (1, 2, 3, 7)}
            result[name] = {"months": len(found), "seen": round(len(days) / len(found), 3), **within}
        print(f"{name}: {result[name]}", flush=True)
    path = ROOT / "benchmarks" / "results" / "monitor.json"
    path.write_text(json.dumps({"answers_a_day": answers, **result}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
