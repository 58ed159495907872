"""What Start says: in which state everything is, and what calls for somebody."""

from pathlib import Path

from sqlalchemy import select

from app.ui.overview import (
    for_engineers,
    for_raters,
    gates_line,
    newest_result,
    of_production,
    of_result,
    only_example,
)
from backend.audit.gate import Gate
from backend.rating.ratings import save_rating
from backend.store.engine import reading, writing
from backend.store.ratings import get_rater
from backend.store.runs import all_runs
from backend.store.tables import Alarm, Completion, Rating, utc_now
from backend.suites import label_of, task_names
from backend.wording import Text

REASON = Text("why", "por quê")


def test_gates_in_one_sentence() -> None:
    names = task_names()
    gates = {name: Gate("pass", REASON) for name in names}
    assert not gates_line(gates, names).calls
    gates[names[0]] = Gate("fail", REASON)
    gates[names[1]] = Gate("stale", REASON, "fail")
    del gates[names[2]]
    line = gates_line(gates, names)
    assert line.calls
    assert line.text.en.startswith(f"{len(names) - 3} of {len(names)} rewards passed the audit; failed: ")
    assert f"ratings or rules have changed: {label_of(names[1])} (was: fail)" in line.text.en
    assert "sem decisão válida: " in line.text.pt and "(era: reprovada)" in line.text.pt


def test_an_empty_store_asks_for_nothing_of_raters(workbench: Path) -> None:
    with reading() as session:
        assert not any(line.calls for line in for_raters(session))
        assert of_production(session) == []
        assert newest_result(session, all_runs(session)) is None
        assert not only_example(session, all_runs(session))


def test_the_example_waits_for_raters_and_tells_its_finding(example_workbench: Path) -> None:
    with reading() as session:
        waiting, given = for_raters(session)
        assert waiting.calls
        assert given.text.en.startswith("Ratings so far: ")
        found = newest_result(session, all_runs(session))
        assert found is not None
        lines = of_result(found[0].name, found[1])
        assert lines[0].calls == any(e.against for e in found[1])
        assert for_engineers(session)[0].calls
        assert only_example(session, all_runs(session))


def test_the_tour_outlives_the_ratings_it_asks_for_and_ends_with_many(example_workbench: Path) -> None:
    for own in (1, 29):
        with writing() as session:
            rater = get_rater(session, "Ana").id
            rated = select(Rating.completion_id).where(Rating.rater_id == rater)
            for item in session.scalars(select(Completion.id).where(Completion.id.not_in(rated)).limit(own)).all():
                save_rating(session, item, rater, score=3, imported=True)
        with reading() as session:
            assert only_example(session, all_runs(session)) == (own == 1)


def test_open_alarms_call(workbench: Path) -> None:
    with writing() as session:
        session.add(
            Alarm(task=task_names()[0], kind="mean", words={"en": "fell", "pt": "caiu"}, last_day=utc_now(), untold="")
        )
    with reading() as session:
        (line,) = of_production(session)
    assert line.calls
    assert line.text == Text("1 open alarm in production.", "1 alarme aberto em produção.")
