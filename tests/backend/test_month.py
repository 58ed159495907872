"""The example's month of production: one drift, its alarms, its way to the raters, and its end when a gateway starts."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from backend.release import month
from backend.serving.drift import FEWEST
from backend.store.answers import EXAMPLE, alarms, daily_answers, example_end, forget_example, given_to_raters
from backend.store.engine import reading, writing
from backend.store.tables import Alarm, Answer, Completion, Event, utc_now
from tests.backend.test_monitor import give
from tests.recorded import RATER, RUN_ID


def test_one_task_drifts_and_its_alarms_are_over(example_workbench: Path) -> None:
    with reading() as session:
        end = example_end(session)
        days, found = daily_answers(session, 30, end), alarms(session)
    assert days.groupby("task")["day"].nunique().eq(30).all() and days["answers"].min() >= FEWEST
    assert found and len({alarm.task for alarm in found}) == 1, "one drift"
    assert all(alarm.closed_at is not None and alarm.untold == "" for alarm in found)
    of_task = days[days["task"] == found[0].task]["reward"].to_numpy()
    assert of_task[14:18].mean() < min(of_task[:14].mean(), of_task[18:].mean()), "and it is put right"


def test_its_answers_are_the_examples_own(example_workbench: Path) -> None:
    with reading() as session:
        own = set(session.scalars(select(Completion.text).where(Completion.is_example)))
        answers = session.scalars(select(Answer).where(Answer.text.is_not(None))).all()
        assert answers and {answer.text for answer in answers} <= own
        given, rated, mean = given_to_raters(session)
        log = {event.what: event.person for event in session.scalars(select(Event)) if "composed" in event.detail}
    assert given == rated > 0 and mean is not None and 1 <= mean <= 5
    assert log == {"exported a model": RATER, "sent to raters": RATER}


def test_it_is_the_same_month_at_every_load(example_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month, "check", lambda *_, **__: None)
    with writing() as session:
        before = daily_answers(session, 30, example_end(session)).drop(columns="day")
        forget_example(session)
    month.compose_month(RUN_ID, RATER, now=utc_now() + timedelta(days=100))
    with reading() as session:
        assert daily_answers(session, 30, example_end(session)).drop(columns="day").equals(before)


def test_it_goes_when_a_gateway_starts_and_nothing_of_ones_own_goes_with_it(example_workbench: Path) -> None:
    with writing() as session:
        forget_example(session)
    give("push", utc_now(), np.full(3, 0.9))
    with writing() as session:
        session.add(Alarm(task="push", kind="mean", words={}, last_day=utc_now(), untold=""))
        session.flush()
        forget_example(session)
    month.compose_month(RUN_ID, RATER)  # not into a store with production
    with reading() as session:
        count = select(func.count()).select_from
        assert session.scalar(count(Answer)) == 3 and session.scalar(count(Alarm)) == 1
        assert session.scalar(select(Answer.id).where(Answer.engine == EXAMPLE)) is None
