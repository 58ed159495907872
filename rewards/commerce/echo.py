"""A completion that only repeats its prompt (v4.3): it earns nothing, whichever the task."""

from rewards.commerce.profiles import Rules
from rewards.text import words

_RUN = 5
_SHARE = 0.7


def unless_echo(completion: str, prompt: str, profile: Rules) -> str:
    """The completion; empty where the profile does not pay for a repeated prompt and this is one."""
    return "" if profile.anti_gaming and is_echo(completion, prompt) else completion


def is_echo(completion: str, prompt: str) -> bool:
    """Whether the completion is the prompt repeated: most of its runs of five words stand in the prompt."""
    said, asked = words(completion.lower()), words(prompt.lower())
    if len(said) < _RUN or len(asked) < _RUN:
        return False
    runs = set(zip(*(asked[i:] for i in range(_RUN)), strict=False))
    copied = sum(run in runs for run in zip(*(said[i:] for i in range(_RUN)), strict=False))
    return copied >= _SHARE * (len(said) - _RUN + 1)
