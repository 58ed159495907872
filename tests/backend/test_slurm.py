"""Runs through submitit, on its local executor: a real process for each job, and the scheduler's words read as SLURM gives them."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from backend.errors import UserError
from backend.runs.create import create_run
from backend.runs.dispatcher import Dispatcher
from backend.runs.handle import Handle
from backend.runs.launchers import LauncherAway, find_launcher
from backend.runs.launchers.config import Slurm
from backend.runs.processes import request_stop
from backend.runs.queue import ATTEMPT, enqueue
from backend.settings import ROOT, get_settings
from backend.training.config import TrainConfig
from tests.live_runs import get_run, wait_until

submitit = pytest.importorskip("submitit", reason="needs submitit: pip install 'reward-workbench[slurm]'")

from backend.runs.launchers.slurm import SlurmLauncher  # noqa: E402

STANDS_FOR_A_RUN = """#!/bin/sh
case "$*" in *submitit*) exec {python} "$@" ;; esac
cd "$4"
echo begun >> log.txt
trap 'exit 7' TERM
while [ ! -f end ] && [ ! -f stop ]; do sleep 0.1; done
exit $(cat end 2>/dev/null || echo 0)
"""


@pytest.fixture
def launcher(workbench: Path) -> SlurmLauncher:
    import sys

    program = workbench / "python"
    program.write_text(STANDS_FOR_A_RUN.replace("{python}", sys.executable))
    program.chmod(0o755)
    return SlurmLauncher(
        "cluster", Slurm(kind="slurm", cluster="local", gpus=0, python=str(program), project=str(ROOT))
    )


@pytest.fixture
def folder(workbench: Path) -> Path:
    folder = workbench / "runs" / "r1"
    folder.mkdir(parents=True)
    (folder / ATTEMPT).write_text("one")
    return folder


def begun(folder: Path) -> bool:
    return (folder / "log.txt").exists() and "begun" in (folder / "log.txt").read_text()


@pytest.mark.slow
def test_a_job_is_submitted_once_and_ends_with_its_code(launcher: SlurmLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    assert launcher.submit(folder) == job
    wait_until("it has begun", lambda: begun(folder))
    assert launcher.state(job).name == "running"
    (folder / "end").write_text("3")
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")
    assert launcher.state(job).code == 3
    other = SlurmLauncher("cluster", Slurm(kind="slurm", cluster="local"))  # as after a restart of the dispatcher
    assert other.state(job).code == 3 and other.submit(folder) == job


@pytest.mark.slow
def test_a_job_that_nobody_can_ask_for_is_unknown(launcher: SlurmLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    wait_until("it has begun", lambda: begun(folder))
    other = SlurmLauncher("cluster", Slurm(kind="slurm", cluster="local"))
    assert other.state(job).name == "unknown"
    other.stop(job, force=False)  # through the folder
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")
    assert launcher.state(job).code == 0 and other.state(job).name == "ended"


@pytest.mark.parametrize(
    ("said", "name", "words"),
    [
        ("PENDING", "queued", ""),
        ("REQUEUED", "queued", ""),
        ("RUNNING", "running", ""),
        ("COMPLETING", "running", ""),
        ("COMPLETED", "ended", ""),
        ("CANCELLED by 1000", "ended", "cancelled"),
        ("TIMEOUT", "ended", "time limit"),
        ("OUT_OF_ME+", "unknown", ""),
        ("OUT_OF_MEMORY", "ended", "memory"),
        ("NODE_FAIL", "ended", "node failed"),
        ("PREEMPTED", "unknown", ""),
        ("UNKNOWN", "unknown", ""),
        ("", "unknown", ""),
        ("a word of next year", "unknown", ""),
    ],
)
def test_the_schedulers_words(folder: Path, monkeypatch: pytest.MonkeyPatch, said: str, name: str, words: str) -> None:
    launcher = SlurmLauncher("cluster", Slurm(kind="slurm"))
    monkeypatch.setattr(submitit.SlurmJob.watcher, "get_state", lambda job_id, mode: said)
    monkeypatch.setenv("PATH", str(folder))  # no squeue
    state = launcher.state({"id": "1", "files": str(folder), "folder": str(folder)})
    assert state.name == name and words in state.words


def test_preempted_for_good_is_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = SlurmLauncher("cluster", Slurm(kind="slurm"))
    monkeypatch.setattr(submitit.SlurmJob.watcher, "get_state", lambda job_id, mode: "PREEMPTED")
    job = {"id": "1", "files": str(folder), "folder": str(folder)}
    assert launcher.state(job).name == "unknown"
    monkeypatch.setattr("backend.runs.launchers.slurm._PREEMPTED_SECONDS", -1)
    assert launcher.state(job).name == "ended" and "resume" in launcher.state(job).words


def test_a_second_preemption_has_moments_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = SlurmLauncher("cluster", Slurm(kind="slurm"))
    job = {"id": "1", "files": str(folder), "folder": str(folder)}
    monkeypatch.setenv("PATH", str(folder))  # no squeue
    now, seen = time.monotonic(), []
    for word in ("PREEMPTED", "RUNNING", "PREEMPTED"):
        monkeypatch.setattr(submitit.SlurmJob.watcher, "get_state", lambda job_id, mode, word=word: word)
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        seen.append(launcher.state(job).name)
        now += 3600
    assert seen == ["unknown", "running", "unknown"]


def test_a_scheduler_that_refuses_or_is_away(folder: Path, monkeypatch: pytest.MonkeyPatch, workbench: Path) -> None:
    tools = workbench / "bin"
    tools.mkdir()
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(UserError, match="srun"):
        SlurmLauncher("cluster", Slurm(kind="slurm")).submit(folder)
    for tool, does in (("srun", "exit 0"), ("sbatch", 'cat "$(dirname "$0")/words" >&2; exit 1')):
        (tools / tool).write_text(f"#!/bin/sh\n{does}\n")
        (tools / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{path}")
    (tools / "words").write_text("sbatch: error: Unable to contact slurm controller (connect failure)\n")
    with pytest.raises(LauncherAway):
        SlurmLauncher("cluster", Slurm(kind="slurm")).submit(folder)
    (tools / "words").write_text("sbatch: error: invalid partition specified: gpu\n")
    with pytest.raises(UserError, match="invalid partition") as raised:
        SlurmLauncher("cluster", Slurm(kind="slurm", partition="gpu")).submit(folder)
    assert not isinstance(raised.value, LauncherAway)


@pytest.mark.slow
def test_a_run_trains_in_a_job_and_a_stop_reaches_it(
    tiny_config: TrainConfig, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workbench / "launch.toml").write_text(
        f'[cluster]\nkind = "slurm"\ncluster = "local"\ngpus = 0\nat_once = 2\nproject = "{ROOT}"\n'
        'environment = { DATABASE_URL = "postgresql://nobody@127.0.0.1:1/none" }\n'
    )
    monkeypatch.setenv("WORKBENCH_LAUNCH", str(workbench / "launch.toml"))
    get_settings.cache_clear()
    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    whole = create_run(tiny_config)
    endless = create_run(tiny_config.model_copy(update={"max_steps": 5000, "eval_steps": 5000, "stop_rules": False}))
    for run_id in (endless, whole):  # the first takes nothing from the second
        enqueue(run_id, "cluster")
    dispatcher = Dispatcher(find_launcher("cluster"))
    metrics = Path(get_run(endless).folder) / "metrics.jsonl"

    def look(run_id: str, status: str) -> bool:
        dispatcher.round()
        time.sleep(1)
        return get_run(run_id).status == status

    wait_until(
        "the one trains", lambda: look(endless, "running") and metrics.exists() and "loss" in metrics.read_text(), 200
    )
    wait_until("the other has finished beside it", lambda: look(whole, "finished"), 240)
    assert (Path(get_run(whole).folder) / "comparison_base_vs_tuned.json").exists()
    request_stop(endless)
    wait_until("it has stopped", lambda: look(endless, "stopped"), 120)
    assert "SIGTERM" in get_run(endless).reason and Handle.of(get_run(endless)).launcher == "cluster"


def test_a_requeued_job_makes_the_same_call_again(tmp_path: Path) -> None:
    """What submitit does with a job that is preempted, here by its own hand."""
    from backend.runs.launchers.slurm_job import TrainInFolder

    again: Any = TrainInFolder(str(tmp_path), "python").checkpoint(str(tmp_path), "python")
    assert isinstance(again.function, TrainInFolder)
