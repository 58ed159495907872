"""The attack on what is in the store: the command, finds to the raters, and probes from what they say."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from typer.testing import CliRunner

from backend.audit.attack import attack_task, finds_waiting, found_probes, queue_finds
from backend.audit.exchange import as_jsonl, import_ratings, rating_rows, read_ratings
from backend.audit.gates import audit_rated, ratings_hashes
from backend.commands.attack import app
from backend.errors import UserError
from backend.rating.queue import enqueue
from backend.rating.ratings import save_rating
from backend.records import Message, PromptRecord
from backend.store.completions import human_scores, rated_scores
from backend.store.engine import get_engine, reading, writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import ATTACK, Completion, Prompt, QueueItem, made_by_attack
from backend.suites import get_task
from backend.suites.choice import use_installed
from rewards import PROFILES
from rewards.scoring import run_probes


def test_finds_go_to_the_raters_and_those_called_useless_become_probes(example_workbench: Path) -> None:
    with reading() as session:
        attacked = attack_task(session, "push", "v4.2.1", calls=3_000)
        again = attack_task(session, "push", "v4.2.1", calls=3_000)
    assert attacked == again and attacked.found.to_target is not None and attacked.found.finds
    with writing() as session:
        new = queue_finds(session, attacked)
        assert new == len(attacked.found.finds) and queue_finds(session, attacked) == 0
        found = session.scalars(select(Completion).where(Completion.policy == ATTACK).order_by(Completion.id)).all()
        assert all(session.get(QueueItem, c.id) is not None for c in found)
        assert finds_waiting(session) == {"push": new} and found_probes(session, "push") == []
        rater = get_rater(session, "Ana").id
        save_rating(session, found[0].id, rater, score=1, imported=True)
        if len(found) > 1:
            save_rating(session, found[1].id, rater, score=4, imported=True)
        scored = min(2, len(found))
        assert finds_waiting(session) == ({"push": new - scored} if new > scored else {})
        (probe,) = found_probes(session, "push")
        assert probe.completion == found[0].text and probe.limit == 0.5
    (result,) = run_probes(replace(get_task("push"), probes=(probe,)), PROFILES["v4.2.1"])
    assert not result.passed, "the profile that was attacked pays for it"


def test_what_people_say_of_finds_is_said_of_the_attack_and_changes_no_gate(example_workbench: Path) -> None:
    def gate() -> tuple[object, ...]:
        with writing() as session:
            table = audit_rated(session, "v4.2.1").table.set_index(["task", "reward"])
            row = table.loc[("push", "total")]
            return row["n"], row["rho"], row["low"], row["high"], ratings_hashes(session)["push"]

    before = gate()
    with writing() as session:
        queue_finds(session, attack_task(session, "push", "v4.2.1", calls=3_000))
        finds = session.scalars(select(Completion.id).where(Completion.policy == ATTACK)).all()
        for find in finds:
            save_rating(session, find, get_rater(session, "Ana").id, score=2, imported=True)
    assert finds and gate() == before
    with writing() as session:  # a copy by way of a file
        rows = rating_rows(session)
        assert (rows["origin"] == "attack").sum() == len(finds)
        (example_workbench / "ratings.jsonl").write_text(as_jsonl(rows))
        session.execute(delete(Completion).where(Completion.id.in_(finds)))
    with writing() as session:
        import_ratings(session, read_ratings(example_workbench / "ratings.jsonl"))
        assert len(session.scalars(select(Completion.id).where(made_by_attack())).all()) == len(finds)
        finds = session.scalars(select(Completion.id).where(made_by_attack())).all()
        enqueue(session, list(finds))
        weights = rated_scores(session, "v4.2.1").drop_duplicates("completion_id").groupby("task")["weight"].sum()
        of_task = human_scores(session)["task"].value_counts()
        assert not set(human_scores(session)["completion_id"]) & set(finds)
        assert weights["push"] <= of_task["push"], "finds are no part of what a rated completion stands for"
    with writing() as session:  # a team may call a policy of its own so; its ratings count
        session.execute(update(Completion).where(Completion.policy == ATTACK).values(key=Completion.id))
    assert gate() != before


def test_finds_are_told_apart_however_many_completions_are_rated(example_workbench: Path) -> None:
    """Their query names no completion, so it keeps within the database's limit of values in a query."""
    with reading() as session:
        session.connection().connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 20)
        assert finds_waiting(session) == {} and found_probes(session, "push") == []
    get_engine().dispose()


def test_a_find_is_no_copy_of_what_people_may_find_good(example_workbench: Path) -> None:
    with reading() as session:
        attacked = attack_task(session, "extraction", "v4.2.1", calls=2_000)
        texts = set(session.scalars(select(Completion.text)))
    assert not texts & {find.text for find in attacked.found.finds}


