"""Runs on machines that SkyPilot rents: the task as it is written, and the rest against a stand-in; no cloud was used."""

import json
from pathlib import Path

import pytest
import yaml

from backend.errors import UserError
from backend.runs.dispatcher import Dispatcher
from backend.runs.launchers import LauncherAway, find_launcher
from backend.runs.launchers.config import Place, SkyPilot, read_places
from backend.runs.launchers.skypilot import TASK, SkyPilotLauncher
from backend.runs.processes import request_stop
from backend.runs.queue import ATTEMPT, enqueue
from backend.settings import get_settings
from tests.backend.test_hosts import add_run
from tests.live_runs import get_run, wait_until
from tests.skypilot_box import sky_on_path

SECRET = "hush-0815-hush"  # noqa: S105
STANDS_FOR_A_RUN = """#!/bin/sh
# in place of python: -u -m run_training --folder FOLDER
cd "$5"
echo begun >> log.txt
echo "$SECRET_TOKEN" | cksum > sum
i=0
while [ ! -f end ] && [ ! -f stop ]; do i=$((i + 1)); echo $i > heartbeat; sleep 0.05; done
[ ! -f stop ] || echo stopped >> log.txt
exit $(cat end 2>/dev/null || echo 0)
"""
WHOLE = """
[cloud]
kind = "skypilot"
infra = "aws/us-east-1"
accelerator = "A100:1"
cpus = 8
memory_gb = 64
disk_gb = 200
image = "docker:nvidia/cuda:12.8.0-devel-ubuntu24.04"
spot = true
upload = "/home/me/workbench"
setup = ["pip install -r requirements-gpu.lock", "nvidia-smi"]
keep_minutes = 30
environment = { MODE = "it's fast" }
secrets = ["HF_TOKEN"]
"""


def place_of(folder: Path, text: str) -> Place:
    (folder / "launch.toml").write_text(text)
    return read_places(folder / "launch.toml")["cloud"]


@pytest.fixture
def cloud(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("backend.runs.launchers.skypilot._FRESH_SECONDS", 0.0)
    return sky_on_path(workbench, monkeypatch)


@pytest.fixture
def launcher(workbench: Path, cloud: Path) -> SkyPilotLauncher:
    return SkyPilotLauncher("cloud", SkyPilot(kind="skypilot", python=str(stand_in(workbench))))


def stand_in(workbench: Path) -> Path:
    program = workbench / "python"
    program.write_text(STANDS_FOR_A_RUN)
    program.chmod(0o755)
    return program


@pytest.fixture
def folder(workbench: Path) -> Path:
    folder = workbench / "runs" / "r1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}\n")
    (folder / ATTEMPT).write_text("one")
    return folder


def calls(cloud: Path, verb: str) -> list[list[str]]:
    return [call for line in (cloud / "calls").read_text().splitlines() if (call := json.loads(line))[0] == verb]


def there(cloud: Path) -> Path:
    return cloud / "wb-r1-one" / "runs" / "r1"


def until(launcher: SkyPilotLauncher, job: dict[str, object], name: str) -> None:
    wait_until(f"it is {name}", lambda: launcher.state(job).name == name)


def test_the_task_is_written_as_the_section_says(workbench: Path) -> None:
    place = place_of(workbench, WHOLE)
    assert isinstance(place, SkyPilot)
    written = SkyPilotLauncher("cloud", place).script(Path("/data/runs/r1"))
    assert written == (Path(__file__).parent / "skypilot_task.yaml").read_text()


def test_of_a_section_with_nothing_but_its_kind_no_empty_field_is_written(workbench: Path) -> None:
    place = place_of(workbench, '[cloud]\nkind = "skypilot"\ninfra = "k8s"\nproject = "/srv/work bench"\n')
    assert isinstance(place, SkyPilot)
    task = yaml.safe_load(SkyPilotLauncher("cloud", place).script(Path("/data/runs/r1")))
    assert task.keys() == {"name", "resources", "file_mounts", "run"}
    assert task["resources"].keys() == {"infra", "disk_size", "autostop"} and "cd '/srv/work bench'" in task["run"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('accelerator = "A100:1; rm"', "is not an accelerator"),
        ('infra = "aws us-east-1"', "is not a cloud, cloud/region"),
        ('folder = "../runs"', "is not a folder's path under the home"),
        ('folder = "/runs"', "is not a folder's path under the home"),
        ('upload = "workbench"', "is not an absolute path"),
        ("keep_minutes = 1", "keep_minutes: Input should be greater than or equal to 5"),
        ('setup = ["a\\nb"]', "holds a line break"),
        ('environment = { HF_TOKEN = "abc" }', "looks like a secret"),
        ('host = "me@gpu1"', "host: Extra inputs"),
    ],
)
def test_a_wrong_section_is_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        place_of(tmp_path, f'[cloud]\nkind = "skypilot"\n{line}\n')


