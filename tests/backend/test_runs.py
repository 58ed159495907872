"""Runs with real processes on a tiny model: from create to comparison, stop, death, and idempotent sync."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from backend.errors import UserError
from backend.release.example import RUN_ID, load_example
from backend.runs import worker
from backend.runs.create import create_run
from backend.runs.processes import is_alive, last_lines, mark_running, request_stop, settle, started_at
from backend.runs.queue import enqueue
from backend.runs.sync import sync_run
from backend.settings import ROOT
from backend.store.engine import get_engine, reading, writing
from backend.store.evaluations import run_evaluations
from backend.store.runs import load_metrics
from backend.store.tables import Completion, Evaluation, Metric, Run, Score
from backend.training.config import TrainConfig, get_preset, override
from tests import warm
from tests.live_runs import get_run, wait_for, wait_until


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_a_launched_run_trains_evaluates_and_compares(tiny_config: TrainConfig) -> None:
    run_id = create_run(tiny_config)
    enqueue(run_id)
    run = wait_for(run_id, "finished")
    folder = Path(run.folder)
    assert {"config.json", "environment.json", "prompts.jsonl", "metrics.jsonl", "log.txt", "best"} <= {
        p.name for p in folder.iterdir()
    }
    assert (folder / "best" / "adapter_model.safetensors").is_file()
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["backend"] == "transformers"
    assert environment["fingerprint"] == run.fingerprint
    comparison = json.loads((folder / "comparison_base_vs_tuned.json").read_text())
    assert [c["task"] for c in comparison["tasks"]] == ["extraction", "push", "overall"]
    with reading() as session:
        evaluations = run_evaluations(session, run_id)
        assert [(e.label, e.step) for e in evaluations] == [
            ("base", 0),
            ("step", 1),
            ("step", 2),
            ("tuned", evaluations[-1].step),
        ]
        metrics = load_metrics(session, [run_id])
    assert {"loss", "eval/mean_reward", "eval/push", "task_reward/mean", "zero_variance/mean"} <= set(metrics["name"])
    assert {"entropy/rollouts/push", "entropy/rollouts/extraction"} & set(metrics["name"])
    assert sorted(metrics.loc[metrics["name"] == "eval/mean_reward", "step"]) == [0, 1, 2]
    assert not is_alive(run)


@pytest.mark.slow
def test_task_weights_are_logged_and_kept_with_the_checkpoint(tiny_config: TrainConfig) -> None:
    changes = {"task_weighting": "reward", "max_steps": 4, "eval_steps": 4, "prompts_per_step": 2}
    run_id = create_run(override(tiny_config, changes))
    assert warm.start("--run", run_id).wait() == 0
    with reading() as session:
        weights = load_metrics(session, [run_id], ["task_weight/extraction", "task_weight/push"])
    assert weights.groupby("step")["value"].sum().tolist() == pytest.approx([1.0] * 4)
    (kept,) = (Path(get_run(run_id).folder) / "checkpoints").glob("checkpoint-4/workbench.json")
    assert set(json.loads(kept.read_text())["task_weights"]["xi"]) == {"extraction", "push"}


@pytest.mark.slow
def test_a_rule_stops_a_real_run_and_says_why(tiny_config: TrainConfig) -> None:
    """A random model never ends a completion: every one hits the ceiling (the seeds' V2)."""
    run_id = create_run(override(tiny_config, {"max_steps": 60, "eval_steps": 60}))
    assert warm.start("--run", run_id).wait() == 0
    run = get_run(run_id)
    assert run.status == "stopped"
    assert re.search(r"stopped by the rule (ceiling|no-signal) at step 2\d", run.reason)
    assert list((Path(run.folder) / "checkpoints").glob("checkpoint-*"))
    fired = json.loads((Path(run.folder) / "watch.json").read_text())
    assert "long-answers" in {f["rule"] for f in fired}
    assert any(f["what"] in run.reason for f in fired)


@pytest.mark.slow
def test_syncing_again_adds_nothing(tiny_config: TrainConfig) -> None:
    run_id = create_run(tiny_config)
    assert warm.start("--run", run_id).wait() == 0

    def counts() -> list[int]:
        with reading() as session:
            return [session.scalar(select(func.count()).select_from(t)) for t in (Metric, Evaluation, Completion)]

    before = counts()
    sync_run(run_id)
    with writing() as session:
        session.get_one(Run, run_id).metrics_read = 0
    sync_run(run_id)
    assert counts() == before
    with pytest.raises(UserError, match="has ended"):
        from backend.runs.worker import work

        work(run_id)


@pytest.mark.slow
def test_whoever_syncs_a_run_at_the_same_time_adds_it_once(any_workbench: Path) -> None:
    """The run's own process and every open page do."""
    load_example()
    tables = (Metric, Evaluation, Completion, Score)

    def counts() -> list[int | None]:
        with reading() as session:
            return [session.scalar(select(func.count()).select_from(table)) for table in tables]

    before = counts()
    with writing() as session:
        session.execute(delete(Evaluation).where(Evaluation.id == f"{RUN_ID}:step-00020"))
    assert counts() < before
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(sync_run, [RUN_ID] * 12))
    assert counts() == before


