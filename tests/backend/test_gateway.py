"""The gateway: which task, which engine, again where there is no JSON, limits, keys, and what is kept."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient
from sqlalchemy import select

from backend.commerce.prompts import system_prompt
from backend.errors import UserError
from backend.serving.checks import json_problem
from backend.serving.config import Engine, ServingConfig, read_serving
from backend.serving.engines import Engines
from backend.serving.gateway import make_gateway
from backend.serving.recorder import Given, Recorder
from backend.store.engine import reading
from backend.store.tables import Answer
from backend.suites import get_task
from rewards import score

ROUTES = {"extraction": ("tuned",), "insights": ("tuned",), "sql_qa": ("strong", "rules"), "push": ("strong", "rules")}
REVIEW = "Nota: 2/5\nAvaliação: chegou quebrado"
GOOD = '{"sentiment": "negativo", "sentiment_score": 2}'


class FakeEngine:
    """An OpenAI-compatible engine that says what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.app, self.asked, self.answers = FastAPI(), [], []
        self.status, self.delay = 200, 0.0
        self.app.post("/v1/chat/completions")(self.chat)

    async def chat(self, request: Request) -> Any:
        body = await request.json()
        self.asked.append((request.headers.get("authorization", ""), body))
        await asyncio.sleep(self.delay)
        if self.status != 200:
            return JSONResponse({}, self.status)
        text = self.answers.pop(0) if self.answers else GOOD
        if body.get("stream"):
            return StreamingResponse(self.events(text), media_type="text/event-stream")
        choices = [{"message": {"content": text}, "finish_reason": "stop"}]
        return Response(
            json.dumps({"choices": choices, "usage": {"completion_tokens": 3}}), media_type="application/json"
        )

    async def events(self, text: str) -> Any:
        for word in text.split(" "):
            yield "data: " + json.dumps({"choices": [{"delta": {"content": word + " "}}]}) + "\n\n"
            if word == "BREAK":
                yield "data: {not json\n\n"
        yield "data: [DONE]\n\n"


class World:
    """A gateway over two fake engines."""

    def __init__(self, keys: tuple[str, ...] = (), **config: Any) -> None:
        self.tuned, self.strong, self.kept = FakeEngine(), FakeEngine(), list[Given]()
        engines = {
            name: Engine(url=f"http://{name}/v1", model=f"m-{name}", key_env="STRONG_KEY" if name == "strong" else "",
                         timeout_seconds=0.5)
            for name in ("tuned", "strong")
        }  # fmt: skip
        self.config = ServingConfig(engines=engines, routes=ROUTES, **config)
        over = Engines(engines)
        over._client = httpx.AsyncClient(
            mounts={
                "http://tuned": httpx.ASGITransport(self.tuned.app),
                "http://strong": httpx.ASGITransport(self.strong.app),
            }
        )
        self.app = make_gateway(self.config, keys, self.kept.append, over)
        self.client = TestClient(self.app)

    def ask(self, text: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": text}], **more}
        return self.client.post("/v1/chat/completions", json=body, headers=headers)


@pytest.fixture
def world() -> Iterator[World]:
    yield World()


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_the_task_is_classified_routed_and_scored(world: World) -> None:
    body = world.ask(REVIEW).json()
    assert body["choices"][0]["message"]["content"] == GOOD and body["object"] == "chat.completion"
    expected = score("extraction", GOOD, REVIEW).total
    assert body["workbench"] == {"task": "extraction", "engine": "tuned", "reward": expected, "retries": 0}
    ((_, asked),) = world.tuned.asked
    assert asked["model"] == "m-tuned" and asked["temperature"] == 0
    assert [m["role"] for m in asked["messages"]] == ["system", "user"]
    assert asked["messages"][0]["content"] == system_prompt("extraction")
    assert not world.strong.asked


def test_a_named_task_and_an_own_system_prompt_are_kept(world: World) -> None:
    for how in ({"task": "insights"}, {"model": "insights"}, {"headers": {"X-Task": "insights"}}):
        assert world.ask(REVIEW, **how).json()["workbench"]["task"] == "insights"
    messages = [{"role": "system", "content": "Seja breve."}, {"role": "user", "content": REVIEW}]
    world.client.post("/v1/chat/completions", json={"messages": messages})
    assert world.tuned.asked[-1][1]["messages"] == messages


def test_what_clients_of_openai_send_is_understood(world: World) -> None:
    parts = [{"type": "text", "text": "Nota: 2/5"}, {"type": "text", "text": "Avaliação: chegou quebrado"}]
    messages = [{"role": "developer", "content": "Seja breve."}, {"role": "user", "content": parts}]
    body = {"messages": messages, "max_completion_tokens": 7, "seed": 3, "stop": ["\n\n"], "user": "u", "n": 1}
    assert world.client.post("/v1/chat/completions", json=body).json()["workbench"]["task"] == "extraction"
    asked = world.tuned.asked[-1][1]
    assert asked["messages"] == [{"role": "system", "content": "Seja breve."}, {"role": "user", "content": REVIEW}]
    assert asked["max_tokens"] == 7 and asked["seed"] == 3 and asked["stop"] == ["\n\n"]
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]
    for wrong, why in (({"messages": picture}, "only text is read"), ({"messages": messages, "n": 2}, "n: ")):
        refused = world.client.post("/v1/chat/completions", json=wrong)
        assert refused.status_code == 400 and why in refused.json()["error"]["message"]


