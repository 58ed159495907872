"""A database that is damaged, or is none, is told in plain words when the program starts."""

from pathlib import Path

import pytest
from sqlalchemy import text

from backend.errors import UserError
from backend.release.start import READ_THROUGH, first_start
from backend.settings import get_settings
from backend.store.engine import forget_engines, get_engine, writing
from benchmarks.workbenches import fill


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "no address of a database"),
        ("", "no address of a database"),
        ("mysql://user:secret@host/name", "mysql"),
        ("oracle://user:secret@host/name", "oracle"),
    ],
)
def test_what_names_no_database_is_said(url: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        get_engine(url or " ")
    assert "secret" not in str(raised.value) and "postgresql://" in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("WORKBENCH_SIGN_IN", "yes"), ("WORKBENCH_REWARD_SECONDS", "abc"), ("WORKBENCH_RATERS_PER_COMPLETION", "0")],
)
def test_a_setting_that_cannot_be_is_named(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    get_settings.cache_clear()
    with pytest.raises(UserError, match=f"{variable}='{value}': Input should be"):
        get_settings()
    monkeypatch.undo()
    get_settings.cache_clear()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        get_engine(f"sqlite:///{tmp_path}")


def test_a_missing_table_is_said_at_the_start(any_workbench: Path) -> None:
    get_engine()
    with writing() as session:
        session.execute(text("DROP VIEW v_scores"))  # PostgreSQL drops no table under a view
        session.execute(text("DROP TABLE scores"))
    forget_engines()
    with pytest.raises(UserError, match=r"lacks the table scores.*store copy"):
        first_start()


def test_an_overwritten_page_is_said_at_the_start(workbench: Path) -> None:
    fill(300)
    get_engine().dispose()
    forget_engines()
    path = workbench / "annotations.db"
    whole = path.read_bytes()
    page = 4096
    for start in (len(whole) // page // 2 * page, 0):
        path.write_bytes(whole[:start] + b"\xff" * page + whole[start + page :])
        with pytest.raises(UserError, match=r"(damaged|cannot open).*store copy"):
            first_start()
        forget_engines()
    path.write_bytes(whole)
    first_start()


def test_a_program_that_turns_into_the_server_reads_the_file_through_once(
    workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(1)
    read: list[str] = []
    monkeypatch.setattr("backend.release.start.check_health", lambda: read.append("through"))
    monkeypatch.setenv(READ_THROUGH, get_settings().database_url)
    first_start()
    assert not read
    first_start()  # the word holds for one start alone
    monkeypatch.setenv(READ_THROUGH, "sqlite:///another.db")
    first_start()
    assert read == ["through"] * 2
