"""The parts of OpenAI's chat completion protocol that the gateway and the small engine use."""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

DONE = "data: [DONE]\n\n"
"""The last event of a stream."""


class Message(BaseModel):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    """Newer clients write ``developer`` for ``system``."""
    content: str = Field(min_length=1)

    @field_validator("content", mode="before")
    @classmethod
    def _parts_in_one(cls, content: Any) -> Any:
        """Join a text that a client sends in parts; parts of other types, such as pictures, are rejected."""
        if not isinstance(content, list):
            return content
        if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content):
            raise ValueError("only text is read: a string, or parts of the type text")
        return "\n".join(part["text"] for part in content)


class StreamOptions(BaseModel):
    """What a client asks of a stream."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The fields of a request that are used; other fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    messages: list[Message] = Field(min_length=1, max_length=100)
    model: str = ""
    stream: bool = False
    max_tokens: int | None = Field(None, ge=1, validation_alias=AliasChoices("max_completion_tokens", "max_tokens"))
    temperature: float = Field(0.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] = 1
    """One answer per request: a request for more is rejected, not silently reduced."""

    def turns(self) -> list[dict[str, str]]:
        """The messages as plain dictionaries."""
        return [{"role": m.role.replace("developer", "system"), "content": m.content} for m in self.messages]


@dataclass(frozen=True)
class ChatCompletion:
    """The fields that all parts of one answer share."""

    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, model: str, text: str, finish: str, usage: dict[str, int]) -> dict[str, Any]:
        """The complete answer."""
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        return {**self._head("chat.completion", model), "choices": [choice], "usage": usage}

    def chunk(self, model: str, text: str = "", finish: str | None = None) -> dict[str, Any]:
        """A piece of a stream; the last one has the finish reason."""
        choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
        return {**self._head("chat.completion.chunk", model), "choices": [choice]}

    def used(self, model: str, usage: dict[str, int]) -> dict[str, Any]:
        """The last piece of a stream whose client asked for token counts."""
        return {**self._head("chat.completion.chunk", model), "choices": [], "usage": usage}

    def _head(self, kind: str, model: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": model}


_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def token_counts(*reported: Any) -> dict[str, int]:
    """Token counts as OpenAI names them, summed over what engines reported; 0 where nothing was reported."""
    known = [usage for usage in reported if isinstance(usage, dict)]
    found = {name: sum(n for usage in known if isinstance(n := usage.get(name), int)) for name in _COUNTS}
    return {**found, "total_tokens": found["total_tokens"] or found["prompt_tokens"] + found["completion_tokens"]}


def event(body: dict[str, Any]) -> str:
    """A server-sent event."""
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