def test_an_engine_that_is_away_leaves_it_to_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONG_KEY", "s3cret")
    world.strong.answers = ["SELECT COUNT(*) FROM orders_enriched;"]
    question = "Qual foi o ticket médio no estado SP?"
    assert world.ask(question).json()["workbench"]["engine"] == "strong"
    assert world.strong.asked[0][0] == "Bearer s3cret"
    world.strong.status = 500
    by_rule = world.ask(question).json()
    assert by_rule["workbench"]["engine"] == "rules" and "customer_state = 'SP'" in str(by_rule["choices"])
    assert world.ask("Crie um push: cupom de 20%").json()["workbench"]["reward"] == 1.0
    world.tuned.status = 503
    refused = world.ask(REVIEW)
    assert refused.status_code == 502 and "tuned: answered with status 503" in refused.json()["error"]["message"]
    world.tuned.status, world.tuned.delay = 200, 0.0
    assert world.client.get("/healthz").json() == {"status": "ok", "at_work": 0}


def test_an_engine_that_is_too_slow_is_given_up() -> None:
    def late(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    world = World()
    over = Engines(world.config.engines, httpx.MockTransport(late))
    answer = TestClient(make_gateway(world.config, engines=over)).post(
        "/v1/chat/completions", json={"messages": [{"role": "user", "content": REVIEW}]}
    )
    assert answer.status_code == 504 and "no answer in 0.5 s" in answer.json()["error"]["message"]


def test_an_answer_without_json_is_asked_for_once_more_with_the_reason(world: World) -> None:
    world.tuned.answers = ["não sei", GOOD]
    body = world.ask(REVIEW).json()
    assert body["choices"][0]["message"]["content"] == GOOD and body["workbench"]["retries"] == 1
    again = world.tuned.asked[1][1]["messages"]
    assert again[-2] == {"role": "assistant", "content": "não sei"} and "nenhum objeto" in again[-1]["content"]
    world.tuned.answers = ["não sei", "ainda não"]
    body = world.ask(REVIEW).json()
    assert body["workbench"]["retries"] == 1 and len(world.tuned.asked) == 4, "once, not until it works"
    assert world.kept[-1].unparsable and not world.kept[0].unparsable
    world.tuned.answers = ["texto sem JSON"]
    assert world.ask("x", task="insights").json()["workbench"]["retries"] == 0, "only where JSON is asked for"


def test_a_problem_with_json_is_named() -> None:
    answer = get_task("extraction").json
    assert answer is not None
    assert json_problem(answer, '{"a": 4,5}') is None, "the task's own parser decides"
    assert json_problem(answer, "olá") == "não há nenhum objeto"
    assert json_problem(answer, "{ ") and json_problem(answer, "{}") == "o objeto está vazio"


def test_half_a_character_of_an_engine_reaches_nobody(world: World) -> None:
    world.tuned.answers = ["oi \ud83d", "oi \ud83d fim"]
    assert world.ask("x", task="insights").json()["choices"][0]["message"]["content"] == "oi ?"
    events = events_of(world.ask("x", task="insights", stream=True))
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in events) == "oi ? fim "


def test_streams_pass_through_and_end_with_the_score(world: World) -> None:
    world.tuned.answers = ["Recomendo reduzir o prazo"]
    events = events_of(world.ask("x", task="insights", stream=True))
    said = "".join(e["choices"][0]["delta"].get("content", "") for e in events)
    assert said == "Recomendo reduzir o prazo " and len(events) == 5
    assert events[-1]["workbench"]["reward"] == score("insights", said, "x").total
    assert world.tuned.asked[0][1]["stream"] is True

    world.strong.status = 500  # before the first piece the next engine of the route may answer
    events = events_of(world.ask("Crie um push: frete grátis", stream=True))
    assert events[-1]["workbench"]["engine"] == "rules"

    world.tuned.answers = ["metade BREAK"]  # afterwards nobody can
    events = events_of(world.ask("x", task="insights", stream=True))
    assert "no stream" in events[-1]["error"]["message"]
    assert world.client.get("/healthz").json()["at_work"] == 0


def test_a_stream_of_json_is_checked_before_its_first_byte(world: World) -> None:
    world.tuned.answers = ["não sei", GOOD]
    (event,) = events_of(world.ask(REVIEW, stream=True))
    assert event["choices"][0]["delta"]["content"] == GOOD and event["workbench"]["retries"] == 1


