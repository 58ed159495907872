"""Both databases take the same values and give the same back, whatever zone the server is in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text

from backend.errors import UserError
from backend.rating.queue import claim_next, room_for
from backend.records import Message, PromptRecord
from backend.settings import get_settings
from backend.store.answers import daily_answers
from backend.store.copy import back_up, copy_store
from backend.store.engine import get_engine, reading, writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import Answer, Claim, Prompt, QueueItem, Run
from backend.store.types import as_it_is
from benchmarks.workbenches import fill, postgres_database, workbench_at
from tests.backend.test_store import add_completions, add_run


@pytest.fixture
def in_sao_paulo(tmp_path: Path) -> Iterator[Path]:
    """A workbench on a PostgreSQL database whose times are written in another zone."""
    with postgres_database() as url:
        with get_engine(url).connect() as connection:
            connection.execute(text("COMMIT"))
            name = url.rsplit("/", 1)[1]
            connection.execute(text(f"ALTER DATABASE {name} SET timezone = 'America/Sao_Paulo'"))
            connection.commit()
        get_engine(url).dispose()
        with workbench_at(tmp_path, url) as folder:
            yield folder


@pytest.mark.slow
def test_times_are_utc_in_a_database_of_another_zone(in_sao_paulo: Path) -> None:
    fill(3)
    add_run("a")
    now = datetime.now(UTC)
    with writing() as session:
        session.get_one(Run, "a").heartbeat_at = now
        ana = get_rater(session, "Ana").id
        item = claim_next(session, ana)
    with reading() as session:
        assert session.get_one(Run, "a").heartbeat_at == now
        (held,) = session.scalars(select(Claim))
        assert held.expires_at.utcoffset() == timedelta(0) and held.expires_at > now
        assert room_for(session, session.get_one(QueueItem, item), ana)
    there = copy_store(get_settings().database_url, f"sqlite:///{in_sao_paulo / 'there.db'}")
    with postgres_database() as other:
        assert copy_store(f"sqlite:///{in_sao_paulo / 'there.db'}", other) == there
    back_up(get_settings().database_url, in_sao_paulo / "backup.db")


def test_times_come_back_as_they_were(any_workbench: Path) -> None:
    add_run("a")
    moment = datetime(2026, 3, 1, 22, 30, tzinfo=timezone(timedelta(hours=-3)))
    with writing() as session:
        session.get_one(Run, "a").heartbeat_at = moment
    with reading() as session:
        found = session.get_one(Run, "a").heartbeat_at
        assert found == moment and found is not None and found.utcoffset() == timedelta(0)


def test_days_are_utc_days(in_sao_paulo: Path) -> None:
    at = datetime.now(UTC).replace(hour=1, minute=0) - timedelta(days=2)
    row = {"task": "push", "engine": "a", "profile": "v4.2.1", "reward": 0.5, "components": {}, "unparsable": False,
           "characters": 3, "retries": 0, "milliseconds": 1.0, "at": at}  # fmt: skip
    with writing() as session:
        session.add(Answer(**row))
    with reading() as session:
        (day,) = daily_answers(session)["day"]
    assert day.date() == at.date()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"facts": {"total": float("inf")}}, "infinity"),
        ({"source": "s" * 201}, "at most 200"),
        ({"source": "a\x00b"}, "NUL"),
    ],
)
def test_what_one_database_refuses_both_refuse(any_workbench: Path, change: dict, why: str) -> None:
    record = PromptRecord(task="push", messages=(Message(role="user", content="Crie"),)).model_copy(update=change)
    with pytest.raises(UserError, match=why), writing() as session:
        save_prompts(session, [record])
    with reading() as session:
        assert session.scalar(select(Prompt.id)) is None


def test_copy_names_the_row_and_the_cure_and_a_backup_takes_it_as_it_is(workbench: Path) -> None:
    add_completions(["a"])
    with as_it_is(), writing() as session:
        (prompt,) = session.scalars(select(Prompt))
        prompt.source = "s" * 300
        prompt_id = prompt.id
    back_up(get_settings().database_url, workbench / "backup.db")
    with postgres_database() as target:
        with pytest.raises(UserError, match=f"(?s)'{prompt_id}' of prompts.*source.*at most 200.*UPDATE prompts"):
            copy_store(get_settings().database_url, target)
        with reading(get_engine(target)) as session:
            assert session.scalar(select(Prompt.id)) is None
