"""Two completions of one prompt, side by side: which pair a rater sees next, and the choice.

Pairs that tell most come first: those that the reward scores alike, and those on which its parts contradict each other. A share of
them (``random_share``) is drawn from all alike. Which of the two stands on the left is drawn too. Completions come from the raters'
queue, and pairs of the same text are left out.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.rating.queue import enqueue
from backend.settings import get_settings
from backend.store.engine import in_turn
from backend.store.ratings import check_own_rater, get_rater
from backend.store.tables import Completion, PairRating, Prompt, QueueItem, Rater, Score, utc_now
from backend.suites import find_task, suite_of

_PROMPTS = 40
"""Prompts that a choice looks at."""
_OF_PROMPT = 12
"""Completions of one prompt that it looks at."""
Pair = tuple[int, int]
"""Two completion ids, the smaller one first."""


@dataclass(frozen=True)
class Shown:
    """A pair as a rater sees it: two completion ids of one prompt."""

    left: int
    right: int


@needs("annotator")
def next_pair(session: Session, rater_id: int, rng: random.Random | None = None) -> Shown | None:
    """The next pair for a rater; None when there is none left that the rater has not seen.

    Args:
        session: a reading session.
        rater_id: who will choose.
        rng: of the choice.
    """
    rng = rng or random.Random()
    start = f"{rng.getrandbits(64):016x}"
    for upward in (True, False):
        place, prompts = start, [""]
        while prompts:
            prompts = _prompts(session, place, start, upward)
            if pairs := _open_pairs(session, rater_id, prompts):
                first, second = _chosen(session, pairs, rng)
                return Shown(first, second) if rng.random() < 0.5 else Shown(second, first)
            place = prompts[-1] if prompts else place
    return None


@needs("annotator")
def save_pair(session: Session, rater_id: int, shown: Shown, better: int, seconds: float | None = None) -> None:
    """Store a choice, or change this rater's earlier one.

    Args:
        session: a writing session.
        rater_id: who chose.
        shown: the pair.
        better: 1 the left one, 2 the right one, 0 neither.
        seconds: how long it was on screen.

    Raises:
        UserError: ``better`` is none of these, or they are not two completions of one prompt.
    """
    check_own_rater(session, rater_id)
    _save(session, rater_id, shown, better, seconds)


def _save(session: Session, rater_id: int, shown: Shown, better: int, seconds: float | None = None) -> None:
    if isinstance(better, bool) or better not in (0, 1, 2):
        raise UserError(f"a choice is 1 (the left one), 2 (the right one) or 0 (neither), not {better!r}")
    pair = _in_order(shown)
    of = session.execute(select(Completion.id, Completion.prompt_id).where(Completion.id.in_(pair))).tuples().all()
    if len(of) < 2 or len({prompt for _, prompt in of}) > 1:
        raise UserError(f"{shown.left} and {shown.right} are not two completions of one prompt")
    if session.get(Rater, rater_id) is None:
        raise UserError(f"there is no rater {rater_id}")
    in_turn(session, f"rater {rater_id}")
    swapped = shown.left > shown.right
    rating = session.scalar(_of_rater(pair, rater_id)) or PairRating(
        first_id=pair[0], second_id=pair[1], rater_id=rater_id
    )
    rating.better, rating.swapped = (3 - better if swapped and better else better), swapped
    rating.seconds, rating.created_at = seconds, utc_now()
    session.add(rating)
    session.flush()


@needs("annotator")
def undo_pair(session: Session, rater_id: int) -> Shown | None:
    """Take the rater's latest choice back; returns its pair as it was shown, None where there is none."""
    check_own_rater(session, rater_id)
    in_turn(session, f"rater {rater_id}")
    latest = select(PairRating).where(PairRating.rater_id == rater_id)
    rating = session.scalar(latest.order_by(PairRating.created_at.desc(), PairRating.id.desc()).limit(1))
    if rating is None:
        return None
    session.delete(rating)
    sides = (rating.second_id, rating.first_id) if rating.swapped else (rating.first_id, rating.second_id)
    return Shown(*sides)


@needs("engineer")
def import_pairs(session: Session, choices: Sequence[tuple[int, int, str, int]]) -> int:
    """Take choices given elsewhere: (first, second, rater, better: 1 the first, 2 the second, 0 neither). Returns how many.

    Their completions are added to the raters' queue.

    Raises:
        UserError: a choice does not fit; the message says which.
    """
    raters = {name: get_rater(session, name).id for name in dict.fromkeys(rater for _, _, rater, _ in choices)}
    for rater_id in sorted(raters.values()):  # one order, so that two imports do not wait for each other
        in_turn(session, f"rater {rater_id}")
    for first, second, rater, better in choices:
        _save(session, raters[rater], Shown(first, second), better)
    enqueue(session, sorted({i for first, second, _, _ in choices for i in (first, second)}))
    return len(choices)


