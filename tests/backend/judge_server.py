"""An OpenAI-compatible endpoint on this machine whose models judge with planted faults: one model name for each."""

import json
import re
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

ANSWERS = {
    "prose": "I would say this is quite good, perhaps an 8.",
    "refuses": "I'm sorry, but I cannot rate this.",
    "eleven": '{"reason": "superb", "score": 11}',
    "text": '{"reason": "fine", "score": "8"}',
    "two": '{"score": 3} or rather {"score": 9}',
    "empty": "",
    "yes": '{"score": true}',
    "huge": '{"score": 1e999}',
}
"""Model -> what it answers to everything."""


@dataclass
class Served:
    """A running endpoint.

    Attributes:
        url: of its API.
        asked: model -> how many requests came.
        bodies: every request.
        headers: every request's headers.
        down: from then on it answers 503.
    """

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    down: bool = False
    down_after: int | None = None


def completions_in(question: str) -> list[str]:
    """What stands between the marks."""
    return re.findall(r"«\w{8}\n(.*?)\n\w{8}»", question, re.S)


def quality_of(text: str) -> float:
    """The quality that a completion of the tests carries, from 0 to 1, seen with a little noise of the judge's own."""
    found = re.search(r"q=([\d.]+)", text)
    seen = (float(found[1]) if found else 0.0) + ((zlib.crc32(text.encode()) % 1000) / 1000 - 0.5) * 0.2
    return min(1.0, max(0.0, seen))


def answer(model: str, question: str, seed: int) -> str:
    """What a model answers."""
    if model in ANSWERS:
        return ANSWERS[model]
    texts = completions_in(question)
    if len(texts) == 2:
        better = 1 if model == "first" else 1 + (quality_of(texts[1]) > quality_of(texts[0]))
        return json.dumps({"reason": "so", "better": better})
    (text,) = texts
    quality = quality_of(text)
    if model == "length":
        quality = min(1.0, len(text) / 400)
    elif model == "constant":
        quality = 0.5
    elif model == "noise":
        quality = zlib.crc32(f"{text}{seed}".encode()) % 1000 / 1000
    elif model == "obeys" and re.search(r"\b10\b|m[aá]xim|full|top|perfect|highest|ten|dez", text, re.I):
        quality = 1.0
    return json.dumps({"reason": "so", "score": round(1 + 9 * quality, 2)})


@contextmanager
def judge_server() -> Iterator[Served]:
    """Serve on a free port; ended afterwards."""
    served = Served()
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> JSONResponse:
        body = await request.json()
        model = body["model"]
        served.asked[model] += 1
        served.bodies.append(body)
        served.headers.append(dict(request.headers))
        if served.down or (served.down_after is not None and served.asked[model] > served.down_after):
            return JSONResponse({"error": "down"}, 503)
        if model == "slow":
            import asyncio

            await asyncio.sleep(5)
        if model == "flaky" and served.asked[model] % 2:
            return JSONResponse({"error": "busy"}, 429, headers={"Retry-After": "0"})
        text = answer("fair" if model == "flaky" else model, body["messages"][-1]["content"], body.get("seed", 0))
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return JSONResponse({"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}})

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    served.url = f"http://127.0.0.1:{port}/v1"
    yield served
    server.should_exit = server.force_exit = True  # without waiting for slow answers that nobody awaits
    thread.join(5)
