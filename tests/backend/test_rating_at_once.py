"""Many raters, each with two windows, rate while ratings are imported: nobody sees an error, and the counts are right."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from backend.errors import UserError
from backend.rating.imported import ImportedScore, import_scores
from backend.rating.queue import claim_next, enqueue
from backend.rating.ratings import leave_out, save_rating, undo_last
from backend.store.engine import get_engine, in_transaction, reading, writing
from backend.store.ratings import get_rater, scored_ratings
from backend.store.tables import QueueItem, Rating, Stratum
from benchmarks.workbenches import fill

RATERS, WINDOWS, SAVES, COMPLETIONS = 20, 2, 6, 120


def deadlocks() -> int:
    if get_engine().dialect.name != "postgresql":
        return 0
    with get_engine().connect() as connection:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(connection.execute(text(query)).scalar() or 0)


def rate(rater: int, seed: int) -> None:
    """A window: rate what is on screen, take one back now and then, correct an earlier one."""
    rng = random.Random(seed)
    item = in_transaction(lambda session: claim_next(session, rater))
    for _ in range(SAVES):
        if item is None:
            return
        try:
            shown = item

            def save(session: object, shown: int = shown, score: int = rng.randint(1, 5)) -> int | None:
                save_rating(session, shown, rater, score)  # type: ignore[arg-type]
                return claim_next(session, rater)  # type: ignore[arg-type]

            item = in_transaction(save)
        except UserError as error:
            assert "all the ratings it wants" in str(error)
            item = in_transaction(lambda session: claim_next(session, rater))
        if rng.random() < 0.2:
            item = in_transaction(lambda session: undo_last(session, rater))


def bring_in(raters: list[str], seed: int) -> None:
    rng = random.Random(seed)
    for part in range(6):
        scores = [ImportedScore(rng.randint(1, COMPLETIONS), rng.choice(raters), rng.randint(1, 5)) for _ in range(60)]
        in_transaction(lambda session, scores=scores: import_scores(session, scores))
        in_transaction(lambda session, part=part: leave_out(session, raters[part], "careless" if part % 2 else ""))
        in_transaction(lambda session: enqueue(session, list(range(1, COMPLETIONS + 1))))


@pytest.mark.slow
def test_two_windows_a_rater_and_an_import_end_in_no_error(any_workbench: Path) -> None:
    fill(COMPLETIONS)
    names = [f"rater {i}" for i in range(RATERS)]
    with writing() as session:
        ids = [get_rater(session, name).id for name in names]
    before = deadlocks()
    with ThreadPoolExecutor(RATERS * WINDOWS + 2) as threads:
        jobs = [threads.submit(rate, rater, rater * 10 + window) for rater in ids for window in range(WINDOWS)]
        jobs += [threads.submit(bring_in, names, seed) for seed in (1, 2)]
        for job in jobs:
            job.result()
    assert deadlocks() == before
    with reading() as session:
        scored = Counter(session.scalars(scored_ratings(Rating.completion_id)))
        for item in session.scalars(select(QueueItem)):
            assert item.rated == scored[item.completion_id]
        strata = list(session.scalars(select(Stratum)))
        assert sum(s.rated for s in strata) == len(scored)
        assert sum(s.open for s in strata) == session.scalar(select(func.count()).where(QueueItem.is_open))
        assert sum(scored.values()) > COMPLETIONS
