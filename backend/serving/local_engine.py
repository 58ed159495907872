"""A small OpenAI-compatible engine for an exported model, for tests and machines without a GPU; use vLLM in production.

    python -m backend.serving engine exports/RUN/merged --port 8100

It gives one answer at a time (a lock on the model ensures this), without batching or paging.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse

from backend.models.generate import generate, generate_stream
from backend.models.load import Policy
from backend.records import Sampling
from backend.serving.wire import DONE, ChatCompletion, ChatRequest, event

_MOST_TOKENS = 256


def make_engine(policy: Policy) -> FastAPI:
    """The policy as an ASGI app with ``/v1/chat/completions`` and ``/v1/models``."""
    app, lock = FastAPI(docs_url=None, redoc_url=None), threading.Lock()

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": policy.name, "object": "model"}]}

    @app.post("/v1/chat/completions")
    async def chat(asked: ChatRequest) -> Any:
        if asked.stream:
            return StreamingResponse(_events(policy, asked, lock), media_type="text/event-stream")
        return JSONResponse(await asyncio.to_thread(_whole, policy, asked, lock))

    return app


def _whole(policy: Policy, asked: ChatRequest, lock: threading.Lock) -> dict[str, Any]:
    with lock:
        ((done,),) = generate(policy, [asked.turns()], _sampling(asked))
    finish = "length" if done.truncated else "stop"
    return ChatCompletion().whole(policy.name, done.text, finish, {"completion_tokens": done.tokens})


async def _events(policy: Policy, asked: ChatRequest, lock: threading.Lock) -> AsyncIterator[str]:
    completion, pieces = ChatCompletion(), _pieces(policy, asked, lock)
    # If the client disconnects, this generator is closed, which ends the generation.
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield event(completion.chunk(policy.name, piece))
    yield event(completion.chunk(policy.name, finish="stop"))
    yield DONE


def _pieces(policy: Policy, asked: ChatRequest, lock: threading.Lock) -> Iterator[str]:
    with lock:
        yield from generate_stream(policy, asked.turns(), _sampling(asked))


def _sampling(asked: ChatRequest) -> Sampling:
    tokens = asked.max_tokens or _MOST_TOKENS
    seed = {} if asked.seed is None else {"seed": asked.seed}
    return Sampling(temperature=asked.temperature, top_p=asked.top_p, max_new_tokens=tokens, **seed)
