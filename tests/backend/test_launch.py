"""Launch, queue, lock and death, with real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from backend.errors import UserError
from backend.runs.causes import cause_of_death
from backend.runs.create import create_run, create_several
from backend.runs.dispatcher import Dispatcher, serve
from backend.runs.grid import parse_grid, parse_seeds
from backend.runs.handle import LOCAL, Handle, State, this_host
from backend.runs.jobs import preflight_checks, preflight_job, start_preflight
from backend.runs.lock import _training_lock, dispatcher_lock, is_dispatching, is_training, training_lock
from backend.runs.processes import bind, is_alive, process_job, process_table, settle, started_at
from backend.runs.queue import cancel, enqueue, ensure_dispatcher, move, waiting
from backend.runs.watch import current_runs
from backend.settings import ROOT
from backend.store.engine import reading, writing
from backend.store.runs import all_runs
from backend.store.tables import Run
from backend.training.config import TrainConfig, override
from tests import warm
from tests.live_runs import get_run, wait_for, wait_until


def dispatchers() -> list[psutil.Process]:
    mine = os.environ["WORKBENCH_RUNS_DIR"]
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "backend.runs.dispatcher" in (process.info["cmdline"] or []):
            try:
                if process.environ().get("WORKBENCH_RUNS_DIR") == mine:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    return found


def trains_now(run_id: str) -> bool:
    metrics = Path(get_run(run_id).folder) / "metrics.jsonl"
    return metrics.exists() and "loss" in metrics.read_text()


def create_hopeless_run(config: TrainConfig) -> str:
    """One whose process fails as soon as it reads its prompts, for where it matters that a run starts, not how it ends."""
    run_id = create_run(config)
    (Path(get_run(run_id).folder) / "prompts.jsonl").write_text("")
    return run_id


def add_run(name: str, workbench: Path, **more: Any) -> None:
    """Add a run that waits for its turn, unless ``more`` says otherwise."""
    of = {"preset": "nano", "config": {}, "seed": 1, "status": "queued", "profile": "v", "fingerprint": "x"}
    with writing() as session:
        session.add(Run(id=name, name=name, folder=str(workbench / name), **{**of, **more}))


def long(config: TrainConfig) -> TrainConfig:
    """One that goes on until it is ended: a random model would be stopped by a rule after twenty steps."""
    return config.model_copy(update={"max_steps": 5000, "eval_steps": 5000, "stop_rules": False})


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_a_queue_of_three_runs_one_after_the_other_without_the_app(tiny_config: TrainConfig) -> None:
    """One trains, two fail at once; whichever comes first, no two have the machine at the same time."""
    whole, *hopeless = ids = [create_run(tiny_config), *(create_hopeless_run(tiny_config) for _ in range(2))]
    launchers = [threading.Thread(target=enqueue, args=(run_id,)) for run_id in ids]  # all in the same second
    for thread in launchers:
        thread.start()
    for thread in launchers:
        thread.join()
    ended = [wait_for(whole, "finished"), *(wait_for(run_id, "failed") for run_id in hopeless)]
    runs = sorted(ended, key=lambda run: run.started_at)
    for earlier, later in pairwise(runs):
        assert earlier.ended_at <= later.started_at
    assert [run.exit_code for run in ended] == [0, 2, 2] and all(run.heartbeat_at is not None for run in runs)
    wait_until("the dispatcher leaves with the last run", lambda: not is_dispatching())
    with pytest.raises(UserError, match="has finished; clone it"):
        enqueue(whole)


def test_the_queue_can_be_reordered_and_left(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    for name in "abc":
        add_run(name, workbench)
        enqueue(name)
    with pytest.raises(UserError, match="in the queue already"):
        enqueue("a")

    def line() -> list[str]:
        with reading() as session:
            return [run.id for run in waiting(session)]

    move("c", up=True)
    assert line() == ["a", "c", "b"]
    move("a", up=True)
    move("b", up=False)
    assert line() == ["a", "c", "b"]
    cancel("a")
    assert line() == ["c", "b"] and get_run("a").status == "cancelled"
    with pytest.raises(UserError, match="not in the queue any more"):
        cancel("a")
    enqueue("a")
    assert line() == ["c", "b", "a"]


@pytest.mark.slow
def test_killing_the_dispatcher_harms_no_run_and_the_queue_goes_on(tiny_config: TrainConfig) -> None:
    first, second = create_run(long(tiny_config)), create_hopeless_run(tiny_config)
    enqueue(first)
    enqueue(second)
    wait_until("the first trains", lambda: trains_now(first))
    for process in dispatchers():
        process.kill()
    wait_until("the dispatcher is gone", lambda: not is_dispatching())
    assert is_alive(get_run(first)) and get_run(second).status == "queued"
    current_runs()  # as any page does
    wait_until("somebody serves the queue again", is_dispatching)
    time.sleep(1.5)
    assert get_run(second).status == "queued"  # the machine is still the first one's
    os.kill(get_run(first).pid, signal.SIGKILL)
    assert wait_for(second, "failed").exit_code == 2  # it had its turn
    failed = wait_for(first, "failed")
    assert "nobody saw how" in failed.reason


def test_the_end_of_an_earlier_attempt_is_not_that_of_a_run_that_was_resumed(workbench: Path) -> None:
    """The dispatcher sees the end of its process after a run that failed is under way again in another."""
    earlier, now = {"pid": 1, "started": 0.0, "table": process_table()}, process_job(os.getpid())
    add_run("a", workbench, status="running", handle=Handle(LOCAL, this_host(), now).as_dict())
    settle("a", State("ended", 1), earlier)
    assert (get_run("a").status, get_run("a").exit_code) == ("running", None)
    settle("a", State("ended", 1), now)
    assert (get_run("a").status, get_run("a").exit_code) == ("failed", 1)


class _QuickProcess:
    """A launcher whose process says that it has the run before the dispatcher can, as on a loaded machine."""

    name, at_once = LOCAL, 1

    def __init__(self, and_then: Callable[[str], None] = lambda run_id: None) -> None:
        self.jobs: list[dict[str, Any]] = []
        self._and_then = and_then

    def submit(self, folder: Path) -> dict[str, Any]:
        with writing() as session:
            bind(session.get_one(Run, folder.name), os.getpid())
        self._and_then(folder.name)
        self.jobs.append(process_job(os.getpid()))
        return self.jobs[-1]

    def state(self, job: dict[str, Any]) -> State:
        return State("running")

    def stop(self, job: dict[str, Any], force: bool) -> None:
        self.jobs.remove(job)


def _queued(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.runs.queue.ensure_dispatcher", lambda launcher: None)
    add_run("a", workbench)
    enqueue("a")


def test_a_process_that_says_first_that_it_has_the_run_is_not_started_twice(
    workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _queued(workbench, monkeypatch)
    dispatcher = Dispatcher(launcher := _QuickProcess())
    for _ in range(3):
        dispatcher.round()
        assert (get_run("a").status, get_run("a").place) == ("running", None)
    assert len(launcher.jobs) == 1


def test_a_process_whose_run_was_taken_out_while_it_started_is_ended(
    workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _queued(workbench, monkeypatch)
    Dispatcher(launcher := _QuickProcess(cancel)).round()
    assert get_run("a").status == "cancelled" and not launcher.jobs


@pytest.mark.slow
def test_a_run_from_the_terminal_waits_for_the_machine_and_says_for_whom(tiny_config: TrainConfig) -> None:
    run_id, other = create_run(tiny_config), create_run(tiny_config)
    said = {each: Path(get_run(each).folder) / "said.txt" for each in (run_id, other)}

    def waits(each: str) -> bool:
        return "waiting for somebody" in said[each].read_text()

    with training_lock("somebody"):
        process = warm.start("--run", run_id, out=said[run_id])
        wait_until("it waits", lambda: waits(run_id))
        assert get_run(run_id).status == "queued" and is_training()
    assert process.wait() == 0 and get_run(run_id).status == "finished"

    with training_lock("somebody"):
        process = warm.start("--run", other, out=said[other])
        wait_until("it waits", lambda: waits(other))
        process.kill()
    settle(other)
    assert (get_run(other).status, get_run(other).reason) == ("cancelled", "it gave up waiting for its turn")


@pytest.mark.slow
def test_a_lock_is_freed_when_its_holder_is_killed(workbench: Path) -> None:
    code = "from backend.runs.lock import *\nimport time\nwith training_lock('x'): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and "held" in holder.stdout.readline()
    assert is_training()
    holder.kill()
    holder.wait()
    assert not is_training()


@contextmanager
def looked_at(lock: FileLock) -> Iterator[None]:
    """Somebody looks whether the lock is held, and so has it for a moment, on a loaded machine."""
    held = FileLock(lock.lock_file, thread_local=False)
    held.acquire()
    timer = threading.Timer(0.1, held.release)
    timer.start()
    yield
    timer.join()


def test_who_looks_at_its_lock_keeps_no_dispatcher_away(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[bool] = []
    monkeypatch.setattr(Dispatcher, "_has_work", lambda self: bool(served.append(True)))
    with looked_at(dispatcher_lock()):
        serve()
    assert served


def test_who_looks_at_its_lock_is_not_said_to_train(workbench: Path) -> None:
    said: list[str] = []
    with looked_at(_training_lock()), training_lock("a", said.append):
        assert is_training()
    assert not said


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_a_resumed_run_goes_through_the_queue_and_ends(tiny_config: TrainConfig) -> None:
    """Killed in the writing of its second checkpoint, it goes on from the first."""
    run_id = create_run(tiny_config.model_copy(update={"max_steps": 6, "eval_steps": 2}))
    folder = Path(get_run(run_id).folder)
    process = warm.start("--run", run_id, **{warm.STOPS_IN_CHECKPOINT: "2"})
    wait_until("a second checkpoint", lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    process.kill()
    wait_for(run_id, "failed", 30)
    enqueue(run_id)
    assert wait_for(run_id, "finished").reason
    assert "going on from step 2" in (folder / "log.txt").read_text()


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_seeds_hold_the_machine_as_one(tiny_config: TrainConfig) -> None:
    parent = create_several(tiny_config, parse_grid([], "1, 2"))
    after = create_hopeless_run(tiny_config)
    enqueue(parent)
    enqueue(after)
    last = wait_for(after, "failed", 240)
    with reading() as session:
        children = [run for run in all_runs(session) if run.parent_id == parent]
    assert [run.status for run in children] == ["finished", "finished"]
    assert all(child.ended_at <= last.started_at for child in children)


@pytest.mark.parametrize("text", ["42", "1,x", "1.5, 2"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"whole numbers|two or more"):
        parse_seeds(text)


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_a_folder_that_cannot_be_written_fails_the_run_and_the_queue_goes_on(tiny_config: TrainConfig) -> None:
    broken, after = create_run(tiny_config), create_hopeless_run(tiny_config)
    folder = Path(get_run(broken).folder)
    folder.rename(folder.with_name("gone"))
    enqueue(broken)
    enqueue(after)
    assert "cannot be started" in wait_for(broken, "failed").reason
    assert wait_for(after, "failed").exit_code == 2  # its process was started, and said how it ended


def test_the_start_of_a_process_does_not_move_with_the_clock() -> None:
    """It is counted from the machine's start: the clock is nowhere in it."""
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    mine = started_at(os.getpid())
    assert mine is not None and abs((mine + boot) - psutil.Process().create_time()) < 1
    assert started_at(2**22 - 7) is None


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (1, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "out of GPU memory: lower"),
        (1, "RuntimeError: CUDA error: an illegal memory access", "the GPU or its driver"),
        (1, "OSError: [Errno 28] No space left on device: 'x'", "the disk is full"),
        (1, "MemoryError", "out of main memory"),
        (-9, "step 5", "killed (SIGKILL)"),
        (-11, "", "killed by SIGSEGV"),
        (1, "Traceback\n  File x\nmy.module.StrangeError: what is this\n", "StrangeError: what is this"),
        (3, "nothing", "exit code 3"),
        (None, "", "nobody saw how"),
    ],
)
def test_a_death_has_a_cause_in_plain_words(code: int | None, log: str, words: str) -> None:
    assert words in cause_of_death(code, log)


