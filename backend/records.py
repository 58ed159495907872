"""The plain records that travel between files, store, models and trainer: prompts, how to sample, completions, scores."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Split = Literal["train", "eval", "test"]
"""What a prompt is for: learned from; the curves and the choice of the best step; the verdict, untouched until then."""
Chat = list[dict[str, str]]
"""Messages as a chat template takes them: dictionaries with ``role`` and ``content``."""


DATA_MARK = "shop"
"""The fact that names the data a prompt was made from (its first value was a shop's mark, and stored ids depend on it)."""


class Message(BaseModel):
    """One turn of a chat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1)


class PromptRecord(BaseModel):
    """A prompt for one task, with the facts that a reader or a reward can check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    messages: tuple[Message, ...] = Field(min_length=1)
    facts: dict[str, Any] = Field(default_factory=dict)
    split: Split = "train"
    source: str = "synthetic"
    form: Literal["text", "chat"] = "text"
    """How the data had the prompt: reward functions get it back in that form."""

    @field_validator("messages")
    @classmethod
    def _ends_with_user(cls, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if messages[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return messages

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits of the content: the same prompt has the same id in every set.

        Prompts that ask the same of other data are other prompts, because the true answer differs: their facts name the data
        under ``DATA_MARK``.
        """
        about = [self.facts[DATA_MARK]] if DATA_MARK in self.facts else []
        content = json.dumps([self.task, self.chat, *about], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def chat(self) -> Chat:
        """The messages as the chat template takes them."""
        return [m.model_dump() for m in self.messages]

    @property
    def user_text(self) -> str:
        """What the user wrote: the text that rewards and the classifier read."""
        return "\n".join(m.content for m in self.messages if m.role == "user")


def content_hash(prompts: list[PromptRecord]) -> str:
    """Twelve hex digits that name a set of prompts, whatever their order."""
    return hash_of_members({p.id: p.split for p in prompts})


def hash_of_members(splits: Mapping[str, Split]) -> str:
    """``content_hash`` of prompts that are known by their ids alone."""
    rows = sorted(f"{prompt_id} {split}" for prompt_id, split in splits.items())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:12]


class Sampling(BaseModel):
    """Every parameter of a generation. All are set explicitly: a model's own defaults once stopped a run (V1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(1.0, ge=0, le=2)
    """0 is greedy."""
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0)
    repetition_penalty: float = Field(1.0, gt=0)
    max_new_tokens: int = Field(512, ge=1)
    seed: int = 42


@dataclass(frozen=True)
class Completion:
    """What the policy wrote for one prompt.

    Attributes:
        text: the completion, special tokens removed.
        tokens: how many tokens it has, the end token included.
        truncated: whether it hit ``max_new_tokens`` before ending.
    """

    text: str
    tokens: int
    truncated: bool


class ScoredCompletion(BaseModel):
    """One completion of an evaluation."""

    prompt_id: str
    task: str
    sample: int
    text: str
    tokens: int
    truncated: bool
    total: float
    components: dict[str, float]
    shadow: dict[str, float] = {}
    """Measure -> what it says; measures that only watch."""
