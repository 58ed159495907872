"""The SQL views that scripts read: what counts, under pseudonyms, and nothing that can be written to."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text, update
from sqlalchemy.exc import DBAPIError

from backend.rating.queue import save_for_raters
from backend.rating.ratings import leave_out, save_rating
from backend.records import Completion, Message, PromptRecord, Sampling
from backend.settings import ROOT
from backend.store.completions import ensure_scores
from backend.store.engine import get_engine, writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import Metric, Rater, Run, ScoreGap

VIEWS = ("v_ratings", "v_scores", "v_runs")


@pytest.fixture
def engine(any_workbench: Path) -> Engine:
    """A store with two completions; four raters, of whom one is left out and one only skips; a gap; a run."""
    asked = PromptRecord(task="push", messages=(Message(role="user", content="Crie um push"),))
    with writing() as session:
        save_prompts(session, [asked])
        groups = [[Completion("Volte! 10% hoje", 5, False), Completion("Oi", 1, False)]]
        first, second = save_for_raters(session, [asked.id], groups, "nano", Sampling())
        names = ["Zoe", "Ana", "Bob", "Rui"]
        zoe, ana, bob, rui = (get_rater(session, name).id for name in names)
        for completion_id, rater, score in ((first, zoe, 4), (second, bob, 1), (first, ana, 2), (second, zoe, 3)):
            save_rating(session, completion_id, rater, score, comment="curto", seconds=2.0, imported=True)
        save_rating(session, first, rui, skip_reason="not sure")
        leave_out(session, "Bob", "at random")
        ensure_scores(session, "v4.2.1", [first, second])
        gap = {"profile": "v4.2.1", "fingerprint": "0" * 12}
        session.add(ScoreGap(completion_id=second, component="kind", kind="refused", what="", is_final=True, **gap))
        fields = {
            "name": "a run",
            "preset": "nano",
            "config": {},
            "seed": 42,
            "folder": "/home/ana/runs/r",
            "profile": "v4.2.1",
        }
        session.add(Run(id="r", status="finished", fingerprint="0" * 12, **fields))
        session.flush()
        session.add_all([Metric(run_id="r", name="loss", step=step, value=0.1) for step in (1, 7)])
    return get_engine()


def test_ratings_are_those_that_count_under_pseudonyms(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM v_ratings ORDER BY rating_id")).mappings().all()
    assert [(r["rater"], r["score"], r["task"], r["comment"]) for r in rows] == [
        ("rater-1", 4, "push", "curto"),
        ("rater-2", 2, "push", "curto"),
        ("rater-1", 3, "push", "curto"),
    ]
    assert not {name for row in rows for name in map(str, row.values()) if name in ("Zoe", "Ana", "Bob", "Rui")}
    assert not {"rater_id", "name"} & set(rows[0])


def test_scores_have_a_row_for_every_component_and_gap(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM v_scores")).mappings().all()
    assert {r["component"] for r in rows} > {"total", "kind"}
    assert [(r["value"], r["gap"]) for r in rows if r["component"] == "kind"] == [(None, "refused")]
    assert all(r["value"] is not None and r["gap"] is None for r in rows if r["component"] != "kind")
    assert {(r["task"], r["policy"], r["profile"]) for r in rows} == {("push", "nano", "v4.2.1")}


def test_runs_say_how_far_they_came_and_not_where_they_lie(engine: Engine) -> None:
    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT * FROM v_runs")).mappings().all()
    assert (row["run_id"], row["status"], row["last_step"]) == ("r", "finished", 7)
    assert "/home/ana" not in str(dict(row))


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_read_only(engine: Engine, view: str) -> None:
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {view}"))


def test_who_is_counted_again_is_in_them_again(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(Rater).values(left_out=""))
        assert connection.execute(text("SELECT COUNT(DISTINCT rater) FROM v_ratings")).scalar() == 3


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_the_guide_has_every_column(engine: Engine, view: str) -> None:
    text_ = (ROOT / "docs" / "scripts.md").read_text(encoding="utf-8")
    described = re.search(rf"^\| `{view}` \|.*$", text_, re.M)
    assert described is not None
    columns = {column["name"] for column in inspect(engine).get_columns(view)}
    assert columns == set(re.findall(r"`(\w+)`", described[0])) - {view}
