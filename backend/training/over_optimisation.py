"""Preflight's check ``over-optimisation``: what picking the best of n sampled completions by the reward does to the truth.

It needs nothing but the completions that preflight has sampled anyway (``backend.audit.best_of_n``). Only tasks whose prompts
carry facts can be judged here; what people say stands on the audit's page.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from backend.audit.best_of_n import of_truth
from backend.suites import find_task
from backend.training.checks import Check, listed_tasks, task_text
from backend.wording import Text, decimal, fill, joined

if TYPE_CHECKING:
    from backend.training.sample_checks import Sampled


def over_optimisation(sampled: Sequence["Sampled"]) -> Check:
    """Warn where picking by the reward surely raises it and does not even seem to raise the share of right facts.

    Args:
        sampled: prompts with completions sampled as in training, and their scores.
    """

    over: list[Text] = []
    held: list[Text] = []
    unknown: list[str] = []
    for task in dict.fromkeys(s.prompt.task for s in sampled):
        known = find_task(task)
        rows = [
            (s.prompt.id, "", c.text, s.prompt.facts, one.total)
            for s in sampled
            if s.prompt.task == task
            for c, one in zip(s.completions, s.scores, strict=True)
        ]
        frame = pd.DataFrame(rows, columns=["prompt_id", "policy", "text", "facts", "value"])
        points = of_truth(frame, known.truth, fewest=_FEWEST) if known is not None and known.truth is not None else []
        if len(points) < 2:
            unknown.append(task)
            continue
        last = points[-1]
        words = fill(
            "{task} best of {n}: reward {reward}, right facts {judged} ({low} to {high})",
            "{task}, a melhor de {n}: recompensa {reward}, fatos certos {judged} ({low} a {high})",
            task=task_text(task), n=last.n,
            reward=decimal(last.reward_gain, signed=True), judged=decimal(last.judged_gain, signed=True),
            low=decimal(last.judged_low or 0.0, signed=True), high=decimal(last.judged_high or 0.0, signed=True),
        )  # fmt: skip
        (over if last.over_optimised else held).append(words)
    found = [*over, *held]
    if unknown:
        found.append(
            fill("no truth is known for {tasks}", "não se conhece a verdade de {tasks}", tasks=listed_tasks(unknown))
        )
    story = Text(
        "a reward that nobody has held against the truth",
        "uma recompensa que ninguém confrontou com a verdade",
    )
    return Check("over-optimisation", "warn" if over else "pass", joined(found), story)


_FEWEST = 4
"""Prompts of a task; preflight samples few."""