def _prompts(session: Session, place: str, start: str, upward: bool) -> list[str]:
    """Prompts with two or more different completions in the queue, in the order of their ids, after a place."""
    query = (
        select(Completion.prompt_id)
        .join(QueueItem, QueueItem.completion_id == Completion.id)
        .group_by(Completion.prompt_id)
        .having(func.count(Completion.text.distinct()) >= 2)
        .order_by(Completion.prompt_id)
        .limit(_PROMPTS)
    )
    if upward:
        return list(session.scalars(query.where(Completion.prompt_id > place)))
    after = "" if place == start else place
    return list(session.scalars(query.where(Completion.prompt_id > after, Completion.prompt_id <= start)))


def _open_pairs(session: Session, rater_id: int, prompts: Sequence[str]) -> list[Pair]:
    """The pairs of these prompts that this rater has not seen and that want another choice."""
    rows = session.execute(
        select(Completion.prompt_id, Completion.id, Completion.text)
        .join(QueueItem, QueueItem.completion_id == Completion.id)
        .where(Completion.prompt_id.in_(prompts))
        .order_by(Completion.id)
    )
    of_prompt: dict[str, dict[str, int]] = defaultdict(dict)
    for prompt, number, text in rows.tuples():
        if len(of_prompt[prompt]) < _OF_PROMPT:
            of_prompt[prompt].setdefault(text, number)
    ids = [number for texts in of_prompt.values() for number in texts.values()]
    given: dict[Pair, set[int]] = defaultdict(set)
    known = select(PairRating.first_id, PairRating.second_id, PairRating.rater_id).where(PairRating.first_id.in_(ids))
    for first, second, rater in session.execute(known).tuples():
        given[first, second].add(rater)
    wanted = get_settings().raters_per_completion
    every = (pair for texts in of_prompt.values() for pair in combinations(sorted(texts.values()), 2))
    return [pair for pair in every if rater_id not in given[pair] and len(given[pair]) < wanted]


def _chosen(session: Session, pairs: Sequence[Pair], rng: random.Random) -> Pair:
    """A pair drawn from all alike, or the one that tells most; of several such, one by chance."""
    if rng.random() < get_settings().random_share:
        return rng.choice(pairs)
    scores = _scores(session, sorted({number for pair in pairs for number in pair}))
    return max(pairs, key=lambda pair: (telling(scores.get(pair[0], {}), scores.get(pair[1], {})), rng.random()))


def telling(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """How much a choice between two completions would tell of the reward, from 0 to 2, from their components and totals.

    Up to 1 for how close their totals are (against how far the components differ), and up to 1 for how evenly the components are
    split on which is better.
    """
    if "total" not in a or "total" not in b:
        return 0.0
    differences = [a[name] - b[name] for name in a.keys() & b.keys() - {"total"}]
    size = sum(map(abs, differences))
    if size == 0:
        return 1.0 if a["total"] == b["total"] else 0.0
    close = max(0.0, 1 - abs(a["total"] - b["total"]) / size)
    for_a, for_b = (sum(max(0.0, sign * d) for d in differences) for sign in (1, -1))
    return close + 2 * min(for_a, for_b) / size


def _scores(session: Session, ids: Sequence[int]) -> dict[int, dict[str, float]]:
    """completion id -> component -> value, under the default profile of its task's suite."""
    tasks = (
        select(Completion.id, Prompt.task).join(Prompt, Prompt.id == Completion.prompt_id).where(Completion.id.in_(ids))
    )
    profile_of = {
        number: suite_of(task).default_profile for number, task in session.execute(tasks).tuples() if find_task(task)
    }
    found: dict[int, dict[str, float]] = defaultdict(dict)
    rows = select(Score.completion_id, Score.profile, Score.component, Score.value).where(Score.completion_id.in_(ids))
    for number, profile, component, value in session.execute(rows).tuples():
        if profile_of.get(number) == profile:
            found[number][component] = value
    return found


def _in_order(shown: Shown) -> Pair:
    return min(shown.left, shown.right), max(shown.left, shown.right)


def _of_rater(pair: Pair, rater_id: int) -> Select[PairRating]:
    return select(PairRating).where(
        PairRating.first_id == pair[0], PairRating.second_id == pair[1], PairRating.rater_id == rater_id
    )
