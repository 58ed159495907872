"""Attack a task's reward with the data in the store: cheap texts that score high, for raters to judge and for probes.

``rewards.attack`` searches; here its pieces come from the stored completions and prompts, and its finds go back: into the
raters' queue, blind among the others. A find that people score 1 or 2 is from then on a probe of its task (``found_probes``).
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.data.similarity import LEAK, Neighbours
from backend.errors import UserError
from backend.files import storable
from backend.rating.queue import enqueue
from backend.records import Completion as Generated
from backend.records import Sampling
from backend.store.completions import save_completions, to_score
from backend.store.events import record
from backend.store.ratings import counted_ratings, scored_ratings
from backend.store.tables import ATTACK, Completion, Prompt, Rating, made_by_attack, scattered
from backend.suites import ToScore, get_task, score_or_gaps, suite_of
from rewards.attack import CALLS, Attack, Find, attack, make_bank
from rewards.types import Functions, Probe

PROMPTS, COMPLETIONS = 8, 400
"""The most prompts that are attacked, and completions that pieces come from; stable samples."""
HIGH = 0.9
"""Of a bounded reward's range: what counts as high."""
BAD = 2.0
"""Human score (1 to 5) up to which a completion is useless: a find that people score so becomes a probe. A near copy of any
other completion of the data is no find, because people may find it good."""
PROBE_LIMIT = 0.5
"""Of the range: the most a find that people call useless may score."""


@dataclass(frozen=True)
class Attacked:
    """A search with what it was made on.

    Attributes:
        task, profile: whose reward.
        found: the search.
        prompt_ids: the prompts, by the index that a ``Find`` names.
    """

    task: str
    profile: str
    found: Attack
    prompt_ids: tuple[str, ...]


def attack_task(
    session: Session,
    task: str,
    profile: str,
    calls: int = CALLS,
    seed: int = 42,
    seconds: float | None = None,
    on_progress: Callable[[int, float], None] = lambda calls, best: None,
) -> Attacked:
    """Search for cheap texts that a task's reward scores high, on the task's stored prompts.

    What counts as high is ``HIGH`` of a bounded reward's range; without bounds, the best total that a completion of the data
    has on its own prompt.

    Args:
        session: a reading session.
        task, profile: whose reward.
        calls, seed, seconds: as in ``rewards.attack.attack``.
        on_progress: called with the calls so far and the best total.

    Raises:
        UserError: there is no such task, the store has no completions of it, or a team's function fails.
    """
    try:
        bounds = get_task(task).bounds
    except ValueError as error:
        raise UserError(str(error)) from error
    rows = session.execute(
        select(Completion, Prompt)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Prompt.task == task, ~made_by_attack())
        .order_by(scattered(Completion.id))
        .limit(COMPLETIONS)
    )
    stored = {c.id: (prompt.id, to_score(c, prompt)) for c, prompt in rows.tuples() if c.text.strip()}
    if not stored:
        raise UserError(f"there are no completions of {task} to take pieces from; import or sample some first")
    first = dict(reversed(stored.values()))
    prompt_ids = sorted(first)[:PROMPTS]
    asked = [one for _, one in stored.values()]
    if bounds is not None:
        target = high_of(bounds)
    else:
        known = [score.total for score in score_or_gaps(task, asked, profile) if not math.isnan(score.total)]
        if not known:
            raise UserError(f"no completion of {task} has a total; `workbench audit` says why")
        target = max(known)
    human = func.avg(Rating.score)
    useless = scored_ratings(Rating.completion_id).where(Rating.completion_id.in_(stored))
    useless = useless.group_by(Rating.completion_id).having(human <= BAD)
    kept = stored.keys() - set(session.scalars(useless))
    found = search(
        task,
        profile,
        [first[prompt_id] for prompt_id in prompt_ids],
        [one.completion for one in asked],
        [stored[number][1].completion for number in sorted(kept)],
        target,
        calls=calls,
        seed=seed,
        seconds=seconds,
        on_progress=on_progress,
    )
    return Attacked(task, profile, found, tuple(prompt_ids))


def high_of(bounds: tuple[float, float]) -> float:
    """What counts as high in a bounded reward: ``HIGH`` of its range."""
    return bounds[0] + HIGH * (bounds[1] - bounds[0])


