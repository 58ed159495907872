"""A run of several: its children get their turn within the budget, and are compared as one."""

import json
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.evaluation.several import Setting, as_plain, best_by_chance, settings_among, several_table, several_words
from backend.runs import children
from backend.runs.children import COMPARISON, train_children
from backend.runs.plan import Plan, make_plan, read_used, write_plan
from backend.runs.queue import enqueue
from backend.runs.sync import sync_run
from backend.settings import get_settings
from backend.store.engine import reading, writing
from backend.store.tables import Run
from tests.backend.test_hosts import add_run
from tests.live_runs import get_run
from tests.recorded import RUN_FOLDER


def add_family(folder: Path, *changes: dict[str, object]) -> list[str]:
    """A parent, and a child for each ``changes`` of its configuration; returns the children's ids."""
    parent = add_run(folder / "parent")
    found = []
    for number, change in enumerate(changes, start=1):
        child = add_run(folder / f"parent-{number:02}")
        with writing() as session:
            run = session.get_one(Run, child)
            run.parent_id, run.config, run.seed = parent, {**run.config, **change}, int(str(change.get("seed", 1)))
        found.append(child)
    return found


def evaluate(child: str) -> None:
    """Give a run the recorded example's evaluations."""
    shutil.copytree(RUN_FOLDER, get_run(child).folder, dirs_exist_ok=True)
    sync_run(child)


class Stand:
    """Stands for the children's processes: each takes so many looks, or ends when it is asked to."""

    def __init__(self, looks: int = 3, statuses: dict[str, str] | None = None) -> None:
        self.looks, self.statuses = looks, statuses or {}
        self.clock = 0.0
        self.started: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.handlers: dict[int, Callable[[int, None], None]] = {}
        self.at_look: Callable[[str], None] = lambda child: None

    def popen(self, command: list[str], env: dict[str, str]) -> "_Process":
        assert env["WORKBENCH_TRAINING_LOCK_HELD"] == "parent"
        self.started.append((command[-2], command[-1]))
        return _Process(self, command[-1])

    def sleep(self, _seconds: float) -> None:
        self.clock += 36
        self.at_look("")


