"""What people did: an append-only log (the database itself refuses to change or delete an entry)."""

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.access import who
from backend.store.frames import read_frame
from backend.store.tables import Event


def record(session: Session, what: str, about: str = "", **detail: object) -> None:
    """Add an event to the log: what the current person did.

    Args:
        session: the writing session of the action itself, so that the action and its event are kept together or not at
            all.
        what: rated, launched, stopped, overrode, decided, imported, exported …
        about: the id or name of the thing it was done to.
        detail: more values, as JSON can store them.
    """
    session.add(Event(person=who().name[:200], what=what, about=about[:200], detail=detail))


def latest_events(session: Session, most: int = 500) -> pd.DataFrame:
    """The newest entries: columns at (UTC), person, what, about, detail."""
    query = select(Event.at, Event.person, Event.what, Event.about, Event.detail).order_by(Event.id.desc()).limit(most)
    found = read_frame(session, ["at", "person", "what", "about", "detail"], query)
    return found.sort_values("at", ascending=False, kind="stable", ignore_index=True)
