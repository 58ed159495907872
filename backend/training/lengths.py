"""How long prompts are in tokens, and which leave room for a whole completion."""

from collections.abc import Sequence
from typing import Any

from backend.errors import UserError
from backend.records import PromptRecord
from backend.training.config import TrainConfig


def lengths(tokenizer: Any, prompts: Sequence[PromptRecord]) -> list[int]:
    """Tokens of each prompt, as the model is asked it."""
    if not prompts:
        return []
    texts = [tokenizer.apply_chat_template(p.chat, add_generation_prompt=True, tokenize=False) for p in prompts]
    return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


def longest(tokenizer: Any, prompts: Sequence[PromptRecord]) -> int:
    """Tokens of the longest prompt."""
    return max(lengths(tokenizer, prompts), default=0)


def room(config: TrainConfig) -> int:
    """The most tokens that a prompt may have."""
    return config.max_seq_length - config.max_completion_length


def fitting(tokenizer: Any, prompts: list[PromptRecord], config: TrainConfig) -> list[PromptRecord]:
    """The prompts that leave room for a whole completion in ``max_seq_length``; TRL no longer truncates them.

    Raises:
        UserError: there are none.
    """
    kept = [p for p, n in zip(prompts, lengths(tokenizer, prompts), strict=True) if n <= room(config)]
    if prompts and not kept:
        raise UserError(
            f"every prompt is longer than {room(config)} tokens; raise max_seq_length (now {config.max_seq_length})"
        )
    return kept
