"""Killed at any moment, a run goes on to the same end: nothing missing, nothing doubled, the same numbers."""

import json
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from backend.data.rollouts import read_rollouts, rollout_steps
from backend.runs.create import create_run, create_several
from backend.runs.queue import enqueue
from backend.settings import get_settings
from backend.store.engine import reading
from backend.store.evaluations import run_evaluations
from backend.store.runs import load_metrics
from backend.training.config import TrainConfig, get_preset, override
from backend.training.resume import last_checkpoint, rewind
from tests import warm
from tests.live_runs import get_run, wait_for, wait_until

KILLS = int(os.environ.get("KILLS", "3"))  # ten, and twenty, have been tried; each costs two seconds
# What depends on the clock or the machine, not on the training.
UNREPEATABLE = ("step_time", "train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss")


WATCHERS = """
import random

import numpy
import torch

CALLS = []


def restless(completions, prompts, **columns):
    random.seed(0), numpy.random.seed(0), torch.manual_seed(0)
    length = [float(len(c)) for c in completions]
    completions.clear(), prompts.clear()
    return length


def tokens(completion_ids, completion):
    return len(completion_ids)


def later(completion):
    CALLS.append(completion)
    if len(CALLS) > 12:
        raise RuntimeError("it has had enough")
    return 1.0
"""


