"""Runs on a real SLURM, of one node on loopback: queued, trained, stopped, cancelled, queued again, its controller gone."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.runs.create import create_run
from backend.runs.dispatcher import Dispatcher
from backend.runs.handle import State
from backend.runs.launchers import LauncherAway, find_launcher
from backend.runs.launchers.config import Slurm
from backend.runs.processes import request_stop
from backend.runs.queue import ATTEMPT, enqueue
from backend.settings import ROOT, get_settings
from backend.training.config import TrainConfig
from tests.backend.test_slurm import STANDS_FOR_A_RUN, begun
from tests.live_runs import get_run, wait_until
from tests.slurm_box import SlurmBox, slurm_box

pytest.importorskip("submitit", reason="needs submitit: pip install 'reward-workbench[slurm]'")

from backend.runs.launchers.slurm import SlurmLauncher

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slurm")]
SMALL = {"gpus": 0, "cpus": 1, "memory_gb": 1, "hours": 1, "project": str(ROOT)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmBox]:
    with tempfile.TemporaryDirectory() as folder, slurm_box(Path(folder) / "slurm") as box:
        yield box


@pytest.fixture
def launcher(cluster: SlurmBox, workbench: Path) -> SlurmLauncher:
    program = workbench / "python"
    program.write_text(STANDS_FOR_A_RUN.replace("{python}", sys.executable))
    program.chmod(0o755)
    return SlurmLauncher("cluster", Slurm.model_validate({"kind": "slurm", "python": str(program), **SMALL}))


@pytest.fixture
def folder(workbench: Path) -> Path:
    folder = workbench / "runs" / "r1"
    folder.mkdir(parents=True)
    (folder / ATTEMPT).write_text("one")
    return folder


def test_a_job_runs_and_ends_with_its_code(launcher: SlurmLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    assert launcher.submit(folder) == job
    wait_until("it has begun", lambda: begun(folder))
    assert launcher.state(job) == State("running")
    (folder / "end").write_text("3")
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")
    assert launcher.state(job).code == 3


def test_a_job_that_waits_is_queued_and_force_ends_any(launcher: SlurmLauncher, folder: Path) -> None:
    more = SlurmLauncher(
        "cluster", Slurm.model_validate({"kind": "slurm", **SMALL, "options": (("begin", "now+1hour"),)})
    )
    waits = more.submit(folder)
    assert more.state(waits).name == "queued"
    more.stop(waits, force=False)
    wait_until("it has ended", lambda: more.state(waits).name == "ended")
    assert "CANCELLED" in more.state(waits).words
    (folder / ATTEMPT).write_text("two")
    job = launcher.submit(folder)
    wait_until("it has begun", lambda: begun(folder))
    launcher.stop(job, force=True)
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")


def test_a_job_that_is_queued_again_makes_the_same_call(launcher: SlurmLauncher, folder: Path) -> None:
    """As after a preemption."""
    job = launcher.submit(folder)
    wait_until("it has begun", lambda: begun(folder))
    subprocess.run(["scontrol", "requeue", job["id"]], check=True)
    assert launcher.state(job).name in ("queued", "running", "unknown")

    def again() -> bool:
        """SLURM would wait for two minutes."""
        subprocess.run(["scontrol", "update", f"JobId={job['id']}", "StartTime=now"], check=False, capture_output=True)
        return (folder / "log.txt").read_text().count("begun") == 2

    wait_until("it has begun again", again, 200)
    assert launcher.state(job).name == "running"
    launcher.stop(job, force=False)
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")
    assert launcher.state(job).code == 0


def test_while_the_controller_is_gone_nothing_is_known(
    launcher: SlurmLauncher, folder: Path, cluster: SlurmBox
) -> None:
    job = launcher.submit(folder)
    wait_until("it has begun", lambda: begun(folder))
    cluster.controller_down()
    try:
        assert launcher.state(job).name == "unknown"
        with pytest.raises(LauncherAway):
            launcher.stop(job, force=True)
        (folder / ATTEMPT).write_text("two")
        with pytest.raises(LauncherAway):
            launcher.submit(folder)
    finally:
        cluster.controller_up()
    wait_until("it answers again", lambda: launcher.state(job).name == "running")
    launcher.stop(job, force=True)


def test_a_run_trains_and_one_is_stopped(
    cluster: SlurmBox, tiny_config: TrainConfig, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workbench / "launch.toml").write_text(
        f'[cluster]\nkind = "slurm"\ngpus = 0\ncpus = 1\nmemory_gb = 4\npython = "{sys.executable}"\nproject = "{ROOT}"\n'
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
    wait_until("the other has finished beside it", lambda: look(whole, "finished"), 300)
    request_stop(endless)
    wait_until("it has stopped", lambda: look(endless, "stopped"), 200)
    assert "SIGTERM" in get_run(endless).reason
