"""The sampling design of the queue: a stratified sample in which every completion's weight is known.

A stratum is a task and a quarter of the reward's range. A fixed share of the fresh completions is drawn from the whole queue
alike; the others come from the stratum about which the ratings say least (Neyman allocation, one draw at a time), so that ρ sees
the whole range. Inside a stratum every completion is as likely as another, so a completion's sampling weight is its
stratum's size over how many of it were rated, and the weighted ρ is unbiased.
"""

import random
from math import sqrt

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.settings import get_settings
from backend.store.tables import Stratum

QUARTERS = 4
_SPREAD = 1.2
"""Standard deviation of the human scores that a stratum is taken to have until three are known."""


def stratum_of(task: str, total: float | None) -> str:
    """``task/quarter``, the quarter of the reward's range from 0 to 3; ``task/-`` for a completion without a reward."""
    if total is None:
        return f"{task}/-"
    return f"{task}/{min(QUARTERS - 1, int(total * QUARTERS))}"


def get_stratum(session: Session, name: str) -> Stratum:
    """The stratum's record, held until the transaction ends; added when new."""
    found = session.get(Stratum, name, with_for_update=True, populate_existing=True)
    if found is None:
        found = Stratum(name=name, items=0, open=0, rated=0, total=0.0, squares=0.0)
        session.add(found)
        session.flush()
    return found


def follow(stratum: Stratum, before: float | None, after: float | None) -> None:
    """Count the change of one item's human score into its stratum."""
    for value, sign in ((before, -1), (after, 1)):
        if value is not None:
            stratum.rated += sign
            stratum.total += sign * value
            stratum.squares += sign * value * value


def information(stratum: Stratum) -> float:
    """How much one more rated completion of the stratum tells: the spread of its human scores over how many there are."""
    n = stratum.rated
    variance = stratum.squares / n - (stratum.total / n) ** 2 if n >= 3 else _SPREAD**2
    return sqrt(max(variance, 0.01)) / (n + 1)


def strata_in_order(session: Session) -> list[str]:
    """The strata with unscored items as they should be tried: by chance in proportion to how many those are, or by what
    a rating there tells."""
    strata = list(session.scalars(select(Stratum).where(Stratum.rated < Stratum.items)))
    random.shuffle(strata)
    if random.random() < get_settings().random_share:
        return [s.name for s in sorted(strata, key=lambda s: -(random.random() ** (1 / (s.items - s.rated))))]
    return [s.name for s in sorted(strata, key=information, reverse=True)]
