"""A completion that only repeats its prompt, told from one that uses the prompt's words."""

from rewards.text import fold, words

_RUN = 5
_OF_COMPLETION, _OF_PROMPT = 0.6, 0.5


def is_echo(completion: str, prompt: str) -> bool:
    """Whether the completion is the prompt again: most of its five-word sequences are in the prompt, and it holds half of the
    prompt's. A notification that quotes the offer of its brief is none."""
    said, asked = words(fold(completion)), words(fold(prompt))
    if len(said) < _RUN or len(asked) < _RUN:
        return bool(said) and said == asked
    of_prompt = set(zip(*(asked[i:] for i in range(_RUN)), strict=False))
    runs = list(zip(*(said[i:] for i in range(_RUN)), strict=False))
    copied = [run for run in runs if run in of_prompt]
    return len(copied) >= _OF_COMPLETION * len(runs) and len(set(copied)) >= _OF_PROMPT * len(of_prompt)