def search(
    task: str,
    profile: str,
    asked: Sequence[ToScore],
    completions: Sequence[str],
    kept: Iterable[str],
    target: float,
    **options: Any,
) -> Attack:
    """Search on some prompts of a task, with pieces of some completions.

    Args:
        task, profile: whose reward.
        asked: the prompts; their own completions are not read.
        completions: what pieces come from.
        kept: completions that people may find good: near copies of them are no finds.
        target: the total that counts as high.
        options: of ``rewards.attack.attack``.
    """

    def totals(place: int, texts: Sequence[str]) -> list[tuple[float, Mapping[str, float]]]:
        rows = [replace(asked[place], completion=text, token_ids=None) for text in texts]
        scores = score_or_gaps(task, rows, profile)
        return [(-math.inf if math.isnan(score.total) else score.total, score.components) for score in scores]

    good = Neighbours(kept)
    bank = make_bank(completions, [one.user_text for one in asked], sources_of(task, profile))
    return attack(totals, bank, len(asked), target, is_copy=lambda text: good.nearest(text)[0] >= LEAK, **options)


def sources_of(task: str, profile: str) -> list[str]:
    """The Python source of a task's reward, for its string constants: a team's own files, or the module of the edition."""
    suite, reward = suite_of(task), get_task(task).reward
    if suite.scorer is not None:
        return [source for _, source in sorted(suite.scorer.source().items())]
    if isinstance(reward, Functions):
        return []
    edition = reward.under(suite.profile(profile))
    return [Path(inspect.getfile(inspect.unwrap(edition.components_of))).read_text(encoding="utf-8")]


@needs("engineer")
def queue_finds(session: Session, attacked: Attacked) -> int:
    """Put an attack's finds before the raters, blind among the others; those there already are left. Returns how many are new."""
    known = set(
        session.execute(
            select(Completion.prompt_id, Completion.text).where(
                made_by_attack(), Completion.prompt_id.in_(attacked.prompt_ids)
            )
        ).tuples()
    )
    finds = [(attacked.prompt_ids[find.prompt], find.text) for find in attacked.found.finds]
    fresh = save_finds(session, [(p, text) for p, text in finds if (p, storable(text)) not in known])
    enqueue(session, fresh)
    if fresh:
        record(session, "sent to raters", f"{len(fresh)} finds of an attack on {attacked.task}")
    return len(fresh)


def save_finds(session: Session, finds: Sequence[tuple[str, str]]) -> list[int]:
    """Store finds, each (prompt id, text), as completions; returns their ids."""
    groups = [[Generated(text, len(text.split()), False)] for _, text in finds]
    return save_completions(session, [p for p, _ in finds], groups, ATTACK, Sampling(temperature=0, max_new_tokens=1))


def found_probes(session: Session, task: str) -> list[Probe]:
    """A task's finds that people scored 1 or 2: the most each may score is half of the range."""
    bounds = get_task(task).bounds
    if bounds is None:
        return []
    limit = bounds[0] + PROBE_LIMIT * (bounds[1] - bounds[0])
    return [
        Probe(f"found by attack ({number})", text, limit, prompt)
        for number, text, prompt, human in _finds(session, task)
        if human is not None and human <= BAD
    ]


def finds_waiting(session: Session) -> dict[str, int]:
    """task -> how many of its finds nobody has scored yet, where there are such."""
    scored = counted_ratings(Rating.id).where(Rating.completion_id == Completion.id)
    query = (
        select(Prompt.task, func.count())
        .join(Completion, Completion.prompt_id == Prompt.id)
        .where(made_by_attack(), ~scored.exists())
        .group_by(Prompt.task)
    )
    return dict(session.execute(query).tuples().all())


def _finds(session: Session, task: str) -> Sequence[tuple[int, str, str, float | None]]:
    """(id, text, the prompt's text, mean human score) of every find of a task."""
    people = (
        scored_ratings(Rating.completion_id, func.avg(Rating.score).label("human"))
        .where(made_by_attack())
        .group_by(Rating.completion_id)
        .subquery()
    )
    query = (
        select(Completion.id, Completion.text, Prompt.user_text, people.c.human)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .outerjoin(people, people.c.completion_id == Completion.id)
        .where(made_by_attack(), Prompt.task == task)
        .order_by(Completion.id)
    )
    return session.execute(query).tuples().all()


def as_dict(attacked: Attacked) -> dict[str, object]:
    """Plain values, for JSON."""
    found = attacked.found
    return {
        "task": attacked.task,
        "target": found.target,
        "calls": found.calls,
        "timed_out": found.timed_out,
        "best": found.best if math.isfinite(found.best) else None,
        "calls_to_target": found.to_target,
        "finds": [_find(find, attacked.prompt_ids) for find in found.finds],
        "highest": None if found.higher is None else _find(found.higher, attacked.prompt_ids),
        "climb": [list(point) for point in found.climb],
    }


def _find(find: Find, prompt_ids: Sequence[str]) -> dict[str, object]:
    return {
        "text": find.text,
        "total": find.total,
        "components": dict(find.components),
        "prompt_id": prompt_ids[find.prompt],
        "calls": find.calls,
        "holds_on": find.holds,
        "of_other_prompts": len(prompt_ids) - 1,
    }
