"""The rewards in the form that TRL takes: one function per component, None for completions of other tasks.

GDPO normalises each component within its group. After that a component's size is lost, so its maximum is used as its
weight. The weights are scaled so that every task's weighted sum has the same variance: otherwise a task with more
components would get larger advantages.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any

from backend.records import PromptRecord
from backend.suites import get_task, score_completion, suite_of
from rewards.types import Score

QUANTUM = 0.01
"""Component values are rounded to this. Otherwise a tiny difference would get the same z-score as a difference of 1."""

RewardFunction = Callable[..., list[float | None]]


@dataclass(frozen=True)
class Component:
    """One reward component of one task."""

    task: str
    name: str
    maximum: float


def components_of(tasks: tuple[str, ...], profile: str) -> list[Component]:
    """The components of ``tasks`` under a profile, in order."""
    return [
        Component(task, name, maximum)
        for task in tasks
        for name, maximum in get_task(task).reward.maxima_under(suite_of(task).profile(profile)).items()
    ]


def component_weights(components: list[Component]) -> list[float]:
    """A weight for each component, used after normalisation.

    Proportional to |maximum| within a task, with the squares of each task's weights summing to 1: independent
    components of unit variance then give every task's advantage unit variance.
    """
    norms = {c.task: sqrt(sum(o.maximum**2 for o in components if o.task == c.task)) for c in components}
    return [abs(c.maximum) / norms[c.task] for c in components]


def reward_functions(components: list[Component], profile: str) -> list[RewardFunction]:
    """A TRL reward function for each component, in order. A completion is scored once for all of them."""

    @lru_cache(maxsize=4096)
    def scored(task: str, completion: str, user_text: str, facts: str) -> Score:
        return score_completion(task, completion, user_text, json.loads(facts), profile)

    def build(component: Component) -> RewardFunction:
        def reward(
            completions: list, task: list[str], user_text: list[str], facts: Sequence[str] = (), **_: object
        ) -> list[float | None]:
            known = facts or ["{}"] * len(task)
            return [
                _quantised(scored(t, text_of(c), u, f).components[component.name]) if t == component.task else None
                for c, t, u, f in zip(completions, task, user_text, known, strict=True)
            ]

        reward.__name__ = f"{component.task}/{component.name}"
        return reward

    return [build(component) for component in components]


def training_rows(prompts: Sequence[PromptRecord]) -> list[dict[str, Any]]:
    """The prompts as rows of TRL's dataset; every column but ``prompt`` reaches the reward functions."""
    return [
        {"prompt": p.chat, "task": p.task, "user_text": p.user_text, "prompt_id": p.id, "facts": json.dumps(p.facts)}
        for p in prompts
    ]


def text_of(completion: str | list[dict[str, str]]) -> str:
    """The text of a completion in TRL's form: a plain text, or a chat of one turn."""
    return completion if isinstance(completion, str) else "".join(turn["content"] for turn in completion)


def _quantised(value: float) -> float:
    return round(round(value / QUANTUM) * QUANTUM, 6)
