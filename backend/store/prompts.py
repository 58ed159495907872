"""Prompts and prompt sets in the store."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pandas as pd
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.access import needs
from backend.records import PromptRecord, Split, hash_of_members
from backend.store.engine import in_parts, in_turn
from backend.store.events import record
from backend.store.tables import Prompt, PromptSet, Run, utc_now


def save_prompts(session: Session, records: list[PromptRecord]) -> int:
    """Add the prompts that are not stored yet, and to those that are what they lack of the facts; returns how many were new."""
    in_turn(session, "prompts")
    new = {r.id: r for r in records}
    for known in fill_facts(session, {r.id: r.facts for r in records}):
        del new[known]
    session.add_all(
        Prompt(
            id=r.id,
            task=r.task,
            split=r.split,
            messages=r.chat,
            user_text=r.user_text,
            facts=r.facts,
            form=r.form,
            source=r.source,
        )
        for r in new.values()
    )
    session.flush()
    return len(new)


def fill_facts(session: Session, facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Give stored prompts the facts that they lack: the same prompt can come first without them; what it has stays.

    Args:
        session: a writing session.
        facts: prompt id -> its facts, also of prompts that are not stored.

    Returns:
        The ids of those that are stored.
    """
    stored: list[str] = []
    for part in in_parts(list(facts)):
        for prompt_id, known in (
            session.execute(select(Prompt.id, Prompt.facts).where(Prompt.id.in_(part))).tuples().all()
        ):
            stored.append(prompt_id)
            if not facts[prompt_id].keys() <= known.keys():
                whole = {**facts[prompt_id], **known}
                session.execute(update(Prompt).where(Prompt.id == prompt_id).values(facts=whole))
    return stored


@needs("engineer")
def save_prompt_set(session: Session, records: list[PromptRecord], name: str) -> tuple[str, int]:
    """Store prompts as a set; returns the set's id, which is the hash of its content, and how many prompts were new.

    If the same prompts are stored again, it is the same set, with its first name and the time of this.
    """
    new = save_prompts(session, records)
    return save_members(session, {r.id: r.split for r in records}, name), new


def save_members(session: Session, splits: Mapping[str, Split], name: str) -> str:
    """Make stored prompts a set, the newest one also where it was there already; returns its id.

    Args:
        session: a writing session.
        splits: prompt id -> its split in this set, in the set's order.
        name: of the set, if it is new.
    """
    set_id = hash_of_members(splits)
    if (known := session.get(PromptSet, set_id)) is not None:
        known.created_at = utc_now()
    else:
        session.add(PromptSet(id=set_id, name=name[:200], members=[[i, split] for i, split in splits.items()]))
        record(session, "added prompts", set_id, name=name[:200], count=len(splits))
        session.flush()
    return set_id


def load_prompt_set(session: Session, set_id: str) -> list[PromptRecord] | None:
    """The prompts of a set, in its order and with its splits; None when there is no such set."""
    kept = session.get(PromptSet, set_id)
    if kept is None:
        return None
    splits = dict(kept.members)
    found: dict[str, PromptRecord] = {}
    ids = list(splits)
    for part in in_parts(ids):
        for row in session.scalars(select(Prompt).where(Prompt.id.in_(part))):
            found[row.id] = _record(row).model_copy(update={"split": splits[row.id]})
    return [found[prompt_id] for prompt_id in ids if prompt_id in found]


def prompt_sets(session: Session) -> pd.DataFrame:
    """One row per prompt set: sets with train prompts first, newest first, then those without train prompts.

    Columns: id, name, train, eval, test, created_at, runs (how many used it).
    """
    used = dict(session.execute(select(Run.prompt_set, func.count()).group_by(Run.prompt_set)).tuples().all())
    rows = [
        {
            "id": kept.id,
            "name": kept.name,
            **{split: sum(s == split for _, s in kept.members) for split in get_args(Split)},
            "created_at": kept.created_at,
            "runs": used.get(kept.id, 0),
        }
        for kept in session.scalars(select(PromptSet).order_by(PromptSet.created_at.desc(), PromptSet.id))
    ]
    rows.sort(key=lambda row: row["train"] == 0)
    return pd.DataFrame(rows, columns=["id", "name", *get_args(Split), "created_at", "runs"])


def load_prompts(session: Session, split: str | None = None) -> list[PromptRecord]:
    """Stored prompts, oldest first."""
    query = select(Prompt).order_by(Prompt.created_at, Prompt.id)
    if split:
        query = query.where(Prompt.split == split)
    return [_record(row) for row in session.scalars(query)]


def _record(row: Prompt) -> PromptRecord:
    return PromptRecord.model_validate(
        {
            "task": row.task,
            "messages": row.messages,
            "facts": row.facts,
            "split": row.split,
            "source": row.source,
            "form": row.form,
        }
    )


def user_texts(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """prompt id -> what the user asked, of those that are stored."""
    found: dict[str, str] = {}
    for part in in_parts(ids):
        found |= dict(session.execute(select(Prompt.id, Prompt.user_text).where(Prompt.id.in_(part))).tuples().all())
    return found
