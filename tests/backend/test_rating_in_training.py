"""Completions of evaluations and rollouts go before the raters while a run trains, with known weights, and back at a rewind."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.data.rollouts import Rollouts
from backend.evaluation.evaluate import EvaluationResult
from backend.evaluation.watched import PEOPLE, people_beside, stored_rows
from backend.rating.queue import claim
from backend.rating.ratings import save_rating
from backend.records import Message, PromptRecord, Sampling, ScoredCompletion
from backend.runs.rating import PeopleFile, offer_for_rating
from backend.runs.sync import rewind_store, sync_run
from backend.store.engine import reading, writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import Completion, Evaluation, QueueItem, Run, Stratum
from backend.training.people_file import read_people
from rewards import score

TEXTS = ("Frete grátis hoje! Corra", "Confira", "offer now", "Só hoje: 20% off em tênis 👟")
STEPS = (0, 10, 20)


def prompts(split: str, count: int) -> list[PromptRecord]:
    return [
        PromptRecord(task="push", messages=(Message(role="user", content=f"Crie um push {split} {i}"),), split=split)
        for i in range(count)
    ]


@pytest.fixture
def run(workbench: Path) -> str:
    """A run of three evaluations of 24 prompts, with rollouts at steps 5 and 15."""
    folder = workbench / "runs" / "r1"
    asked, trained = prompts("eval", 24), prompts("train", 2)
    with writing() as session:
        save_prompts(session, [*asked, *trained])
        session.add(
            Run(
                id="r1", name="r1", preset="nano", config={"max_steps": 20, "rate_per_evaluation": 6}, seed=1,
                folder=str(folder), status="running", reason="", profile="v4.2.1", fingerprint="x",
            )
        )  # fmt: skip
    for step in STEPS:
        rows = [
            ScoredCompletion(
                prompt_id=p.id, task="push", sample=0, text=f"{TEXTS[i % 4]} {step} {i}", tokens=5, truncated=False,
                **dict(zip(("total", "components"), _scored(f"{TEXTS[i % 4]} {step} {i}"), strict=True)),
            )
            for i, p in enumerate(asked)
        ]  # fmt: skip
        EvaluationResult(
            label="step", step=step, policy="nano", profile="v4.2.1", sampling=Sampling(), completions=rows
        ).save(folder / "evaluations")
    rollouts = Rollouts(folder, 1.0, 10**8)
    for step in (5, 15):
        texts = [
            f"{TEXTS[i % 4]} r{step} {i}\x00" for i in range(16)
        ]  # NUL: a model may write it, no database keeps it
        ids = [trained[i // 8].id for i in range(16)]
        rewards = [score("push", text).total for text in texts]
        rollouts.add(
            step,
            {"prompt": ["p"] * 16, "completion": texts, "prompt_id": ids, "task": ["push"] * 16, "reward": rewards,
             "advantage": [0.0] * 16},
        )  # fmt: skip
    sync_run("r1")
    return "r1"


def _scored(text: str) -> tuple[float, dict[str, float]]:
    found = score("push", text)
    return found.total, found.components


def queued() -> list[Completion]:
    with reading() as session:
        return list(session.scalars(select(Completion).join(QueueItem, QueueItem.completion_id == Completion.id)))


def counts_fit() -> bool:
    """Every stratum counts exactly the items that are in it."""
    with reading() as session:
        counted = dict(
            session.execute(select(QueueItem.stratum, func.count()).group_by(QueueItem.stratum)).tuples().all()
        )
        return all(s.items == counted.get(s.name, 0) == s.open for s in session.scalars(select(Stratum)))


def test_a_bounded_number_of_each_evaluation_and_of_the_rollouts_is_offered_once(run: str) -> None:
    assert offer_for_rating(run) == 3 * 6 + 2 * 6
    assert offer_for_rating(run) == 0
    found = queued()
    evaluated = [c for c in found if c.evaluation_id is not None]
    assert len(evaluated) == 18 and {c.evaluation_id for c in evaluated} == {f"r1:step-{s:05d}" for s in STEPS}
    assert sorted(c.step for c in found if c.evaluation_id is None) == [5] * 6 + [15] * 6
    assert len({c.text[:4] for c in evaluated}) >= 3, "they cover the range of the reward"
    assert counts_fit()


def test_a_look_that_finds_nothing_new_waits_for_nobody(run: str) -> None:
    offer_for_rating(run)
    with writing() as session:
        session.get_one(Run, run).notes = "somebody writes"
        session.flush()
        assert offer_for_rating(run) == 0


def test_nothing_is_offered_where_the_configuration_does_not_say_so(run: str) -> None:
    with writing() as session:
        session.get_one(Run, run).config = {"max_steps": 20}
    assert offer_for_rating(run) == 0 and queued() == []


def test_a_rewind_takes_back_what_nobody_has_rated_and_the_counts_stay_right(run: str) -> None:
    offer_for_rating(run)
    rewind_store(run, 10)
    assert {c.evaluation_id for c in queued() if c.evaluation_id} == {"r1:step-00000", "r1:step-00010"}
    assert {c.step for c in queued() if c.evaluation_id is None} == {5}
    assert counts_fit()
    sync_run(run)
    assert offer_for_rating(run) == 12  # the evaluation at step 20, made again, and the rollouts of step 15
    assert len(queued()) == 30 and counts_fit()


def rate_all(high: float) -> None:
    """One rater scores every completion of an evaluation in the queue, ``high`` where it is good."""
    with reading() as session:
        query = (
            select(QueueItem.completion_id, Evaluation.step).select_from(QueueItem).join(Completion).join(Evaluation)
        )
        rows = session.execute(query).all()
    for completion_id, step in rows:
        with writing() as session:
            rater = get_rater(session, "Ana").id
            claim(session, completion_id, rater)
            save_rating(session, completion_id, rater, int(min(5, high + (completion_id + step) % 2)))


def test_people_are_shown_beside_the_reward_and_told_to_the_rules(run: str) -> None:
    offer_for_rating(run)
    with reading() as session:
        assert people_beside(stored_rows(session, run)) is None
    file = PeopleFile(run)
    file.update()
    rate_all(3)
    with reading() as session:
        people = people_beside(stored_rows(session, run))
        folder = Path(session.get_one(Run, run).folder)
    assert people is not None and (people.name, list(people.other.steps)) == (PEOPLE, list(STEPS))
    assert people.human is not None and people.human.rated == (6, 6, 6)
    file.update()
    series = read_people(folder)
    assert [step for step, _ in series["eval/people"]] == list(STEPS)
    assert all(3 <= value <= 4 for _, value in series["eval/people"])