def test_keys_limits_and_bad_requests() -> None:
    world = World(keys=("k1", "k2"), most_characters=100, most_tokens=20)
    with_key = {"Authorization": "Bearer k2"}
    for headers in ({}, {"Authorization": "Bearer k"}, {"Authorization": "k1 "}, {"Authorization": "Bearer "}):
        assert world.ask(REVIEW, headers=headers).status_code == 401
        assert world.client.get("/v1/models", headers=headers).status_code == 401
    assert world.client.get("/v1/models", headers=with_key).json()["data"][0]["id"] == "extraction"
    assert world.ask("x" * 101, headers=with_key).status_code == 400
    assert world.ask(REVIEW, headers=with_key, max_tokens=10_000).status_code == 200
    assert world.tuned.asked[-1][1]["max_tokens"] == 20
    assert world.ask(REVIEW, headers=with_key, task="poem").status_code == 400
    for body in (b"", b"[]", b'{"messages": []}', b'{"messages": [{"role": "assistant", "content": "x"}]}', b"\xff"):
        assert world.client.post("/v1/chat/completions", content=body, headers=with_key).status_code == 400
    assert world.client.post("/v1/chat/completions", content=b"x" * 1_000_001, headers=with_key).status_code == 413


def test_more_than_fit_at_once_are_told_to_come_again() -> None:
    async def three_at_once() -> list[int]:
        world = World(most_at_once=2)
        world.tuned.delay = 0.2
        transport = httpx.ASGITransport(world.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            body = {"messages": [{"role": "user", "content": REVIEW}]}
            answers = await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(3)))
        return sorted(a.status_code for a in answers)

    assert asyncio.run(three_at_once()) == [200, 200, 429]


def test_what_is_kept_is_masked_and_bounded(any_workbench: Path) -> None:
    config = World(keep_answers=100).config
    recorder = Recorder(config)
    for i in range(150):
        recorder.keep(
            Given(
                task="push", engine="tuned", profile="v4.2.1", text=f"Oi \x00 {i}", reward=0.5, components={"length": 0.5},
                messages=[{"role": "user", "content": "meu cpf é 529.982.247-25, ana@example.com \ud800"}], unparsable=False,
                retries=0, milliseconds=3.0,
            )
        )  # fmt: skip
    recorder.close()
    with reading() as session:
        kept = list(session.scalars(select(Answer).order_by(Answer.id)))
    assert len(kept) == 100 and kept[-1].text is not None and kept[-1].text.endswith("149")
    assert kept[0].messages == [{"role": "user", "content": "meu cpf é [CPF], [e-mail] ?"}]


@pytest.mark.slow
def test_what_the_database_refuses_does_not_end_the_keeping(any_workbench: Path) -> None:
    recorder = Recorder(World().config)
    refused = {"no JSON": object()}
    recorder.keep(Given("push", "e", "v4.2.1", [], "t", 0.5, refused, False, 0, 1.0))  # type: ignore[arg-type]
    deadline = time.monotonic() + 30
    while recorder.dropped < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    recorder.keep(Given("push", "e", "v4.2.1", [], "good", 0.5, {}, False, 0, 1.0))
    recorder.close()
    assert recorder.dropped == 1
    with reading() as session:
        assert [a.text for a in session.scalars(select(Answer))] == ["good"]


def test_texts_and_answers_can_be_left_out(any_workbench: Path) -> None:
    recorder = Recorder(World(keep_texts=False).config)
    recorder.keep(Given("push", "e", "v4.2.1", [{"role": "user", "content": "x"}], "t", 0.5, {}, False, 0, 1.0))
    recorder.close()
    with reading() as session:
        (row,) = session.scalars(select(Answer))
    assert row.text is None and row.messages is None and row.characters == 1
    world = World(sample_share=0)
    world.ask(REVIEW)
    assert not world.kept


def test_no_prompt_is_logged_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    World().ask("Crie um push secreto para ana@example.com")
    assert "secreto" not in caplog.text
    World(log_prompts=True).ask("Crie um push secreto para ana@example.com")
    assert "secreto" in caplog.text and "ana@" not in caplog.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("routes = {}", "there is no route for extraction"),
        ('[routes]\nextraction = ["a"]', "no engine"),
        ('[routes]\npoem = ["rules"]', "unknown task"),
        ("[routes", "cannot read"),
        ('profile = "v5-exec"\n[routes]\nextraction = ["rules"]', "measures answers against a database"),
        ('[engines.a]\nurl = "ftp://x"\nmodel = "m"\n[routes]', "url"),
    ],
)
def test_a_configuration_that_does_not_fit_is_named(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "serving.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=why):
        read_serving(path)
    with pytest.raises(UserError, match="there is no"):
        read_serving(tmp_path / "other.toml")


def test_insights_have_no_rule() -> None:
    assert get_task("insights").by_rule is None