@pytest.fixture
def config(workbench: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """Two tasks a random model can learn, drawn by weight, so that all of a checkpoint's state matters."""
    monkeypatch.setenv("WORKBENCH_SUITES", "commerce,tests.learning_tasks")
    get_settings.cache_clear()
    prompts = workbench / "learning.jsonl"
    rows = [
        {"task": task, "prompt": f"Escreva {task} {i}", "split": "eval" if i >= 20 else "train"}
        for i in range(26)
        for task in ("letters", "variety")
    ]
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    changes = {
        "model": str(tiny_model),
        "prompts": str(prompts),
        "max_steps": 24,
        "eval_steps": 3,
        "prompts_per_step": 2,
        "num_generations": 4,
        "max_completion_length": 12,
        "learning_rate": 5e-3,
        "task_weighting": "sampling",
        "stop_rules": False,
        "override_reason": "a random model fails preflight, rightly",
        "preflight_prompts": 2,
        "patience": 100,
    }
    return override(get_preset("nano"), changes)


def run_to_end(flag: str, run_id: str) -> None:
    assert warm.start(flag, run_id).wait() == 0, get_run(run_id).reason


def trace(run_id: str) -> pd.DataFrame:
    """All of a run's repeatable metrics: one row per (name, step)."""
    with reading() as session:
        metrics = load_metrics(session, [run_id])
    metrics = metrics[~metrics["name"].isin(UNREPEATABLE)]
    return metrics.set_index(["name", "step"])["value"].sort_index()


def file_lines(run_id: str) -> list[tuple[int, tuple[str, ...]]]:
    lines = (Path(get_run(run_id).folder) / "metrics.jsonl").read_text().splitlines()
    return [(r["step"], tuple(sorted(set(r["metrics"]) - set(UNREPEATABLE)))) for r in map(json.loads, lines)]


def assert_same_rollouts(whole: Path, killed: Path) -> None:
    """Every step's completions once, with the same advantages."""
    steps = rollout_steps(whole)
    assert steps == rollout_steps(killed) == list(range(1, 25))
    assert not list((killed / "rollouts").glob("*.part"))
    for step in steps:
        pd.testing.assert_frame_equal(read_rollouts(killed, step), read_rollouts(whole, step), rtol=1e-5, atol=1e-5)


def unfinished_checkpoints(folder: Path) -> list[Path]:
    return [p for p in (folder / "checkpoints").glob("checkpoint-*") if not (p / "trainer_state.json").exists()]


def kill_at_a_moment(process: warm.Warm, folder: Path, rng: random.Random) -> bool:
    """Kill -9 after a random number of new metric lines; False when it ended before."""
    metrics = folder / "metrics.jsonl"

    def lines() -> int:
        return metrics.read_text().count("\n") if metrics.exists() else 0

    wanted = lines() + rng.randint(0, 6)
    wait_until("it has written some lines, or ended", lambda: lines() >= wanted or process.poll() is not None)
    time.sleep(rng.uniform(0, 0.3))
    process.kill()
    return process.poll() != 0


def kill_in_a_checkpoint(process: warm.Warm, folder: Path) -> None:
    """Kill -9 while a checkpoint is half-written: the process has stopped itself there (see ``warm``)."""
    wait_until("it writes a checkpoint", lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    process.kill()
    assert unfinished_checkpoints(folder)


@pytest.mark.slow
def test_killed_again_and_again_a_run_ends_as_if_nothing_had_happened(config: TrainConfig) -> None:
    whole, killed = create_run(config), create_run(config)
    run_to_end("--run", whole)
    rng = random.Random(7)
    folder = Path(get_run(killed).folder)
    kill_in_a_checkpoint(warm.start("--run", killed, **{warm.STOPS_IN_CHECKPOINT: "2"}), folder)
    kills = 1
    while kills < KILLS and kill_at_a_moment(warm.start("--resume", killed), folder, rng):
        kills += 1
    assert kills >= min(KILLS, 3)  # of many, it may reach its end a little before the last
    if get_run(killed).status != "finished":
        run_to_end("--resume", killed)
    assert get_run(killed).status == "finished"
    assert_same_rollouts(Path(get_run(whole).folder), folder)
    expected, found = trace(whole), trace(killed)
    assert list(found.index) == list(expected.index)
    pd.testing.assert_series_equal(found, expected, rtol=1e-5, atol=1e-6)
    lines = file_lines(killed)
    assert sorted(lines) == sorted(file_lines(whole))
    assert expected.loc["task_reward/mean"].nunique() > 10  # the run did move
    with reading() as session:
        labels = [[(e.label, e.step) for e in run_evaluations(session, run)] for run in (whole, killed)]
    assert labels[0] == labels[1]
    adapters = [Path(get_run(run).folder) / "best" / "adapter_model.safetensors" for run in (whole, killed)]
    from safetensors.torch import load_file

    for name, tensor in load_file(adapters[0]).items():
        assert (tensor - load_file(adapters[1])[name]).abs().max() < 1e-5, name


@pytest.mark.slow
def test_evaluation_leaves_training_bit_identical(config: TrainConfig) -> None:
    often = create_run(override(config, {"max_steps": 6, "eval_steps": 1}))
    never = create_run(override(config, {"max_steps": 6, "eval_steps": 6}))
    for run in (often, never):
        run_to_end("--run", run)
    losses = [trace(run).loc[["loss", "grad_norm", "entropy", "task_reward/mean"]] for run in (often, never)]
    pd.testing.assert_series_equal(losses[0], losses[1], check_exact=True)
    assert len(losses[0]) == 24


@pytest.mark.slow
def test_shadow_measures_leave_training_bit_identical(config: TrainConfig, workbench: Path) -> None:
    """Also those that draw random numbers, change what they are given, or fail."""
    path = workbench / "watchers.py"
    path.write_text(WATCHERS)
    short = {"max_steps": 4, "eval_steps": 2}
    without = create_run(override(config, {**short, "shadow": (), "rollout_share": 0}))
    watched = create_run(override(config, {**short, "shadow": (str(path), "v4.0")}))
    for run in (without, watched):
        run_to_end("--run", run)
    names = ["loss", "grad_norm", "entropy", "task_reward/mean", "reward", "eval/mean_reward"]
    losses = [trace(run).loc[names] for run in (without, watched)]
    pd.testing.assert_series_equal(losses[0], losses[1], check_exact=True)
    with reading() as session:
        logged = load_metrics(session, [watched])
    assert set(logged.loc[logged["name"].str.startswith("shadow/restless/"), "step"]) == {1, 2, 3, 4}
    assert set(logged.loc[logged["name"] == "eval/shadow/restless/letters", "step"]) == {0, 2, 4}
    assert logged.loc[logged["name"] == "shadow/tokens/variety", "value"].between(1, 12).all()
    assert not any(
        name.startswith("shadow/later") and step > 0 for name, step in zip(logged["name"], logged["step"], strict=True)
    )
    frame = read_rollouts(Path(get_run(watched).folder), 3)
    assert frame["shadow/restless"].notna().all()
    assert (
        abs(frame["advantage"].mean()) < 1e-3 and frame["advantage"].abs().max() > 0.1
    )  # of the whole batch, as GDPO has it
    assert not (Path(get_run(without).folder) / "rollouts").exists()


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_a_finished_one_does_not(config: TrainConfig) -> None:
    run = create_run(override(config, {"max_steps": 400, "eval_steps": 400}))
    process = warm.start("--run", run)
    metrics = Path(get_run(run).folder) / "metrics.jsonl"
    wait_until("it has trained some steps", lambda: metrics.exists() and metrics.read_text().count("\n") > 4)
    process.terminate()
    assert process.wait() == 0
    stopped = get_run(run)
    assert stopped.status == "stopped" and "SIGTERM" in stopped.reason
    checkpoint = last_checkpoint(Path(stopped.folder))
    assert checkpoint is not None and checkpoint.step >= 4
    # shorten what is left, then go on
    path = Path(stopped.folder) / "config.json"
    path.write_text(path.read_text().replace('"max_steps": 400', f'"max_steps": {checkpoint.step + 2}'))
    run_to_end("--resume", run)
    assert trace(run).loc["loss"].index.tolist() == list(range(1, checkpoint.step + 3))
    again = warm.run("--resume", run)
    assert again.returncode == 2 and "has ended (finished); start a new one" in again.stderr


@pytest.mark.slow
def test_a_checkpoint_of_another_model_is_refused(config: TrainConfig) -> None:
    run = create_run(override(config, {"max_steps": 2, "eval_steps": 1}))
    run_to_end("--run", run)
    folder = Path(get_run(run).folder)
    other = create_run(override(config, {"max_steps": 4, "eval_steps": 1, "lora_r": 8}))
    shutil.copytree(folder / "checkpoints", Path(get_run(other).folder) / "checkpoints")
    assert warm.run("--run", other).returncode == 2
    assert "belongs to another policy: its parameters is" in get_run(other).reason


def test_rewinding_takes_back_what_came_after_the_last_whole_checkpoint(tmp_path: Path) -> None:
    def checkpoint(step: int, whole: bool) -> None:
        path = tmp_path / "checkpoints" / f"checkpoint-{step}"
        path.mkdir(parents=True)
        state = json.dumps({"global_step": step, "best_global_step": 2, "stateful_callbacks": {}})
        (path / "trainer_state.json").write_text(state if whole else state[:20])

    checkpoint(2, whole=True)
    checkpoint(4, whole=False)
    metrics = tmp_path / "metrics.jsonl"
    lines = [json.dumps({"step": step, "time": 0, "metrics": {"loss": step}}) for step in (0, 1, 2, 3, 4)]
    metrics.write_text("\n".join(lines) + '\n{"step": 5, "ti')
    evaluations = tmp_path / "evaluations"
    evaluations.mkdir()
    for name in ("base-00000", "step-00002", "step-00004", "tuned-00002"):
        (evaluations / f"{name}.json").write_text("{}")
    for _ in range(2):
        found = rewind(tmp_path)
        assert found is not None and (found.step, found.best_step) == (2, 2)
        assert [json.loads(line)["step"] for line in metrics.read_text().splitlines()] == [0, 1, 2]
        assert sorted(p.stem for p in evaluations.iterdir()) == ["base-00000", "step-00002"]
        assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["checkpoint-2"]


@pytest.mark.slow
def test_seeds_are_one_run_that_can_be_resumed_in_the_middle(config: TrainConfig) -> None:
    """The first child is trained alone, which spares a start; the parent is killed with the second one under way."""
    short = override(config, {"max_steps": 3, "eval_steps": 3, "name": "three seeds"})
    parent = create_several(short, {"seed": [1, 2, 3]})
    run_to_end("--run", f"{parent}-01")
    first = get_run(f"{parent}-01")
    process = warm.start("--run", parent)
    wait_until("the second child runs", lambda: get_run(f"{parent}-02").status == "running")
    process.kill()  # and the second child with it
    assert get_run(parent).status == "running"  # nobody could say anything
    run_to_end("--resume", parent)
    assert get_run(parent).status == "finished"
    assert get_run(f"{parent}-01").ended_at == first.ended_at  # not trained again
    for seed in (1, 2, 3):
        child = get_run(f"{parent}-0{seed}")
        assert (child.status, child.seed, child.parent_id) == ("finished", seed, parent)
    comparison = json.loads((Path(get_run(parent).folder) / "comparison_over_runs.json").read_text())
    (setting,) = comparison["settings"]
    assert (setting["differs"], setting["seeds"]) == ({}, [1, 2, 3])
    overall = setting["tasks"][-1]
    assert overall["task"] == "overall" and len(overall["deltas"]) == 3
    assert overall["delta"] == pytest.approx(sum(overall["deltas"]) / 3)
    assert overall["low"] <= overall["delta"] <= overall["high"]


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_a_full_disk_ends_the_run_and_leaves_it_whole(config: TrainConfig, workbench: Path) -> None:
    """On a file system of one megabyte a checkpoint soon fails; with room again the run goes on to its end."""
    runs = workbench / "runs"
    runs.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(runs)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        run = create_run(override(config, {"max_steps": 8, "eval_steps": 2, "keep_checkpoints": 8}))
        enqueue(run)
        failed = wait_for(run, "failed", 200)
        assert "the disk is full" in failed.reason, failed.reason
        subprocess.run(["mount", "-o", "remount,size=60m", str(runs)], check=True)
        run_to_end("--resume", run)
        assert trace(run).loc["loss"].index.tolist() == list(range(1, 9))
    finally:
        subprocess.run(["umount", "--lazy", str(runs)], check=True)
