"""A completion that only repeats its prompt (v4.3): every task scores it as an empty text."""

from rewards.commerce.profiles import Rules
from rewards.text import words

_RUN = 5
_SHARE = 0.7


def unless_echo(completion: str, prompt: str, profile: Rules) -> str:
    """The completion; an empty text if it repeats the prompt and the profile has the anti-gaming rules."""
    return "" if profile.anti_gaming and is_echo(completion, prompt) else completion


def is_echo(completion: str, prompt: str) -> bool:
    """Whether the completion repeats the prompt: at least 70 % of its five-word sequences are in the prompt."""
    said, asked = words(completion.lower()), words(prompt.lower())
    if len(said) < _RUN or len(asked) < _RUN:
        return False
    runs = set(zip(*(asked[i:] for i in range(_RUN)), strict=False))
    copied = sum(run in runs for run in zip(*(said[i:] for i in range(_RUN)), strict=False))
    return copied >= _SHARE * (len(said) - _RUN + 1)