class _Process:
    returncode: int | None = None

    def __init__(self, stand: Stand, child: str) -> None:
        self._stand, self._child, self._left = stand, child, stand.looks

    def wait(self, _seconds: float) -> None:
        if self.returncode is not None:
            return
        self._stand.clock += 360  # a tenth of an hour
        self._stand.at_look(self._child)
        self._left -= 1
        if self._left <= 0:
            self._end(self._stand.statuses.get(self._child, "finished"))

    def send_signal(self, number: int) -> None:
        assert number == signal.SIGTERM
        self._stand.asked.append(self._child)
        self._end("stopped")

    def _end(self, status: str) -> None:
        self.returncode = int(status == "failed")
        with writing() as session:
            run = session.get_one(Run, self._child)
            run.status, run.reason = status, f"why it {status}"


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    found = Stand()
    processes = SimpleNamespace(Popen=found.popen, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(children, "subprocess", processes)
    monkeypatch.setattr(children, "time", SimpleNamespace(monotonic=lambda: found.clock, sleep=found.sleep))
    signals = SimpleNamespace(signal=found.handlers.__setitem__, Signals=signal.Signals, SIGTERM=signal.SIGTERM)
    monkeypatch.setattr(children, "signal", signals)
    return found


def test_a_child_that_fails_does_not_keep_the_others_from_their_turn(workbench: Path, stand: Stand) -> None:
    ids = add_family(workbench / "runs", {"seed": 1}, {"seed": 2}, {"seed": 3})
    stand.statuses = {ids[0]: "failed"}
    end = train_children("parent", ids)
    assert (end.status, end.code) == ("failed", 1)
    assert "2 of 3 runs have finished; 54 min and $0.72 used" in end.reason and "why it failed" in end.reason
    assert stand.started == [("--run", child) for child in ids]
    stand.statuses = {}
    again = train_children("parent", ids)
    assert stand.started[3:] == [("--resume", ids[0])]  # what is missing, and nothing else
    assert (again.status, again.reason) == ("finished", "3 of 3 runs have finished; 72 min and $0.96 used")


def test_a_used_up_budget_stops_the_child_under_way_and_starts_no_other(workbench: Path, stand: Stand) -> None:
    ids = add_family(workbench / "runs", {"seed": 1}, {"seed": 2}, {"seed": 3})
    folder = workbench / "runs" / "parent"
    write_plan(folder, Plan(hours=0.5))
    said = []
    stand.at_look = lambda child: said.append(get_run("parent").reason)
    end = train_children("parent", ids)
    assert stand.asked == [ids[1]] and [child for _, child in stand.started] == ids[:2]
    assert end.status == "stopped" and end.code == 0
    assert end.reason.startswith("the budget is used up: 1 of 3 runs have finished; 30 min of 30 min")
    assert "--resume parent --hours" in end.reason
    assert said[1].startswith("0 of 3 runs have finished; ") and "of 30 min and $" in said[1]
    assert read_used(folder) == pytest.approx({ids[0]: 0.3, ids[1]: 0.2})
    assert train_children("parent", ids).status == "stopped" and len(stand.started) == 2  # nothing is left of it
    write_plan(folder, Plan(hours=2))
    assert train_children("parent", ids).status == "finished"
    assert stand.started[2:] == [("--resume", ids[1]), ("--run", ids[2])]
    assert read_used(folder) == pytest.approx({ids[0]: 0.3, ids[1]: 0.5, ids[2]: 0.3})


def test_a_stop_of_the_whole_stops_the_child_under_way(workbench: Path, stand: Stand) -> None:
    ids = add_family(workbench / "runs", {"seed": 1}, {"seed": 2})

    def twice(_child: str) -> None:  # from the page, and again from the process's own look at the store
        for _ in range(2):
            stand.handlers[signal.SIGTERM](signal.SIGTERM, None)

    stand.at_look = twice
    end = train_children("parent", ids)
    assert end.status == "stopped" and end.reason.startswith("stopped by SIGTERM: 0 of 2 runs")
    assert stand.asked == ids[:1] and len(stand.started) == 1


# --- where there is room ------------------------------------------------------------------------------------------
class Dispatchers:
    """Stands for the dispatchers of launch.toml's places: what waits starts, and what runs ends after so many looks."""

    def __init__(self, looks: int) -> None:
        self.seen: Counter[str] = Counter()
        self.looks = looks
        self.most: Counter[str] = Counter()

    def look(self, _child: str) -> None:
        at_once: Counter[str] = Counter()
        with writing() as session:
            for run in session.query(Run).filter(Run.parent_id == "parent"):
                if run.handle is None or run.handle["launcher"] == "local" or run.status not in ("queued", "running"):
                    continue
                at_once[run.handle["launcher"]] += 1
                run.status, run.place = "running", None
                self.seen[run.id] += 1
                if run.stop_asked or self.seen[run.id] > self.looks:
                    run.status, run.stop_asked = "stopped" if run.stop_asked else "finished", ""
        self.most |= at_once


@pytest.fixture
def elsewhere(workbench: Path, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Dispatchers:
    """Two places beside this machine: gpu1 for one run at a time, and gpu2 for two."""
    section = '[{0}]\nkind = "ssh"\nhost = "me@{0}"\nfolder = "/data/runs"\nat_once = {1}\n'
    (workbench / "launch.toml").write_text(section.format("gpu1", 1) + section.format("gpu2", 2))
    monkeypatch.setenv("WORKBENCH_LAUNCH", str(workbench / "launch.toml"))
    for module in ("queue", "children"):
        monkeypatch.setattr(f"backend.runs.{module}.ensure_dispatcher", lambda launcher: None)
    get_settings.cache_clear()
    found = Dispatchers(looks=4)
    stand.at_look = found.look
    return found


def test_children_go_where_there_is_room(workbench: Path, stand: Stand, elsewhere: Dispatchers) -> None:
    ids = add_family(workbench / "runs", *({"seed": seed} for seed in range(9)))
    write_plan(workbench / "runs" / "parent", make_plan(where="local, gpu1,gpu2"))
    end = train_children("parent", ids)
    assert end.status == "finished" and end.reason.startswith("9 of 9 runs have finished")
    here = {child for _, child in stand.started}
    assert here | elsewhere.seen.keys() == set(ids) and not here & elsewhere.seen.keys()
    assert len(here) >= 2 and elsewhere.most == {"gpu1": 1, "gpu2": 2}
    used = read_used(workbench / "runs" / "parent")
    assert used.keys() == set(ids) and min(used.values()) > 0


def test_a_child_under_way_elsewhere_is_waited_for_and_not_started_again(
    workbench: Path, stand: Stand, elsewhere: Dispatchers
) -> None:
    ids = add_family(workbench / "runs", {"seed": 1}, {"seed": 2})
    write_plan(workbench / "runs" / "parent", make_plan(where="gpu1"))
    enqueue(ids[0], "gpu1")
    assert train_children("parent", ids).status == "finished"
    assert stand.started == [] and elsewhere.most == {"gpu1": 1}


def test_a_used_up_budget_stops_children_elsewhere_too(workbench: Path, stand: Stand, elsewhere: Dispatchers) -> None:
    ids = add_family(workbench / "runs", {"seed": 1}, {"seed": 2}, {"seed": 3}, {"seed": 4})
    elsewhere.looks = 9
    write_plan(workbench / "runs" / "parent", make_plan(hours=0.05, where="gpu1,gpu2"))
    end = train_children("parent", ids)
    assert end.status == "stopped" and end.reason.startswith("the budget is used up: 0 of 4 runs")
    assert [get_run(child).status for child in ids] == ["stopped"] * 3 + ["queued"]


# --- compared as one ----------------------------------------------------------------------------------------------
def settings_of(*ids: str) -> list[Setting]:
    with reading() as session:
        return settings_among(session, [session.get_one(Run, child) for child in ids])


def test_settings_are_compared_over_their_seeds_and_none_is_chosen(example_workbench: Path, stand: Stand) -> None:
    rates = [{"learning_rate": rate, "seed": seed} for seed in (1, 2) for rate in (0.0003, 0.0006)]
    ids = add_family(example_workbench / "runs", *rates)
    for child in ids[:3]:
        evaluate(child)
    with writing() as session:
        session.get_one(Run, ids[3]).status = "finished"
    write_plan(example_workbench / "runs" / "parent", Plan(hours=9, estimate=2.0))
    train_children("parent", ids)
    text = (get_settings().runs_dir / "parent" / COMPARISON).read_text()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    low, high = found["settings"]
    assert (low["differs"], low["seeds"], low["runs"]) == ({"learning_rate": 0.0003}, [1, 2], 2)
    assert (high["differs"], high["seeds"], high["runs"]) == ({"learning_rate": 0.0006}, [1], 2)
    assert low["tasks"][-1]["task"] == "overall" and len(low["tasks"][-1]["deltas"]) == 2
    assert low["tasks"][-1]["low"] < low["tasks"][-1]["delta"] < low["tasks"][-1]["high"]
    for one, two in zip(high["tasks"], low["tasks"], strict=True):
        assert one["low"] is None and one["high"] is None and one["delta"] == pytest.approx(two["delta"])
        assert one["tuned"] - one["base"] == pytest.approx(one["delta"])
    assert any(task["truth"] and task["truth"]["seeds"] == 2 for task in low["tasks"])
    assert found["cost"]["hours"] == pytest.approx(0.9) and found["cost"]["most_hours"] == 9
    words = " ".join(found["words"])
    assert "3 of 4 runs have finished" in words and "one seed has no interval" in words
    assert "The reward picks no winner." in words and "chosen it on these prompts" in words
    assert "Chosen on these prompts: the step" in words  # the example is judged on its eval prompts
    assert not any(word in words for word in ("the best setting", "wins"))


def test_the_table_has_a_block_for_each_setting_and_says_where_there_is_one_seed(example_workbench: Path) -> None:
    ids = add_family(
        example_workbench / "runs", {"profile": "v4.2.1"}, {"profile": "v5"}, {"profile": "v4.2.1", "seed": 2}
    )
    for child in (ids[0], ids[2]):
        evaluate(child)
    settings = settings_of(*ids)
    blocks = several_table(settings).split("\n\n")
    assert blocks[0].startswith("profile=v4.2.1 · seeds 1, 2") and "seed 2" in blocks[0] and "[" in blocks[0]
    assert blocks[1] == "profile=v5: no run of it has finished"
    assert "nan" not in several_table(settings)
    evaluate(ids[1])
    one = settings_of(*ids)
    assert "one seed" in several_table(one).split("\n\n")[1]
    assert any("The profiles score differently" in str(words) for words in several_words(one))
    for words in several_words(one):
        assert words.pt and words.pt != words.en


@pytest.mark.slow
def test_seeds_alone_are_one_setting(example_workbench: Path) -> None:
    ids = add_family(example_workbench / "runs", {"seed": 7}, {"seed": 9})
    for child in ids:
        evaluate(child)
    (setting,) = settings_of(*ids)
    assert (setting.differs, list(setting.seeds), str(setting.name)) == ({}, [7, 9], "seeds 7, 9")
    words = " ".join(as_plain([setting])["words"])
    assert "winner" not in words and "best of" not in words


def test_what_the_best_of_several_gains_by_chance_is_about_what_a_simulation_finds() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    said, found = [], []
    for _ in range(400):
        deltas = rng.normal(0.2, 0.05, (6, 3))
        said.append(best_by_chance(deltas.tolist()))
        found.append(deltas.mean(axis=1).max() - 0.2)
    assert np.mean([s for s in said if s is not None]) == pytest.approx(np.mean(found), rel=0.05)
    assert best_by_chance([[0.1], [0.2]]) is None and best_by_chance([[0.1, 0.2]]) is None
