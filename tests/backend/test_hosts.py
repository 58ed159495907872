"""Two machines on one store, and what a run's folder and its process may do to those who look at them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.screens import __path__ as screens
from backend.errors import UserError
from backend.runs.causes import cause_of_death
from backend.runs.create import create_run
from backend.runs.ending import read_standing, write_end
from backend.runs.handle import Handle, State, silent_since, this_host
from backend.runs.processes import is_alive, mark_running, process_job, request_stop, settle
from backend.runs.queue import enqueue, move, waiting
from backend.runs.sync import sync_run
from backend.runs.watch import current_runs, firings
from backend.settings import ROOT, get_settings
from backend.store.engine import reading, writing
from backend.store.runs import load_metrics, store_now
from backend.store.tables import Run
from backend.training.config import TrainConfig, get_preset, override
from backend.training.metrics_file import append_metrics, parse_line, read_series
from backend.training.resume import rewind
from tests import warm
from tests.live_runs import get_run, wait_for, wait_until

PAGES = sorted(p.stem for p in Path(screens[0]).glob("*.py") if p.stem != "__init__")
GARBAGE = [
    b"not json at all",
    b"\x00\x00\x00\x00",
    b"\xff\xfe\xff broken utf-8",
    b"[" * 100_000,
    b"null",
    b"[1, 2]",
    b'{"step": 1}',
    b'{"step": 1, "metrics": [1]}',
    b'{"step": "one", "metrics": {"loss": 1}}',
    b'{"step": true, "metrics": {"loss": 1}}',
    b'{"step": -1, "metrics": {"loss": 1}}',
    b'{"step": 99999999999999999999, "metrics": {"loss": 1}}',
    b'{"step": 1, "metrics": {"loss": NaN}}',
    b'{"step": 1, "metrics": {"loss": "high"}}',
    b'{"step": 1, "metrics": {"loss": {"a": 1}}}',
    b'{"step": 1, "metrics": {"a\\u0000b": 1}}',
    b'{"step": 1, "metrics": {"\\ud800": 1}}',
    b'{"step": 1, "metrics": {"' + b"n" * 500 + b'": 1}}',
    b'{"step": 1, "metrics": {"loss": 1' + b"0" * 400 + b"}}",
    b'{"step": 1, "time": "late", "metrics": {"loss": 1}}',
    b'{"step": 1, "metr{"step": 2, "time": 0, "metrics": {"loss": 1}}',
]


@contextmanager
def on_host(name: str) -> Iterator[None]:
    """This process, and those it starts, are on a machine of this name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOST_NAME", name)
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a run's."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def add_run(folder: Path, pid: int | None = None) -> str:
    """A run whose process has this pid, if any, with a line of metrics and a log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.txt").write_text("it has begun\n")
    (folder / "metrics.jsonl").write_text(json.dumps({"step": 1, "time": 0, "metrics": {"loss": 0.5}}) + "\n")
    with writing() as session:
        run = Run(
            id=folder.name, name=folder.name, preset="nano", config={"max_steps": 5}, seed=1, folder=str(folder),
            status="queued", profile="v4.2.1", fingerprint="x",
        )  # fmt: skip
        session.add(run)
        if pid is not None:
            mark_running(run, pid)
    return folder.name


def silence(run_id: str, seconds: float = 120) -> None:
    """Its last sign of life is so long ago."""
    with writing() as session:
        session.get_one(Run, run_id).heartbeat_at = store_now(session) - timedelta(seconds=seconds)


def since(run_id: str) -> object:
    with reading() as session:
        return silent_since(session, session.get_one(Run, run_id))


def page(name: str, *runs: str) -> AppTest:
    """A page, with these runs chosen."""
    shown = AppTest.from_file(str(ROOT / "app" / "screens" / f"{name}.py"), default_timeout=60)
    if runs:
        shown.session_state["runs"] = list(runs)
    return shown.run()


def warnings(run_id: str) -> str:
    return " ".join(str(w.value) for w in page("runs", run_id).warning)


# --- two machines -------------------------------------------------------------------------------------------------
def test_where_no_process_can_be_started_runs_wait_and_are_still_shown(
    workbench: Path, tiny_prompts: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_left(*_: object) -> None:
        raise OSError("no process left")

    monkeypatch.setattr("backend.runs.queue.start_detached", none_left)
    with pytest.raises(OSError, match="no process left"):
        enqueue(create_run(override(get_preset("nano"), {"prompts": str(tiny_prompts)})))
    (run,) = current_runs()
    assert run.status == "queued" and "no process left" in caplog.text


@pytest.mark.slow
def test_every_page_on_each_of_two_machines_leaves_the_others_run_alone(
    any_workbench: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each machine has a run; the other does not judge it, not even when it is silent or said to have ended."""
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    hosts = ("app-box", "gpu-box")
    for host in hosts:
        with on_host(host):
            add_run(any_workbench / host / f"run-of-{host}", sleeper.pid)
    for host, other in (hosts, hosts[::-1]):
        with on_host(host):
            for name in PAGES:
                assert not page(name).exception, name
            settle(f"run-of-{other}", State("ended", 1))  # nor if asked to
            assert get_run(f"run-of-{other}").status == "running"
    silence("run-of-gpu-box", 3600)
    with on_host("app-box"):
        current_runs()
        assert get_run("run-of-gpu-box").status == "running" and since("run-of-gpu-box") is not None
        words = warnings("run-of-gpu-box")
        assert "Silent since" in words and "gpu-box" in words


