"""Clients for engines: OpenAI-compatible endpoints over HTTP, and the rules."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from backend.serving.config import RULES, Engine
from backend.suites import get_task

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

    def __init__(self, engines: dict[str, Engine], transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._engines = engines
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
        try:
            got = await self._client.post(
                f"{engine.url}/chat/completions",
                json={"model": engine.model, "messages": messages, **options},
                headers=_headers(engine),
                timeout=engine.timeout_seconds,
            )
        except httpx.TimeoutException:
            raise EngineError(name, f"no answer in {engine.timeout_seconds:g} s", 504) from None
        except httpx.HTTPError as error:
            raise EngineError(name, f"cannot be reached ({type(error).__name__})") from error
        if got.status_code != 200:
            raise EngineError(name, f"answered with status {got.status_code}")
        try:
            body = got.json()
            choice = body["choices"][0]
            return Reply(_text(choice["message"]["content"]), str(choice.get("finish_reason")), body.get("usage"))
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise EngineError(name, "its answer is no chat completion") from error

    async def pieces(self, name: str, task: str, messages: Messages, options: dict[str, Any]) -> AsyncIterator[str]:
        """Yield an answer in pieces, as the engine sends it.

        Raises:
            EngineError: as in ``reply``; before the first piece, or in the middle.
        """
        if name == RULES:
            yield self._by_rule(task, messages)
            return
        engine = self._engines[name]
        payload = {"model": engine.model, "messages": messages, **options, "stream": True}
        try:
            async with (
                asyncio.timeout(engine.timeout_seconds),
                self._client.stream(
                    "POST", f"{engine.url}/chat/completions", json=payload, headers=_headers(engine), timeout=None
                ) as got,
            ):
                if got.status_code != 200:
                    raise EngineError(name, f"answered with status {got.status_code}")
                async for line in got.aiter_lines():
                    if not line.startswith("data:") or (data := line[5:].strip()) == "[DONE]":
                        continue
                    if piece := json.loads(data)["choices"][0].get("delta", {}).get("content"):
                        yield _text(piece)
        except TimeoutError:
            raise EngineError(name, f"no whole answer in {engine.timeout_seconds:g} s", 504) from None
        except httpx.HTTPError as error:
            raise EngineError(name, f"the connection broke ({type(error).__name__})") from error
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise EngineError(name, "its answer is no stream of chat completion chunks") from error

    @staticmethod
    def _by_rule(task: str, messages: Messages) -> str:
        by_rule = get_task(task).by_rule
        text = by_rule(messages[-1]["content"]) if by_rule is not None else None
        if text is None:
            raise EngineError(RULES, f"there are none for {task}")
        return text


def _text(said: Any) -> str:
    """An engine's text without lone surrogates (halves of characters), which a response cannot contain."""
    return str(said or "").encode("utf-8", "replace").decode("utf-8")


def _headers(engine: Engine) -> dict[str, str]:
    return {"Authorization": f"Bearer {engine.key}"} if engine.key else {}
