"""Runs on another machine, over a real sshd on loopback: there and back, and what a network and a machine do to them."""

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from backend.errors import UserError
from backend.runs.create import create_run
from backend.runs.dispatcher import Dispatcher
from backend.runs.handle import Handle
from backend.runs.launchers import LauncherAway, find_launcher
from backend.runs.launchers.config import Ssh
from backend.runs.launchers.ssh import SshLauncher
from backend.runs.processes import request_stop
from backend.runs.queue import ATTEMPT, enqueue
from backend.settings import get_settings
from backend.store.engine import reading
from backend.store.evaluations import run_evaluations
from backend.store.runs import load_metrics
from backend.training.config import TrainConfig
from tests.backend.test_hosts import add_run, silence, since
from tests.live_runs import get_run, wait_until
from tests.sshd import Box, ssh_box

STANDS_FOR_A_RUN = """#!/bin/sh
# in place of python: -m run_training --folder FOLDER
cd "$4"
echo begun >> log.txt
echo '{"step": 1, "time": 0, "metrics": {"loss": 0.5}}' >> metrics.jsonl
echo "$SECRET_TOKEN" | cksum > sum
trap 'echo stopped >> log.txt; exit 0' TERM
i=0
while [ ! -f end ]; do i=$((i + 1)); echo $i > heartbeat; sleep 0.1; done
exit $(cat end)
"""
"""What a launcher needs of a run: it takes long, gives signs of life, ends as told."""


@pytest.fixture
def box(workbench: Path) -> Iterator[Box]:
    with ssh_box(workbench) as box:
        yield box
        for process in psutil.process_iter(["cmdline"]):  # what a failed test leaves behind
            if any(str(box.folder) in word for word in process.info["cmdline"] or []):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@pytest.fixture
def launcher(box: Box) -> SshLauncher:
    program = box.keys / "python"
    program.write_text(STANDS_FOR_A_RUN)
    program.chmod(0o755)
    return launcher_of(box, python=str(program))


def launcher_of(box: Box, **changes: object) -> SshLauncher:
    section = box.section(**changes)
    tables = {k: tuple(v.items()) if isinstance(v, dict) else v for k, v in section.items()}
    return SshLauncher("box", Ssh.model_validate(tables))


@pytest.fixture
def folder(workbench: Path) -> Path:
    """A run's folder, here."""
    folder = workbench / "runs" / "r1"
    folder.mkdir(parents=True)
    for name in ("config.json", "prompts.jsonl"):
        (folder / name).write_text("{}\n")
    (folder / ATTEMPT).write_text("one")
    return folder


def beating(launcher: SshLauncher, job: dict[str, object]) -> bool:
    return (Path(str(job["folder"])) / "heartbeat").exists() and launcher.state(job).name == "running"