def test_each_machine_has_a_queue_of_its_own(any_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    for module in ("queue", "watch"):
        monkeypatch.setattr(
            f"backend.runs.{module}.ensure_dispatcher", lambda launcher: asked.append((this_host(), launcher))
        )
    for name, host in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        with on_host(host):
            enqueue(add_run(any_workbench / name))
    assert asked == [("a", "local"), ("b", "local"), ("a", "local")]
    with on_host("c"):
        current_runs()  # a page on a third machine starts nobody's run
    assert len(asked) == 3
    with on_host("b"), reading() as session:
        assert [run.id for run in waiting(session)] == ["b1"]
    with on_host("c"):
        move("a2", up=True)  # past a1, not past b1
    with on_host("a"), reading() as session:
        assert [run.id for run in waiting(session)] == ["a2", "a1"]
    assert get_run("b1").place == 2


@pytest.mark.slow
def test_two_machines_dispatch_only_their_own(tiny_config: TrainConfig) -> None:
    """Both dispatchers run at the same time, on one store and one runs folder, and none starts the other's run."""
    runs = {}
    for host in ("a", "b"):
        with on_host(host):
            runs[host] = create_run(tiny_config)
            (Path(get_run(runs[host]).folder) / "prompts.jsonl").write_text("")  # fails as soon as it starts
            enqueue(runs[host])
    for host, run_id in runs.items():
        with on_host(host):
            assert wait_for(run_id, "failed").handle["host"] == host
        assert read_standing(Path(get_run(run_id).folder)).host == host


def test_a_run_is_settled_once_its_own_machine_looks(workbench: Path, sleeper: subprocess.Popen[bytes]) -> None:
    with on_host("gpu-box"):
        run_id = add_run(workbench / "runs" / "r1", sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    with on_host("app-box"):
        current_runs()
        assert get_run(run_id).status == "running"
    with on_host("gpu-box"):
        current_runs()
        assert get_run(run_id).status == "failed"


def test_a_machine_started_anew_ends_its_run_only_when_that_is_silent(workbench: Path) -> None:
    """Its process table is another one now, in which nothing can be looked up; a container beside this one has such too."""
    run_id = add_run(workbench / "runs" / "r1", os.getpid())
    with writing() as session:
        run = session.get_one(Run, run_id)
        run.handle = {**run.handle, "job": {**run.handle["job"], "table": "an earlier one"}}
    settle(run_id)
    assert get_run(run_id).status == "running"
    silence(run_id)
    settle(run_id)
    assert get_run(run_id).status == "failed" and "started anew" in get_run(run_id).reason


def test_a_live_run_follows_the_new_name_of_its_machine(workbench: Path) -> None:
    from backend.runs.worker import _sign_of_life

    with on_host("old-name"):
        run_id = add_run(workbench / "runs" / "r1", os.getpid())
    with on_host("new-name"):
        assert not is_alive(get_run(run_id))
        assert _sign_of_life(run_id, True) == ""  # its own process reports
        assert is_alive(get_run(run_id)) and get_run(run_id).handle["host"] == "new-name"


def test_a_clock_an_hour_off_makes_nothing_silent(any_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, where machines share a store, both times are the server's."""
    from backend.store import runs, tables

    run_id = add_run(any_workbench / "runs" / "r1", os.getpid())
    with reading() as session:
        shared = session.get_bind().dialect.name == "postgresql"
    if shared:
        ahead = tables.utc_now() + timedelta(hours=1)
        for module in (runs, tables):
            monkeypatch.setattr(module, "utc_now", lambda: ahead)
    assert since(run_id) is None
    silence(run_id, 3000)
    assert since(run_id) is not None


def test_a_silent_run_elsewhere_can_be_given_up_and_its_process_then_ends_itself(workbench: Path) -> None:
    from backend.runs.attempt import End
    from backend.runs.worker import _record, _sign_of_life

    with on_host("gpu-box"):
        run_id = add_run(workbench / "runs" / "r1", os.getpid())
    with on_host("app-box"):
        request_stop(run_id, force=True)  # it reports: so it is asked, and carries it out itself
        assert get_run(run_id).status == "running" and get_run(run_id).stop_asked == "force"
        silence(run_id)
        request_stop(run_id, force=True)
    given_up = get_run(run_id)
    assert given_up.status == "failed" and "silent since" in given_up.reason and "gpu-box" in given_up.reason
    assert "given up" in _sign_of_life(run_id, True)
    _record(run_id, End("finished", "all steps", 0))  # what it says after that changes nothing
    assert get_run(run_id).status == "failed"


def test_a_run_whose_folder_is_elsewhere_says_how_to_resume_it(workbench: Path) -> None:
    with on_host("gpu-box"):
        run_id = add_run(workbench / "runs" / "r1", os.getpid())
    with writing() as session:
        session.get_one(Run, run_id).status = "failed"
    shutil.rmtree(workbench / "runs" / "r1")
    with on_host("app-box"), pytest.raises(UserError, match=r"is on gpu-box.*runs sync"):
        enqueue(run_id)


# --- what cannot be read -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_a_line_that_is_no_logged_step_is_none_for_any_reader(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_line(line)
    path = tmp_path / "metrics.jsonl"
    good = b'{"step": 1, "time": 5, "metrics": {"loss": 1}}\n'
    path.write_bytes(good + line + b"\n" + good.replace(b"1,", b"2,", 1))
    assert read_series(path) == {"loss": [(1, 1.0), (2, 1.0)]}
    (tmp_path / "checkpoints" / "checkpoint-2").mkdir(parents=True)
    state = {"global_step": 2, "best_global_step": 2, "stateful_callbacks": {}}
    (tmp_path / "checkpoints" / "checkpoint-2" / "trainer_state.json").write_text(json.dumps(state))
    rewind(tmp_path)
    assert len(path.read_bytes().splitlines()) == 2


@pytest.mark.parametrize("name", ["a\tb", "", 130 * "a", "a\x00b", "eval_" + 119 * "a"])
def test_a_metric_that_no_reader_takes_is_left_out_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / "metrics.jsonl"
    append_metrics(path, 1, {name: 1.0, "loss": 2.0})
    assert read_series(path) == {"loss": [(1, 2.0)]}


@pytest.mark.slow
def test_garbage_in_one_live_run_is_set_aside_counted_and_shown_there(
    any_workbench: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    broken = add_run(any_workbench / "runs" / "broken", sleeper.pid)
    whole = add_run(any_workbench / "runs" / "whole", os.getpid())
    folder = any_workbench / "runs" / "broken"
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b"\n".join(GARBAGE) + b'\n{"step": 2, "time": 0, "metrics": {"loss": 0.25}}\n')
    (folder / "evaluations").mkdir()
    (folder / "evaluations" / "base-00000.json").write_bytes(b"\x00{")
    (folder / "watch.json").write_text('{"no": "list"}')
    for name in ("home", "runs", "results", "train"):
        assert not page(name).exception, name
    run = get_run(broken)
    assert len([a for a in run.set_aside if a["file"] == "metrics.jsonl"]) == len(GARBAGE)
    assert [a["file"] for a in run.set_aside].count("evaluations/base-00000.json") == 1
    words = warnings(broken)
    assert f"{len(GARBAGE)} unreadable in metrics.jsonl" in words and "base-00000.json" in words
    assert get_run(whole).set_aside == [] and firings(run) == []
    with reading() as session:
        assert load_metrics(session, [broken])["step"].tolist() == [1, 2]
    (folder / "evaluations" / "base-00000.json").unlink()
    sync_run(broken)
    assert {a["file"] for a in get_run(broken).set_aside} == {"metrics.jsonl"}

    sleeper.kill()
    sleeper.wait()
    current_runs()
    assert get_run(broken).status == "failed" and get_run(whole).status == "running"


def test_settling_does_not_depend_on_syncing(
    workbench: Path, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(run_id: str) -> None:
        raise KeyError("nobody thought of it")

    monkeypatch.setattr("backend.runs.sync.sync_run", fails)
    run_id = add_run(workbench / "runs" / "r1", sleeper.pid)
    current_runs()
    assert get_run(run_id).status == "running" and "nobody thought" in get_run(run_id).set_aside[0]["why"]
    sleeper.kill()
    sleeper.wait()
    current_runs()
    assert get_run(run_id).status == "failed"


# --- how it ended ------------------------------------------------------------------------------------------------
TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n'


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (-9, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "killed (SIGKILL)"),
        (-9, f"{TRACE}json.decoder.JSONDecodeError: Expecting value", "killed (SIGKILL)"),
        (-15, "OSError: [Errno 28] No space left on device", "killed by SIGTERM"),
        (-6, "terminate called after throwing an instance of 'std::bad_alloc'", "killed by SIGABRT: out of main memory"),
        (-6, "std::bad_alloc\nstep 3/30  1.0 s/step", "killed by SIGABRT"),
        (None, f"{TRACE}json.decoder.JSONDecodeError: Expecting value\nstep 7/30  1.0 s/step  2 min left", "nobody saw how"),
        (None, "CUDA out of memory. Trying a smaller batch\nstep 8/30  1.0 s/step", "nobody saw how"),
        (None, "not copied to the store: Traceback | x | JSONDecodeError: Expecting value", "nobody saw how"),
        (None, f"step 7/30  1.0 s/step\n{TRACE}ValueError: the last word", "ValueError: the last word"),
        (1, f"{TRACE}MemoryError\n\nDuring handling of it:\n\n{TRACE}KeyError: 'x'", "KeyError: 'x'"),
        (1, "MemoryError\nstep 2/3  1.0 s/step", "exit code 1"),
        (0, "MemoryError", "exit code 0"),
    ],
)  # fmt: skip
def test_the_signal_speaks_first_and_the_log_only_where_it_ended(code: int | None, log: str, words: str) -> None:
    assert words in cause_of_death(code, log)
    if words.endswith("SIGABRT"):
        assert cause_of_death(code, log) == words


def test_the_end_that_the_process_wrote_is_its_end(workbench: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """It could not reach the store at the end, and then was gone."""
    run_id = add_run(workbench / "runs" / "r1", sleeper.pid)
    write_end(workbench / "runs" / "r1", "finished", "all 5 steps; best at step 5", 0)
    sleeper.kill()
    sleeper.wait()
    settle(run_id)
    run = get_run(run_id)
    assert (run.status, run.reason, run.exit_code) == ("finished", "all 5 steps; best at step 5", 0)


@pytest.mark.slow
def test_a_frozen_process_is_silent_and_can_be_ended_by_force(
    workbench: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    run_id = add_run(workbench / "runs" / "r1", sleeper.pid)
    sleeper.send_signal(signal.SIGSTOP)
    silence(run_id)
    current_runs()
    assert get_run(run_id).status == "running" and since(run_id) is not None
    shown = page("runs", run_id)
    assert any("Silent since" in str(w.value) for w in shown.warning)
    shown.button(key=f"force_{run_id}").click().run()
    assert not shown.exception
    sleeper.wait(10)
    settle(run_id)
    assert get_run(run_id).status == "failed" and get_run(run_id).reason.startswith("killed on request")


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["Evaluator.base", "Evaluator.tuned", "preflight"])
def test_a_stop_outside_of_training_is_a_stop(tiny_config: TrainConfig, moment: str) -> None:
    """Sent where the trainer's own handler is not there yet, or waits for a step that will not come."""
    run_id = create_run(tiny_config)
    process = warm.start("--run", run_id, **{warm.WAITS_IN: moment})
    waits = Path(get_run(run_id).folder) / "waits"
    wait_until("it is there", waits.exists)
    process.terminate()
    assert process.wait() == 0
    run = get_run(run_id)
    assert run.status == "stopped" and "stopped by SIGTERM" in run.reason
    assert read_standing(Path(run.folder)).status == "stopped"
    assert warm.start("--resume", run_id).wait() == 0 and get_run(run_id).status == "finished"


def test_a_stop_before_any_handler_is_a_stop_too(workbench: Path, sleeper: subprocess.Popen[bytes]) -> None:
    run_id = add_run(workbench / "runs" / "r1", sleeper.pid)
    sleeper.terminate()
    settle(run_id, State("ended", sleeper.wait()))
    assert get_run(run_id).status == "stopped" and "SIGTERM" in get_run(run_id).reason


@pytest.mark.slow
def test_a_folder_deleted_under_a_run_ends_it_with_that_cause(tiny_config: TrainConfig) -> None:
    run_id = create_run(tiny_config.model_copy(update={"max_steps": 5000, "eval_steps": 5000, "stop_rules": False}))
    folder = Path(get_run(run_id).folder)
    process = warm.start("--run", run_id, out=folder / "log.txt")
    metrics = folder / "metrics.jsonl"
    wait_until("it trains", lambda: metrics.exists() and "loss" in metrics.read_text())
    # Out of its sight in one go: while a folder is being emptied, the run may write into it once more.
    shutil.rmtree(folder.rename(folder.parent.parent / "gone"), ignore_errors=True)
    assert process.wait() == 1
    run = get_run(run_id)
    assert run.status == "failed" and "was deleted, moved or emptied" in run.reason
    assert TrainConfig.model_validate_json((folder / "config.json").read_text()).max_steps == 5000
    assert (folder / "prompts.jsonl").stat().st_size and "step 1/5000" in (folder / "log.txt").read_text()


def test_the_handle_of_a_run_says_where_it_is(workbench: Path) -> None:
    run_id = add_run(workbench / "runs" / "r1", os.getpid())
    handle = Handle.of(get_run(run_id))
    assert handle == Handle("local", this_host(), process_job(os.getpid())) and is_alive(get_run(run_id))
    assert not replace(handle, host="elsewhere").is_mine
    with reading() as session:
        assert session.scalar(select(Run.handle).where(Run.id == run_id)) == handle.as_dict()
    assert re.fullmatch(r"[0-9a-f-]{36}/\d+", handle.job["table"]) and time.time()
