"""Put completions before the raters first: another rating of these tells most, whoever says so."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from backend.access import needs
from backend.rating.design import get_stratum
from backend.rating.queue import enqueue, lock_items

ENOUGH = 3
"""A completion with so many scores is not put before raters again."""


@needs("engineer")
def put_first(session: Session, completion_ids: Sequence[int]) -> int:
    """Ask for one more score of each completion that has one or two; the queue gives those out first. Returns how many.

    Completions that are not in the queue are added to it.
    """
    enqueue(session, list(completion_ids))
    asked = 0
    for item in lock_items(session, completion_ids).values():
        if item.is_open or not 0 < item.rated < ENOUGH:
            asked += item.is_open
            continue
        item.wanted, item.is_open = item.rated + 1, True
        get_stratum(session, item.stratum).open += 1
        asked += 1
    return asked
