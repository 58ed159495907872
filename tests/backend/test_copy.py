"""Moving a store between databases, and backups taken while people rate."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.errors import UserError
from backend.rating.ratings import save_rating
from backend.release.example import load_example
from backend.settings import get_settings
from backend.store.copy import back_up, copy_store
from backend.store.engine import get_engine, reading, writing
from backend.store.ratings import get_rater
from backend.store.tables import Completion, Rating, Run
from benchmarks.workbenches import postgres_database
from tests.backend.test_store import add_completions, add_run


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of another, empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'elsewhere.db'}"
        return
    with postgres_database() as url:
        yield url


@pytest.mark.slow
def test_everything_arrives_and_comes_back(workbench: Path, elsewhere: str) -> None:
    load_example()
    add_run("parent")
    add_run("a-child")  # before its parent in the order of ids
    with writing() as session:
        session.get_one(Run, "a-child").parent_id = "parent"
    there = copy_store(get_settings().database_url, elsewhere)
    assert {c.table: c.rows for c in there}["ratings"] > 100
    back = copy_store(elsewhere, f"sqlite:///{workbench / 'back.db'}")
    assert back == there
    with writing(get_engine(elsewhere)) as session:  # new rows get ids that nobody has
        rater = get_rater(session, "somebody new")
        item = session.scalar(select(Completion.id).limit(1))
        save_rating(session, item, rater.id, score=3, imported=True)


def test_a_target_with_rows_is_left_alone(workbench: Path, elsewhere: str) -> None:
    add_completions(["a"])
    copy_store(get_settings().database_url, elsewhere)
    with pytest.raises(UserError, match="holds rows"):
        copy_store(get_settings().database_url, elsewhere)
    with pytest.raises(UserError, match="the same database"):
        copy_store(elsewhere, elsewhere)


def test_what_arrives_otherwise_leaves_nothing_behind(
    workbench: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_completions(["a", "b"])
    digests = iter(range(10_000))
    monkeypatch.setattr("backend.store.copy._digest", lambda _: next(digests))
    with pytest.raises(UserError, match="other content"):
        copy_store(get_settings().database_url, elsewhere)
    with reading(get_engine(elsewhere)) as session:
        assert session.scalar(select(func.count()).select_from(Completion)) == 0


def test_a_backup_is_for_its_owner_alone(any_workbench: Path) -> None:
    add_completions(["a"])
    path = any_workbench / "backups" / "today.db"
    back_up(get_settings().database_url, path)
    assert path.stat().st_mode & 0o777 == 0o600
    with reading(get_engine(f"sqlite:///{path}")) as session:
        assert session.scalar(select(func.count()).select_from(Completion)) == 1


@pytest.mark.slow
def test_a_backup_taken_while_people_rate_is_one_state(any_workbench: Path) -> None:
    """Each rating of a pair is saved with its other half in one transaction: a backup holds both or neither."""
    items = add_completions([str(i) for i in range(200)])
    stop = threading.Event()

    def rate() -> None:
        with writing() as session:
            rater = get_rater(session, "Ana").id
        for a, b in zip(items[::2], items[1::2], strict=True):
            with writing() as session:
                save_rating(session, a, rater, score=4, imported=True)
                save_rating(session, b, rater, score=4, imported=True)
            if stop.is_set():
                return

    thread = threading.Thread(target=rate)
    thread.start()
    counts = []
    for i in range(3):
        path = any_workbench / "backups" / f"{i}.db"
        back_up(get_settings().database_url, path)
        with reading(get_engine(f"sqlite:///{path}")) as session:
            counts.append(session.scalar(select(func.count()).select_from(Rating)))
    stop.set()
    thread.join()
    assert all(n % 2 == 0 for n in counts) and counts == sorted(counts)
    assert {p.suffix for p in (any_workbench / "backups").iterdir() if ".lock" not in p.name} <= {
        ".db",
        ".db-wal",
        ".db-shm",
    }
    with pytest.raises(UserError, match="exists"):
        back_up(get_settings().database_url, any_workbench / "backups" / "0.db")
