"""The engine and its sessions: SQLite in WAL mode by default, PostgreSQL where DATABASE_URL says so.

On SQLite a writing session takes the write lock when it begins (BEGIN IMMEDIATE), so two processes queue for it
instead of failing half-way with "database is locked"; readers never wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from backend.errors import UserError
from backend.settings import get_settings

_LOCK_SECONDS = 30
_opening = Lock()
_writing = Lock()
"""On SQLite the threads of a process take turns here: its own waiting is a poll, in which some would starve."""
_MIGRATIONS = Path(__file__).parent / "migrations"


def get_engine(url: str | None = None) -> Engine:
    """The engine for ``url`` (default: the settings'), its schema brought up to date.

    Raises:
        UserError: the database cannot be opened, or a newer version of the workbench wrote it.
    """
    with _opening:  # several sessions may ask at once when a server starts
        return _engine(url or get_settings().database_url)


def forget_engines() -> None:
    """Open the next engine anew, for tests that change the settings."""
    _engine.cache_clear()


@lru_cache
def _engine(url: str) -> Engine:
    engine = _connect(url)
    try:
        _migrate(engine, url)
    except DatabaseError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise UserError(
            f"cannot open the database {engine.url.render_as_string()}: {reason}. Check DATABASE_URL, or move the file away "
            f"to start with a new one."
        ) from error
    return engine


def _connect(url: str) -> Engine:
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _LOCK_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where _begin says, not where the driver guesses
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_LOCK_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def reading(engine: Engine | None = None) -> Iterator[Session]:
    """A session for queries; it sees one consistent state of the store."""
    with Session(engine or get_engine()) as session:
        yield session


@contextmanager
def writing(engine: Engine | None = None) -> Iterator[Session]:
    """A session that commits when the block ends, or leaves nothing behind when it raises."""
    engine = engine or get_engine()
    with (
        _turn() if engine.dialect.name == "sqlite" else nullcontext(),
        Session(engine.execution_options(writes=True), expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


@contextmanager
def _turn() -> Iterator[None]:
    if not _writing.acquire(timeout=_LOCK_SECONDS):
        raise UserError(f"the store has been busy for {_LOCK_SECONDS} s; try again")
    try:
        yield
    finally:
        _writing.release()


def _migrate(engine: Engine, url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    version = _version(engine)
    if version == head:
        return
    if version is not None:
        try:
            script.get_revision(version)
        except CommandError as error:
            raise UserError(
                f"the database {engine.url.render_as_string()} was written by a newer version of the workbench (schema "
                f"{version}, this one knows {head}). Update the workbench, or point DATABASE_URL at another database."
            ) from error
    with _only_one(engine), engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def _only_one(engine: Engine) -> Iterator[None]:
    """Two processes that start together migrate one after the other."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        with FileLock(f"{engine.url.database}.migrate.lock", timeout=60):
            yield
    else:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_lock(718293)"))
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(718293)"))