def test_a_job_is_launched_once_followed_and_its_machine_given_back(
    launcher: SkyPilotLauncher, folder: Path, cloud: Path
) -> None:
    job = launcher.submit(folder)
    until(launcher, job, "running")
    assert launcher.submit(folder) == job and len(calls(cloud, "launch")) == 1
    wait_until("it has begun", (there(cloud) / "heartbeat").exists)
    launcher.pull(job, folder)
    assert (folder / "log.txt").read_text() == "begun\n" and not calls(cloud, "down")
    (there(cloud) / "end").write_text("3")
    until(launcher, job, "ended")
    assert launcher.state(job).code == 3
    launcher.pull(job, folder)
    assert (folder / "exit_code").read_text() == "3\n" and not there(cloud).exists()
    assert len(calls(cloud, "down")) == 1
    other = SkyPilotLauncher("cloud", SkyPilot(kind="skypilot"))  # as after a restart of the dispatcher
    state = other.state(job)
    assert state.name == "ended" and "machine is gone" in state.words
    other.pull(job, folder)
    other.stop(job, force=True)


def test_a_job_under_way_is_not_asked_after_again_at_once(
    launcher: SkyPilotLauncher, folder: Path, cloud: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = launcher.submit(folder)
    until(launcher, job, "running")
    monkeypatch.setattr("backend.runs.launchers.skypilot._FRESH_SECONDS", 1e9)
    asked = len(calls(cloud, "logs"))
    assert launcher.state(job).name == launcher.state(job).name == "running" and len(calls(cloud, "logs")) == asked
    launcher.stop(job, force=True)  # which looks for itself
    assert len(calls(cloud, "logs")) == asked + 1


@pytest.mark.slow
def test_a_stop_reaches_the_run_and_force_its_job(launcher: SkyPilotLauncher, folder: Path, cloud: Path) -> None:
    job = launcher.submit(folder)
    until(launcher, job, "running")
    wait_until("it has begun", (there(cloud) / "heartbeat").exists)
    launcher.stop(job, force=False)
    until(launcher, job, "ended")
    launcher.pull(job, folder)
    assert launcher.state(job).name == "ended" and "stopped" in (folder / "log.txt").read_text()
    (folder / ATTEMPT).write_text("two")
    (folder / "stop").unlink()
    again = launcher.submit(folder)
    assert again["cluster"] != job["cluster"]
    until(launcher, again, "running")
    launcher.stop(again, force=True)
    until(launcher, again, "ended")
    assert "cancelled" in launcher.state(again).words


def test_while_a_machine_is_looked_for_it_waits_and_can_be_given_up(
    launcher: SkyPilotLauncher, folder: Path, cloud: Path
) -> None:
    (cloud / "slow").touch()
    job = launcher.submit(folder)
    assert launcher.state(job).name == "queued"
    launcher.pull(job, folder)
    launcher.stop(job, force=False)
    assert launcher.state(job).name == "ended" and "launch was cancelled" in launcher.state(job).words


def test_no_machine_to_be_had_is_an_end_that_says_so(launcher: SkyPilotLauncher, folder: Path, cloud: Path) -> None:
    (cloud / "none left").touch()
    job = launcher.submit(folder)
    state = launcher.state(job)
    assert state.name == "ended" and "got no machine" in state.words
    launcher.pull(job, folder)
    assert calls(cloud, "down")  # what a failed launch leaves behind costs money


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "name", "words"),
    [
        ("INIT", "queued", ""),
        ("PENDING", "queued", ""),
        ("SETTING_UP", "queued", ""),
        ("RUNNING", "running", ""),
        ("SUCCEEDED", "ended", ""),
        ("FAILED_SETUP", "ended", "setup lines"),
        ("FAILED_DRIVER", "ended", "own process"),
        ("CANCELLED", "ended", "cancelled"),
        ("A_WORD_OF_NEXT_YEAR", "unknown", ""),
    ],
)
def test_skypilots_words(
    launcher: SkyPilotLauncher, folder: Path, cloud: Path, word: str, name: str, words: str
) -> None:
    job = launcher.submit(folder)
    (cloud / "wb-r1-one" / "word").write_text(word)
    state = launcher.state(job)
    assert state.name == name and words in state.words
    (there(cloud) / "end").write_text("0")


