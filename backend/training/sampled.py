"""What a step has sampled, over all processes: the completions with their rewards, for the metrics and for the kept rollouts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate.utils import gather_object

from backend.data.rollouts import SHADOW
from backend.suites import ToScore
from backend.training.reward_functions import Component, text_of
from backend.training.shadow import Shadow


@dataclass(frozen=True)
class Sampled:
    """A step's completions, of all processes, groups consecutive.

    Attributes:
        prompt_ids, tasks, texts: of each completion.
        rewards: (completions, components) as TRL got them; NaN where a component does not apply.
        shadow: measure -> value of each completion.
    """

    prompt_ids: Sequence[str]
    tasks: Sequence[str]
    texts: Sequence[str]
    rewards: torch.Tensor
    shadow: Sequence[Mapping[str, float]]


def gather_sampled(
    inputs: Sequence[Mapping[str, Any]],
    completions: Sequence[Any],
    token_ids: Sequence[Sequence[int]],
    rewards: torch.Tensor,
    shadow: Shadow,
) -> Sampled:
    """Put together what the processes have sampled, and measure it with the shadow measures.

    Args:
        inputs: this process's rows of the training set (``training_rows``), one for each completion.
        completions, token_ids: this process's, in TRL's form.
        rewards: of all processes.
        shadow: the run's measures.
    """
    texts = [text_of(c) for c in completions]
    asked = [
        (row["task"], ToScore(row["prompt"], text, json.loads(row["facts"]), row["form"], list(ids)))
        for row, text, ids in zip(inputs, texts, token_ids, strict=True)
    ]
    mine = [(r["prompt_id"], r["task"], t, s) for r, t, s in zip(inputs, texts, shadow.watch(asked), strict=True)]
    prompt_ids, tasks, every, measured = zip(*gather_object(mine), strict=True)
    return Sampled(prompt_ids, tasks, every, rewards, measured)


def rollout_columns(
    sampled: Sampled,
    prompts: Sequence[str],
    advantages: Sequence[float],
    components: Sequence[Component],
    bounds: Mapping[str, tuple[float, float] | None],
) -> dict[str, Sequence[Any]]:
    """The columns of a step's rollouts, as ``backend.data.rollouts`` names them.

    Args:
        sampled: of all processes.
        prompts, advantages: this process's, one for each of its completions.
        components: the reward's, in the order of ``sampled.rewards``.
        bounds: each task's least and most total; None for any number.
    """
    both = gather_object(list(zip(prompts, advantages, strict=True)))
    measures = list(dict.fromkeys(name for one in sampled.shadow for name in one))
    rewards = sampled.rewards.double().cpu()
    totals = (rewards * torch.tensor([c.weight for c in components], dtype=torch.float64)).nansum(dim=1).tolist()
    return {
        "prompt": [prompt for prompt, _ in both],
        "completion": sampled.texts,
        **{f"{c.task}/{c.name}": rewards[:, i].tolist() for i, c in enumerate(components)},
        **{f"{SHADOW}{name}": [one.get(name) for one in sampled.shadow] for name in measures},
        "prompt_id": sampled.prompt_ids,
        "task": sampled.tasks,
        "reward": [_within(total, bounds[task]) for total, task in zip(totals, sampled.tasks, strict=True)],
        "advantage": [advantage for _, advantage in both],
    }


def _within(total: float, bounds: tuple[float, float] | None) -> float:
    return round(total if bounds is None else min(max(total, bounds[0]), bounds[1]), 6)
