"""The store: migrations, two processes at once, ratings and the queue."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from backend.errors import UserError
from backend.rating.queue import claim_next, progress, save_for_raters
from backend.rating.ratings import save_rating, undo_last
from backend.records import Completion as Generated
from backend.records import Message, PromptRecord, Sampling
from backend.store.completions import ensure_scores, human_scores, rated_scores
from backend.store.engine import forget_engines, get_engine, reading, writing
from backend.store.prompts import load_prompt_set, load_prompts, prompt_sets, save_prompt_set, save_prompts
from backend.store.ratings import get_rater
from backend.store.runs import load_metrics, save_metrics
from backend.store.tables import Base, Metric, Rating, Run, Score, Stratum

ROOT = Path(__file__).parents[2]


def prompt(i: int, task: str = "push") -> PromptRecord:
    return PromptRecord(task=task, messages=(Message(role="user", content=f"Crie um push {i}"),))


def add_completions(texts: list[str], task: str = "push") -> list[int]:
    records = [prompt(i, task) for i in range(len(texts))]
    with writing() as session:
        save_prompts(session, records)
        groups = [[Generated(t, 5, False)] for t in texts]
        return save_for_raters(session, [r.id for r in records], groups, "nano", Sampling())


def add_run(run_id: str = "r1") -> None:
    with writing() as session:
        session.add(
            Run(
                id=run_id, name="r", preset="nano", config={}, seed=1, folder="/nowhere", status="running",
                profile="v4.2.1", fingerprint="x",
            )
        )  # fmt: skip


def test_migrations_make_exactly_the_tables(any_workbench: Path) -> None:
    found = inspect(get_engine())
    for table in Base.metadata.sorted_tables:
        assert {c["name"] for c in found.get_columns(table.name)} == {c.name for c in table.columns}
        assert {tuple(i["column_names"]) for i in found.get_indexes(table.name)} >= {
            tuple(c.name for c in i.columns) for i in table.indexes
        }


def test_sqlite_is_in_wal_mode_with_foreign_keys(workbench: Path) -> None:
    with reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_database_of_a_newer_version_is_refused_and_left_alone(any_workbench: Path) -> None:
    with writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    forget_engines()
    with pytest.raises(UserError, match="newer version"):
        get_engine()


def test_a_file_that_is_no_database_is_named(workbench: Path) -> None:
    (workbench / "annotations.db").write_text("this is not a database, not at all")
    with pytest.raises(UserError, match="cannot open the database"):
        get_engine()


@pytest.mark.slow
def test_two_processes_write_at_once_without_a_locked_database(any_workbench: Path) -> None:
    add_run()
    code = (
        "import sys\n"
        "from backend.store.engine import writing\n"
        "from backend.store.runs import save_metrics\n"
        "for step in range(150):\n"
        "    with writing() as session:\n"
        "        save_metrics(session, 'r1', [{'step': step, 'name': sys.argv[1], 'value': step}])\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, name], cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ})
        for name in ("a", "b")
    ]
    for process in started:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error.decode()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Metric)) == 300


def test_writing_a_metric_again_replaces_it(any_workbench: Path) -> None:
    add_run()
    for value in (1.0, 2.0):
        with writing() as session:
            save_metrics(session, "r1", [{"step": 3, "name": "loss", "value": value}])
    with reading() as session:
        assert load_metrics(session, ["r1"])["value"].tolist() == [2.0]


def test_an_error_in_a_writing_block_leaves_nothing_behind(any_workbench: Path) -> None:
    with pytest.raises(RuntimeError), writing() as session:
        save_prompts(session, [prompt(1)])
        raise RuntimeError
    with reading() as session:
        assert load_prompts(session) == []


def test_saving_the_same_prompts_again_adds_none(any_workbench: Path) -> None:
    with writing() as session:
        assert save_prompts(session, [prompt(1), prompt(2), prompt(1)]) == 2
        assert save_prompts(session, [prompt(1), prompt(3)]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("score", [0, 6, 2.5, True, "3"])
def test_a_rating_outside_1_to_5_is_refused(any_workbench: Path, score: object) -> None:
    (completion_id,) = add_completions(["Oi"])
    with pytest.raises(UserError, match="1 to 5"), writing() as session:
        save_rating(session, completion_id, get_rater(session, "Ana").id, score=score)  # type: ignore[arg-type]


def test_a_rating_needs_a_score_or_a_reason(any_workbench: Path) -> None:
    (completion_id,) = add_completions(["Oi"])
    with pytest.raises(UserError, match="one of the two"), writing() as session:
        save_rating(session, completion_id, get_rater(session, "Ana").id)


def test_a_completion_that_is_gone_cannot_be_rated(any_workbench: Path) -> None:
    with pytest.raises(UserError, match="not in the store"), writing() as session:
        save_rating(session, 999, get_rater(session, "Ana").id, score=3)


def test_rating_again_changes_the_rating(any_workbench: Path) -> None:
    (completion_id,) = add_completions(["Oi"])
    for score in (2, 4):
        with writing() as session:
            save_rating(session, completion_id, get_rater(session, "Ana").id, score=score)
    with reading() as session:
        assert session.scalars(select(Rating.score)).all() == [4]


def test_the_queue_offers_each_item_once_to_each_rater_and_to_no_more_than_k(any_workbench: Path) -> None:
    ids = set(add_completions([f"Oferta {i}" for i in range(6)]))
    seen: dict[str, set[int]] = {}
    for name in ("Ana", "Bia", "Caio"):
        with writing() as session:
            rater = get_rater(session, name).id
        seen[name] = set()
        while True:
            with writing() as session:
                item = claim_next(session, rater)
                if item is None:
                    break
                assert item not in seen[name]
                seen[name].add(item)
                save_rating(session, item, rater, score=3)
    assert seen["Ana"] == seen["Bia"] == ids
    assert seen["Caio"] == set()


def test_half_rated_items_come_first(any_workbench: Path) -> None:
    add_completions([f"Oferta {i}" for i in range(5)])
    with writing() as session:
        ana, bia = get_rater(session, "Ana").id, get_rater(session, "Bia").id
        first = claim_next(session, ana)
        save_rating(session, first, ana, score=5)
        assert claim_next(session, bia) == first


def test_undo_brings_the_last_one_back(any_workbench: Path) -> None:
    add_completions(["Oi", "Olá"])
    with writing() as session:
        ana = get_rater(session, "Ana").id
        first = claim_next(session, ana)
        save_rating(session, first, ana, score=1)
        assert progress(session, ana) == (1, 1)
        assert undo_last(session, ana) == first
        assert undo_last(session, ana) is None
        assert progress(session, ana) == (0, 2)


def test_scores_follow_the_fingerprint(any_workbench: Path) -> None:
    (completion_id,) = add_completions(["Frete grátis só hoje!"])
    with writing() as session:
        save_rating(session, completion_id, get_rater(session, "Ana").id, score=5)
        assert ensure_scores(session, "v4.2.1") == 0, "it was scored as it was offered to raters"
        assert ensure_scores(session, "v4.0") == 1
        assert ensure_scores(session, "v4.0") == 0
        session.execute(text("UPDATE scores SET fingerprint = 'old', value = 0 WHERE profile = 'v4.2.1'"))
        assert ensure_scores(session, "v4.2.1") == 1
        totals = session.scalars(select(Score.value).where(Score.component == "total", Score.profile == "v4.2.1")).all()
        assert totals == [1.0]
        assert set(rated_scores(session, "v4.2.1")["component"]) >= {"total", "length", "creativity"}


def test_of_many_rated_completions_a_stable_sample_of_each_task_is_read(any_workbench: Path) -> None:
    push, sql = add_completions([f"Oi {i}" for i in range(30)]), add_completions(["SELECT 1", "x"], "sql_qa")
    with writing() as session:
        ana = get_rater(session, "Ana").id
        for item in [*push, *sql]:
            save_rating(session, item, ana, score=3, imported=True)
    with reading() as session:
        whole, few, again = human_scores(session), human_scores(session, 5), human_scores(session, 5)
    assert len(whole) == 32 and few["task"].value_counts().to_dict() == {"push": 5, "sql_qa": 2}
    assert set(few["completion_id"]) == set(again["completion_id"])
    assert few.merge(whole).shape == few.shape


def test_a_store_of_the_schema_before_keeps_its_ratings_and_learns_its_strata(any_workbench: Path) -> None:
    """Down to schema 0003, as a store written then would be, and up again."""
    from alembic import command
    from alembic.config import Config

    items = add_completions([f"Oi {i}" for i in range(4)])
    with writing() as session:
        ana, bia = get_rater(session, "Ana").id, get_rater(session, "Bia").id
        save_rating(session, items[0], ana, score=2)
        save_rating(session, items[0], bia, score=3)
        save_rating(session, items[1], ana, score=5)
    add_run()
    with reading() as session:
        before = sorted(
            (s.name, s.items, s.open, s.rated, s.total, s.squares) for s in session.scalars(select(Stratum))
        )
    engine = get_engine()
    config = Config()
    config.set_main_option("script_location", str(ROOT / "backend" / "store" / "migrations"))
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    engine.dispose()
    forget_engines()
    with reading() as session:
        after = sorted((s.name, s.items, s.open, s.rated, s.total, s.squares) for s in session.scalars(select(Stratum)))
        assert session.scalar(select(func.count()).select_from(Rating)) == 3
        assert session.get_one(Run, "r1").tags == []
    assert after == before


def test_a_prompt_set_keeps_its_prompts_splits_and_first_name(any_workbench: Path) -> None:
    records = [prompt(i).model_copy(update={"split": "eval" if i < 3 else "train"}) for i in range(1200)]
    with writing() as session:
        mark, new = save_prompt_set(session, records, "first")
        assert new == 1200
        assert save_prompt_set(session, list(reversed(records)), "again") == (mark, 0)
        other, _ = save_prompt_set(session, [r.model_copy(update={"split": "eval"}) for r in records[:5]], "other")
    with reading() as session:
        assert load_prompt_set(session, mark) == records
        kept = load_prompt_set(session, other)
        assert kept is not None and {r.split for r in kept} == {"eval"}
        assert load_prompt_set(session, "no such set") is None
        table = prompt_sets(session).set_index("id")
    assert table.loc[mark, ["name", "train", "eval", "runs"]].tolist() == ["first", 1197, 3, 0]
    assert list(table.index) == [mark, other], "a set without train prompts stands last"
