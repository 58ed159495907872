"""The engine and its sessions: SQLite in WAL mode by default, PostgreSQL where DATABASE_URL says so.

On SQLite a writing session takes the write lock when it begins (BEGIN IMMEDIATE), so two processes queue for it
instead of failing half-way with "database is locked"; readers never wait.

A database that does not answer (restarting, not reachable, its disk full) raises ``StoreAway``: the current transaction
is undone, and the action can be tried again. Pages show this and try again by themselves; processes wait with
``patiently``.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import URL, Engine, create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError, StatementError
from sqlalchemy.orm import Session

from backend.errors import UserError
from backend.settings import get_settings
from backend.store.tables import Base

_LOCK_SECONDS = 30
_AGAIN_SECONDS = 3
_opening = Lock()
_writing = Lock()
"""On SQLite the threads of a process take turns with this lock. SQLite itself only polls for its write lock, so that a
thread could wait without end while others get it."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_CLASHES = ("40001", "40P01", "55P03")
"""PostgreSQL's codes of a serialisation failure, a deadlock and a lock that could not be had."""
_POSTGRES = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""With these, a server that cannot be reached is given up after about ten seconds, not after the system's two hours."""
RESTORE = (
    "If you have a backup, move the damaged database away and restore it: "
    "`workbench store copy sqlite:///backups/NAME.db URL_OF_AN_EMPTY_DATABASE`."
)
T = TypeVar("T")


def insert_or(session: Session, table: Any) -> Any:
    """An insert into ``table`` that can say what happens to a row that is there already, in the words of the session's database."""
    return (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(table)


class StoreAway(UserError):
    """The database does not answer now; the current transaction was undone."""


class Clash(StoreAway):
    """Two transactions wanted the same rows, and the database undid this one; it can be tried again at once."""


def get_engine(url: str | None = None) -> Engine:
    """The engine for ``url`` (default: the settings'), its schema brought up to date.

    Raises:
        UserError: the database cannot be opened, or a newer version of the workbench wrote it.
    """
    with _opening:  # several sessions may ask at the same time when a server starts
        return _engine(url or get_settings().database_url)


def forget_engines() -> None:
    """Forget the open engines, so that the next call opens a new one; for tests that change the settings."""
    _engine.cache_clear()


@lru_cache
def _engine(url: str) -> Engine:
    engine = _connect(url)
    try:
        _migrate(engine)
        _check_schema(engine)
    except DatabaseError as error:
        kind = StoreAway if _is_away(error) else UserError
        raise kind(
            f"cannot open the database {engine.url.render_as_string()}: {_reason(error)}. Check DATABASE_URL, or move the "
            f"file away to start with a new one. {RESTORE}"
        ) from error
    return engine


def check_health(engine: Engine | None = None) -> None:
    """Read through an SQLite file, for a program that starts; PostgreSQL keeps checksums of its own.

    Raises:
        UserError: the file is damaged; the message says how to restore a backup.
    """
    engine = engine or get_engine()
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except DatabaseError as error:
        if _is_away(error) and not _is_damage(error):
            raise StoreAway(f"cannot read {engine.url.database}: {_reason(error)}") from error
        found = _reason(error)
    if found != "ok":
        said = str(found).splitlines()[-1]
        raise UserError(f"the database file {engine.url.database} is damaged ({said}). {RESTORE}")


def _check_schema(engine: Engine) -> None:
    """Check that every table is there: a file can say that it is up to date and lack one."""
    there = set(inspect(engine).get_table_names())
    if missing := sorted(set(Base.metadata.tables) - there):
        raise UserError(
            f"the database {engine.url.render_as_string()} is damaged: it lacks the table {', '.join(missing)}. {RESTORE}"
        )


def _database(url: str) -> URL:
    """The URL, read and checked.

    Raises:
        UserError: it names no database that the workbench can use.
    """
    kinds = "give sqlite:///FOLDER/annotations.db or postgresql://USER:PASSWORD@HOST/NAME in DATABASE_URL"
    try:
        read = make_url(url)
    except ArgumentError:  # its message may hold the password
        raise UserError(f"DATABASE_URL is no address of a database; {kinds}") from None
    if read.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise UserError(f"DATABASE_URL names a {read.get_backend_name()} database, which is not supported; {kinds}")
    if read.get_backend_name() != "sqlite":
        return read.set(drivername="postgresql+psycopg")
    if read.database and Path(read.database).is_dir():
        raise UserError(f"DATABASE_URL names {read.database}, which is a folder; name a file in it")
    return read


def _connect(given: str) -> Engine:
    url = _database(given)
    if url.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True, connect_args=_POSTGRES)

        @event.listens_for(engine, "connect")
        def _in_utc(connection: Any, _record: Any) -> None:
            connection.execute(
                "SET TIME ZONE 'UTC'"
            )  # times are read and cut into days in UTC, whatever the server's zone
            connection.commit()

        return engine
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
    engine = engine or get_engine()
    with _outages_as_store_away(engine), Session(engine) as session:
        yield session