@pytest.mark.usefixtures("warm_launches")
@pytest.mark.slow
def test_preflight_from_the_page_is_found_again(tiny_config: TrainConfig) -> None:
    assert preflight_job(tiny_config) is None
    start_preflight(tiny_config)
    wait_until("it ends", lambda: not preflight_job(tiny_config).running, 120)
    again = tiny_config.model_copy(update={"name": "another name"})
    job, checks = preflight_job(again), preflight_checks(again)
    assert job is not None and not job.failed and len(checks) == 21
    assert any(check.status == "fail" for check in checks)  # a random model does not pass
    assert preflight_job(override(tiny_config, {"temperature": "0.9"})) is None


def test_a_queue_that_is_served_gets_no_second_dispatcher(workbench: Path) -> None:

    with dispatcher_lock():
        ensure_dispatcher()
    time.sleep(0.5)
    assert not dispatchers()


@pytest.mark.slow
def test_a_dispatcher_that_is_starting_gets_no_second(workbench: Path) -> None:
    """A page asks every two seconds, and on a busy machine a process starts for longer: each question would add one."""
    for _ in range(5):
        ensure_dispatcher()
    wait_until("it starts", dispatchers)
    time.sleep(0.5)
    assert len(dispatchers()) == 1
    wait_until("it has nothing to do and ends", lambda: not dispatchers())
    ensure_dispatcher()
    wait_until("another one starts then", dispatchers)
    wait_until("that one ends too", lambda: not dispatchers())
