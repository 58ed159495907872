"""Completions that were made elsewhere, put into the store in large parts; what is there already stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.records import DATA_MARK, PromptRecord
from backend.store.engine import in_parts, insert_or
from backend.store.prompts import fill_facts
from backend.store.tables import Completion, Prompt, utc_now

POLICY = "imported"
"""The policy of a completion whose file names none."""


@dataclass(frozen=True)
class NewCompletion:
    """An imported completion on its way into the store; ``key`` names it by its content."""

    key: str
    prompt: PromptRecord
    text: str
    policy: str
    columns: dict[str, Any]
    step: int | None


def add_imported(session: Session, rows: Sequence[NewCompletion]) -> int:
    """Add the completions whose key is not there yet, and their prompts; returns how many were new.

    What stands beside all of a prompt's completions is a fact of the prompt too, for the completions that are written later.
    """
    now = utc_now()
    prompts, facts = {r.prompt.id: r.prompt for r in rows}, _facts(rows)
    if any(facts.values()):
        fill_facts(session, facts)
    _insert_new(
        session,
        Prompt,
        "id",
        [
            {
                "id": p.id, "task": p.task, "split": p.split, "messages": p.chat, "user_text": p.user_text,
                "facts": {**facts[p.id], **p.facts}, "form": p.form, "source": p.source, "created_at": now,
            }
            for p in prompts.values()
        ],
    )  # fmt: skip
    before = session.scalar(select(func.count()).select_from(Completion)) or 0
    _insert_new(
        session,
        Completion,
        "key",
        [
            {
                "key": r.key, "prompt_id": r.prompt.id, "text": r.text, "tokens": 0, "truncated": False,
                "policy": r.policy or POLICY, "generation": {}, "sample": 0, "columns": r.columns, "step": r.step,
                "is_example": False, "created_at": now,
            }
            for r in rows
        ],
    )  # fmt: skip
    return (session.scalar(select(func.count()).select_from(Completion)) or 0) - before


def _facts(rows: Sequence[NewCompletion]) -> dict[str, dict[str, Any]]:
    """prompt id -> the columns in which all of its rows agree."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        columns = {name: value for name, value in row.columns.items() if name not in ("id", DATA_MARK)}
        before = found.setdefault(row.prompt.id, columns)
        if before is not columns:
            found[row.prompt.id] = {k: v for k, v in before.items() if k in columns and columns[k] == v}
    return found


def _insert_new(session: Session, table: type[Any], key: str, rows: list[dict[str, Any]]) -> None:
    if rows:  # by the table and not the class: a third of the time
        insert = insert_or(session, table.__table__).on_conflict_do_nothing(index_elements=[key])
        session.connection().execute(insert, rows)


def keys_of_texts(session: Session, keys: Sequence[str]) -> dict[tuple[str, str], str]:
    """(the prompt's text, the completion's) -> key, of the stored completions with these keys."""
    found: dict[tuple[str, str], str] = {}
    for part in in_parts(keys):
        query = select(Prompt.user_text, Completion.text, Completion.key).where(Completion.key.in_(part))
        rows = session.execute(query.join(Prompt, Prompt.id == Completion.prompt_id).order_by(Completion.id))
        found |= {(prompt, text): str(key) for prompt, text, key in rows}
    return found


def ids_of_keys(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """key -> completion id, of those that are stored."""
    found: dict[str, int] = {}
    for part in in_parts(keys):
        query = select(Completion.key, Completion.id).where(Completion.key.in_(part))
        found |= {str(key): completion_id for key, completion_id in session.execute(query)}
    return found
