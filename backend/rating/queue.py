"""The raters' queue: choose a rater's next completion, and claim it so that no two raters get the same one by accident.

Completions that have some of the ratings they need come first, so that agreement can be measured early. Then come unrated
ones, from the strata in the order of ``backend.rating.design``. Every choice starts at a random place in the queue and
reads few rows, so it takes the same time in a queue of a hundred and of a million.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, delete, func, insert, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.rating.design import follow, get_stratum, quarter_edges, strata_in_order, stratum_of, stratum_of_finds
from backend.records import Completion as Generated
from backend.records import Sampling
from backend.settings import get_settings
from backend.store.completions import ensure_scores, save_completions, task_totals, totals
from backend.store.engine import in_parts, in_turn
from backend.store.ratings import check_own_rater, scored_ratings
from backend.store.tables import (
    Claim,
    Completion,
    Prompt,
    QueueItem,
    Rating,
    RatingEvent,
    Stratum,
    made_by_attack,
    utc_now,
)
from backend.suites import find_task, suite_of

CLAIM_MINUTES = 15
_PLACES = 2**31 - 1
"""Every item has a fixed random place below this number."""
_WINDOW = 64
"""How many rows a choice reads at a time."""
DISAGREEMENT = 2
"""If two scores of a completion differ by this much, a third rater scores it."""
REPEAT_AFTER = 15
"""A hidden repeat is never one of the last this many completions that the rater has scored."""


def lock_items(session: Session, completion_ids: Iterable[int]) -> dict[int, QueueItem]:
    """Completion id -> its place in the queue, locked until the transaction ends.

    Everyone who writes ratings takes locks in one order, or two of them could wait for each other: the rater
    (``in_turn``), all the completions at once and by their id, then the strata that ``recount`` updates. Nobody who has a
    later one waits for an earlier one.
    """
    found: dict[int, QueueItem] = {}
    for part in in_parts(sorted(set(completion_ids))):
        query = select(QueueItem).where(QueueItem.completion_id.in_(part)).order_by(QueueItem.completion_id)
        items = session.scalars(query.with_for_update(), execution_options={"populate_existing": True})
        found |= {item.completion_id: item for item in items}
    return found


def save_for_raters(
    session: Session, prompt_ids: list[str], groups: list[list[Generated]], policy: str, sampling: Sampling
) -> list[int]:
    """Store sampled completions, one group per prompt, and offer them to raters; returns their ids."""
    ids = save_completions(session, prompt_ids, groups, policy, sampling)
    enqueue(session, ids)
    return ids


def enqueue(session: Session, completion_ids: list[int]) -> int:
    """Add completions to the raters' queue; those already in it do not change. Returns how many are new."""
    new = 0
    in_turn(session, "queue")
    in_turn(session, "ratings")  # of completions outside the queue, which get a place in it here
    for ids in in_parts(completion_ids):
        query = (
            select(Completion.id, Prompt.task, made_by_attack())
            .join(Prompt, Prompt.id == Completion.prompt_id)
            .where(Completion.id.in_(ids), Completion.id.not_in(select(QueueItem.completion_id)))
        )
        found = session.execute(query).tuples().all()
        tasks, finds = {i: task for i, task, _ in found}, {i for i, _, is_find in found if is_find}
        rewards = _rewards(session, tasks)
        edges = {task: _edges(session, task) for task in set(tasks.values())}
        wanted = get_settings().raters_per_completion
        rows = [
            {
                "completion_id": completion_id,
                "stratum": stratum_of_finds(task)
                if completion_id in finds
                else stratum_of(task, rewards.get(completion_id), edges[task]),
                "rated": 0,
                "wanted": wanted,
                "is_open": True,
                "shuffle": random.Random(completion_id).randrange(_PLACES),
            }
            for completion_id, task in tasks.items()
        ]
        if rows:
            session.execute(insert(QueueItem), rows)
        for name, count in sorted(Counter(str(row["stratum"]) for row in rows).items()):
            stratum = get_stratum(session, name)
            stratum.items += count
            stratum.open += count
        new += len(rows)
        for completion_id in session.scalars(
            select(Rating.completion_id).where(Rating.completion_id.in_(list(tasks))).distinct()
        ):
            recount(session, session.get_one(QueueItem, completion_id))
    return new


def withdraw(session: Session, completion_ids: Sequence[int]) -> None:
    """Take completions that nobody has rated out of the queue; those that are not in it do not matter."""
    in_turn(session, "queue")
    for item in lock_items(session, completion_ids).values():
        if item.rated:
            continue
        stratum = get_stratum(session, item.stratum)
        stratum.items -= 1
        stratum.open -= int(item.is_open)
        session.delete(item)
    session.flush()


def _edges(session: Session, task: str) -> list[float]:
    """What parts the task's rewards into quarters: evenly within its bounds, otherwise by the rewards stored so far."""
    found = find_task(task)
    if found is None or found.bounds is not None:
        return quarter_edges(found.bounds if found is not None else (0.0, 1.0), ())
    return quarter_edges(None, task_totals(session, task, suite_of(task).default_profile))