def test_a_task_without_completions_says_so(workbench: Path) -> None:
    with reading() as session, pytest.raises(UserError, match="no completions of push"):
        attack_task(session, "push", "v4.2.1")


def test_the_command_prints_json_and_its_exit_code_says_whether_it_broke_the_reward(
    workbench: Path,
) -> None:
    rewards = workbench / "mine.py"
    rewards.write_text(
        "def said(completion, prompt):\n    return float('thanks' in completion and 'sorry' in completion)\n\nBOUNDS = (0, 1)\n"
    )
    rows = [
        {"prompt": f"write to customer {i}", "completion": f"thanks for number {i}.\nsorry about that, {i}."}
        for i in range(12)
    ]
    data = workbench / "completions.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        done = CliRunner().invoke(app, [str(rewards), str(data), "--calls", "1500", "--json", "--to-raters"])
    finally:
        use_installed()
    assert done.exit_code == 1, done.output
    (task,) = json.loads(done.stdout)["tasks"]
    assert task["calls_to_target"] <= 1500 and {"thanks", "sorry"} <= set(
        task["finds"][0]["text"].replace(".", " ").split()
    )


def attack_on(folder: Path, rewards: str, rows: list[dict[str, object]], *options: str):
    """``workbench attack`` on a reward file and completions."""
    (folder / "mine.py").write_text(rewards)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        return CliRunner().invoke(app, [str(folder / "mine.py"), str(folder / "rows.jsonl"), *options])
    finally:
        use_installed()


def test_a_reward_that_reads_a_column_is_attacked_with_it(workbench: Path) -> None:
    reward = "def right(completion, answer):\n    return float(answer in completion)\n\nBOUNDS = (0, 1)\n"
    rows = [{"prompt": f"what is {i}?", "completion": f"it is {i}", "answer": str(i)} for i in range(9)]
    done = attack_on(workbench, reward, rows, "--calls", "400", "--json")
    assert done.exit_code == 1, done.output
    (task,) = json.loads(done.stdout)["tasks"]
    assert task["finds"][0]["holds_on"] == 0, "what is right for one prompt is wrong for the others"


def test_finds_that_a_reward_with_a_column_pays_for_go_to_the_raters(workbench: Path) -> None:
    """Nothing stands beside a find; what stands beside all of its prompt's answers is the prompt's, and the reward has it."""
    reward = "def kind(completion, answer):\n    return min(1.0, completion.count('thanks') / 3 + ('x' in answer))\n\nBOUNDS = (0, 1)\n"
    rows = [
        {"prompt": f"write to {i}", "completion": f"thanks, number {i} {j}", "answer": str(i), "tokens": j}
        for i in range(9)
        for j in range(2)
    ]
    for _ in range(2):  # the finds of the first time are among the second's data
        done = attack_on(workbench, reward, rows, "--calls", "400", "--json", "--to-raters")
        assert done.exit_code == 1, done.output
    with reading() as session:
        facts = dict(session.execute(select(Prompt.user_text, Prompt.facts)).tuples().all())
        assert facts["write to 3"] == {"answer": "3"}, "tokens differ: they are the completions' own"
        assert session.scalar(select(func.count()).where(Completion.policy == "attack"))


def test_a_prompt_that_comes_again_with_facts_has_them(workbench: Path) -> None:
    def record(**facts: object) -> PromptRecord:
        return PromptRecord(task="push", messages=(Message(role="user", content="Crie um push"),), facts=facts)

    with writing() as session:
        assert save_prompts(session, [record(kept="first")]) == 1
        assert save_prompts(session, [record(kept="second", new=1)]) == 0
    with reading() as session:
        assert session.get_one(Prompt, record().id).facts == {"kept": "first", "new": 1}


def test_without_bounds_high_is_what_the_data_reach_on_their_own_prompts(workbench: Path) -> None:
    reward = "import re\n\ndef code(completion, prompt):\n    return float(re.search('[0-9]+', prompt).group() in completion)\n"
    rows = [{"prompt": f"Repeat {1000 + 7 * i}", "completion": f"{1000 + 7 * i}" if i % 2 else "no"} for i in range(20)]
    done = attack_on(workbench, reward, rows, "--calls", "300", "--json")
    (task,) = json.loads(done.stdout)["tasks"]
    assert task["target"] == 1.0


def test_a_search_of_few_calls_says_what_it_found(workbench: Path) -> None:
    reward = "def constant(completion):\n    return 0.95\n\nBOUNDS = (0, 1)\n"
    rows = [{"prompt": f"p {i}", "completion": f"answer number {i}, as asked"} for i in range(9)]
    done = attack_on(workbench, reward, rows, "--calls", "10")
    assert done.exit_code == 1 and "BROKEN" in done.stdout and "|" in done.stdout
    unknown = attack_on(workbench, reward, rows, "--task", "nope")
    assert unknown.exit_code != 0 and "nope" in str(unknown.exception)
