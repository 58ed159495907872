"""A small OpenAI-compatible engine over an exported model, for tests and for a machine without a GPU; vLLM does it in production.

    python -m backend.serving engine exports/RUN/merged --port 8100

One answer at a time, as the model's own lock makes sure; no batching, no paging.
"""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from backend.models.generate import Sampling, generate
from backend.models.load import Policy


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class _Request(BaseModel):
    messages: list[_Message] = Field(min_length=1)
    max_tokens: int = Field(256, ge=1)
    temperature: float = Field(0.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    stream: bool = False


def make_engine(policy: Policy) -> FastAPI:
    """The policy as an ASGI app with ``/v1/chat/completions`` and ``/v1/models``."""
    app, lock = FastAPI(docs_url=None, redoc_url=None), threading.Lock()

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": policy.name, "object": "model"}]}

    @app.post("/v1/chat/completions")
    async def chat(asked: _Request) -> Any:
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": policy.name}
        if asked.stream:
            pieces = _events(_pieces(policy, asked, lock), head)
            return StreamingResponse(pieces, media_type="text/event-stream")
        answer = await asyncio.to_thread(_whole, policy, asked, lock)
        return JSONResponse({**head, "object": "chat.completion", **answer})

    return app


def _whole(policy: Policy, asked: _Request, lock: threading.Lock) -> dict[str, Any]:
    with lock:
        ((done,),) = generate(policy, [[m.model_dump() for m in asked.messages]], _sampling(asked))
    message = {"role": "assistant", "content": done.text}
    choice = {"index": 0, "message": message, "finish_reason": "length" if done.truncated else "stop"}
    return {"choices": [choice], "usage": {"completion_tokens": done.tokens}}


def _pieces(policy: Policy, asked: _Request, lock: threading.Lock) -> Iterator[str]:
    """The answer as it is generated."""
    from transformers import TextIteratorStreamer

    tokenizer = policy.tokenizer
    chat = [m.model_dump() for m in asked.messages]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).to(policy.model.device)
    inputs.pop("token_type_ids", None)
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    sampling = _sampling(asked)
    options: dict[str, Any] = {"max_new_tokens": sampling.max_new_tokens, "do_sample": sampling.temperature > 0}
    if sampling.temperature > 0:
        options |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
    with lock:
        thread = threading.Thread(target=policy.model.generate, kwargs={**inputs, **options, "streamer": streamer})
        thread.start()
        yield from (piece for piece in streamer if piece)
        thread.join()


async def _events(pieces: Iterator[str], head: dict[str, Any]) -> AsyncIterator[str]:
    def event(delta: dict[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"

    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield event({"content": piece})
    yield event({}, "stop")
    yield "data: [DONE]\n\n"


def _sampling(asked: _Request) -> Sampling:
    return Sampling(temperature=asked.temperature, top_p=asked.top_p, max_new_tokens=asked.max_tokens)
