"""Feedback from production: answers are sent to the raters, and rated ones become prompts of the next training round."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.data.similarity import LEAK, Neighbours
from backend.errors import UserError
from backend.rating.queue import save_for_raters
from backend.records import Completion as Generated
from backend.records import Message, PromptRecord, Sampling
from backend.store.engine import in_turn
from backend.store.events import record
from backend.store.prompts import load_prompt_set, prompt_sets, save_prompt_set, save_prompts
from backend.store.tables import Answer, Completion, Prompt, Rating

SOURCE = "production"


@needs("engineer")
def send_to_raters(session: Session, answer_ids: Sequence[int]) -> int:
    """Add answers to the raters' queue; returns how many. Answers sent before, or without a kept text, are left out.

    Args:
        session: a writing session.
        answer_ids: of the store's answers.
    """
    sent = 0
    in_turn(session, "production")
    for answer in session.scalars(select(Answer).where(Answer.id.in_(list(answer_ids)))):
        if answer.text is None or answer.messages is None or answer.completion_id is not None:
            continue
        messages = tuple(Message.model_validate(m) for m in answer.messages)
        prompt = PromptRecord(task=answer.task, messages=messages, source=SOURCE)
        save_prompts(session, [prompt])
        given = Generated(answer.text, tokens=0, truncated=False)
        (answer.completion_id,) = save_for_raters(session, [prompt.id], [[given]], answer.engine, Sampling())
        sent += 1
    if sent:
        record(session, "sent to raters", f"{sent} answers of production")
    return sent


def rated_from_production(session: Session) -> list[str]:
    """Ids of the prompts that came from production and have a rated completion, oldest first."""
    query = (
        select(Prompt.id)
        .join(Completion, Completion.prompt_id == Prompt.id)
        .join(Rating, Rating.completion_id == Completion.id)
        .where(Prompt.source == SOURCE, Rating.score.is_not(None))
        .group_by(Prompt.id, Prompt.created_at)
        .order_by(func.min(Prompt.created_at), Prompt.id)
    )
    return list(session.scalars(query))


@needs("engineer")
def next_prompt_set(session: Session) -> tuple[str, int, int]:
    """Save a new prompt set: the newest set, with the rated production prompts added to its train split.

    A prompt whose similarity to an eval or test prompt is at least ``LEAK`` is left out, because the next run would be evaluated
    on something that it was trained on.

    Returns:
        (the new set's id, how many prompts were added, how many were left out as too similar).

    Raises:
        UserError: there is no set to add to, or nothing new to add.
    """
    sets = prompt_sets(session)
    old = load_prompt_set(session, str(sets.iloc[0]["id"])) if len(sets) and sets.iloc[0]["train"] else None
    if not old:
        raise UserError("there is no prompt set to add to; make one on the Data page first")
    known = {p.id for p in old}
    rows = [p for i in rated_from_production(session) if i not in known and (p := session.get(Prompt, i)) is not None]
    held_out = Neighbours(p.user_text for p in old if p.split != "train")
    fresh = [row for row in rows if held_out.nearest(row.user_text)[0] < LEAK]
    if not fresh:
        raise UserError("no rated prompt of production is new to the newest set; rate some first")
    added = [
        PromptRecord(task=r.task, messages=tuple(Message(**m) for m in r.messages), facts=r.facts, source=SOURCE)
        for r in fresh
    ]
    set_id, _ = save_prompt_set(session, [*old, *added], f"{sets.iloc[0]['name']} + {len(added)} of production")
    return set_id, len(added), len(rows) - len(fresh)