@contextmanager
def writing(engine: Engine | None = None) -> Iterator[Session]:
    """A session that commits when the block ends, or leaves nothing behind when it raises."""
    engine = engine or get_engine()
    with (
        _outages_as_store_away(engine),
        _turn() if engine.dialect.name == "sqlite" else nullcontext(),
        Session(engine.execution_options(writes=True), expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


def in_transaction(action: Callable[[Session], T], tries: int = 6) -> T:
    """Do the action in a writing session; when it clashes with another transaction, do it again, a few times.

    Args:
        action: called with a session, more than once if need be; it must change nothing outside the store.

    Raises:
        Clash: it clashed each time.
    """
    for left in reversed(range(tries)):
        try:
            with writing() as session:
                return action(session)
        except Clash:
            if not left:
                raise
            time.sleep(random.uniform(0.0, 0.05 * 2 ** (tries - left)))
    raise ValueError("tries must be at least 1")


def in_turn(session: Session, what: str) -> None:
    """Wait for the lock named ``what``, and hold it until the transaction ends.

    For code that checks whether a row exists and adds it if not. On PostgreSQL two sessions could check at the same time,
    and one of them would then fail. SQLite has only one writer at a time, so nothing is needed there.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def in_parts(items: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """``items`` in parts that are small enough for one query: databases limit how many values a query may have."""
    return (items[start : start + size] for start in range(0, len(items), size))


def patiently(action: Callable[[], T], seconds: float = 3600) -> T:
    """Do the action; while the database does not answer, try again every few seconds.

    Args:
        action: what to do; when it raises, it must have changed nothing.
        seconds: for how long to try; after that, the ``StoreAway`` is raised.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except StoreAway as error:
            if time.monotonic() > deadline:
                raise
            print(f"{error} Trying again.", flush=True)
            time.sleep(_AGAIN_SECONDS)


@contextmanager
def _outages_as_store_away(engine: Engine) -> Iterator[None]:
    """Raise ``StoreAway`` in place of the driver's error when the database does not answer."""
    try:
        yield
    except StatementError as error:
        if isinstance(error.orig, UserError):  # a value that a column's type refused
            raise error.orig from error
        if not isinstance(error, DBAPIError):
            raise
        if getattr(error.orig, "sqlstate", None) in _CLASHES:
            raise Clash("Others are writing the same rows; nothing was saved just now. Try again.") from error
        if not _is_away(error):
            raise
        raise StoreAway(
            f"The database {engine.url.render_as_string()} does not answer ({_reason(error)}); nothing was saved just now."
        ) from error


def _is_away(error: DBAPIError) -> bool:
    """Whether the database does not answer or cannot be used now; False for an error in the program.

    psycopg raises OperationalError only for the first. sqlite3 raises it for a wrong query too, with the code
    SQLITE_ERROR; busy, locked, full, read-only, cannot open and I/O errors have other codes.
    """
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return False
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is None or code & _PRIMARY != sqlite3.SQLITE_ERROR


def _is_damage(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0) or 0
    return code & _PRIMARY in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


_PRIMARY = 0xFF
"""The bits of an SQLite error code that name the kind of error; the higher bits are details."""


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]


@contextmanager
def _turn() -> Iterator[None]:
    """Hold the process's own lock for writing to SQLite."""
    if not _writing.acquire(timeout=_LOCK_SECONDS):
        raise UserError(f"the store has been busy for {_LOCK_SECONDS} s; try again")
    try:
        yield
    finally:
        _writing.release()


@lru_cache
def _migrations() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config, ScriptDirectory.from_config(config)


def _migrate(engine: Engine) -> None:
    config, script = _migrations()
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
    """Hold a lock, so that two processes that start together migrate one after the other."""
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
