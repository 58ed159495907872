"""A run without a store: everything is in its folder, which can be taken in, and moved to another machine."""

import json
import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from backend.commands.runs import app as runs_command
from backend.commands.train import app as train_command
from backend.errors import UserError
from backend.runs.create import create_folder
from backend.runs.ending import read_standing, write_start
from backend.runs.handle import Handle
from backend.runs.packing import pack_gates, packed_gates
from backend.runs.processes import request_stop
from backend.runs.queue import enqueue
from backend.runs.taken import take_in_folder
from backend.runs.worker import work
from backend.store.engine import reading
from backend.store.evaluations import run_evaluations
from backend.store.tables import Completion, Evaluation, Metric, Run
from backend.training.config import TrainConfig
from tests import warm
from tests.backend.test_hosts import add_run, on_host, silence
from tests.backend.test_resume import UNREPEATABLE
from tests.live_runs import get_run, wait_for, wait_until

NO_STORE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "WORKBENCH_RUNS_DIR": "/nonexistent"}
"""For a process that must do without."""


def start(folder: Path, **environment: str) -> warm.Warm:
    return warm.start("--folder", str(folder), out=folder / "log.txt", **NO_STORE, **environment)


def numbers(folder: Path) -> pd.Series:
    """All repeatable numbers a run has logged, by name and step."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    found = {(n, r["step"]): v for r in rows for n, v in r["metrics"].items() if n not in UNREPEATABLE}
    return pd.Series(found).sort_index()


def counts() -> list[int]:
    with reading() as session:
        return [session.scalar(select(func.count()).select_from(t)) for t in (Run, Metric, Evaluation, Completion)]


@pytest.mark.slow
def test_a_folder_trains_without_a_store_and_is_taken_in(tiny_config: TrainConfig, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "my-run"
    create_folder(folder, tiny_config)
    assert start(folder).wait() == 0, (folder / "log.txt").read_text()
    assert read_standing(folder).status == "finished"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Run)) == 0

    done = CliRunner().invoke(runs_command, ["sync", str(folder)])
    assert done.exit_code == 0 and "my-run finished: all 2 steps" in done.output, done.output
    run = get_run("my-run")
    assert (run.status, run.exit_code, run.folder, run.name) == ("finished", 0, str(folder), "a 'tiny' run")
    with reading() as session:
        assert [e.label for e in run_evaluations(session, "my-run")] == ["base", "step", "step", "tuned"]
    assert json.loads((folder / "comparison_base_vs_tuned.json").read_text())["tasks"]
    before = counts()
    take_in_folder(folder)
    assert counts() == before
    again = start(folder)
    assert again.wait() == 2 and "has finished" in (folder / "log.txt").read_text()


@pytest.mark.slow
def test_a_machine_lost_for_good_costs_only_what_was_not_copied(tiny_config: TrainConfig, tmp_path: Path) -> None:
    """The folder as last copied goes on elsewhere, to the same numbers as a run that nothing happened to."""
    config = tiny_config.model_copy(
        update={"max_steps": 8, "eval_steps": 2, "learning_rate": 5e-3, "stop_rules": False}
    )
    whole, lost, copy = tmp_path / "whole", tmp_path / "remote" / "lost", tmp_path / "here" / "lost"
    for folder in (whole, lost):
        create_folder(folder, config)
    assert start(whole).wait() == 0
    process = start(lost, **{warm.STOPS_IN_CHECKPOINT: "3"})  # there: two whole checkpoints and a part of the third
    wait_until("a part of the third", (lost / "checkpoints" / "checkpoint-6").is_dir)
    wait_until("its weights", lambda: list((lost / "checkpoints" / "checkpoint-6").glob("*.safetensors")))
    shutil.copytree(lost, copy)
    process.kill()
    shutil.rmtree(lost.parent)
    assert read_standing(copy).status == "running"  # nobody could say anything

    taken = take_in_folder(copy)
    assert taken.status == "running" and Handle.of(taken).launcher == "folder"
    assert start(copy).wait() == 0, (copy / "log.txt").read_text()
    assert "going on from step 4" in (copy / "log.txt").read_text()
    pd.testing.assert_series_equal(numbers(copy), numbers(whole), rtol=1e-5, atol=1e-6)
    assert take_in_folder(copy).status == "finished"


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_following_a_folder_reports_its_signs_of_life_until_the_end(tiny_config: TrainConfig, tmp_path: Path) -> None:
    folder = tmp_path / "followed"
    create_folder(folder, tiny_config.model_copy(update={"max_steps": 5000, "eval_steps": 5000, "stop_rules": False}))
    process = start(folder)
    wait_until(
        "it trains", lambda: (folder / "metrics.jsonl").exists() and "loss" in (folder / "metrics.jsonl").read_text()
    )
    take_in_folder(folder)
    assert get_run("followed").status == "running"
    with pytest.raises(UserError, match="running already"):
        enqueue("followed")
    request_stop("followed")  # through the folder, for nobody here knows its process
    done = CliRunner().invoke(runs_command, ["sync", str(folder), "--follow"])
    assert process.wait() == 0 and "followed stopped: stopped by SIGTERM" in done.output
    enqueue("followed")  # and goes on here, as any stopped run does
    wait_until("it goes on", lambda: get_run("followed").status == "running")
    wait_until("from the checkpoint", lambda: (folder / "log.txt").read_text().count("going on from step") == 1)
    time.sleep(1)
    request_stop("followed")
    wait_for("followed", "stopped")


def test_gates_travel_with_the_folder(example_workbench: Path, tmp_path: Path) -> None:
    from backend.audit.gates import standing_gates
    from backend.suites import default_profile

    pack_gates(tmp_path, default_profile())
    with reading() as session:
        gates = standing_gates(session, default_profile())
    assert gates and packed_gates(tmp_path) == gates
    (tmp_path / "gates.json").write_text('{"push": {}}')
    with pytest.raises(UserError, match="is damaged"):
        packed_gates(tmp_path)
    (tmp_path / "gates.json").unlink()
    assert packed_gates(tmp_path) == {}


@pytest.mark.parametrize(
    ("files", "message"),
    [({}, "config.json, prompts.jsonl is missing"), ({"config.json": "{}"}, "prompts.jsonl is missing")],
)
def test_a_folder_that_is_no_runs_is_refused(
    workbench: Path, tmp_path: Path, files: dict[str, str], message: str
) -> None:
    folder = tmp_path / "no-run"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(UserError, match=message):
        take_in_folder(folder)
    done = CliRunner().invoke(runs_command, ["sync", str(tmp_path / "x y")])
    assert isinstance(done.exception, UserError) and "named by its id" in str(done.exception)
    assert counts()[0] == 0


def test_a_copy_that_says_it_runs_does_not_revive_a_run_that_was_given_up(workbench: Path, tmp_path: Path) -> None:
    """The usual way to another machine: given up, copied, taken in, resumed."""
    prompts = [{"task": "push", "prompt": f"Crie um push {i}", "split": "train" if i else "eval"} for i in range(3)]
    with on_host("gpu-box"):
        folder = workbench / "theirs" / "r1"
        add_run(folder, 1)
    config = {"preset": "nano", "model": "nano"}
    (folder / "config.json").write_text(TrainConfig.model_validate(config).model_dump_json())
    (folder / "prompts.jsonl").write_text("".join(json.dumps(p) + "\n" for p in prompts))
    write_start(folder, "gpu-box")
    copy = tmp_path / "mine" / "r1"
    with on_host("app-box"):
        shutil.copytree(folder, copy)
        with pytest.raises(UserError, match="is under way"):
            take_in_folder(copy)
        silence("r1")
        request_stop("r1", force=True)
        taken = take_in_folder(copy)
        assert taken.status == "failed" and "given up" in taken.reason
        assert (taken.folder, Handle.of(taken).host) == (str(copy), "app-box")


def test_a_run_that_runs_already_is_not_started_a_second_time(workbench: Path) -> None:
    """Whoever starts it: another machine, or a second dispatcher of this one."""
    with on_host("gpu-box"):
        run_id = add_run(workbench / "runs" / "r1", os.getppid())
        with pytest.raises(UserError, match="is running already, in process"):
            work(run_id, resume=True)
    with on_host("app-box"), pytest.raises(UserError, match="under way on gpu-box"):
        work(run_id, resume=True)


@pytest.mark.parametrize(
    ("there", "arguments", "message"),
    [
        (False, [], "holds no run; give --preset"),
        (True, ["--preset", "nano"], "holds a run already"),
        (True, ["--set", "max_steps=3"], "holds a run already"),
        (False, ["--preset", "nano", "--seeds", "1,2"], "a folder holds one run"),
        (False, ["--preset", "nano", "--preflight"], "a folder holds one run"),
    ],
)
def test_a_folder_is_gone_on_with_or_made_and_never_guessed(
    tmp_path: Path, there: bool, arguments: list[str], message: str
) -> None:
    folder = tmp_path / "mine"
    if there:
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    done = CliRunner().invoke(train_command, ["--folder", str(folder), *arguments])
    assert done.exit_code == 2 and message in done.output
    assert [p.name for p in folder.glob("*")] == (["config.json"] if there else [])
