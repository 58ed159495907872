"""The gateway against clients and engines that mean it harm: its limits hold, and others are served meanwhile."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import uvicorn

from backend.errors import UserError
from backend.serving.config import ServingConfig
from backend.serving.engines import Engines
from backend.serving.gateway import make_gateway
from backend.serving.logs import JsonLines
from benchmarks.servers import free_port
from tests.backend.test_gateway import GOOD, REVIEW, ROUTES, World, events_of


class Served:
    """A gateway over fake engines on a real socket."""

    def __init__(self, world: World) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.server = uvicorn.Server(uvicorn.Config(world.app, port=self.port, log_level="warning", log_config=None))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)

    def end(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    def half_sent(self) -> socket.socket:
        """A request that says it has a body, and does not send it."""
        sent = socket.create_connection(("127.0.0.1", self.port))
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        sent.sendall(head.encode())
        return sent

    def at_work(self) -> int:
        return int(httpx.get(f"{self.address}/healthz", timeout=5).json()["at_work"])

    def ask(self) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": REVIEW}]}
        return httpx.post(f"{self.address}/v1/chat/completions", json=body, timeout=5)


@pytest.fixture
def world() -> World:
    return World(body_seconds=1.5)


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    served = Served(world)
    yield served
    served.end()


def wait_for(what: Any, seconds: float = 8) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.slow
def test_half_sent_bodies_are_counted_and_given_up(served: Served) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(served.half_sent()) for _ in range(300)]
        wait_for(lambda: served.at_work() > 200)
        assert served.at_work() <= 4 * 64
        wait_for(lambda: served.at_work() == 0)
        sockets[0].settimeout(5)
        assert b" 408 " in sockets[0].recv(1000)
        assert served.ask().status_code == 200


def test_a_client_that_leaves_writes_no_traceback(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        served.half_sent().close()
    wait_for(lambda: served.at_work() == 0)
    assert served.ask().status_code == 200
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def test_a_line_break_in_a_prompt_forges_no_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    forged = "2026-01-01 00:00:00 INFO workbench.gateway forged"
    World(log_prompts=True).ask(f"{REVIEW}\n{forged}\r{forged}\u2028{forged}")
    lines = [JsonLines().format(record) for record in caplog.records if record.name == "workbench.gateway"]
    assert lines and all(len(line.splitlines()) == 1 for line in lines)
    assert forged in json.loads(lines[-1])["message"]
    try:
        raise ValueError("broken\nline")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", 40, "f", 1, "m", (), __import__("sys").exc_info())
    assert len(JsonLines().format(record).splitlines()) == 1


class Large(httpx.AsyncByteStream):
    """Sixty megabytes, and whether somebody read them all."""

    def __init__(self, start: bytes, part: bytes) -> None:
        self.start, self.part, self.sent = start, part, 0

    async def __aiter__(self) -> Any:
        yield self.start
        while self.sent < 60_000_000:
            self.sent += len(self.part)
            yield self.part
            await asyncio.sleep(0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("task", ["extraction", "push"])
def test_an_engines_endless_answer_is_not_read_to_its_end(stream: bool, task: str) -> None:
    event = b'data: {"choices": [{"delta": {"content": "' + b"a" * 1000 + b'"}}]}\n\n'
    large = Large(b"" if stream else b'{"choices": [{"message": {"content": "', event if stream else b"a" * 65_536)
    config = World().config
    over = Engines(config.engines, httpx.MockTransport(lambda _: httpx.Response(200, stream=large)))
    routes = ROUTES | {"push": ("strong",)}
    app = make_gateway(ServingConfig(engines=config.engines, routes=routes), engines=over)
    body = {"messages": [{"role": "user", "content": REVIEW}], "task": task, "stream": stream}

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            return await client.post("/v1/chat/completions", json=body)

    began = time.monotonic()
    answer = asyncio.run(ask())
    assert time.monotonic() - began < 5 and large.sent < 2_000_000
    assert "its answer" in answer.text and len(answer.content) < 500_000


@pytest.mark.slow
def test_scoring_does_not_hold_up_other_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = __import__("backend.serving.gateway", fromlist=["x"]).score_or_gaps

    def slow(*args: Any) -> Any:
        time.sleep(1.5)
        return real(*args)

    monkeypatch.setattr("backend.serving.gateway.score_or_gaps", slow)
    served = Served(world)
    try:
        thread = threading.Thread(target=served.ask)
        thread.start()
        wait_for(lambda: served.at_work() == 1)
        began = time.monotonic()
        assert served.at_work() == 1
        assert time.monotonic() - began < 1
        thread.join()
    finally:
        served.end()


@pytest.mark.slow
def test_keys_are_taken_in_any_case_of_bearer_and_refused_where_no_header_carries_them() -> None:
    world = World(keys=("a-key",))
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert world.ask(REVIEW, headers={"Authorization": f"{scheme} a-key"}).status_code == 200
    for wrong in ("Bearer b", "Bearer", "Basic a-key", "bearer a-key2"):
        assert world.ask(REVIEW, headers={"Authorization": wrong}).status_code == 401
    for key in ("chavé", "a\nb", "ключ"):
        with pytest.raises(UserError, match="WORKBENCH_GATEWAY_KEYS"):
            World(keys=(key,))


def test_token_counts_are_in_answers_and_in_streams_that_ask_for_them(world: World) -> None:
    assert world.ask(REVIEW).json()["usage"] == {"prompt_tokens": 0, "completion_tokens": 3, "total_tokens": 3}
    world.tuned.answers = ["não sei", GOOD]
    assert world.ask(REVIEW).json()["usage"]["completion_tokens"] == 6  # the second try counts too
    for task in ("extraction", "push"):
        *_, last = events_of(world.ask(REVIEW, task=task, stream=True, stream_options={"include_usage": True}))
        assert last["choices"] == [] and set(last["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
        assert all(chunk["choices"] for chunk in events_of(world.ask(REVIEW, task=task, stream=True)))
