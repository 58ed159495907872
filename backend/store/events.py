"""What people did: an append-only log (the database itself refuses to change or delete an entry)."""

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.access import who
from backend.store.tables import Event


def record(session: Session, what: str, about: str = "", **detail: object) -> None:
    """Note that whoever acts now did something.

    Args:
        session: the writing session in which it is done, so that neither is kept without the other.
        what: rated, launched, stopped, overrode, decided, imported, exported …
        about: the id or name of what it was done to.
        detail: more, as JSON can hold it.
    """
    session.add(Event(person=who().name[:200], what=what, about=about[:200], detail=detail))


def latest_events(session: Session, most: int = 500) -> pd.DataFrame:
    """The newest entries: columns at (UTC), person, what, about, detail."""
    query = select(Event.at, Event.person, Event.what, Event.about, Event.detail).order_by(Event.id.desc()).limit(most)
    return pd.DataFrame(session.execute(query).all(), columns=["at", "person", "what", "about", "detail"])