def test_a_sync_that_fails_is_told_and_not_the_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    errors: list[Exception] = [UserError("the store is busy"), KeyError("nobody thought of it")]
    done = threading.Event()

    def sync(run_id: str) -> None:
        if errors:
            raise errors.pop(0)
        done.set()

    monkeypatch.setattr(worker, "sync_run", sync)
    monkeypatch.setattr(worker, "_sign_of_life", lambda run_id, is_first: "")
    monkeypatch.setattr(worker, "_SYNC_SECONDS", 0.01)
    worker._keep_in_sync("r", done)
    said = capsys.readouterr()
    assert "the store is busy" in said.out and "nobody thought of it" in said.out
    assert all(line.startswith("not copied to the store: ") for line in said.out.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("had_one", [True, False])
def test_a_run_that_has_had_its_signal_is_not_sent_a_second(monkeypatch: pytest.MonkeyPatch, had_one: bool) -> None:
    """A stop from a page is a signal and a word in the store. A second signal would end a long step without a checkpoint."""
    from backend.training.callbacks import StopSignal

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    done, sent, looks = threading.Event(), [], iter(range(3))

    def asked_to_stop(run_id: str, is_first: bool) -> str:
        if next(looks) == 2:
            done.set()
        return "a stop was asked for"

    monkeypatch.setattr(worker, "_sign_of_life", asked_to_stop)
    monkeypatch.setattr(worker, "_SYNC_SECONDS", 0.01)
    monkeypatch.setattr(worker, "sync_run", lambda run_id: None)
    monkeypatch.setattr(worker, "offer_for_rating", lambda run_id: 0)
    monkeypatch.setattr(worker.PeopleFile, "update", lambda self: None)
    monkeypatch.setattr(worker.os, "kill", lambda pid, number: sent.append(number))
    try:
        stop = StopSignal()
        if had_one:
            stop._receive(signal.SIGTERM, None)
        worker._keep_in_sync("r", done)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert sent == ([] if had_one else [signal.SIGTERM])


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_a_stop_ends_the_run_with_a_checkpoint(tiny_config: TrainConfig) -> None:
    run_id = create_run(tiny_config.model_copy(update={"max_steps": 5000, "eval_steps": 5000}))
    enqueue(run_id)
    metrics = Path(get_run(run_id).folder) / "metrics.jsonl"
    wait_until("it trains", lambda: metrics.exists() and "loss" in metrics.read_text())
    request_stop(run_id)
    run = wait_for(run_id, "stopped")
    assert "SIGTERM" in run.reason
    assert list((Path(run.folder) / "checkpoints").glob("checkpoint-*"))
    with pytest.raises(UserError, match="no running process"):
        request_stop(run_id)


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_a_killed_run_is_seen_as_failed_with_its_last_words(tiny_config: TrainConfig) -> None:
    run_id = create_run(tiny_config.model_copy(update={"max_steps": 5000, "eval_steps": 5000}))
    enqueue(run_id)
    wait_until("it has said something", lambda: last_lines(Path(get_run(run_id).folder) / "log.txt"))
    os.kill(get_run(run_id).pid, signal.SIGKILL)
    wait_for(run_id, "failed", 30)
    # Who looked first did not see how; the dispatcher did, and says so.
    wait_until("its exit code is known", lambda: get_run(run_id).exit_code is not None)
    run = get_run(run_id)
    assert run.exit_code == -signal.SIGKILL
    assert run.reason.startswith("killed (SIGKILL)") and "Last lines" in run.reason


@pytest.mark.slow
def test_a_pid_that_another_process_has_now_is_not_the_run(tiny_config: TrainConfig) -> None:
    run_id = create_run(tiny_config)
    with writing() as session:
        run = session.get_one(Run, run_id)
        mark_running(run, os.getpid())
        reused = {**run.handle["job"], "started": (started_at(os.getpid()) or 0) - 3600}
        run.handle = {**run.handle, "job": reused}
    with pytest.raises(UserError, match="no running process"):
        request_stop(run_id)
    settle(run_id)
    assert get_run(run_id).status == "failed"


@pytest.mark.slow
def test_a_run_that_cannot_load_its_model_fails_with_the_reason(tiny_config: TrainConfig, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    run_id = create_run(tiny_config.model_copy(update={"model": str(broken)}))
    done = warm.run("--run", run_id)
    assert done.returncode in (1, 2)
    run = get_run(run_id)
    assert run.status == "failed" and run.reason
    assert run.reason.splitlines()[0] in done.stdout


@pytest.mark.slow
def test_a_half_written_metric_line_waits_until_it_is_whole(tiny_config: TrainConfig) -> None:
    run_id = create_run(tiny_config)
    path = Path(get_run(run_id).folder) / "metrics.jsonl"
    line = json.dumps({"step": 1, "time": 0, "metrics": {"loss": 0.5}})
    path.write_text(line + "\n" + line.replace('"step": 1', '"step": 2')[:20])
    sync_run(run_id)
    with path.open("a") as file:
        file.write(line.replace('"step": 1', '"step": 2')[20:] + "\n")
    sync_run(run_id)
    with reading() as session:
        assert load_metrics(session, [run_id])["step"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "v9"], "unknown preset 'v9'"),
        (["--set", "max_steps=0"], "Allowed: whole number >= 1"),
        (["--prompts", "/no/such/file.jsonl"], "there is no file /no/such/file.jsonl"),
        (["--set", "model=/no/such/model"], "/no/such/model does not exist"),
        (["--run", "nothing"], "there is no run nothing"),
        (["--set", "tasks=insights", "--prompts", "TINY"], "no prompts for task 'insights'"),
    ],
)
@pytest.mark.slow
def test_bad_arguments_end_with_a_message_and_nothing_written(
    workbench: Path, tiny_prompts: Path, arguments: list[str], message: str
) -> None:
    get_engine()
    done = warm.run(*(str(tiny_prompts) if a == "TINY" else a for a in arguments))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workbench / "runs").exists()


def test_eval_prompts_that_are_in_train_are_refused(workbench: Path, tmp_path: Path) -> None:
    path = tmp_path / "leak.jsonl"
    lines = [json.dumps({"task": "push", "prompt": f"Crie um push {i}", "split": "train"}) for i in range(3)]
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match="needs train and eval prompts"):
        create_run(override(get_preset("nano"), {"prompts": str(path)}))


def test_help_names_the_main_commands() -> None:
    done = subprocess.run(
        [sys.executable, "run_training.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--preset" in done.stdout and "runs/<id>/" in done.stdout
