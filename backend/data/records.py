"""The prompt as it travels between files, store and trainer."""

import hashlib
import json
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rewards import registered

Split = Literal["train", "eval"]


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

    @field_validator("task")
    @classmethod
    def _known_task(cls, task: str) -> str:
        if task not in registered():
            raise ValueError(f"unknown task {task!r}; choose one of {', '.join(registered())}")
        return task

    @field_validator("messages")
    @classmethod
    def _ends_with_user(cls, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        if messages[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return messages

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits of the content: the same prompt has the same id in every set.

        About another shop it is another prompt: its true answer differs.
        """
        about = [self.facts["shop"]] if "shop" in self.facts else []
        content = json.dumps([self.task, self.chat, *about], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def chat(self) -> list[dict[str, str]]:
        """The messages as the chat template takes them."""
        return [m.model_dump() for m in self.messages]

    @property
    def user_text(self) -> str:
        """What the user wrote: the text that rewards and the classifier read."""
        return "\n".join(m.content for m in self.messages if m.role == "user")


def content_hash(prompts: list[PromptRecord]) -> str:
    """Twelve hex digits that name a set of prompts, whatever their order."""
    rows = sorted(f"{p.id} {p.split}" for p in prompts)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:12]
