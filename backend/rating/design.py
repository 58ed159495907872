"""The sampling design of the raters' queue: a stratified sample in which every completion's weight is known.

A stratum is a task and a quarter of the reward's range. Unrated completions are drawn in two ways:

- A fixed share is drawn from the whole queue, every completion with the same probability. For this the strata are put in
  a weighted random order by exponential keys (Efraimidis and Spirakis 2006).
- The others come from the stratum in which one more rating adds the most information (Neyman allocation, one draw at a
  time), so that ρ covers the whole range of the reward.

Inside a stratum every completion has the same probability. So a completion's sampling weight is the size of its stratum
divided by how many of the stratum were rated, and the weighted ρ is unbiased.
"""

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.settings import get_settings
from backend.store.tables import Stratum

QUARTERS = 4
_SPREAD = 1.2
"""Standard deviation of the human scores that is assumed for a stratum until three of its completions are rated."""


def quarter_edges(bounds: tuple[float, float] | None, totals: Sequence[float]) -> list[float]:
    """The three values that part a task's rewards into quarters.

    Args:
        bounds: the least and the most a total can be: its range is parted evenly.
        totals: the rewards there are; without bounds, their quartiles part them.
    """
    if bounds is not None:
        low, high = bounds
        return [low + (high - low) * i / QUARTERS for i in range(1, QUARTERS)]
    return [float(x) for x in np.quantile(totals, [i / QUARTERS for i in range(1, QUARTERS)])] if totals else []


def stratum_of(task: str, total: float | None, edges: Sequence[float]) -> str:
    """``task/quarter``, the quarter of the rewards from 0 to 3; ``task/-`` for a completion without a reward."""
    return f"{task}/-" if total is None else f"{task}/{bisect_right(edges, total)}"


def stratum_of_finds(task: str) -> str:
    """Of an attack's finds: they are no part of the queue that the rated completions stand for."""
    return f"{task}/attack"


def get_stratum(session: Session, name: str) -> Stratum:
    """The stratum's row, locked until the transaction ends; added when new."""
    found = session.get(Stratum, name, with_for_update=True, populate_existing=True)
    if found is None:
        found = Stratum(name=name, items=0, open=0, rated=0, total=0.0, squares=0.0)
        session.add(found)
        session.flush()
    return found


def follow(stratum: Stratum, before: float | None, after: float | None) -> None:
    """Update a stratum's counts and sums after one item's human score changed (None: not rated)."""
    for value, sign in ((before, -1), (after, 1)):
        if value is not None:
            stratum.rated += sign
            stratum.total += sign * value
            stratum.squares += sign * value * value


def information(stratum: Stratum) -> float:
    """The priority of a stratum: the standard deviation of its human scores divided by its rated completions plus one."""
    return spread_of(stratum) / (stratum.rated + 1)


def allocate(sizes: Mapping[str, int], spreads: Mapping[str, float], count: int) -> dict[str, int]:
    """How many completions of each stratum to rate: Neyman allocation, one draw at a time.

    Args:
        sizes: stratum -> its completions; strata of a task share its name before the slash, and each task gets one first.
        spreads: stratum -> standard deviation of its human scores; ``_SPREAD`` where it is left out.
        count: in all, if there are as many.
    """
    weight = {name: size * spreads.get(name, _SPREAD) for name, size in sizes.items() if size}
    chosen = dict.fromkeys(weight, 0)
    for _ in range(min(count, sum(sizes.values()))):
        served = {name.rpartition("/")[0] for name, n in chosen.items() if n}
        open_ones = [name for name in weight if chosen[name] < sizes[name]]
        fresh = [name for name in open_ones if name.rpartition("/")[0] not in served]
        best = max(
            fresh or open_ones,
            key=lambda name: (weight[name] / sqrt((chosen[name] + 1) * max(chosen[name], 0.5)), name),
        )
        chosen[best] += 1
    return {name: n for name, n in chosen.items() if n}


def spread_of(stratum: Stratum) -> float:
    """The standard deviation of a stratum's human scores, or what is assumed until three of its completions are rated."""
    n = stratum.rated
    return sqrt(max(stratum.squares / n - (stratum.total / n) ** 2, 0.01)) if n >= 3 else _SPREAD


def strata_in_order(session: Session) -> list[str]:
    """The strata with unrated items, in the order to try them.

    With probability ``random_share`` a weighted random order (the weight is the number of unrated items); otherwise by
    ``information``, highest first.
    """
    strata = list(session.scalars(select(Stratum).where(Stratum.rated < Stratum.items)))
    random.shuffle(strata)
    if random.random() < get_settings().random_share:  # Efraimidis and Spirakis: sort by the key u ** (1 / weight)
        return [s.name for s in sorted(strata, key=lambda s: -(random.random() ** (1 / (s.items - s.rated))))]
    return [s.name for s in sorted(strata, key=information, reverse=True)]