def _rewards(session: Session, tasks: Mapping[int, str]) -> dict[int, float]:
    """completion id -> its total under its suite's default profile; completions without a stored score are scored."""
    by_profile: dict[str, list[int]] = {}
    for completion_id, task in tasks.items():
        if find_task(task) is not None:
            by_profile.setdefault(suite_of(task).default_profile, []).append(completion_id)
    found: dict[int, float] = {}
    for profile, ids in by_profile.items():
        ensure_scores(session, profile, ids)
        found |= totals(session, ids, profile)
    return found


@needs("annotator")
def claim_next(session: Session, rater_id: int) -> int | None:
    """Choose this rater's next completion and claim it; None when the queue has no more for this rater.

    A completion that the rater has already claimed comes again, so a rater who leaves and comes back continues with it.
    """
    check_own_rater(session, rater_id)
    in_turn(session, f"rater {rater_id}")  # a rater may have two windows open
    held = session.scalar(_HELD, {"rater": rater_id, "now": utc_now()})
    if held is not None and (is_repeat(session, held, rater_id) or not _is_mine(session, held, rater_id)):
        claim_for(session, held, rater_id)
        return held
    if random.random() < get_settings().repeat_share and (again := _seen_before(session, rater_id)) is not None:
        claim_for(session, again, rater_id, is_repeat=True)
        return again
    for alone in (True, False):  # first try completions that no other rater has claimed
        for completion_id in _candidates(session, rater_id, alone):
            item = session.get(QueueItem, completion_id, with_for_update={"skip_locked": True}, populate_existing=True)
            others = _claims(session, completion_id, rater_id)
            if item is None or not item.is_open or (alone and others) or item.rated + others >= item.wanted:
                continue
            claim_for(session, completion_id, rater_id)
            return completion_id
    return None


@needs("annotator")
def claim(session: Session, completion_id: int, rater_id: int, is_repeat: bool = False) -> None:
    """Claim a completion for a rater, or renew the claim; a rater has one claim at a time."""
    check_own_rater(session, rater_id)
    claim_for(session, completion_id, rater_id, is_repeat)


def claim_for(session: Session, completion_id: int, rater_id: int, is_repeat: bool = False) -> None:
    """``claim``, for a caller that has checked whose rater it is."""
    expires = utc_now() + timedelta(minutes=CLAIM_MINUTES)
    held = session.get(Claim, (completion_id, rater_id))
    if held is None:
        session.execute(delete(Claim).where(Claim.rater_id == rater_id))
        values = {"completion_id": completion_id, "rater_id": rater_id, "is_repeat": is_repeat}
        session.add(Claim(**values, expires_at=expires, draft=""))
    else:
        held.expires_at = expires
    session.flush()


@needs("annotator")
def save_draft(session: Session, completion_id: int, rater_id: int, comment: str) -> None:
    """Store an unfinished comment with the rater's claim."""
    check_own_rater(session, rater_id)
    held = session.get(Claim, (completion_id, rater_id))
    if held is not None:
        held.draft = comment


def draft_of(session: Session, completion_id: int, rater_id: int) -> str:
    """The rater's unfinished comment on this completion."""
    held = session.get(Claim, (completion_id, rater_id))
    return held.draft if held is not None else ""


def room_for(session: Session, item: QueueItem, rater_id: int) -> bool:
    """Whether this rater may still score the item: it needs more scores than other raters' claims may give."""
    now = utc_now()
    held = session.get(Claim, (item.completion_id, rater_id))
    others = _claims(session, item.completion_id, rater_id)
    mine = held is not None and held.expires_at >= now
    return item.rated < item.wanted if mine else item.rated + others < item.wanted


def recount(session: Session, item: QueueItem) -> None:
    """Update an item's counts, and those of its stratum, from its ratings."""
    session.flush()
    scores = session.scalars(scored_ratings(Rating.score).where(Rating.completion_id == item.completion_id)).all()
    values = [s for s in scores if s is not None]
    wanted = get_settings().raters_per_completion
    if len(values) >= 2 and max(values) - min(values) >= DISAGREEMENT:
        wanted = max(wanted, 3)
    human = sum(values) / len(values) if values else None
    stratum, is_open = get_stratum(session, item.stratum), len(values) < wanted
    follow(stratum, item.human, human)
    stratum.open += int(is_open) - int(item.is_open)
    item.rated, item.human, item.wanted, item.is_open = len(values), human, wanted, is_open


def progress(session: Session, rater_id: int) -> tuple[int, int]:
    """(rated or skipped by this rater, still open for this rater)."""
    done = (session.scalar(select(func.count()).where(Rating.rater_id == rater_id)) or 0) + repeats(session, rater_id)
    still_open = session.scalar(select(func.sum(Stratum.open))) or 0
    mine = select(func.count()).select_from(QueueItem).join(Rating, Rating.completion_id == QueueItem.completion_id)
    open_but_mine = session.scalar(mine.where(QueueItem.is_open, Rating.rater_id == rater_id)) or 0
    return done, still_open - open_but_mine


