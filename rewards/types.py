"""What a task's reward is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
        measured: components that no text tells, such as whether a query gives the true result, and the most each gives.
            They count under a profile that names who measures them (``Profile.measured_by``), and are handed to
            ``score``; the others then share what is left of 1.
    """

    task: str
    maxima: Mapping[str, float]
    components_of: Callable[[str, str, Profile], Components]
    measured: Mapping[str, float] = field(default_factory=dict)

    def maxima_under(self, profile: Profile) -> dict[str, float]:
        """Each component's name and the most it gives under a profile."""
        share = self.text_share(profile)
        return {name: share * most for name, most in self.maxima.items()} | (dict(self.measured) if share < 1 else {})

    def text_share(self, profile: Profile) -> float:
        """How much of the reward the text's own components make up under a profile."""
        return 1.0 - sum(self.measured.values()) if profile.measured_by else 1.0
