"""Asking an OpenAI-compatible endpoint many questions at once: bounded in number and time, with retries; no answer is a gap."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from backend.files import storable
from backend.suites.judge_answers import Reply
from rewards.calling import Gap

_DOWN_AFTER = 5
"""After so many questions in a row without any answer the endpoint is taken to be down, and the others are not asked."""
_LONGEST_WAIT = 20.0
"""Seconds before a retry, at most."""
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}


@dataclass(frozen=True)
class Endpoint:
    """Where and how to ask.

    Attributes:
        url: of the API, up to and with ``/v1``.
        key: sent as a bearer token; "" for none.
        timeout_seconds: for one answer.
        retries: after a failure that may pass.
        concurrency: questions on their way at the same time.
    """

    url: str
    key: str
    timeout_seconds: float
    retries: int
    concurrency: int


class _State:
    """How many questions in a row got no answer."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.silent = 0
        self.turn = asyncio.Semaphore(endpoint.concurrency)

    @property
    def is_down(self) -> bool:
        return self.silent >= _DOWN_AFTER


async def ask_all(endpoint: Endpoint, bodies: Sequence[Mapping[str, Any]]) -> AsyncIterator[tuple[int, Reply | Gap]]:
    """Ask every question; yields (its place, the answer or why there is none) as they come."""
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    limits = httpx.Limits(max_connections=endpoint.concurrency)
    state = _State(endpoint)
    async with httpx.AsyncClient(timeout=endpoint.timeout_seconds, headers=headers, limits=limits) as client:

        async def one(place: int) -> tuple[int, Reply | Gap]:
            async with state.turn:
                if state.is_down:
                    return place, Gap("endpoint down", f"not asked: {_DOWN_AFTER} in a row got no answer", False)
                found = await _ask(client, endpoint, bodies[place])
            state.silent = state.silent + 1 if isinstance(found, Gap) else 0
            return place, found

        for done in asyncio.as_completed([asyncio.create_task(one(place)) for place in range(len(bodies))]):
            yield await done


async def _ask(client: httpx.AsyncClient, endpoint: Endpoint, body: Mapping[str, Any]) -> Reply | Gap:
    found: Reply | Gap = Gap("unreachable", is_final=False)
    for attempt in range(endpoint.retries + 1):
        wait = min(_LONGEST_WAIT, 0.5 * 2**attempt) * random.uniform(0.75, 1.25)
        try:
            async with asyncio.timeout(endpoint.timeout_seconds):
                got = await client.post(f"{endpoint.url}/chat/completions", json=body)
        except (httpx.TimeoutException, TimeoutError):
            found = Gap("timed out", f"no answer in {endpoint.timeout_seconds:g} s", False)
        except httpx.HTTPError as error:
            found = Gap("unreachable", f"{endpoint.url}: {type(error).__name__}", False)
        else:
            if got.status_code == 200:
                return _read(got)
            found = Gap("endpoint error", f"status {got.status_code}: {_said(got)}", False)
            if got.status_code not in _AGAIN:
                return found
            if got.headers.get("Retry-After", "").isdigit():
                wait = min(_LONGEST_WAIT, float(got.headers["Retry-After"]))
        if attempt < endpoint.retries:
            await asyncio.sleep(wait)
    return found


def _read(got: httpx.Response) -> Reply | Gap:
    try:
        body = got.json()
        choice = body["choices"][0]
        message, usage = choice["message"], body.get("usage") or {}
        content = message.get("content") or ""
        text = content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)
        return Reply(
            storable(text),
            str(choice.get("finish_reason") or "stop"),
            storable(str(message.get("refusal") or "")),
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Gap("endpoint error", "its answer is no chat completion", False)


def _said(got: httpx.Response) -> str:
    return " ".join(got.text.split())[:120]