def repeats(session: Session, rater_id: int) -> int:
    """How many hidden repeats the rater has scored."""
    kinds = select(RatingEvent.action).where(
        RatingEvent.rater_id == rater_id, RatingEvent.action.in_(("repeat", "unrepeat"))
    )
    return sum(1 if action == "repeat" else -1 for action in session.scalars(kinds))


def _others(item: ColumnElement[int]) -> Select[Any]:
    """A query: how many other raters have claimed this item."""
    return select(func.count()).where(
        Claim.completion_id == item, Claim.rater_id != bindparam("rater"), Claim.expires_at >= bindparam("now")
    )


# These statements are built once, because building them for every choice would take longer than running them.
_CLAIMS = _others(bindparam("item"))
_MINE = select(Rating.id).where(Rating.completion_id == bindparam("item"), Rating.rater_id == bindparam("rater"))
_HELD = (
    select(Claim.completion_id)
    .join(QueueItem, QueueItem.completion_id == Claim.completion_id)
    .where(
        Claim.rater_id == bindparam("rater"), Claim.expires_at >= bindparam("now"), QueueItem.is_open | Claim.is_repeat
    )
    .order_by(Claim.expires_at.desc())
    .limit(1)
)


def _window_query(upward: bool, in_stratum: bool) -> Select[Any]:
    """A query: open items that the rater may score, in the order of their places.

    Args:
        upward: read the items from the bound ``place`` on; otherwise those before it.
        in_stratum: only the items of the bound ``stratum``.

    The items have exactly ``rated`` scores, at most ``others`` claims, and need more scores than those claims may give.
    """
    query = select(QueueItem.completion_id, QueueItem.shuffle, QueueItem.rated, QueueItem.wanted).where(
        QueueItem.is_open, QueueItem.rated == bindparam("rated")
    )
    if in_stratum:
        query = query.where(QueueItem.stratum == bindparam("stratum"))
    place: BindParameter[int] = bindparam("place")
    query = query.where(QueueItem.shuffle >= place if upward else QueueItem.shuffle < place)
    rows = query.order_by(QueueItem.shuffle).limit(bindparam("size")).subquery()
    judged = select(Rating.id).where(
        Rating.completion_id == rows.c.completion_id, Rating.rater_id == bindparam("rater")
    )
    others = _others(rows.c.completion_id).scalar_subquery()
    free = (others <= bindparam("others"), rows.c.rated + others < rows.c.wanted)
    return select(rows.c.completion_id).where(~judged.exists(), *free).order_by(rows.c.shuffle)


_WINDOWS = {(up, stratum): _window_query(up, stratum) for up in (True, False) for stratum in (True, False)}


def _claims(session: Session, completion_id: int, but: int) -> int:
    """How many raters other than ``but`` have claimed the completion."""
    return session.scalar(_CLAIMS, {"item": completion_id, "rater": but, "now": utc_now()}) or 0


def _is_mine(session: Session, completion_id: int, rater_id: int) -> bool:
    return session.scalar(_MINE, {"item": completion_id, "rater": rater_id}) is not None


def is_repeat(session: Session, completion_id: int, rater_id: int) -> bool:
    """Whether the rater has this completion on the screen as a hidden repeat."""
    held = session.get(Claim, (completion_id, rater_id))
    return held is not None and held.is_repeat


def _seen_before(session: Session, rater_id: int) -> int | None:
    """A completion the rater scored a while ago and has not been shown twice; None before there is one."""
    again = select(RatingEvent.completion_id).where(RatingEvent.rater_id == rater_id, RatingEvent.action == "repeat")
    latest = (
        select(Rating.completion_id)
        .where(Rating.rater_id == rater_id, Rating.score.is_not(None))
        .order_by(Rating.created_at.desc(), Rating.id.desc())
        .offset(REPEAT_AFTER)
        .limit(_WINDOW)
        .subquery()
    )
    found = session.scalars(select(latest.c.completion_id).where(latest.c.completion_id.not_in(again))).all()
    return random.choice(found) if found else None


def _candidates(session: Session, rater_id: int, alone: bool) -> Iterator[int]:
    """Completions that the rater may score, best first; if few are found, all open ones are read at the end.

    With ``alone``, only those that no other rater has claimed.
    """
    most = max(3, get_settings().raters_per_completion)
    for rated in range(most - 1, 0, -1):
        yield from _window(session, rater_id, rated, None, _WINDOW, alone)
    for stratum in strata_in_order(session):
        yield from _window(session, rater_id, 0, stratum, _WINDOW, alone)
    for rated in range(most - 1, -1, -1):
        yield from _window(session, rater_id, rated, None, _PLACES, alone)


def _window(session: Session, rater_id: int, rated: int, stratum: str | None, size: int, alone: bool) -> Iterator[int]:
    """Items from a random place on, then items from the start to that place; reads at most ``size`` rows of each part."""
    values = {"rater": rater_id, "rated": rated, "stratum": stratum, "place": random.randrange(_PLACES), "size": size,
              "now": utc_now(), "others": 0 if alone else _PLACES}  # fmt: skip
    if stratum is None:
        del values["stratum"]
    for upward in (True, False):
        yield from session.execute(_WINDOWS[upward, stratum is not None], values).scalars().all()
