"""A small grid: what it makes of a configuration, what it refuses, and the budget that is held against it."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.commands.train import app
from backend.errors import UserError
from backend.gpu import gpu_name
from backend.runs.create import create_several
from backend.runs.grid import MOST_CHILDREN, configs_of, parse_grid
from backend.runs.plan import Plan, change_budget, make_plan, read_plan, read_used, write_plan, write_used
from backend.settings import get_settings
from backend.store.engine import reading
from backend.store.runs import all_runs
from backend.training.config import TrainConfig, get_preset, override


def names(config: TrainConfig, *pairs: str, seeds: str = "") -> list[str]:
    return [child.name for child in configs_of(config, parse_grid(pairs, seeds))]


def test_a_grid_is_the_product_and_every_setting_comes_with_the_first_seed_first() -> None:
    nano = get_preset("nano")
    children = configs_of(nano, parse_grid(["learning_rate=3e-4, 6e-4", "profile=v4.2.1,v5"], "1,2"))
    found = [(c.seed, c.learning_rate, c.profile) for c in children]
    rates = [(rate, profile) for rate in (3e-4, 6e-4) for profile in ("v4.2.1", "v5")]
    assert found == [(seed, *of) for seed in (1, 2) for of in rates]
    assert children[0].name == "nano · learning_rate=0.0003 · profile=v4.2.1 · seed 1"
    assert children[0].model_copy(update={"name": ""}) == override(
        nano, {"learning_rate": "3e-4", "profile": "v4.2.1", "seed": 1}
    )


def test_names_say_what_differs() -> None:
    nano = override(get_preset("nano"), {"name": "mine"})
    assert names(nano, seeds="42, 7") == ["mine · seed 42", "mine · seed 7"]
    assert names(nano, "tasks=push;push,insights") == ["mine · tasks=push", "mine · tasks=push,insights"]
    assert names(nano, "epsilon_high=none,0.28") == ["mine · epsilon_high=none", "mine · epsilon_high=0.28"]
    long = names(override(nano, {"name": "x" * 200}), seeds="1,2")
    assert [len(name) for name in long] == [200, 200] and long[1].endswith("x · seed 2")


@pytest.mark.parametrize(
    ("pairs", "seeds", "words"),
    [
        (["learning_rate"], "", "--grid takes field=value"),
        (["learning_rat=1e-4,2e-4"], "", "there is no field 'learning_rat'"),
        (["learning_rate=1e-4,7"], "", r"learning_rate=7: learning_rate='7'.*Allowed: number > 0"),
        (["learning_rate=3e-4,0.0003"], "", "two or more different values of learning_rate, not 3e-4, 0.0003"),
        (["learning_rate=3e-4"], "", "two or more different values"),
        (["learning_rate="], "", "not none"),
        (["beta=0,1", "beta=2,3"], "", "names beta twice"),
        (["seed=1,2"], "3,4", "say the same"),
        (["name=a,b"], "", "cannot vary name"),
        (["profile=v5,v77"], "", "unknown reward profile 'v77'"),
        (["max_completion_length=160,600", "max_seq_length=512,1024"], "", "600 leaves no room"),
        (["beta=0,1,2,3,4", "temperature=0.8,0.9,1,1.1,1.2"], "", f"5 of beta x 5 of temperature are 25 runs; {MOST_CHILDREN} is"),
        ([], "1,1", "different values of seed"),
        ([], "1.5,2", "whole numbers"),
    ],
)  # fmt: skip
def test_what_is_no_grid_is_refused_in_words(pairs: list[str], seeds: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        configs_of(get_preset("nano"), parse_grid(pairs, seeds))


def test_values_that_only_go_together_are_taken_together() -> None:
    wide = override(get_preset("nano"), {"max_seq_length": 4096})
    assert len(names(wide, "max_completion_length=160,600", "max_seq_length=1024,2048")) == 4


# --- the budget ---------------------------------------------------------------------------------------------------
@pytest.fixture
def measured(workbench: Path, tiny_config: TrainConfig) -> TrainConfig:
    """A configuration for which an earlier run tells: 36 s a step, so that 100 steps take an hour."""
    config = override(tiny_config, {"max_steps": 100})
    folder = workbench / "runs" / "20260101-000000-aaaa"
    (folder / "evaluations").mkdir(parents=True)
    (folder / "config.json").write_text(config.model_dump_json())
    (folder / "environment.json").write_text(json.dumps({"gpu": gpu_name(), "cpus": os.cpu_count()}))
    lines = [json.dumps({"step": i, "time": 0, "metrics": {"step_time": 36.0}}) for i in (1, 2, 3)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return config


@pytest.mark.slow
def test_the_estimate_is_held_against_the_budget_before_anything_is_written(measured: TrainConfig) -> None:
    grid = parse_grid(["max_steps=100,300"], "1,2")  # 1 + 3 + 1 + 3 hours, $0.80 each
    for most in (make_plan(7.9, None), make_plan(None, 6.3), make_plan(100, 6.3)):
        with pytest.raises(UserError, match=r"4 runs take about 8\.0 h and \$6\.40; the budget is (7\.9 h|6|7\.)"):
            create_several(measured, grid, most)
    with reading() as session:
        assert all_runs(session) == []
    assert [p.name for p in get_settings().runs_dir.iterdir() if p.is_dir()] == ["20260101-000000-aaaa"]
    parent = create_several(measured, grid, make_plan(8.1, 6.5))
    plan = read_plan(get_settings().runs_dir / parent)
    assert (plan.hours, plan.dollars) == (8.1, 6.5) and plan.estimate == pytest.approx(8)
    with reading() as session:
        runs = {run.id: run for run in all_runs(session)}
    assert len(runs) == 5 and runs[parent].name.endswith("4 runs")
    assert {run.name.split(" · ", 1)[1] for run in runs.values() if run.parent_id} == {
        f"max_steps={steps} · seed {seed}" for steps in (100, 300) for seed in (1, 2)
    }


@pytest.mark.slow
def test_without_an_earlier_run_the_budget_is_only_held(tiny_config: TrainConfig) -> None:
    parent = create_several(tiny_config, {"seed": [1, 2]}, make_plan(0.001, None))
    assert read_plan(get_settings().runs_dir / parent) == Plan(0.001)


def test_the_tighter_of_hours_and_dollars_holds(workbench: Path) -> None:
    assert Plan().most_hours == float("inf")
    assert Plan(2, 0.8).most_hours == pytest.approx(1)
    assert Plan(0.5, 0.8).used_words(0.25) == "15 min of 30 min and $0.20 of $0.80 used"
    for hours, dollars in ((0, None), (-1, None), (float("nan"), None), (None, float("inf"))):
        with pytest.raises(UserError, match="a number above 0"):
            make_plan(hours, dollars)


def test_dollars_need_a_price(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DOLLARS_PER_HOUR", "0")
    get_settings.cache_clear()
    with pytest.raises(UserError, match="WORKBENCH_DOLLARS_PER_HOUR"):
        make_plan(None, 3)


def test_a_used_up_budget_is_changed_for_a_larger_one_alone(tmp_path: Path, workbench: Path) -> None:
    with pytest.raises(UserError, match="not a run of several"):
        change_budget(tmp_path, Plan(2))
    write_plan(tmp_path, Plan(1, None, 3.0))
    write_used(tmp_path, {"a": 0.75, "b": 0.5})
    with pytest.raises(UserError, match=r"has used 75 min and \$1.00 already"):
        change_budget(tmp_path, Plan(1.2))
    change_budget(tmp_path, Plan(None, 5))
    assert read_plan(tmp_path) == Plan(None, 5, 3.0) and read_used(tmp_path) == {"a": 0.75, "b": 0.5}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--hours", "1"], "give --seeds or --grid too"),
        (["--where", "local"], "give --seeds or --grid too"),
        (["--seeds", "1,2", "--where", "local,moon"], "there is no place 'moon'"),
        (["--grid", "learning_rate=3e-4,3"], "learning_rate=3"),
        (["--seeds", "1,2", "--hours", "0"], "--hours is a number above 0"),
        (["--folder", "{folder}", "--grid", "beta=0,1"], "a folder holds one run"),
        (["--resume", "nothing", "--hours", "1"], "there is no run nothing"),
        (["--resume", "nothing", "--where", "local"], "leave --where out"),
    ],
)
def test_the_command_refuses_in_a_line(
    words: list[str], error: str, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.release.start.first_start", lambda: None)
    done = CliRunner().invoke(app, [word.format(folder=workbench / "one") for word in words])
    assert done.exit_code == 2 and error in done.output, done.output
    with reading() as session:
        assert all_runs(session) == []
