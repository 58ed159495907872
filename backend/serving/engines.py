"""Clients for engines: OpenAI-compatible endpoints over HTTP, and the rules."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx

from backend.serving.config import RULES, Engine
from backend.suites import get_task

_BYTES, _BYTES_PER_TOKEN = 200_000, 1_000
_CHARACTERS, _CHARACTERS_PER_TOKEN = 2_000, 40
"""Of an engine's answer to a request for so many tokens; a longer one is not what was asked for, and is not read on."""
Messages = list[dict[str, str]]


class EngineError(Exception):
    """An engine gave no answer, or an invalid one; the route's next engine may be tried."""

    def __init__(self, engine: str, words: str, status: int = 502) -> None:
        super().__init__(f"{engine}: {words}")
        self.status = status


@dataclass(frozen=True)
class Reply:
    """A complete answer.

    Attributes:
        text: its text.
        finish: why it ended: stop or length.
        usage: token counts, as reported by the engine.
    """

    text: str
    finish: str = "stop"
    usage: dict[str, int] | None = None


class Engines:
    """The engines of a configuration behind one connection pool."""

    def __init__(
        self,
        engines: dict[str, Engine],
        transport: httpx.AsyncBaseTransport | None = None,
        most_tokens: int = 512,
    ) -> None:
        self._engines = engines
        self._most_bytes = _BYTES + _BYTES_PER_TOKEN * most_tokens
        self._most_characters = _CHARACTERS + _CHARACTERS_PER_TOKEN * most_tokens
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64)
        self._client = httpx.AsyncClient(limits=limits, transport=transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def reply(self, name: str, task: str, messages: Messages, options: dict[str, Any]) -> Reply:
        """A complete answer of one engine.

        Raises:
            EngineError: it cannot be reached, is too slow, or its response is not a valid answer.
        """
        if name == RULES:
            return Reply(self._by_rule(task, messages))
        engine = self._engines[name]
        payload = {"model": engine.model, "messages": messages, **options}
        try:
            read = b"".join([part async for part in self._read(name, engine, payload)])
            body = json.loads(read)
            choice = body["choices"][0]
            text = self._text(name, choice["message"]["content"])
            return Reply(text, str(choice.get("finish_reason")), body.get("usage"))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise EngineError(name, "its answer is no chat completion") from error

    async def _read(self, name: str, engine: Engine, payload: dict[str, Any]) -> AsyncGenerator[bytes]:
        """The bytes of an engine's response, as they come.

        Raises:
            EngineError: it cannot be reached, is too slow as a whole, or sends more than was asked for.
        """
        read = 0
        try:
            async with (
                asyncio.timeout(engine.timeout_seconds),
                self._client.stream(
                    "POST", f"{engine.url}/chat/completions", json=payload, headers=_headers(engine), timeout=None
                ) as got,
            ):
                if got.status_code != 200:
                    raise EngineError(name, f"answered with status {got.status_code}")
                async for part in got.aiter_bytes():
                    read += len(part)
                    if read > self._most_bytes:
                        raise EngineError(name, f"its answer is larger than {self._most_bytes} bytes")
                    yield part
        except (TimeoutError, httpx.TimeoutException):
            raise EngineError(name, f"no answer in {engine.timeout_seconds:g} s", 504) from None
        except httpx.HTTPError as error:
            raise EngineError(name, f"cannot be reached, or the connection broke ({type(error).__name__})") from error

    async def pieces(
        self, name: str, task: str, messages: Messages, options: dict[str, Any], used: list[Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield an answer in pieces, as the engine sends it.

        Args:
            name, task, messages, options: as in ``reply``.
            used: where given, the engine is asked for token counts, and what it reports is appended.

        Raises:
            EngineError: as in ``reply``; before the first piece, or in the middle.
        """
        if name == RULES:
            yield self._by_rule(task, messages)
            return
        engine = self._engines[name]
        payload = {"model": engine.model, "messages": messages, **options, "stream": True}
        if used is not None:
            payload["stream_options"] = {"include_usage": True}
        said, rest = 0, b""
        try:
            async with aclosing(self._read(name, engine, payload)) as parts:
                async for part in parts:
                    *lines, rest = (rest + part).split(b"\n")
                    for line in lines:
                        if not line.startswith(b"data:") or (data := line[5:].strip()) == b"[DONE]":
                            continue
                        chunk = json.loads(data)
                        if used is not None and chunk.get("usage"):
                            used.append(chunk["usage"])
                        if not chunk["choices"]:
                            continue
                        if piece := chunk["choices"][0].get("delta", {}).get("content"):
                            said += len(piece)
                            yield self._text(name, piece, said)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise EngineError(name, "its answer is no stream of chat completion chunks") from error

    def _text(self, name: str, said: Any, length: int | None = None) -> str:
        """An engine's text without lone surrogates (halves of characters), which a response cannot contain."""
        text = str(said or "").encode("utf-8", "replace").decode("utf-8")
        if (length or len(text)) > self._most_characters:
            raise EngineError(name, f"its answer has more than {self._most_characters} characters")
        return text

    @staticmethod
    def _by_rule(task: str, messages: Messages) -> str:
        by_rule = get_task(task).by_rule
        text = by_rule(messages[-1]["content"]) if by_rule is not None else None
        if text is None:
            raise EngineError(RULES, f"there are none for {task}")
        return text


def _headers(engine: Engine) -> dict[str, str]:
    return {"Authorization": f"Bearer {engine.key}"} if engine.key else {}
