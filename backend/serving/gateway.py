"""An OpenAI-compatible gateway: it finds a request's task, asks an engine, checks the answer, and scores it.

    workbench serve gateway --config serving.toml

``POST /v1/chat/completions`` takes OpenAI's requests. The task is in the request's ``task`` field or ``X-Task`` header;
without either the prompt is classified. If a task needs JSON and the answer has none, the engine is asked once more, with
the reason. Streams of such tasks are checked before the first byte; other streams are passed on immediately. Each answer
has its task, engine and reward under ``workbench``. Prompts are stored only if the configuration says so, and masked.
"""

import asyncio
import hmac
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from math import isnan
from typing import Any

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from backend.errors import UserError, reason
from backend.serving.checks import problem_of
from backend.serving.config import ServingConfig
from backend.serving.engines import EngineError, Engines, Messages, Reply
from backend.serving.recorder import Given
from backend.serving.wire import DONE, ChatCompletion, ChatRequest, event, token_counts
from backend.suites import ToScore, classify, get_task, mask, score_or_gaps, task_names

_MOST_BYTES = 1_000_000
_READ_AT_ONCE = 4
"""How many times ``most_at_once`` requests may be on their way in."""
_log = logging.getLogger("workbench.gateway")


def check_keys(keys: Sequence[str]) -> None:
    """Check that the keys can be sent in a header.

    Raises:
        UserError: one has other characters than printable ASCII.
    """
    if any(not (key.isascii() and key.isprintable()) for key in keys):
        raise UserError(
            "a key in WORKBENCH_GATEWAY_KEYS has characters that no HTTP header carries; use letters and digits"
        )


class TaskRequest(ChatRequest):
    """A chat completion request that may name its task."""

    task: str | None = None


def make_gateway(
    config: ServingConfig,
    keys: Sequence[str] = (),
    keep: Callable[[Given], None] = lambda given: None,
    engines: Engines | None = None,
) -> FastAPI:
    """The gateway as an ASGI app.

    Args:
        config: engines and routes.
        keys: the valid bearer tokens of requests; if empty, anybody who can reach the gateway may use it.
        keep: called with each answer to be stored; it must return immediately and never raise.
        engines: used in place of the configuration's engines, for tests.
    """
    check_keys(keys)
    gateway = _Gateway(config, tuple(keys), keep, engines or Engines(config.engines, most_tokens=config.most_tokens))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await gateway.engines.close()

    app = FastAPI(title="Reward Workbench gateway", lifespan=life, docs_url=None, redoc_url=None)
    app.post("/v1/chat/completions")(gateway.chat)
    app.get("/v1/models")(gateway.models)
    app.get("/healthz")(gateway.health)
    app.exception_handler(HTTPException)(_openai_error)
    return app


