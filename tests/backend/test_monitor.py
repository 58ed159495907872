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
from backend.serving import monitor
from backend.serving.config import Engine, ServingConfig
from backend.serving.drift import SLOW, Day, learning, level, look, together, whole_days
from backend.serving.feedback import next_prompt_set, rated_from_production, send_to_raters
from backend.serving.monitor import accept_change, check, reference, still_learning
from backend.serving.slow_falls import Fall, fall_of
from backend.store.answers import alarms, daily_answers, lowest_answers
from backend.store.engine import reading, writing
from backend.store.prompts import load_prompt_set, save_prompt_set
from backend.store.ratings import get_rater
from backend.store.tables import Alarm, Answer, Completion, Run, utc_now
from benchmarks.coverage.monitor import Shape, false_alarms, found_within
from rewards import score
from tests.recorded import load_recorded

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
    if rows:
        with writing() as session:
            session.execute(insert(Answer), rows)


def config() -> ServingConfig:
    """Extraction and insights are served by the recorded run."""
    load_recorded()
    with reading() as session:
        run = session.scalar(select(Run.id))
    return ServingConfig(engines={"tuned": Engine(url="http://x/v1", model="m", run=str(run))}, routes=ROUTES)


@pytest.mark.slow
def test_a_month_with_a_drift_in_it(any_workbench: Path) -> None:
    """Twenty days as evaluated, then JSON that breaks: seen within three days, told once, over after a good week."""
    serving, told = config(), list[dict[str, Any]]()
    with reading() as session:
        usual = reference(session, serving, "extraction")
    assert usual is not None and usual.answers == 20
    rng = np.random.default_rng(1)
    for day in range(36):
        rewards = rng.normal(usual.means[0], usual.variances[0] ** 0.5, 120).clip(0, 1)
        gone = rng.random(120) < (0.25 if 20 <= day < 24 else 0.0)
        for unparsable, part in ((True, np.zeros(gone.sum())), (False, rewards[~gone])):
            give(
                "extraction", FIRST + timedelta(days=day), part, unparsable=unparsable,
                characters=int(usual.means[2]),
            )  # fmt: skip
        for _ in range(1 + (day % 6 == 4)):  # looking often changes nothing
            check(serving, FIRST + timedelta(days=day + 1, hours=5), told.append)
        if day < 20:
            assert not told, f"false alarm on day {day}: {told}"
        if day == 22:
            assert any("answers without JSON" in m["text"] for m in told)
    with reading() as session:
        assert all(a.closed_at is not None for a in alarms(session) if a.kind == "change in unparsable")
    states = [a["state"] for m in told for a in m["alarms"] if a["kind"] == "change in unparsable"]
    assert states == ["opened", "closed"], "once each, however long it lasts"
    assert len(told) <= 6


def test_from_the_first_day_on_nothing_is_a_false_alarm(any_workbench: Path) -> None:
    serving = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",)))
    rng = np.random.default_rng(0)
    for day in range(9):
        for task in ROUTES:
            rewards = (rng.random(60) < 0.55 + rng.normal(0, 0.03)).astype(float)
            give(task, FIRST + timedelta(days=day), rewards, characters=int(200 * rng.lognormal(0, 0.05)))
        assert not check(serving, FIRST + timedelta(days=day + 1), lambda _: None), day


def test_a_mean_below_the_limit_is_an_alarm_until_it_is_well_again(any_workbench: Path) -> None:
    serving = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",)))
    states, means = list[tuple[int, str]](), [0.44, 0.42] * 4 + [0.70, 0.72] * 4
    for day, mean in enumerate(means, start=1):
        give("push", FIRST + timedelta(days=day - 1), np.full(30, mean))
        told: list[dict[str, Any]] = []
        check(serving, FIRST + timedelta(days=day), told.append)
        states += [(day, a["state"]) for m in told for a in m["alarms"] if a["kind"] == "mean"]
    # Seven days are needed. From the twelfth on the mean of all is 0.52 or more, and two such days end it.
    assert states == [(7, "opened"), (13, "closed")]
    with reading() as session:
        (alarm,) = [a for a in alarms(session) if a.kind == "mean"]
    assert alarm.words["en"].startswith("mean reward 0.43 over the last 8 whole days; the limit is 0.50 (p < 0.0001)")
    assert alarm.words["pt"].startswith(
        "recompensa média 0,43 nos últimos 8 dias completos; o limite é 0,50 (p < 0,0001)"
    )


