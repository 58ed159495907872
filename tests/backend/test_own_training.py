"""A team's reward file in training: its functions as TRL calls them, weights with their sign, and a run of two steps."""

import json
import sys
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from backend.data.prompt_files import read_prompt_file
from backend.errors import UserError
from backend.records import Message, PromptRecord
from backend.runs.create import create_run
from backend.runs.worker import work
from backend.settings import get_settings
from backend.store.runs import run_folder
from backend.suites import registry, score_completions, suite_of
from backend.suites.suite import ToScore
from backend.training.config import get_preset, override
from backend.training.reward_functions import (
    Component,
    component_weights,
    components_of,
    reward_functions,
    training_rows,
)

REWARDS = '''
SEEN = {}


def correct(completions, answer, **kwargs):
    """From -1 to 2."""
    SEEN.update(kwargs, completions=completions)
    return [2.0 if c == a else -1.0 for c, a in zip(completions, answer)]


def long(completion, completion_ids):
    return len(completion_ids) / 10


def seldom(completion, level):
    return None if level == 1 else 0.123456


WEIGHTS = {"correct": 1.0, "long": -0.5, "seldom": 2.0}
'''


@pytest.fixture
def installed(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The reward file as the only suite; its worker and its module are gone afterwards."""
    path = workbench / "rewards_in_training.py"
    path.write_text(REWARDS, encoding="utf-8")
    before = list(sys.path)
    monkeypatch.setenv("WORKBENCH_SUITES", str(path))
    get_settings.cache_clear()
    yield path
    registry._file(str(path))._worker.close()
    sys.path[:] = before
    sys.modules.pop(path.stem, None)


def prompts(task: str = "rewards_in_training", form: Any = "text") -> list[PromptRecord]:
    return [
        PromptRecord(
            task=task,
            messages=(Message(role="user", content=f"q{i}"),),
            facts={"answer": f"a{i}", "level": i},
            form=form,
        )
        for i in range(3)
    ]


def called(records: list[PromptRecord], texts: list[str], **more: Any) -> dict[str, list[float | None]]:
    """Every function's values on these completions, as TRL's trainer calls them: with columns beside them."""
    tasks = tuple(dict.fromkeys(r.task for r in records))
    rows = training_rows(records)
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "prompt"}
    offered = {
        "prompts": [row["prompt"] for row in rows],
        "completions": [[{"role": "assistant", "content": text}] for text in texts],
        "completion_ids": [list(range(len(text))) for text in texts],
        "trainer_state": None,
        "log_extra": lambda *_: None,
        "log_metric": lambda *_: None,
    }
    functions = reward_functions(components_of(tasks, "current"), "current")
    return {f.__name__: f(**{**offered, **columns, **more}) for f in functions}


def test_the_components_are_the_functions_with_their_weights(installed: Path) -> None:
    task = "rewards_in_training"
    assert components_of((task,), "current") == [
        Component(task, "correct", 1.0, 1.0),
        Component(task, "long", -0.5, -0.5),
        Component(task, "seldom", 2.0, 2.0),
    ]


def test_values_from_below_nothing_to_above_one_arrive_as_they_are(installed: Path) -> None:
    found = called(prompts(), ["a0", "wrong", "a2"])
    assert found == {
        "rewards_in_training/correct": [2.0, -1.0, 2.0],
        "rewards_in_training/long": [0.2, 0.5, 0.2],
        "rewards_in_training/seldom": [0.123456, None, 0.123456],
    }


@pytest.mark.parametrize("form", ["text", "chat"])
def test_a_function_gets_what_trl_has_in_the_form_of_the_data(installed: Path, form: str) -> None:
    text = installed.read_text(encoding="utf-8")
    installed.write_text(text.replace("if c == a", "if a in str(c)"), encoding="utf-8")
    state = {"step": 3}
    found = called(prompts(form=form), ["a0", "wrong", "a2"], trainer_state=state)
    assert found["rewards_in_training/correct"] == [2.0, -1.0, 2.0]
    seen = sys.modules["rewards_in_training"].SEEN  # type: ignore[attr-defined]
    assert seen["trainer_state"] == state
    assert seen["level"] == [0, 1, 2]
    assert [len(ids) for ids in seen["completion_ids"]] == [2, 5, 2]
    assert seen["prompts"][0] == ("q0" if form == "text" else [{"role": "user", "content": "q0"}])
    assert seen["completions"][0] == ("a0" if form == "text" else [{"role": "assistant", "content": "a0"}])


def test_completions_of_other_tasks_are_left_out(installed: Path) -> None:
    other = prompts("support")
    found = called([prompts()[0], other[1], other[2]], ["a0", "a1", "no"])
    assert found["rewards_in_training/correct"] == [2.0, None, None]
    assert found["support/correct"] == [None, 2.0, -1.0]
    assert found["support/long"] == [None, 0.2, 0.2]


def test_training_and_the_audit_give_the_same(installed: Path) -> None:
    installed.write_text(REWARDS.replace("len(completion_ids)", "len(completion)"), encoding="utf-8")
    records, texts = prompts(), ["a0", "wrong", "a2"]
    found = called(records, texts)
    scores = score_completions(
        records[0].task, [ToScore.of(r, t) for r, t in zip(records, texts, strict=True)], "current"
    )
    for place, score in enumerate(scores):
        values = {name.split("/")[1]: column[place] for name, column in found.items()}
        assert score.components == {name: value for name, value in values.items() if value is not None}
        weights = {"correct": 1.0, "long": -0.5, "seldom": 2.0}
        assert score.total == pytest.approx(sum(weights[n] * v for n, v in score.components.items()))
    assert min(s.total for s in scores) < 0 and max(s.total for s in scores) > 1


def test_weights_keep_their_sign_and_every_task_has_unit_variance(installed: Path) -> None:
    components = components_of(("rewards_in_training", "support"), "current")
    norm = sqrt(1 + 0.25 + 4)
    assert component_weights(components) == pytest.approx([1 / norm, -0.5 / norm, 2 / norm] * 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("aggregation", "weights"),
    [("sum_then_normalize", [1.0, -0.5, 2.0]), ("normalize_then_sum", [0.4364, -0.2182, 0.8729])],
)
def test_the_trainer_gets_weights_for_its_way_of_adding(
    installed: Path, aggregation: str, weights: list[float]
) -> None:
    from backend.training.trainer import reward_weights

    config = override(get_preset("nano"), {"aggregation": aggregation, "prompts": "any.jsonl"})
    components = components_of(("rewards_in_training",), "current")
    assert reward_weights(config, components) == pytest.approx(weights, abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2.0 if c == a", 'float("nan") if c == a', "training ended: reward function correct, row 1: gave nan"),
        ("def long(completion,", "def long(completion, gold,", "training ended: reward function long, row 1: .*'gold'"),
    ],
)
def test_a_fault_ends_training_and_names_the_function(installed: Path, old: str, new: str, said: str) -> None:
    installed.write_text(REWARDS.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=said):
        called(prompts(), ["a0", "a1", "a2"])


def test_a_task_of_a_file_is_a_task_of_its_suite(installed: Path) -> None:
    assert suite_of("rewards_in_training").scorer is not None
    assert suite_of("anything").is_open


@pytest.mark.slow
def test_a_run_of_two_steps_on_a_teams_own_rewards_and_prompts(
    workbench: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = workbench / "own_rewards.py"
    mine.write_text(
        "def spread(completions, answer, **kwargs):\n"
        "    return [-1.0 + len(set(c)) % 30 / 10 + (a in c) for c, a in zip(completions, answer)]\n\n\n"
        "def long(completion):\n    return len(completion) / 100\n\n\n"
        'WEIGHTS = {"spread": 1.0, "long": -0.5}\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("WORKBENCH_SUITES", str(mine))
    get_settings.cache_clear()
    rows = [{"prompt": [{"role": "user", "content": f"Responda {i}"}], "answer": str(i)} for i in range(10)]
    path = workbench / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert sum(p.split == "eval" for p in read_prompt_file(path)) == 2
    changes = {
        "model": str(tiny_model), "prompts": str(path), "max_steps": 2, "eval_steps": 1, "prompts_per_step": 1,
        "num_generations": 2, "max_completion_length": 8, "preflight_prompts": 2,
        "override_reason": "a random model fails preflight, rightly",
    }  # fmt: skip
    try:
        run_id = create_run(override(get_preset("nano"), changes))
        assert work(run_id) == 0
    finally:
        registry._file(str(mine))._worker.close()
        sys.path.remove(str(workbench))
        sys.modules.pop("own_rewards", None)
    folder = run_folder(run_id)
    steps = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    logged = {name: step["metrics"][name] for step in steps for name in step["metrics"]}
    spread, long = logged["rewards/own_rewards/spread/mean"], logged["rewards/own_rewards/long/mean"]
    assert logged["task_reward/own_rewards"] == pytest.approx(spread - 0.5 * long)
    assert -1 <= logged["eval/own_rewards/spread"] <= 3
    comparison = json.loads((folder / "comparison_base_vs_tuned.json").read_text(encoding="utf-8"))
    assert [task["task"] for task in comparison["tasks"]] == ["own_rewards", "overall"]
