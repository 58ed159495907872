"""The rewards in the form that TRL takes: one function per component, None for completions of other tasks.

A team's own functions are called as they are, in the trainer's process, with everything that TRL hands over and with the
same checks as everywhere: a value that is no finite number ends the run and names the function.

GDPO normalises each component within its group. After that a component's size is lost, so its maximum (for a team's function
its weight) is used as its weight. The weights are scaled so that every task's weighted sum has the same variance: otherwise a
task with more components would get larger advantages.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any

from backend.errors import UserError
from backend.records import PromptRecord
from backend.suites import get_task, load_reward_functions, score_completion, suite_of
from rewards.calling import Gap, RewardFault, Row
from rewards.calling import RewardFunction as OwnFunction
from rewards.types import Functions, Score

QUANTUM = 0.01
"""Component values are rounded to this. Otherwise a tiny difference would get the same z-score as a difference of 1."""

_OFFERED = ("completion_ids", "trainer_state", "log_extra", "log_metric")
RewardFunction = Callable[..., list[float | None]]


@dataclass(frozen=True)
class Component:
    """One reward component of one task.

    Attributes:
        task, name: together unique.
        maximum: the most it gives; of a team's function its weight, with its sign.
        weight: what its value is multiplied by; 1 where the size is in the values.
    """

    task: str
    name: str
    maximum: float
    weight: float = 1.0


def components_of(tasks: tuple[str, ...], profile: str) -> list[Component]:
    """The components of ``tasks`` under a profile, in order."""
    return [
        Component(task, name, maximum, maximum if isinstance(reward, Functions) else 1.0)
        for task in tasks
        for reward in [get_task(task).reward]
        for name, maximum in reward.maxima_under(suite_of(task).profile(profile)).items()
    ]


def component_weights(components: list[Component]) -> list[float]:
    """A weight for each component, used after normalisation.

    Proportional to |maximum| within a task, with the squares of each task's weights summing to 1: independent
    components of unit variance then give every task's advantage unit variance. A team's function keeps its weight's sign;
    a penalty among our own components has the sign in its values.
    """
    norms = {c.task: sqrt(sum(o.maximum**2 for o in components if o.task == c.task)) or 1.0 for c in components}
    return [(abs(c.maximum) if c.weight == 1.0 else c.maximum) / norms[c.task] for c in components]


def reward_functions(components: list[Component], profile: str) -> list[RewardFunction]:
    """A TRL reward function for each component, in order.

    A completion is scored once for all the components of a ``Reward``; a team's functions are loaded and called here.

    Raises:
        UserError: a team's file cannot be loaded; in training, one of its functions fails.
    """
    own = {c.task: load_reward_functions(c.task) for c in components}

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

        return reward

    made = [
        build(c) if (functions := own[c.task]) is None else _own_reward(c.task, functions[c.name]) for c in components
    ]
    for function, component in zip(made, components, strict=True):
        function.__name__ = f"{component.task}/{component.name}"
    return made


def _own_reward(name: str, function: OwnFunction) -> RewardFunction:
    """A team's function for the completions of one task."""

    def reward(
        completions: list, prompts: list, task: list[str], facts: list[str], form: list[Any], **beside: Any
    ) -> list[float | None]:
        mine = [place for place, of in enumerate(task) if of == name]
        if not mine:
            return [None] * len(completions)
        rows = [Row(prompts[i], text_of(completions[i]), json.loads(facts[i]), form[i]) for i in mine]
        offered = {key: beside[key] for key in _OFFERED if key in beside}
        if "completion_ids" in offered:
            offered["completion_ids"] = [offered["completion_ids"][i] for i in mine]
        try:
            values = dict(zip(mine, function.values(rows, offered), strict=True))
        except RewardFault as fault:
            raise UserError(f"training ended: {fault}") from fault
        gaps = {place: value for place, value in values.items() if isinstance(value, Gap)}
        if len(gaps) > len(mine) / 2:
            why = next(iter(gaps.values()))
            raise UserError(
                f"training ended: {function.name} gave no value for {len(gaps)} of {len(mine)} completions (the first: {why}); "
                "mend it and go on with --resume"
            )
        if gaps and "log_metric" in beside:
            beside["log_metric"](f"gaps/{function.name}", len(gaps) / len(mine))
        # TRL leaves None out of its group's mean and spread, so a gap moves the policy nowhere.
        return [None if isinstance(v := values.get(place), Gap) else v for place in range(len(completions))]

    return reward


def training_rows(prompts: Sequence[PromptRecord]) -> list[dict[str, Any]]:
    """The prompts as rows of TRL's dataset; every column but ``prompt`` reaches the reward functions."""
    return [
        {
            "prompt": p.chat,
            "task": p.task,
            "user_text": p.user_text,
            "prompt_id": p.id,
            "facts": json.dumps(p.facts),
            "form": p.form,
        }
        for p in prompts
    ]


def text_of(completion: str | list[dict[str, str]]) -> str:
    """The text of a completion in TRL's form: a plain text, or a chat of one turn."""
    return completion if isinstance(completion, str) else "".join(turn["content"] for turn in completion)


def _quantised(value: float) -> float:
    return round(round(value / QUANTUM) * QUANTUM, 6)
