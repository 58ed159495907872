"""The attack on what is in the store: the command, finds to the raters, and probes from what they say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from backend.audit.attack import POLICY, attack_task, finds_waiting, found_probes, queue_finds
from backend.commands.attack import app
from backend.errors import UserError
from backend.rating.ratings import save_rating
from backend.store.engine import reading, writing
from backend.store.ratings import get_rater
from backend.store.tables import Completion, QueueItem
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
        found = session.scalars(select(Completion).where(Completion.policy == POLICY).order_by(Completion.id)).all()
        assert all(session.get(QueueItem, c.id) is not None for c in found)
        assert finds_waiting(session, "push") == new and found_probes(session, "push") == []
        rater = get_rater(session, "Ana").id
        save_rating(session, found[0].id, rater, score=1, imported=True)
        if len(found) > 1:
            save_rating(session, found[1].id, rater, score=4, imported=True)
        (probe,) = found_probes(session, "push")
        assert probe.completion == found[0].text and probe.limit == 0.5
    (result,) = run_probes(replace(get_task("push"), probes=(probe,)), PROFILES["v4.2.1"])
    assert not result.passed, "the profile that was attacked pays for it"


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