@pytest.mark.slow
def test_a_job_is_started_followed_and_ends_with_its_code(launcher: SshLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    wait_until("it runs", lambda: beating(launcher, job))
    assert launcher.submit(folder) == job  # asked again: no second one
    launcher.pull(job, folder)
    assert (folder / "log.txt").read_text() == "begun\n" and (folder / "heartbeat").exists()
    there = Path(job["folder"])
    assert stat.S_IMODE(there.stat().st_mode) == 0o700
    (there / "end").write_text("3")
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")
    assert launcher.state(job).code == 3
    assert launcher.submit(folder) == job  # the same attempt, ended
    (folder / ATTEMPT).write_text("two")
    (there / "end").unlink()
    again = launcher.submit(folder)
    assert again != job and launcher.state(job).name == "ended"
    wait_until("the second runs", lambda: beating(launcher, again))
    launcher.stop(again, force=False)
    wait_until("it has ended", lambda: launcher.state(again).name == "ended")
    assert launcher.state(again).code == 0 and "stopped" in (there / "log.txt").read_text()
    launcher.stop(again, force=True)  # nothing happens to one that has ended


@pytest.mark.slow
def test_force_ends_all_that_was_started(launcher: SshLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    wait_until("it runs", lambda: beating(launcher, job))
    group = os.getpgid(job["pid"])
    os.killpg(group, signal.SIGSTOP)  # frozen
    assert launcher.state(job).name == "running"
    launcher.stop(job, force=True)
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")
    assert launcher.state(job).code is None
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


@pytest.mark.slow
def test_a_pid_that_another_process_has_there_is_not_the_job(launcher: SshLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    wait_until("it runs", lambda: beating(launcher, job))
    other = {**job, "start": str(int(job["start"]) - 100)}
    assert launcher.state(other).name == "ended"
    launcher.stop(other, force=True)
    assert launcher.state({**job, "boot": "an earlier one"}).words.endswith("was started anew")
    assert launcher.state(job).name == "running"
    launcher.stop(job, force=True)


@pytest.mark.slow
def test_while_the_network_is_gone_nothing_is_known_and_nothing_done(
    launcher: SshLauncher, folder: Path, box: Box
) -> None:
    box.down()
    with pytest.raises(LauncherAway, match=r"box .* is not reached"):
        launcher.submit(folder)
    box.up()
    job = launcher.submit(folder)
    wait_until("it runs", lambda: beating(launcher, job))
    launcher.pull(job, folder)
    before = sorted(p.name for p in folder.rglob("*"))
    box.down()
    assert launcher.state(job).name == "unknown"
    for action in (
        lambda: launcher.stop(job, force=True),
        lambda: launcher.pull(job, folder),
        lambda: launcher.submit(folder),
    ):
        with pytest.raises(LauncherAway):
            action()
    assert sorted(p.name for p in folder.rglob("*")) == before
    box.up()
    assert launcher.state(job).name == "running" and launcher.submit(folder) == job
    launcher.stop(job, force=True)


@pytest.mark.slow
def test_an_answer_that_is_lost_starts_no_second_job(
    launcher: SshLauncher, folder: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process starts, and the connection ends before anybody is told."""
    cut = box.keys / "bin"
    cut.mkdir()
    real = shutil.which("ssh")
    (cut / "ssh").write_text(
        f'#!/bin/sh\ncase "$*" in *" sh -s") ;; *) exec {real} "$@" ;; esac\n'  # rsync's own is left alone
        f'{real} "$@" > {cut}/answer; code=$?\n'
        f"grep -q 'WORKBENCH job' {cut}/answer && exit 255\ncat {cut}/answer; exit $code\n"
    )
    (cut / "ssh").chmod(0o755)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{cut}:{path}")
    with pytest.raises(LauncherAway):
        launcher.submit(folder)
    with pytest.raises(LauncherAway):
        launcher.submit(folder)
    monkeypatch.setenv("PATH", path)
    job = launcher.submit(folder)
    wait_until("it runs", lambda: beating(launcher, job))
    assert (Path(job["folder"]) / "log.txt").read_text() == "begun\n"
    launcher.stop(job, force=True)


@pytest.mark.slow
def test_secrets_are_in_the_process_alone(
    box: Box, folder: Path, monkeypatch: pytest.MonkeyPatch, launcher: SshLauncher
) -> None:
    secret = "hush-0815-hush"  # noqa: S105
    with pytest.raises(UserError, match="SECRET_TOKEN must be set"):
        launcher_of(box, secrets=["SECRET_TOKEN"]).submit(folder)
    monkeypatch.setenv("SECRET_TOKEN", secret)
    mine = launcher_of(
        box, secrets=["SECRET_TOKEN"], python=str(box.keys / "python"), environment={"COLOUR": "it's blue"}
    )
    assert secret not in mine.script(folder) and "SECRET_TOKEN=***" in mine.script(folder).replace("'", "")
    job = mine.submit(folder)
    wait_until("it runs", lambda: beating(mine, job))
    variables = psutil.Process(job["pid"]).environ()
    assert variables["SECRET_TOKEN"] == secret and variables["COLOUR"] == "it's blue"
    mine.pull(job, folder)
    for path in [*folder.rglob("*"), *Path(job["folder"]).rglob("*")]:
        assert not path.is_file() or secret not in path.read_text(errors="replace"), path
    assert secret not in json.dumps(job)
    assert not [p.pid for p in psutil.process_iter(["cmdline"]) if secret in " ".join(p.info["cmdline"] or [])]
    mine.stop(job, force=True)


@pytest.mark.slow
def test_what_was_removed_there_stays_here_but_for_old_checkpoints(launcher: SshLauncher, folder: Path) -> None:
    job = launcher.submit(folder)
    there = Path(job["folder"])

    def checkpoint(step: int, whole: bool) -> Path:
        path = there / "checkpoints" / f"checkpoint-{step}"
        path.mkdir(parents=True)
        (path / "adapter_model.safetensors").write_text("weights")
        if whole:
            (path / "trainer_state.json").write_text("{}")
        return path

    checkpoint(2, True), checkpoint(4, True)
    launcher.pull(job, folder)
    shutil.rmtree(there / "checkpoints" / "checkpoint-2")
    checkpoint(6, False)
    launcher.pull(job, folder)
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["checkpoint-4", "checkpoint-6"]
    (there / "end").write_text("0")
    wait_until("it has ended", lambda: launcher.state(job).name == "ended")
    shutil.rmtree(there)
    with suppress(UserError):
        launcher.pull(job, folder)
    assert (folder / "config.json").exists() and (
        folder / "checkpoints" / "checkpoint-4" / "trainer_state.json"
    ).exists()
    assert launcher.state(job).name == "ended"


@pytest.mark.slow
def test_a_python_that_is_not_there_ends_the_run_with_a_word(box: Box, folder: Path) -> None:
    mine = launcher_of(box, python="/no/such/python")
    job = mine.submit(folder)
    wait_until("it has ended", lambda: mine.state(job).name == "ended")
    mine.pull(job, folder)
    assert mine.state(job).code == 127 and "/no/such/python" in (folder / "log.txt").read_text()


def test_a_full_disk_there_is_said(box: Box, launcher: SshLauncher, folder: Path) -> None:
    size = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(box.folder)]
    if subprocess.run(size, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        (folder / "prompts.jsonl").write_bytes(os.urandom(3_000_000))
        with pytest.raises(UserError, match=r"No space left on device|is a disk full\?") as raised:
            launcher.submit(folder)
        assert not isinstance(raised.value, LauncherAway)  # asking again would not help
    finally:
        subprocess.run(["umount", "--lazy", str(box.folder)], check=True)


# --- through the queue --------------------------------------------------------------------------------------------
def write_launch_toml(box: Box, folder: Path, **changes: object) -> None:
    """launch.toml with the box, where this process's settings look for it."""
    lines = ["[box]"]
    for key, value in box.section(**changes).items():
        if isinstance(value, dict):
            inner = ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items())
            lines.append(f"{key} = {{ {inner} }}")
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    (folder / "launch.toml").write_text("\n".join(lines) + "\n")
    os.environ["WORKBENCH_LAUNCH"] = str(folder / "launch.toml")
    get_settings.cache_clear()


@pytest.fixture
def launch_toml(workbench: Path, box: Box, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setenv("WORKBENCH_LAUNCH", "")  # so that it is put back
    return box


@pytest.mark.slow
def test_two_minutes_without_a_network_are_told_and_end_nothing(
    launch_toml: Box, launcher: SshLauncher, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, while and after: the run waits, is silent, and goes on; a stop asked for meanwhile is carried out then."""
    write_launch_toml(launch_toml, workbench, python=str(launch_toml.keys / "python"))
    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    run_id = add_run(workbench / "runs" / "r1")
    for name in ("config.json", "prompts.jsonl"):
        (workbench / "runs" / "r1" / name).write_text("{}\n")
    enqueue(run_id, "box")
    dispatcher = Dispatcher(find_launcher("box"))
    launch_toml.down()
    dispatcher.round()
    assert get_run(run_id).status == "queued" and get_run(run_id).place is not None
    assert "is not reached" in get_run(run_id).reason
    launch_toml.up()
    dispatcher.round()
    assert get_run(run_id).place is None and Handle.of(get_run(run_id)).job["pid"]
    wait_until("it is seen to run", lambda: (dispatcher.round(), get_run(run_id).status == "running")[1])
    assert get_run(run_id).reason == ""

    launch_toml.down()
    silence(run_id)
    dispatcher.round()
    assert get_run(run_id).status == "running" and since(run_id) is not None
    request_stop(run_id)
    dispatcher.round()
    assert get_run(run_id).status == "running"
    launch_toml.up()
    dispatcher.round()
    assert since(run_id) is None
    wait_until("it has ended", lambda: (dispatcher.round(), get_run(run_id).status != "running")[1])
    run = get_run(run_id)
    assert run.exit_code == 0 and "stopped" in (workbench / "runs" / "r1" / "log.txt").read_text()
    with reading() as session:
        assert load_metrics(session, [run_id])["value"].tolist() == [0.5]


def queued_there(launch_toml: Box, workbench: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run in the box's queue, with a stand-in for its training, which no dispatcher follows but the test's; its id."""
    write_launch_toml(launch_toml, workbench, python=str(launch_toml.keys / "python"))
    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    run_id = add_run(workbench / "runs" / "r1")
    enqueue(run_id, "box")
    return run_id


@pytest.mark.slow
def test_a_dispatcher_that_is_killed_is_followed_by_one_that_finds_the_job(
    launch_toml: Box, launcher: SshLauncher, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = queued_there(launch_toml, workbench, monkeypatch)
    Dispatcher(find_launcher("box")).round()
    other = Dispatcher(find_launcher("box"))
    wait_until("it is seen to run", lambda: (other.round(), get_run(run_id).status == "running")[1])
    assert (launch_toml.folder / "r1" / "log.txt").read_text().splitlines().count("begun") == 1
    request_stop(run_id, force=True)
    wait_until("it has ended", lambda: (other.round(), get_run(run_id).status == "failed")[1])
    assert get_run(run_id).reason.startswith("killed on request")


@pytest.mark.slow
@pytest.mark.parametrize("answers", [True, False])
def test_what_was_seen_of_a_job_that_was_given_up_meanwhile_says_nothing_of_the_run(
    answers: bool, launch_toml: Box, launcher: SshLauncher, workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the run, queued anew on this machine, counts as running, and nobody ever starts it."""
    run_id = queued_there(launch_toml, workbench, monkeypatch)
    there = find_launcher("box")
    dispatcher = Dispatcher(there)
    wait_until("it is seen to run", lambda: (dispatcher.round(), get_run(run_id).status == "running")[1])
    pull = there.pull

    def pull_and_give_up(job: dict[str, object], folder: Path) -> None:
        pull(job, folder)
        silence(run_id)
        request_stop(run_id, force=True)
        enqueue(run_id)
        if not answers:
            raise LauncherAway("box is not reached")

    monkeypatch.setattr(there, "pull", pull_and_give_up)
    dispatcher.round()
    run = get_run(run_id)
    assert run.status == "queued" and run.place is not None and Handle.of(run).launcher == "local"
    assert "box" not in run.reason


@pytest.mark.slow
def test_a_run_trains_there_and_its_results_come_back(
    launch_toml: Box, tiny_config: TrainConfig, workbench: Path
) -> None:
    nothing = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "WORKBENCH_RUNS_DIR": "/nonexistent"}
    write_launch_toml(launch_toml, workbench, environment=nothing)
    run_id = create_run(tiny_config)
    enqueue(run_id, "box")  # and a dispatcher of its own does the rest
    wait_until("it has ended", lambda: get_run(run_id).status not in ("queued", "running"), 200)
    run = get_run(run_id)
    assert run.status == "finished", run.reason
    folder = Path(run.folder)
    wait_until("it is compared", (folder / "comparison_base_vs_tuned.json").exists)
    assert (folder / "best" / "adapter_model.safetensors").is_file()
    with reading() as session:
        assert [e.label for e in run_evaluations(session, run_id)] == ["base", "step", "step", "tuned"]


@pytest.mark.slow
def test_a_machine_that_dies_for_good_is_given_up_and_the_run_goes_on_here(
    launch_toml: Box, tiny_config: TrainConfig, workbench: Path
) -> None:
    write_launch_toml(launch_toml, workbench)
    config = tiny_config.model_copy(update={"max_steps": 5000, "eval_steps": 2, "patience": 5000, "stop_rules": False})
    run_id = create_run(config)
    enqueue(run_id, "box")
    folder = Path(get_run(run_id).folder)
    wait_until("a checkpoint is here", lambda: list(folder.glob("checkpoints/*/trainer_state.json")), 200)
    launch_toml.down()
    job = Handle.of(get_run(run_id)).job
    os.killpg(os.getpgid(job["pid"]), signal.SIGKILL)
    shutil.rmtree(launch_toml.folder)
    wait_until("what it had reported before is in the store", lambda: "box" in get_run(run_id).reason, 100)
    silence(run_id)
    assert get_run(run_id).status == "running"
    request_stop(run_id, force=True)
    assert "given up" in get_run(run_id).reason and get_run(run_id).status == "failed"
    enqueue(run_id)
    wait_until("it goes on here", lambda: "going on from step" in (folder / "log.txt").read_text(), 200)
    assert Handle.of(get_run(run_id)).launcher == "local"
    wait_until("it is running", lambda: get_run(run_id).status == "running")
    request_stop(run_id)
    wait_until("it has ended", lambda: get_run(run_id).status == "stopped", 100)