def test_days_with_few_answers_are_put_together(any_workbench: Path) -> None:
    serving = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",)))
    for day in range(21):
        give("push", FIRST + timedelta(days=day), np.full(12, 0.2))
    assert not check(serving, FIRST + timedelta(days=20), lambda _: None), "six days of 36 answers"
    assert still_learning(serving, FIRST + timedelta(days=20))[-1] == (
        "push, learning: 6 of 7 days; nothing raises an alarm before"
    )
    assert len(check(serving, FIRST + timedelta(days=21), lambda _: None)) == 1
    assert whole_days([40, 10, 25, 5, 30, 12, 20]) == [slice(0, 2), slice(2, 4), slice(4, 5), slice(5, 7)]
    assert whole_days([29]) == whole_days([]) == []


def test_what_the_webhook_could_not_be_told_is_told_later_in_one_message(
    any_workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, told = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",))), list[dict[str, Any]]()
    for task in ROUTES:
        for day in range(7):
            give(task, FIRST + timedelta(days=day), np.full(40, 0.3))

    def away(_: dict[str, Any]) -> None:
        raise httpx.ConnectError("away")

    end = FIRST + timedelta(days=7)
    assert len(check(serving, end, away)) == 4
    assert not check(serving, end, told.append)
    assert len(told) == 1 and len(told[0]["alarms"]) == 4
    lines = told[0]["text"].split("\n")
    assert [line.split(":")[0] for line in lines] == ["Alarm"] * 4 + [f"{task}, learning" for task in ROUTES]
    assert lines[-1] == "push, learning: 7 of 14 days; changes raise no alarm before"
    check(serving, end, told.append)
    assert len(told) == 1


def days_of(
    rng: np.random.Generator, days: int, n: int = 100, shift: float = 0.0, apart: float = 0.0, broken: float = 0.0,
    factor: float = 1.0,
) -> list[Day]:  # fmt: skip
    """Days of one task: rewards lower by ``shift``, ``apart`` from day to day; this share broken; lengths times a factor."""
    return [
        Day.of(
            np.clip(rng.beta(6, 2, n) - shift + rng.normal(0, apart), 0, 1),
            rng.random(n) < broken,
            rng.lognormal(5, 0.3, n) * factor,
        )
        for _ in range(days)
    ]


def test_weeks_alike_are_no_drift_and_weeks_unlike_are() -> None:
    rng = np.random.default_rng(0)
    before, (evaluation,) = days_of(rng, 21), days_of(rng, 1, n=20)
    same = look([*before, *days_of(rng, 7)], evaluation, tasks=4)
    assert [f.kind for f in same] == [
        "mean", "reward", "unparsable", "length", "change in reward", "change in unparsable", "change in length",
    ]  # fmt: skip
    assert not any(f.raised for f in same)
    others: list[tuple[str, list[Day]]] = [
        ("reward", days_of(rng, 7, shift=0.1)),
        ("unparsable", days_of(rng, 7, broken=0.15)),
        ("length", days_of(rng, 7, factor=1.3)),
    ]
    for kind, week in others:
        finding = {f.kind: f for f in look([*before, *week], evaluation, tasks=4)}[f"change in {kind}"]
        assert finding.raised and not finding.over
        assert "over the last 7 whole days; in the 21 days before" in finding.words.en
    # Days that differ: a week like other weeks is no drift, although its answers alone would be thought unlike.
    week = days_of(rng, 7, shift=0.09)
    kinds = [
        {f.kind for f in look([*then, *week], None) if f.raised} for then in (before, days_of(rng, 21, apart=0.08))
    ]
    assert kinds == [{"change in reward"}, set()]
    constant = Day.of(np.ones(50), np.zeros(50, bool), np.full(50, 9.0))
    assert not any(f.raised for f in look([constant] * 28, constant))


def test_days_put_together_are_as_one_day() -> None:
    rng = np.random.default_rng(2)
    parts = [(rng.random(n), rng.random(n) < 0.3, rng.lognormal(5, 0.3, n)) for n in (12, 7, 20)]
    one, of_parts = Day.of(*map(np.concatenate, zip(*parts, strict=True))), together([Day.of(*part) for part in parts])
    assert one.answers == of_parts.answers == 39
    assert of_parts.means == pytest.approx(one.means) and of_parts.variances == pytest.approx(one.variances)


def test_nothing_is_tested_before_it_can_be() -> None:
    rng = np.random.default_rng(1)
    days, (evaluation,) = days_of(rng, 14), days_of(rng, 1, n=20)
    assert look(days[:6], evaluation) == []
    assert [f.kind for f in look(days[:7], None)] == ["mean"]
    assert [f.kind for f in look(days[:13], evaluation)] == ["mean", "reward", "unparsable", "length"]
    assert len(look(days, evaluation)) == 7
    assert learning(3) == (
        "learning: 3 of 7 days; nothing raises an alarm before",
        "aprendendo: 3 de 7 dias; antes disso nada gera alarme",
    )
    assert learning(9) == (
        "learning: 9 of 14 days; changes raise no alarm before",
        "aprendendo: 9 de 14 dias; antes disso mudanças não geram alarme",
    )
    assert learning(14) is None
    assert (level(24) * 24 + level(4) * 4) * 30 == pytest.approx(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [Shape(answers=30), Shape(answers=200), Shape(rewards="skewed", days="weekends"), Shape(tasks=1, evaluation=False)],
)
def test_false_alarms_from_the_first_day_on_are_as_rare_as_stated(shape: Shape) -> None:
    """A slice of benchmarks/coverage/monitor.py."""
    assert false_alarms(shape, months=30) <= 0.05


@pytest.mark.slow
def test_the_limit_is_no_coin() -> None:
    """A slice of benchmarks/coverage/monitor.py: true means of 0.55 and of 0.40."""
    assert false_alarms(Shape(answers=30, mean=0.55, rewards="pass or fail"), months=30, of_limit=True) == 0
    assert found_within(Shape(mean=0.40), [10], months=12, of_limit=True)[10] >= 0.9


def test_the_days_are_summed_up_in_utc(any_workbench: Path) -> None:
    now = utc_now().replace(hour=0, minute=30)
    give("push", now - timedelta(days=2), np.array([0.2, 0.4]), unparsable=True)
    give("push", now - timedelta(days=1), np.array([1.0]))
    give("push", now - timedelta(days=60), np.array([0.0]))
    with reading() as session:
        days = daily_answers(session)
    assert days["reward_square"].tolist() == pytest.approx([0.1, 1]) and days["characters_square"].eq(40_000).all()
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


@pytest.mark.slow
def test_a_lasting_change_stays_an_alarm_until_it_is_accepted(workbench: Path) -> None:
    """Sixty days lower by 0.15 after twenty-one usual ones: the alarm is open all the time, then accepted, then quiet."""
    serving = ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",)))
    rng = np.random.default_rng(3)
    states: list[tuple[int, str, str]] = []
    accepted = 60
    for day in range(90):
        give(
            "push",
            FIRST + timedelta(days=day),
            rng.normal(0.85 if day < 21 else 0.70, 0.1, 60).clip(0, 1) + rng.normal(0, 0.02),
        )
        told: list[dict[str, Any]] = []
        check(serving, FIRST + timedelta(days=day + 1), told.append)
        states += [(day, a["kind"], a["state"]) for m in told for a in m["alarms"]]
        if day == accepted:
            with reading() as session:
                assert {a.kind for a in alarms(session) if a.closed_at is None} >= {"change in reward", "slow fall"}
            with writing() as session, pytest.MonkeyPatch.context() as patch:
                patch.setattr("backend.serving.monitor.utc_now", lambda day=day: FIRST + timedelta(days=day + 1))
                assert accept_change(session, "push") >= 2
    rewards = [(day, state) for day, kind, state in states if kind == "change in reward"]
    assert [state for _, state in rewards] == ["opened", "closed"] and 21 <= rewards[0][0] < 28
    assert rewards[1][0] == accepted + 1 and max(day for day, _, _ in states) <= accepted + 1


@pytest.mark.slow
def test_a_small_step_and_a_slow_fall_are_seen(workbench: Path) -> None:
    rng = np.random.default_rng(5)
    for fall, within in ((lambda day: 0.08, 14), (lambda day: 0.005 * day, 24), (lambda day: 0.0, 0)):
        seen = []
        for _ in range(20):
            means = 0.75 + rng.normal(0, 0.03, 58) - np.array([0.0] * 28 + [fall(day) for day in range(1, 31)])
            days = [Day(60, np.array([mean, 0.02, 200.0]), np.array([0.04, 0.02, 400.0])) for mean in means]
            raised = [
                n
                for n in range(28, 59)
                if any(f.raised and f.kind == SLOW for f in look(days[:n], None, 4, None, days[:n]))
            ]
            seen.append(raised[0] - 28 if raised else None)
        if within:
            assert sum(s is not None and 0 < s <= within for s in seen) >= 19
        else:
            assert seen == [None] * 20


def test_a_fall_begins_where_it_began_and_one_bad_day_is_none() -> None:
    usual = [0.75 + 0.02 * (-1) ** day for day in range(30)]
    fall = fall_of([*usual, *[0.65] * 10], 0.01)
    assert fall.raised and fall.began in (29, 30)
    assert not fall_of([*usual, 0.0, *usual[:5]], 0.01).raised
    assert not fall_of(usual, 0.01).raised and fall_of([], 0.01) == Fall(0.0, 0)
