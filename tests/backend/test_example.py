"""The example as it ships: what it holds, that it is still of the rules as they are, and the story it tells."""

import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.audit.attacks import standing_attacks
from backend.audit.gates import standing_gates
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.release.example import ATTACKS, EXAMPLES, FOLDERS, RATINGS, RUN_ID, load_example
from backend.runs.taken import take_in_folder
from backend.store.engine import reading
from backend.store.runs import all_runs
from backend.store.tables import Completion, Evaluation, Prompt, Rating, Run
from backend.suites import fingerprint, task_names

pytestmark = pytest.mark.usefixtures("workbench")


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_answer_has_two_readings_and_every_find_one() -> None:
    answers, finds = rows(RATINGS), [find for made in rows(ATTACKS) for find in made["finds"]]
    assert {len(row["scores"]) for row in answers} == {2} and {len(find["scores"]) for find in finds} == {1}
    assert {score for row in answers for score in row["scores"].values()} == {1, 2, 3, 4, 5}


def test_it_is_small() -> None:
    size = sum(path.stat().st_size for path in EXAMPLES.rglob("*") if path.is_file())
    assert size < 3_000_000


def test_it_is_of_the_rules_as_they_are() -> None:
    """Where this fails, rules have changed: `make example`, and read the answers anew."""
    for made in rows(ATTACKS):
        assert made["fingerprint"] == fingerprint(made["task"], made["profile"]), made["task"]
    for folder in FOLDERS.values():
        for path in (folder / "evaluations").glob("*.json"):
            of = json.loads(path.read_text(encoding="utf-8"))
            assert of["fingerprints"] == {task: fingerprint(task, of["profile"]) for task in of["fingerprints"]}


@pytest.mark.slow
def test_it_holds_sixty_answers_a_task_over_base_middle_and_tuned_of_both_runs() -> None:
    load_example()
    load_example()  # twice is as once
    with reading() as session:
        counts = session.execute(
            select(Prompt.task, Evaluation.run_id, Evaluation.label, Evaluation.step, func.count(Rating.id))
            .join(Completion, Completion.id == Rating.completion_id)
            .join(Prompt, Prompt.id == Completion.prompt_id)
            .join(Evaluation, Evaluation.id == Completion.evaluation_id)
            .group_by(Prompt.task, Evaluation.run_id, Evaluation.label, Evaluation.step)
        ).all()
        assert [run.id for run in all_runs(session)] == list(FOLDERS)
    of_task = defaultdict[str, Counter[str]](Counter)
    for task, run_id, label, _, count in counts:
        of_task[task][f"{run_id} {label}"] += count // 2
    assert set(of_task) == set(task_names())
    for found in of_task.values():
        assert found.total() == 60
        assert set(found) == {f"{run} {label}" for run in FOLDERS for label in ("base", "tuned")} | {f"{RUN_ID} step"}


@pytest.mark.slow
def test_the_pages_can_say_what_the_rewards_are_worth() -> None:
    """Attacks and gates stand for both versions, and each run's verdict is on test prompts."""
    load_example()
    with reading() as session:
        for run_id in FOLDERS:
            profile = session.get_one(Run, run_id).profile
            assert set(standing_attacks(session, profile)) == set(task_names())
            assert set(standing_gates(session, profile)) == set(task_names())
            pair = base_and_tuned(session, run_id)
            assert pair is not None and {e.split for e in pair} == {"test"}
            assert len(compare_stored(session, *pair).paired) == 65


def test_the_pretrained_models_record_is_taken_in_as_any_run(workbench: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "smollm2", workbench / "runs" / "smollm2")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 3_000_000
    run = take_in_folder(folder)
    assert (run.status, run.preset, run.set_aside) == ("finished", "smollm2", [])
    with reading() as session:
        pair = base_and_tuned(session, run.id)
        assert pair is not None
        compared = compare_stored(session, *pair)
    verdicts = {c.task: c.verdict for c in compared.tasks}
    assert verdicts["extraction"] == "improved" and verdicts["push"] != "improved"
