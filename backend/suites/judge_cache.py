"""Judges' answers by what was asked: the same question is asked, and paid for, once. Several processes may share the file."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from backend.settings import get_settings
from backend.suites.judge_answers import Reply

_TABLE = """CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, judge TEXT NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL, refusal TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)"""
_PART = 500
"""Parameters of one statement."""


@dataclass(frozen=True)
class Spent:
    """What a judge's kept answers took: calls, and the tokens that the endpoint counted."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def dollars(self, price: tuple[float, float] | None) -> float | None:
        """Their cost at a price of (prompt, completion) dollars for a million tokens; None without a price."""
        return None if price is None else (self.prompt_tokens * price[0] + self.completion_tokens * price[1]) / 1e6


def cache_file() -> Path:
    """Where the answers are kept."""
    return get_settings().data_dir / "judge-answers.db"


def known_answers(keys: Sequence[str]) -> dict[str, Reply]:
    """key -> the answer that is kept, for those that are."""
    found: dict[str, Reply] = {}
    columns = "key, text, finish, refusal, prompt_tokens, completion_tokens"
    with _opened() as cache:
        for start in range(0, len(keys), _PART):
            part = keys[start : start + _PART]
            marks = ", ".join("?" * len(part))
            rows = cache.execute(f"SELECT {columns} FROM answers WHERE key IN ({marks})", part)
            found |= {row[0]: Reply(*row[1:]) for row in rows}
    return found


def keep_answers(judge: str, answers: Mapping[str, Reply]) -> None:
    """Keep answers of a judge (its fingerprint) by their keys."""
    if not answers:
        return
    names = "key, judge, text, finish, refusal, prompt_tokens, completion_tokens"
    rows = [(key, judge, *astuple(reply)) for key, reply in answers.items()]
    with _opened() as cache:
        cache.executemany(f"INSERT OR REPLACE INTO answers ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def spent(judge: str) -> Spent:
    """What a judge's kept answers took."""
    totals = "COUNT(*), COALESCE(SUM(prompt_tokens), 0), COALESCE(SUM(completion_tokens), 0)"
    with _opened() as cache:
        return Spent(*cache.execute(f"SELECT {totals} FROM answers WHERE judge = ?", (judge,)).fetchone())


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    path = cache_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    cache = sqlite3.connect(path, timeout=30)
    try:
        cache.execute("PRAGMA journal_mode=WAL")
        cache.execute(_TABLE)
        with cache:
            yield cache
    finally:
        cache.close()