class _Gateway:
    def __init__(
        self, config: ServingConfig, keys: tuple[str, ...], keep: Callable[[Given], None], engines: Engines
    ) -> None:
        self._config, self._keys, self._keep, self.engines = config, keys, keep, engines
        self._at_work = self._reading = 0

    async def health(self) -> dict[str, Any]:
        """That the gateway is running, and the number of requests it is working on or still reading."""
        return {"status": "ok", "at_work": self._at_work + self._reading}

    async def models(self, authorization: str = Header("")) -> dict[str, Any]:
        """The tasks, as models that a request can name."""
        self._check_key(authorization)
        return {"object": "list", "data": [{"id": task, "object": "model"} for task in self._config.routes]}

    async def chat(self, request: Request, authorization: str = Header(""), x_task: str = Header("")) -> Any:
        """Answer a chat completion request."""
        self._check_key(authorization)
        try:
            asked = await self._read(request)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody is there to read it
        task = self._task(asked, x_task)
        if self._at_work >= self._config.most_at_once:
            raise HTTPException(429, "too many requests at once; come again", headers={"Retry-After": "1"})
        work = _Work(self, self._config, task, asked)
        if asked.stream and get_task(task).json is None:
            return StreamingResponse(self._counted(work.stream()), media_type="text/event-stream")
        self._at_work += 1
        try:
            body = await work.whole()
        except EngineError as error:
            raise HTTPException(error.status, str(error)) from error
        finally:
            self._at_work -= 1
        if asked.stream:
            counts = asked.stream_options is not None and asked.stream_options.include_usage
            return StreamingResponse(_in_one_piece(body, counts), media_type="text/event-stream")
        return JSONResponse(body)

    def keep(self, given: Given) -> None:
        """Pass an answer to the recorder, with the probability ``sample_share``."""
        if self._config.log_prompts:
            _log.info("%s: %s", given.task, json.dumps(mask(given.messages[-1]["content"]), ensure_ascii=False))
        if random.random() < self._config.sample_share:
            self._keep(given)

    async def _counted(self, pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        self._at_work += 1  # counted here, because this never starts if the client has already disconnected
        try:
            async for piece in pieces:
                yield piece
        finally:
            self._at_work -= 1

    def _check_key(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        given = (token.strip() if scheme.lower() == "bearer" else authorization).encode()
        if self._keys and not any([hmac.compare_digest(given, key.encode()) for key in self._keys]):  # noqa: C419
            raise HTTPException(401, "give one of the gateway's keys: Authorization: Bearer …")

    async def _body(self, request: Request) -> bytes:
        """The request's body, if it comes soon, and while not too many others are being read."""
        if self._reading >= _READ_AT_ONCE * self._config.most_at_once:
            raise HTTPException(429, "too many requests at once; come again", headers={"Retry-After": "1"})
        self._reading += 1
        read = bytearray()
        try:
            async with asyncio.timeout(self._config.body_seconds):
                async for chunk in request.stream():
                    read += chunk
                    if len(read) > _MOST_BYTES:
                        raise HTTPException(413, f"a request has at most {_MOST_BYTES} bytes")
        except TimeoutError:
            late = f"the request's body did not come within {self._config.body_seconds:g} s"
            raise HTTPException(408, late, headers={"Connection": "close"}) from None
        finally:
            self._reading -= 1
        return bytes(read)

    async def _read(self, request: Request) -> TaskRequest:
        read = await self._body(request)
        try:
            asked = TaskRequest.model_validate_json(read)
        except ValidationError as error:
            raise HTTPException(400, reason(error)) from error
        if asked.messages[-1].role != "user":
            raise HTTPException(400, "the last message must be the user's")
        if sum(len(m.content) for m in asked.messages) > self._config.most_characters:
            raise HTTPException(400, f"the messages have more than {self._config.most_characters} characters")
        return asked

    def _task(self, asked: TaskRequest, header: str) -> str:
        named = asked.task or header
        known = task_names()
        if named and named not in known:
            raise HTTPException(400, f"unknown task {named!r}; choose from {', '.join(known)}")
        if named or asked.model in known:
            return named or asked.model
        try:
            return classify(_user_text(asked))
        except ValueError as error:
            raise HTTPException(400, str(error)) from error


class _Work:
    """The work on one request."""

    def __init__(self, gateway: _Gateway, config: ServingConfig, task: str, asked: TaskRequest) -> None:
        self._gateway, self._task, self._profile = gateway, get_task(task), config.profile
        self._route = config.routes[task]
        self._messages: Messages = asked.turns()
        if config.system_prompts and self._task.system_prompt and self._messages[0]["role"] != "system":
            self._messages.insert(0, {"role": "system", "content": self._task.system_prompt})
        self._options = {
            "max_tokens": min(asked.max_tokens or config.most_tokens, config.most_tokens),
            "temperature": asked.temperature,
            "top_p": asked.top_p,
            **asked.model_dump(include={"seed", "stop"}, exclude_none=True),
        }
        self._counts = asked.stream_options is not None and asked.stream_options.include_usage
        self._began, self._completion = time.perf_counter(), ChatCompletion()

    async def whole(self) -> dict[str, Any]:
        """The answer as OpenAI's response; the engine is asked once more if a JSON task got no JSON.

        Raises:
            EngineError: no engine of the route answered; the error is the last engine's.
        """
        engine, reply = await self._first_that_answers()
        retries, used = 0, [reply.usage]
        problem = await asyncio.to_thread(problem_of, self._task, reply.text)
        if problem is not None and self._task.json is not None:
            retries = 1
            again = [
                *self._messages,
                {"role": "assistant", "content": reply.text or "…"},
                {"role": "user", "content": self._task.json.retry.replace("{reason}", problem)},
            ]
            try:
                second = await self.engines.reply(engine, self._task.name, again, self._options)
                used.append(second.usage)
                reply = second if await asyncio.to_thread(problem_of, self._task, second.text) is None else reply
            except EngineError as error:
                _log.warning("%s", error)
        body = self._completion.whole(engine, reply.text, reply.finish, token_counts(*used))
        return {**body, "workbench": await asyncio.to_thread(self._settled, engine, reply.text, retries)}

    async def stream(self) -> AsyncIterator[str]:
        """The answer as server-sent events; the last chunk contains its task, engine and reward."""
        said: list[str] = []
        used: list[Any] = []
        failed: EngineError | None = None
        for engine in self._route:
            try:
                async for piece in self.engines.pieces(
                    engine, self._task.name, self._messages, self._options, used if self._counts else None
                ):
                    said.append(piece)
                    yield event(self._completion.chunk(engine, piece))
            except EngineError as error:
                _log.warning("%s", error)
                failed = error
                if said:  # the client already has a part of this answer, so no other engine can answer
                    break
                continue
            last = self._completion.chunk(engine, finish="stop")
            settled = await asyncio.to_thread(self._settled, engine, "".join(said), 0)
            yield event({**last, "workbench": settled})
            if self._counts:
                yield event(self._completion.used(engine, token_counts(*used)))
            yield DONE
            return
        yield event({"error": {"message": str(failed), "type": "engine_error"}})

    @property
    def engines(self) -> Engines:
        """The gateway's engines."""
        return self._gateway.engines

    async def _first_that_answers(self) -> tuple[str, Reply]:
        for engine in self._route:
            try:
                return engine, await self.engines.reply(engine, self._task.name, self._messages, self._options)
            except EngineError as error:
                _log.warning("%s", error)
                if engine == self._route[-1]:
                    raise
        raise AssertionError("a route is never empty")

    def _settled(self, engine: str, text: str, retries: int) -> dict[str, Any]:
        """Score the answer and pass it to the recorder; returns the response's ``workbench`` field.

        An answer that a judge gives no value for is given all the same; it is not recorded, as it has no reward.
        """
        head = {"task": self._task.name, "engine": engine}
        (result,) = score_or_gaps(self._task.name, [ToScore(self._messages, text, {})], self._profile)
        if isnan(result.total):
            name, gap = next(iter(result.gaps.items()))
            _log.warning("an answer of %s is not recorded: %s gave no value (%s)", engine, name, gap)
            return {**head, "reward": None, "retries": retries}
        self._gateway.keep(
            Given(
                task=self._task.name,
                engine=engine,
                profile=self._profile,
                messages=self._messages,
                text=text,
                reward=result.total,
                components=dict(result.components),
                unparsable=problem_of(self._task, text) is not None,
                retries=retries,
                milliseconds=1000 * (time.perf_counter() - self._began),
            )
        )
        return {**head, "reward": result.total, "retries": retries}


def _user_text(asked: TaskRequest) -> str:
    return "\n".join(m.content for m in asked.messages if m.role == "user")


async def _in_one_piece(body: dict[str, Any], counts: bool) -> AsyncIterator[str]:
    """A complete answer as a stream of one chunk, and one of token counts where they were asked for."""
    (choice,) = body["choices"]
    completion = ChatCompletion(body["id"], body["created"])
    chunk = completion.chunk(body["model"], choice["message"]["content"], choice["finish_reason"])
    yield event({**chunk, "workbench": body["workbench"]})
    if counts:
        yield event(completion.used(body["model"], body["usage"]))
    yield DONE


async def _openai_error(_: Request, error: HTTPException) -> JSONResponse:
    body = {
        "error": {
            "message": error.detail,
            "type": "invalid_request_error" if error.status_code < 500 else "engine_error",
        }
    }
    return JSONResponse(body, error.status_code, error.headers)
