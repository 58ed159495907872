"""Production watched: a simulated month through the store, alarms without storms, and low answers back to the raters."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import func, insert, select

from backend.errors import UserError
from backend.rating.queue import claim_next
from backend.rating.ratings import save_rating
from backend.records import Message, PromptRecord
from backend.release.example import load_example
from backend.serving import monitor
from backend.serving.config import Engine, ServingConfig
from backend.serving.drift import BEFORE, EVALUATION, Sample, level, look, together
from backend.serving.feedback import next_prompt_set, rated_from_production, send_to_raters
from backend.serving.monitor import check, reference
from backend.store.answers import alarms, daily_answers, lowest_answers
from backend.store.engine import reading, writing
from backend.store.prompts import load_prompt_set, save_prompt_set
from backend.store.ratings import get_rater
from backend.store.tables import Alarm, Answer, Completion, Run, utc_now
from rewards import score

ROUTES = {"extraction": ("tuned",), "insights": ("tuned",), "sql_qa": ("rules",), "push": ("rules",)}
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def give(task: str, day: datetime, rewards: np.ndarray, **more: Any) -> None:
    """A day's answers."""
    usual = {"engine": "tuned", "profile": "v4.2.1", "components": {}, "unparsable": False, "characters": 200, "retries": 0,
             "milliseconds": 1.0}  # fmt: skip
    rows = [
        {**usual, **more, "task": task, "reward": float(r), "at": day + timedelta(hours=1, seconds=i)}
        for i, r in enumerate(rewards)
    ]
    with writing() as session:
        session.execute(insert(Answer), rows)


def config() -> ServingConfig:
    """Extraction and insights are served by the example's run."""
    load_example()
    with reading() as session:
        run = session.scalar(select(Run.id))
    return ServingConfig(engines={"tuned": Engine(url="http://x/v1", model="m", run=str(run))}, routes=ROUTES)


@pytest.mark.slow
def test_a_month_with_a_drift_in_it(any_workbench: Path) -> None:
    """Twenty days as evaluated, then JSON that breaks: seen the day after, told once, over after two good days."""
    serving, told = config(), list[dict[str, Any]]()
    with reading() as session:
        usual = reference(session, serving, "extraction")
    assert usual is not None and len(usual.rewards) == 20
    rng = np.random.default_rng(1)

    def usual_day(day: int) -> None:
        chosen = rng.integers(0, 20, 120)
        give("extraction", FIRST + timedelta(days=day), usual.rewards[chosen], characters=int(usual.lengths.mean()))

    for day in range(30):
        if 20 <= day < 24:
            gone = rng.random(120) < 0.25
            give("extraction", FIRST + timedelta(days=day), np.zeros(gone.sum()), unparsable=True)
            give("extraction", FIRST + timedelta(days=day), usual.rewards[rng.integers(0, 20, int((~gone).sum()))])
        else:
            usual_day(day)
        for _ in range(3):  # looking often changes nothing
            check(serving, FIRST + timedelta(days=day + 1, hours=5), told.append)
        if day < 20:
            assert not [m for m in told if "JSON" in m["text"]], f"false alarm on day {day}: {told}"
        if day == 20:
            assert any("answers without JSON" in m["text"] for m in told), "seen with the first whole day"
    with reading() as session:
        about_json = [a for a in alarms(session) if "unparsable" in a.kind]
    assert about_json and all(a.closed_at is not None for a in about_json)
    states = [a["state"] for m in told for a in m["alarms"] if a["kind"] == "change in unparsable"]
    assert states == ["opened", "closed"], "once each, however long it lasts"
    assert len(told) <= 6