def test_while_nothing_is_reached_nothing_is_known_and_nothing_done(
    launcher: SkyPilotLauncher, folder: Path, cloud: Path
) -> None:
    (cloud / "down").touch()
    with pytest.raises(LauncherAway, match="Could not connect"):
        launcher.submit(folder)
    (cloud / "down").unlink()
    job = launcher.submit(folder)
    until(launcher, job, "running")
    (cloud / "down").touch()
    assert launcher.state(job).name == "unknown"
    for action in (lambda: launcher.stop(job, force=True), lambda: launcher.stop(job, force=False)):
        with pytest.raises(LauncherAway):
            action()
    with pytest.raises(LauncherAway):
        launcher.pull(job, folder)
    (cloud / "down").unlink()
    assert launcher.state(job).name == "running" and launcher.submit(folder) == job
    launcher.stop(job, force=True)


def test_an_answer_that_is_lost_launches_no_second_machine(
    launcher: SkyPilotLauncher, folder: Path, cloud: Path
) -> None:
    (cloud / "lost answer").touch()
    with pytest.raises(LauncherAway):
        launcher.submit(folder)
    job = launcher.submit(folder)
    assert len(calls(cloud, "launch")) == 1
    launcher.stop(job, force=True)


def test_a_machine_that_is_not_known_to_be_gone_is_unknown(launcher: SkyPilotLauncher, folder: Path) -> None:
    """Another server's machines, or one whose launch is forgotten: nobody can say."""
    assert launcher.state({"cluster": "wb-other-one", "folder": "runs/other"}).name == "unknown"


def test_without_skypilot_it_is_said_how_to_get_it(
    folder: Path, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(workbench))
    launcher = SkyPilotLauncher("cloud", SkyPilot(kind="skypilot"))
    with pytest.raises(UserError, match=r"pip install 'skypilot\[aws\]'"):
        launcher.submit(folder)
    assert launcher.state({"cluster": "wb-r1-one", "folder": "runs/r1"}).name == "unknown"


def test_secrets_are_in_the_process_alone(
    folder: Path, workbench: Path, cloud: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = SkyPilot(kind="skypilot", python=str(stand_in(workbench)), secrets=("SECRET_TOKEN",))
    launcher = SkyPilotLauncher("cloud", place)
    with pytest.raises(UserError, match="SECRET_TOKEN must be set"):
        launcher.submit(folder)
    monkeypatch.setenv("SECRET_TOKEN", SECRET)
    job = launcher.submit(folder)
    until(launcher, job, "running")
    wait_until("it has begun", (there(cloud) / "heartbeat").exists)
    launcher.stop(job, force=False)
    until(launcher, job, "ended")
    launcher.pull(job, folder)
    empty, held = ((folder / "sum").read_text(), (there(cloud) / "sum")), launcher.script(folder)
    assert empty[0] != "4294967295 1\n"  # the run had it
    assert SECRET not in held and SECRET not in json.dumps(job) and SECRET not in (cloud / "calls").read_text()
    for path in folder.rglob("*"):
        assert not path.is_file() or SECRET not in path.read_text(errors="replace"), path
    assert "SECRET_TOKEN: null" in (folder / TASK).read_text()


def test_through_the_queue_a_lost_network_ends_nothing(
    workbench: Path, cloud: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workbench / "launch.toml").write_text(f'[cloud]\nkind = "skypilot"\npython = "{stand_in(workbench)}"\n')
    monkeypatch.setenv("WORKBENCH_LAUNCH", str(workbench / "launch.toml"))
    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    get_settings.cache_clear()
    run_id = add_run(workbench / "runs" / "r1")
    (workbench / "runs" / "r1" / "config.json").write_text("{}\n")
    enqueue(run_id, "cloud")
    dispatcher = Dispatcher(find_launcher("cloud"))
    (cloud / "down").touch()
    dispatcher.round()
    assert get_run(run_id).status == "queued" and "Could not connect" in get_run(run_id).reason
    (cloud / "down").unlink()
    wait_until("it runs", lambda: (dispatcher.round(), get_run(run_id).status == "running")[1])
    (cloud / "down").touch()
    dispatcher.round()
    assert get_run(run_id).status == "running"
    (cloud / "down").unlink()
    request_stop(run_id)
    wait_until("it has ended", lambda: (dispatcher.round(), get_run(run_id).status != "running")[1])
    assert get_run(run_id).exit_code == 0 and "stopped" in (workbench / "runs" / "r1" / "log.txt").read_text()
    assert len(calls(cloud, "launch")) == 1 and len(calls(cloud, "down")) == 1
