"""People's choices as preference data: TRL's columns (prompt, chosen, rejected), and beside them those of UltraFeedback's files."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.audit.pairs import strengths
from backend.errors import UserError
from backend.files import write_whole
from backend.store.engine import in_parts
from backend.store.pairs import pair_ratings
from backend.store.tables import Completion, Prompt


@needs("engineer")
def write_preferences(session: Session, path: Path) -> int:
    """Write every pair on which more raters prefer one completion than the other; returns how many.

    Args:
        session: a reading session.
        path: ends in .jsonl or .parquet.

    Raises:
        UserError: it ends in something else, or nobody has chosen yet.
    """
    if path.suffix not in (".jsonl", ".parquet"):
        raise UserError(f"preference data is a file ending in .jsonl or .parquet, not {path.name}")
    rows = preferences(session)
    if not rows:
        raise UserError("no pair has a winner yet; open Compare and choose from a few")
    if path.suffix == ".parquet":
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_parquet(path, index=False)
    else:
        write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return len(rows)


def preferences(session: Session) -> list[dict[str, Any]]:
    """The pairs with a winner: prompt, chosen and rejected as chats; prompt_id, task, messages, score_chosen, score_rejected
    (Bradley-Terry strengths within the prompt), and how many raters chose each or neither."""
    choices = pair_ratings(session)
    strength = strengths(choices)
    texts = _texts(session, sorted({*choices["first"], *choices["second"]}))
    rows = []
    for (first, second), of in choices.groupby(["first", "second"], sort=True):
        counts = {better: int((of["better"] == better).sum()) for better in (1, 2, 0)}
        if counts[1] == counts[2] or first not in texts or second not in texts:
            continue
        chosen, rejected = (first, second) if counts[1] > counts[2] else (second, first)
        prompt, good, bad = texts[chosen][0], texts[chosen][1], texts[rejected][1]
        rows.append(
            {
                "prompt": prompt.messages,
                "chosen": [{"role": "assistant", "content": good}],
                "rejected": [{"role": "assistant", "content": bad}],
                "messages": [*prompt.messages, {"role": "assistant", "content": good}],
                "prompt_id": prompt.id,
                "task": prompt.task,
                "score_chosen": strength[int(chosen)],
                "score_rejected": strength[int(rejected)],
                "chose_it": max(counts[1], counts[2]),
                "chose_the_other": min(counts[1], counts[2]),
                "chose_neither": counts[0],
            }
        )
    return rows


def _texts(session: Session, ids: list[int]) -> dict[int, tuple[Prompt, str]]:
    found: dict[int, tuple[Prompt, str]] = {}
    for part in in_parts([int(i) for i in ids]):
        query = (
            select(Completion, Prompt).join(Prompt, Prompt.id == Completion.prompt_id).where(Completion.id.in_(part))
        )
        found |= {completion.id: (prompt, completion.text) for completion, prompt in session.execute(query).tuples()}
    return found
