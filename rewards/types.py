"""What a task's reward is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rewards.profiles import Profile

Components = dict[str, float]


@dataclass(frozen=True)
class Reward:
    """A task's reward.

    Attributes:
        task: the task's name, as prompts carry it.
        maxima: each component's name and the most it gives; a penalty's is negative.
        components_of: (completion, prompt, profile) -> value of every component in ``maxima``. Pure, total
            (any string), linear in the length of its input.
    """

    task: str
    maxima: Mapping[str, float]
    components_of: Callable[[str, str, Profile], Components]
