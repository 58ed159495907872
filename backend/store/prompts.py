"""Prompts in the store."""

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.data.records import PromptRecord
from backend.store.tables import Prompt


def save_prompts(session: Session, records: list[PromptRecord]) -> int:
    """Add the prompts that are not stored yet; returns how many were new."""
    known = set(session.scalars(select(Prompt.id)))
    new = {r.id: r for r in records if r.id not in known}
    session.add_all(
        Prompt(
            id=r.id,
            task=r.task,
            split=r.split,
            messages=r.chat,
            user_text=r.user_text,
            facts=r.facts,
            source=r.source,
        )
        for r in new.values()
    )
    session.flush()
    return len(new)


def load_prompts(session: Session, split: str | None = None) -> list[PromptRecord]:
    """Stored prompts, oldest first."""
    query = select(Prompt).order_by(Prompt.created_at, Prompt.id)
    if split:
        query = query.where(Prompt.split == split)
    return [
        PromptRecord.model_validate(
            {"task": p.task, "messages": p.messages, "facts": p.facts, "split": p.split, "source": p.source}
        )
        for p in session.scalars(query)
    ]


def prompt_counts(session: Session) -> pd.DataFrame:
    """Columns source, task, split, prompts."""
    query = select(Prompt.source, Prompt.task, Prompt.split, func.count()).group_by(
        Prompt.source, Prompt.task, Prompt.split
    )
    return pd.DataFrame(session.execute(query).all(), columns=["source", "task", "split", "prompts"])
