"""The one way to score a completion: a task's components, summed and clipped to [0, 1].

A reward is a plain function from (completion, prompt, profile) to named component values. Each task's module ends
with a ``Reward`` that says so; a new task is one such file and one ``register`` call (docs/new-task.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rewards import extraction, insights, push, sql_qa
from rewards.profiles import DEFAULT_PROFILE, Profile, get_profile
from rewards.tasks import classify_task
from rewards.text import words
from rewards.types import Components, Reward

_REGISTRY: dict[str, Reward] = {}


@dataclass(frozen=True)
class Score:
    """One completion's score: ``total`` in [0, 1] and the components it is the clipped sum of."""

    total: float
    components: Components = field(default_factory=dict)


def register(reward: Reward) -> None:
    """Make a task's reward known everywhere a score is computed.

    Raises:
        ValueError: another reward is registered for the task, or it names no components.
    """
    if not reward.maxima:
        raise ValueError(f"the reward for task {reward.task!r} names no components")
    if _REGISTRY.get(reward.task, reward) != reward:
        raise ValueError(f"task {reward.task!r} already has a reward; choose another task name")
    _REGISTRY[reward.task] = reward


def registered() -> tuple[str, ...]:
    """Names of the tasks that have a reward, the four built-in ones first."""
    return tuple(_REGISTRY)


def reward_for(task: str) -> Reward:
    """The reward of a task.

    Raises:
        ValueError: no reward is registered for the task; the message lists those there are.
    """
    try:
        return _REGISTRY[task]
    except KeyError:
        raise ValueError(f"unknown task {task!r}; choose one of {', '.join(_REGISTRY)}") from None


def score(
    task: str,
    completion: str,
    prompt: str = "",
    profile: str | Profile = DEFAULT_PROFILE,
    measured: Mapping[str, float] | None = None,
) -> Score:
    """Score one completion.

    Args:
        task: a registered task name.
        completion: what the model wrote; any string.
        prompt: the user's text (for extraction, where the nota stands).
        profile: which version of the rules.
        measured: shares from 0 to 1 of the components that no text tells, where the profile has such; 0 when left out.

    Returns:
        A ``Score``. Never raises for any text; time is linear in its length.

    Raises:
        ValueError: the task or the profile does not exist.
    """
    reward, rules = reward_for(task), get_profile(profile)
    if rules.anti_gaming and is_echo(completion, prompt):
        completion = ""
    components = reward.components_of(completion, prompt, rules)
    if (share := reward.text_share(rules)) < 1:
        given = {name: most * (measured or {}).get(name, 0.0) for name, most in reward.measured.items()}
        components = {name: share * value for name, value in components.items()} | given
    components = {name: round(value, 9) for name, value in components.items()}
    return Score(total(components), components)


def total(components: Components) -> float:
    """Sum of the components, clipped to [0, 1]; rounded, so that 0.1 + 0.2 is 0.3."""
    return min(1.0, max(0.0, round(sum(components.values()), 9)))


def reward_extraction(completion: str, prompt: str = "") -> float:
    """Default-profile score in [0, 1] of one extraction; ``prompt`` states the nota it must not contradict."""
    return score("extraction", completion, prompt).total


def reward_sql_qa(completion: str) -> float:
    """Default-profile score in [0, 1] of one answer to a business question."""
    return score("sql_qa", completion).total


def reward_insights(completion: str) -> float:
    """Default-profile score in [0, 1] of one analysis."""
    return score("insights", completion).total


def reward_push(completion: str) -> float:
    """Default-profile score in [0, 1] of one notification."""
    return score("push", completion).total


def commerce_reward_fn(completions: Sequence[str], prompts: Sequence[str]) -> list[float]:
    """Classify each prompt, then score its completion under the default profile (final report §10)."""
    return [score(classify_task(p), c, p).total for c, p in zip(completions, prompts, strict=True)]


def is_echo(completion: str, prompt: str) -> bool:
    """Whether the completion is the prompt repeated: most of its runs of five words stand in the prompt."""
    said, asked = words(completion.lower()), words(prompt.lower())
    if len(said) < _RUN or len(asked) < _RUN:
        return False
    runs = set(zip(*(asked[i:] for i in range(_RUN)), strict=False))
    copied = sum(run in runs for run in zip(*(said[i:] for i in range(_RUN)), strict=False))
    return copied >= _ECHO_SHARE * (len(said) - _RUN + 1)


_RUN = 5
_ECHO_SHARE = 0.7


for _module in (extraction, sql_qa, insights, push):
    register(_module.REWARD)
