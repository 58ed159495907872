"""Two who look whether a row is there, and add it because it is not: it is added once, and nobody gets an error."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.rating.queue import claim_next, enqueue
from backend.rating.ratings import save_rating
from backend.records import Completion as Generated
from backend.records import Message, PromptRecord, Sampling
from backend.release.example import RUN_ID
from backend.release.start import first_start
from backend.store.completions import ensure_scores, save_completions
from backend.store.engine import reading, writing
from backend.store.prompts import save_prompt_set, save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import Claim, Completion, Prompt, PromptSet, QueueItem, Rater, Rating, Run, Score, Stratum

RECORDS = [PromptRecord(task="push", messages=(Message(role="user", content=f"Crie {i}"),)) for i in range(200)]


def at_once(action: Callable[[Session], Any]) -> list[Any]:
    """Six times at the same time, each in a transaction of its own."""

    def once(_: int) -> Any:
        with writing() as session:
            return action(session)

    with ThreadPoolExecutor(6) as threads:
        return list(threads.map(once, range(6)))


def count(table: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def completions(any_workbench: Path) -> list[int]:
    """Outside the queue, each rated once."""
    with writing() as session:
        save_prompts(session, RECORDS)
        groups = [[Generated(f"Oferta {i}! Corra", 5, False)] for i in range(len(RECORDS))]
        ids = save_completions(session, [r.id for r in RECORDS], groups, "nano", Sampling())
        ana = get_rater(session, "Ana").id
        for i in ids:
            save_rating(session, i, ana, score=3, imported=True)
        return ids


def test_a_rater_is_added_once(any_workbench: Path) -> None:
    ids = at_once(lambda session: get_rater(session, "Bia").id)
    assert len(set(ids)) == 1 and count(Rater) == 1


def test_prompts_and_their_set_are_added_once(any_workbench: Path) -> None:
    added = at_once(lambda session: save_prompt_set(session, RECORDS, "ours"))
    assert sorted(new for _, new in added) == [0] * 5 + [len(RECORDS)]
    assert count(Prompt) == len(RECORDS) and count(PromptSet) == 1


@pytest.mark.slow
def test_completions_are_scored_once(completions: list[int]) -> None:
    done = at_once(lambda session: ensure_scores(session, "v4.2.1"))
    assert sorted(done) == [0] * 5 + [len(completions)]
    with writing() as session:
        session.execute(update(Score).values(fingerprint="other rules"))
    scores = count(Score)
    at_once(lambda session: ensure_scores(session, "v4.2.1"))
    assert count(Score) == scores


@pytest.mark.slow
def test_completions_are_offered_once(completions: list[int]) -> None:
    assert sorted(at_once(lambda session: enqueue(session, completions))) == [0] * 5 + [len(completions)]
    assert count(QueueItem) == len(completions)
    with reading() as session:
        strata = list(session.scalars(select(Stratum)))
    assert sum(s.items for s in strata) == sum(s.rated for s in strata) == len(completions)


@pytest.mark.slow
def test_a_rater_with_several_windows_holds_one_and_rates_it_once(completions: list[int]) -> None:
    with writing() as session:
        enqueue(session, completions)
        bia = get_rater(session, "Bia").id
    assert len(set(at_once(lambda session: claim_next(session, bia)))) == 1
    assert count(Claim) == 1
    before = count(Rating)
    at_once(lambda session: save_rating(session, completions[0], bia, score=4))
    assert count(Rating) == before + 1


@pytest.mark.slow
def test_servers_that_start_together_load_the_example_once(any_workbench: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: first_start(), range(3)))
    with reading() as session:
        assert session.get(Run, RUN_ID) is not None
    completions, ratings = count(Completion), count(Rating)
    first_start()
    assert (count(Completion), count(Rating)) == (completions, ratings) and ratings > 0
