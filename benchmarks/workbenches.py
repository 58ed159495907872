"""A workbench of one's own: empty store, data and runs in a folder, for tests and benchmarks."""

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from backend.rating.queue import save_for_raters
from backend.records import Completion, Message, PromptRecord, Sampling
from backend.settings import get_settings
from backend.store.engine import forget_engines, get_engine, writing
from backend.store.prompts import save_prompts

ENVIRONMENT = {"WORKBENCH_LOAD_EXAMPLE": "false", "WORKBENCH_REPEAT_SHARE": "0"}
"""Of a server with ``fill``'s completions alone."""


@contextmanager
def workbench_at(folder: Path, url: str | None = None, **environment: str) -> Iterator[Path]:
    """Point this process, and those it starts, at a workbench in ``folder``; afterwards back to where it was.

    Args:
        folder: for data and runs, and the SQLite file.
        url: of the store, in place of SQLite.
        environment: further variables.
    """
    own = {
        "DATABASE_URL": url or f"sqlite:///{folder / 'annotations.db'}",
        "WORKBENCH_DATA_DIR": str(folder / "data"),
        "WORKBENCH_RUNS_DIR": str(folder / "runs"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (own | environment).items():
            patch.setenv(name, value)
        if url is None:
            shutil.copy(_blank(), folder / "annotations.db")
        _forget()
        yield folder
    _forget()


@cache
def _blank() -> Path:
    """A store without rows, made once in a process, because its schema takes a fifth of a second."""
    path = Path(tempfile.mkdtemp(prefix="blank-")) / "annotations.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    get_engine(f"sqlite:///{path}").dispose()
    return path


def _forget() -> None:
    get_settings.cache_clear()
    forget_engines()


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of a PostgreSQL database without rows, gone afterwards; skips the test where no server is named."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        pytest.skip("set TEST_POSTGRES_URL to run the store tests on PostgreSQL (.ci/run does)")
    with _postgres(server, _blank_database(server)) as url:
        yield url


@cache
def _blank_database(server: str) -> str:
    """The name of a PostgreSQL database like ``_blank``."""
    kept = ExitStack()
    url = kept.enter_context(_postgres(server))
    atexit.register(kept.close)
    get_engine(url).dispose()
    return url.rpartition("/")[2]


@contextmanager
def _postgres(server: str, template: str = "template1") -> Iterator[str]:
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[arg-type]
        try:
            yield f"{server.rpartition('/')[0]}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


def fill(count: int) -> None:
    """Completions of ``count`` push prompts, all in the queue."""
    records = [
        PromptRecord(task="push", messages=(Message(role="user", content=f"Crie um push {i}"),)) for i in range(count)
    ]
    with writing() as session:
        save_prompts(session, records)
        groups = [[Completion(f"Oferta {i}! Corra", 5, False)] for i in range(count)]
        save_for_raters(session, [r.id for r in records], groups, "nano", Sampling())
