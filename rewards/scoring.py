"""The one way to score a completion: a task's components, summed and clipped to [0, 1].

A reward is a plain function from (completion, prompt, profile) to named component values. What no text tells is
measured by others and handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rewards.types import Components, Probe, Profile, Reward, Score, Task


def score_text(
    reward: Reward, completion: str, prompt: str, profile: Profile, measured: Mapping[str, float] | None = None
) -> Score:
    """Score one completion.

    Args:
        reward: of the prompt's task, in the edition that the profile applies (``Reward.under``).
        completion: what the model wrote; any string.
        prompt: the user's text.
        profile: which version of the rules.
        measured: shares from 0 to 1 of the components that no text tells, where the profile has such; 0 when left out.

    Returns:
        A ``Score``. Never raises for any text; time is linear in its length.
    """
    components = reward.components_of(completion, prompt, profile)
    if (share := reward.text_share(profile)) < 1:
        given = {name: most * (measured or {}).get(name, 0.0) for name, most in reward.measured.items()}
        components = {name: share * value for name, value in components.items()} | given
    components = {name: round(value, 9) for name, value in components.items()}
    return Score(total(components), components)


def total(components: Components) -> float:
    """Sum of the components, clipped to [0, 1]; rounded, so that 0.1 + 0.2 is 0.3."""
    return min(1.0, max(0.0, round(sum(components.values()), 9)))


@dataclass(frozen=True)
class ProbeResult:
    """A task's probe and its score under one profile; ``passed`` when that stays within the limit.

    A probe over its limit means that the reward pays for something nobody wants, and GRPO will find it. A limit is never
    loosened: the rule is tightened in a new profile.
    """

    task: str
    probe: Probe
    total: float

    @property
    def passed(self) -> bool:
        return self.total <= self.probe.limit + 1e-9


def run_probes(task: Task, profile: Profile) -> list[ProbeResult]:
    """Score a task's probes under ``profile``."""
    if not isinstance(task.reward, Reward):
        return []
    reward = task.reward.under(profile)
    return [ProbeResult(task.name, p, score_text(reward, p.completion, p.prompt, profile).total) for p in task.probes]
