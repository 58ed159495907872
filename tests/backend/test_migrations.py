"""A store written by any earlier version opens in this one with every row it had."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Engine,
    Float,
    Integer,
    MetaData,
    Table,
    insert,
    inspect,
    select,
    text,
    types,
)

from backend.rating.queue import claim_next, progress
from backend.rating.ratings import save_rating
from backend.settings import ROOT, get_settings
from backend.store.completions import human_scores
from backend.store.engine import _connect, forget_engines, get_engine, reading, writing
from backend.store.prompts import load_prompts
from backend.store.ratings import get_rater
from backend.store.runs import all_runs
from backend.store.tables import Base
from backend.store.types import Json

CONFIG = Config()
CONFIG.set_main_option("script_location", str(ROOT / "backend" / "store" / "migrations"))
VERSIONS = sorted(script.revision for script in ScriptDirectory.from_config(CONFIG).walk_revisions())
WORDS = {
    "task": "push",
    "split": "train",
    "status": "finished",
    "action": "rate",
    "profile": "v4.2.1",
    "score": 3,
    "skip_reason": None,
    "form": "text",
    "left_out": "",
}
VALUES: dict[type[types.TypeEngine], Any] = {
    Boolean: True, Integer: 1, Float: 0.5, JSON: {"a": 1}, DateTime: datetime(2026, 1, 2, tzinfo=UTC),
}  # fmt: skip
LISTS = {
    "flags": [],
    "tags": [],
    "members": [["p", "train"]],
    "messages": [{"role": "user", "content": "Crie um push"}],
}


def emptied() -> Engine:
    """The settings' database without any table or view."""
    engine = _connect(get_settings().database_url)
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).unlink()
    else:
        with engine.execution_options(writes=True).begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    return engine


def written_by(version: str) -> Engine:
    """The settings' database as that version left it: its schema, and a row or two in every table."""
    engine = emptied()
    with engine.execution_options(writes=True).begin() as connection:
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, version)
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.execution_options(writes=True).begin() as connection:
        for table in metadata.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(insert(table), [row(engine, table)])
    return engine


def row(engine: Engine, table: Table) -> dict[str, Any]:
    """A row that this table takes; what points elsewhere points at the one row there."""
    own = {c.name for c in Base.metadata.tables[table.name].columns if isinstance(c.type, Json)}
    values: dict[str, Any] = {}
    for column in table.columns:
        foreign = {key.column.table.name for key in column.foreign_keys}
        if column.name == "id" and isinstance(column.type, Integer):
            continue  # the database counts: 1
        if column.name in WORDS:
            values[column.name] = WORDS[column.name]
        elif column.name in own:
            given = LISTS.get(column.name, {"a": 1})
            values[column.name] = given if isinstance(column.type, JSON) else json.dumps(given)
        elif table.name in foreign:
            values[column.name] = None
        else:
            kind = next((v for k, v in VALUES.items() if isinstance(column.type, k)), "p")
            values[column.name] = kind
    return values


def written(value: Any) -> str:
    """A value as text; a whole number is the same in a column of integers and in one of fractions."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def content(engine: Engine, columns: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Every row of these columns of these tables, as the database has them."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        return {
            name: [
                tuple(map(written, r)) for r in connection.execute(select(*(metadata.tables[name].c[n] for n in names)))
            ]
            for name, names in columns.items()
        }


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_an_earlier_version_keeps_every_row(any_workbench: Path, version: str) -> None:
    engine = written_by(version)
    found, now = inspect(engine), Base.metadata.tables
    made_anew = {"queue", "strata", "alembic_version"}  # from the ratings, by the versions that brought them
    kept = {
        table: [c["name"] for c in found.get_columns(table) if c["name"] in now[table].c]
        for table in found.get_table_names()
        if table not in made_anew
    }
    before = content(engine, kept)
    assert all(before.values())
    engine.dispose()

    forget_engines()
    get_engine()
    assert content(get_engine(), kept) == before
    with writing() as session:  # and this version works on it
        rater = get_rater(session, "Ana").id
        item = claim_next(session, rater)
        if item is not None:
            save_rating(session, item, rater, score=4)
        progress(session, rater)
    with reading() as session:
        assert len(load_prompts(session)) == 1
        assert [run.id for run in all_runs(session)] == ["p"]
        assert not human_scores(session).empty