def test_a_mean_below_the_limit_is_an_alarm_until_it_is_well_again(any_workbench: Path) -> None:
    serving = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",)))
    for day, mean in enumerate((0.6, 0.45, 0.51, 0.45, 0.53, 0.53, 0.45)):
        give("push", FIRST + timedelta(days=day), np.full(30, mean))
    states = []
    for day in range(7):
        check(
            serving,
            FIRST + timedelta(days=day + 1),
            lambda message: states.extend(a["state"] for a in message["alarms"]),
        )
    assert states == ["opened", "closed", "opened"]  # 0.51 is neither; two days from 0.52 on end it
    with reading() as session:
        assert [a.closed_at is None for a in alarms(session)] == [True, False]
        assert {a.kind for a in alarms(session)} == {"mean"}


def test_few_answers_are_looked_at_together_or_not_at_all(any_workbench: Path) -> None:
    serving = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",)))
    for day in range(3):
        give("push", FIRST + timedelta(days=day), np.full(12, 0.2))
    assert not check(serving, FIRST + timedelta(days=2), lambda _: None), "24 answers say nothing"
    assert len(check(serving, FIRST + timedelta(days=3), lambda _: None)) == 1


def test_what_the_webhook_could_not_be_told_is_told_later_in_one_message(
    any_workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, told = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",))), list[dict[str, Any]]()
    for task in ROUTES:
        give(task, FIRST, np.full(40, 0.3))

    def away(_: dict[str, Any]) -> None:
        raise httpx.ConnectError("away")

    assert len(check(serving, FIRST + timedelta(days=1), away)) == 4
    assert not check(serving, FIRST + timedelta(days=1), told.append)
    assert len(told) == 1 and len(told[0]["alarms"]) == 4 and told[0]["text"].count("\n") == 3
    check(serving, FIRST + timedelta(days=1), told.append)
    assert len(told) == 1


def test_two_samples_alike_are_no_drift_and_two_unlike_are() -> None:
    rng = np.random.default_rng(0)

    def sample(n: int, shift: float = 0.0, broken: float = 0.0, factor: float = 1.0) -> Sample:
        return Sample(
            np.clip(rng.beta(6, 2, n) - shift, 0, 1), rng.random(n) < broken, rng.lognormal(5, 0.3, n) * factor
        )

    same = look(sample(100), {EVALUATION: sample(20), BEFORE: sample(2000)}, level(24))
    assert [f.kind for f in same] == [
        "mean", "reward", "unparsable", "length", "change in reward", "change in unparsable", "change in length",
    ]  # fmt: skip
    assert not any(f.raised for f in same)
    for other, kind in (
        (sample(100, shift=0.15), "change in reward"),
        (sample(100, broken=0.2), "change in unparsable"),
        (sample(100, factor=1.5), "change in length"),
    ):
        assert kind in {f.kind for f in look(other, {BEFORE: sample(2000)}, level(24)) if f.raised}
    # Days that differ among themselves: one more such day is none, although its answers alone would be thought unlike.
    weeks = [sample(100, shift=float(shift)) for shift in rng.normal(0, 0.04, 21)]
    uneven = together(weeks)
    pooled = Sample(uneven.rewards, uneven.unparsable, uneven.lengths)
    day = sample(100, shift=0.08)
    kinds = [{f.kind for f in look(day, {BEFORE: then}, level(24)) if f.raised} for then in (pooled, uneven)]
    assert kinds == [{"change in reward"}, set()]
    assert "change in reward" in {f.kind for f in look(sample(100, shift=0.4), {BEFORE: uneven}, level(24)) if f.raised}
    constant = Sample(np.ones(50), np.zeros(50, bool), np.full(50, 9.0))
    assert not any(f.raised for f in look(constant, {EVALUATION: constant}, level(24)))
    assert level(24) * 24 * 30 == pytest.approx(0.05)


def test_the_days_are_summed_up_in_utc(any_workbench: Path) -> None:
    now = utc_now().replace(hour=0, minute=30)
    give("push", now - timedelta(days=2), np.array([0.2, 0.4]), unparsable=True)
    give("push", now - timedelta(days=1), np.array([1.0]))
    give("push", now - timedelta(days=60), np.array([0.0]))
    with reading() as session:
        days = daily_answers(session)
    assert days[["answers", "reward", "unparsable"]].round(9).to_numpy().tolist() == [[2, 0.3, 1], [1, 1, 0]]
    assert days["day"].dt.hour.eq(0).all()


def test_from_production_to_the_raters_to_the_next_prompts(any_workbench: Path) -> None:
    def prompt(i: int, split: str) -> PromptRecord:
        text = f"Crie um push: assunto número {i} sobre {'abcdefghij'[i % 10] * 8}"
        return PromptRecord(task="push", messages=(Message(role="user", content=text),), split=split)  # type: ignore[arg-type]

    with pytest.raises(UserError, match="no prompt set"), writing() as session:
        next_prompt_set(session)
    old = [prompt(i, "eval" if i < 2 else "train") for i in range(6)]
    with writing() as session:
        mark, _ = save_prompt_set(session, old, "first")
    texts = ["Faz um push de frete", "Escreva sobre o carrinho", old[0].user_text + "!"]
    now = utc_now() - timedelta(hours=2)
    for i, text in enumerate(texts):
        give("push", now, np.array([0.1 * (i + 1)]), text=f"oi {i}", messages=[{"role": "user", "content": text}])
    give("push", now, np.array([0.9]), text="bom", messages=[{"role": "user", "content": "outro push"}])
    give("push", now, np.array([0.0]))  # its texts were not kept
    with writing() as session:
        lowest = lowest_answers(session, "push", most=3)
        assert [a.text for a in lowest] == ["oi 0", "oi 1", "oi 2"]
        assert send_to_raters(session, [a.id for a in lowest]) == 3
        assert send_to_raters(session, [a.id for a in lowest]) == 0, "once"
        assert [a.text for a in lowest_answers(session)] == ["bom"]
    with writing() as session:
        with pytest.raises(UserError, match="rate some first"):
            next_prompt_set(session)
        rater = get_rater(session, "Ana").id
        for _ in range(3):
            item = claim_next(session, rater)
            assert item is not None
            save_rating(session, item, rater, score=2)
        assert len(rated_from_production(session)) == 3
        row = session.scalar(select(Completion).where(Completion.text == "oi 0"))
        assert row is not None and row.policy == "tuned" and score("push", row.text, texts[0]).total >= 0
    with writing() as session:
        new, added, left_out = next_prompt_set(session)
    assert (added, left_out) == (2, 1), "one is an eval prompt's twin"
    with reading() as session:
        found = load_prompt_set(session, new) or []
        assert len(found) == 8 and {p.user_text for p in found if p.source == "production"} == set(texts[:2])
        assert all(p.split == "train" for p in found if p.source == "production")
        assert new != mark
    with pytest.raises(UserError, match="rate some first"), writing() as session:
        next_prompt_set(session)


def test_an_alarm_of_a_kind_is_open_once(any_workbench: Path) -> None:
    from sqlalchemy.exc import IntegrityError

    def alarm() -> Alarm:
        return Alarm(task="push", kind="mean", words={"en": "w", "pt": "w"}, last_day=FIRST, untold="")

    with writing() as session:
        session.add(alarm())
    with pytest.raises(IntegrityError), writing() as session:
        session.add(alarm())
    with writing() as session:
        session.scalars(select(Alarm)).one().closed_at = utc_now()
    with writing() as session:
        session.add(alarm())
        session.flush()
        assert session.scalar(select(func.count()).select_from(Alarm)) == 2


def test_a_look_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    twice = threading.Event()

    def looked(_: ServingConfig) -> None:
        looks.append(1)
        if len(looks) == 1:
            raise KeyError("nobody thought of it")
        twice.set()

    monkeypatch.setattr(monitor, "check", looked)
    monkeypatch.setattr(monitor, "_EVERY_SECONDS", 0.01)
    watching = monitor.Monitor(ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",))))
    assert twice.wait(timeout=30)
    watching.close()
