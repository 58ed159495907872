"""``workbench init`` and ``workbench audit``: the numbers, the exit codes, and JSON alone on standard output."""

import csv
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scipy.stats import spearmanr
from sqlalchemy import func, select, text

from backend.cli import command_line
from backend.commands.workbench import app
from backend.settings import ROOT, get_settings
from backend.store.engine import reading, writing
from backend.store.tables import Completion, Rating, SuiteVersion
from backend.suites import registry
from backend.suites.choice import use_installed
from backend.suites.reward_file import RewardFile, load_reward_file

REWARDS = """
def good(completions, quality, **kwargs):
    return [q + 0.0 for q in quality]


def reversed_(completion, quality):
    return -quality


def seldom(completion, quality):
    return quality if len(completion) % 2 else None


WEIGHTS = {weights}
"""
PASSES = '{"good": 1.0, "reversed_": 0.2, "seldom": 0.0}'
FAILS = '{"reversed_": 1.0}'


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def call(workbench: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs ``workbench`` with these arguments in this process, in a workbench of its own."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line(app)
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    registry._file.cache_clear()
    yield run
    for spec in get_settings().suites:
        if spec.endswith(".py"):
            registry._file(spec)._worker.close()
    registry._file.cache_clear()
    use_installed()


@pytest.fixture
def data(tmp_path: Path) -> dict[str, list[Any]]:
    """Sixty completions of twenty prompts, and two raters who more or less see their quality."""
    chance = random.Random(7)
    quality = [chance.randint(0, 100) / 50 - 1 for _ in range(60)]
    seen = [[min(5, max(1, round(3 + 2 * q + chance.gauss(0, 0.7)))) for _ in range(2)] for q in quality]
    rows = [
        {"id": f"c{i}", "prompt": f"question {i // 3}", "completion": "x" * (i + 1), "quality": q}
        for i, q in enumerate(quality)
    ]
    (tmp_path / "completions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ratings(tmp_path / "ratings.csv", seen)
    return {"quality": quality, "human": [sum(both) / 2 for both in seen], "seen": seen}


def ratings(path: Path, seen: list[list[float]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "rater", "score"])
        table.writerows(
            [f"c{i}", name, score] for i, both in enumerate(seen) for name, score in zip("ab", both, strict=True)
        )
    return path


def rewards(folder: Path, weights: str = PASSES, more: str = "") -> Path:
    path = folder / "mine.py"
    path.write_text(REWARDS.replace("{weights}", weights) + more, encoding="utf-8")
    return path


def counts() -> list[int]:
    with reading() as session:
        tables = (Completion, Rating, SuiteVersion)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def by_name(done: Done) -> dict[str, dict[str, Any]]:
    (task,) = json.loads(done.out)["tasks"]
    return {reward["name"]: reward for reward in task["rewards"]}


def test_the_numbers_are_spearmans(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:
    files = rewards(tmp_path), tmp_path / "completions.jsonl", "--ratings", tmp_path / "ratings.csv"
    table = call("audit", *files)
    assert table.code == 0
    assert "60 completions, 60 of them new to the store" in table.err
    said = call("audit", *files, "--json")
    found = json.loads(said.out)
    (task,) = found["tasks"]
    assert (found["suite"], task["task"], task["n"], task["gate"]) == ("mine", "mine", 60, "pass")
    assert len(task["fingerprint"]) == 12

    quality, human = data["quality"], data["human"]
    odd = [i for i in range(60) if (i + 1) % 2]
    total = [q - 0.2 * q for q in quality]
    expected = {
        "total": spearmanr(total, human).statistic,
        "good": spearmanr(quality, human).statistic,
        "reversed_": spearmanr([-q for q in quality], human).statistic,
        "seldom": spearmanr([quality[i] for i in odd], [human[i] for i in odd]).statistic,
    }
    numbers = by_name(said)
    assert {name: row["rho"] for name, row in numbers.items()} == pytest.approx(expected)
    assert {name: row["n"] for name, row in numbers.items()} == {"total": 60, "good": 60, "reversed_": 60, "seldom": 30}
    assert all(row["low"] <= row["rho"] <= row["high"] for row in numbers.values())
    assert task["within"]["rho"] > 0 and 0 < task["held_out"]["n"] < 60

    lines = {line.split()[0]: line.split() for line in table.out.splitlines() if line.split()[0] in expected}
    assert {name: (int(line[1]), line[2]) for name, line in lines.items()} == {
        name: (numbers[name]["n"], f"{rho:+.3f}") for name, rho in expected.items()
    }
    first, second, *_ = table.out.splitlines()
    assert first == found["finding"] and "its reward ranks answers as people do" in first
    assert second.startswith("mine: PASS (ρ = ")


def test_a_second_run_adds_nothing_and_says_the_same(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:
    arguments = (
        "audit",
        rewards(tmp_path),
        tmp_path / "completions.jsonl",
        "--ratings",
        tmp_path / "ratings.csv",
        "--json",
    )
    first = call(*arguments)
    before = counts()
    second = call(*arguments)
    assert before == counts() == [60, 120, 1]
    assert second.out == first.out
    assert "60 completions, 0 of them new" in second.err


@pytest.mark.slow
def test_an_edit_is_a_new_version_and_its_own_numbers(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:
    arguments = (
        "audit",
        rewards(tmp_path),
        tmp_path / "completions.jsonl",
        "--ratings",
        tmp_path / "ratings.csv",
        "--json",
    )
    first = json.loads(call(*arguments).out)["tasks"][0]
    registry._file.cache_clear()  # as a second process would see it
    rewards(tmp_path, FAILS)
    second = json.loads(call(*arguments).out)["tasks"][0]
    assert first["fingerprint"] != second["fingerprint"]
    assert counts() == [60, 120, 2]
    assert [r["name"] for r in second["rewards"]] == ["total", "reversed_"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weights", "rated", "code", "gate"),
    [(PASSES, 60, 0, "pass"), (FAILS, 60, 1, "fail"), (PASSES, 12, 3, "more ratings needed"), pytest.param(PASSES, 0, 3, "more ratings needed")],
    ids=["pass", "fail", "few ratings", "no ratings"],
)  # fmt: skip
def test_the_exit_code_is_the_verdict(
    call: Call, data: dict[str, list[Any]], tmp_path: Path, weights: str, rated: int, code: int, gate: str
) -> None:
    given = ["--ratings", ratings(tmp_path / "few.csv", data["seen"][:rated])] if rated else []
    done = call("audit", rewards(tmp_path, weights), tmp_path / "completions.jsonl", *given, "--json")
    (task,) = json.loads(done.out)["tasks"]
    assert (done.code, task["gate"], task["n"]) == (code, gate, rated)


def test_one_failing_task_among_several_decides(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:
    path = tmp_path / "completions.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    two = [{**line, "task": task, "id": f"{task}{line['id']}"} for task in ("up", "down") for line in lines]
    two = [{**line, "ratings": [{"rater": "a", "score": data["human"][i % 60]}]} for i, line in enumerate(two)]
    path.write_text("".join(json.dumps(line) + "\n" for line in two), encoding="utf-8")
    mine = rewards(tmp_path, "{}", 'TASKS = {"up": {"good": 1.0}, "down": {"reversed_": 2.0}}\n')
    done = call("audit", mine, path, "--json")
    assert done.code == 1
    assert {t["task"]: t["gate"] for t in json.loads(done.out)["tasks"]} == {"up": "pass", "down": "fail"}


def test_rewards_are_tried_before_anybody_rates(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:
    """What fails, and what gives one value for all, is seen before raters have worked."""
    file = tmp_path / "mine.py"
    file.write_text("def long(completion):\n    return len(completion) / 60\n\ndef same(completion):\n    return 0.5\n")
    done = call("audit", file, tmp_path / "completions.jsonl")
    assert done.code == 3 and "0.02 to 1.00" in done.out and "0.50 to 0.50  (the same for all)" in done.out
    (file := tmp_path / "wrong.py").write_text(
        "def short(completions, **_):\n    return [1.0 for c in completions if len(c) < 9]\n"
    )
    done = call("audit", file, tmp_path / "completions.jsonl")
    assert done.code == 2 and "gave 8 values for 60 completions" in done.err


def test_another_scale_changes_no_rank(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:
    wide = ratings(tmp_path / "wide.csv", [[10 * score for score in both] for both in data["seen"]])
    mine = rewards(tmp_path, more="SCALE = (0, 50)\n")
    done = call("audit", mine, tmp_path / "completions.jsonl", "--ratings", wide, "--json")
    assert by_name(done)["good"]["rho"] == pytest.approx(spearmanr(data["quality"], data["human"]).statistic)


def test_columns_can_be_named(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:
    rows = [
        {"asked": f"question {i}", "said": "x" * i, "kind": "chat", "quality": q, "rating": h}
        for i, (q, h) in enumerate(zip(data["quality"], data["human"], strict=True))
    ]
    path = tmp_path / "named.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    named = "--prompt-column", "asked", "--completion-column", "said", "--task-column", "kind"
    done = call("audit", rewards(tmp_path), path, *named, "--json")
    assert (done.code, json.loads(done.out)["tasks"][0]["task"]) == (0, "chat")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_ratings_that_the_workbench_wrote_are_read_again(
    call: Call, data: dict[str, list[Any]], tmp_path: Path, ending: str
) -> None:
    path = tmp_path / "completions.jsonl"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"completion": "xx', '"completion": "- x'), encoding="utf-8"
    )
    files = rewards(tmp_path), path
    first = call("audit", *files, "--ratings", tmp_path / "ratings.csv", "--json")
    written = tmp_path / f"written.{ending}"
    assert call("ratings", "export", written).code == 0
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Rating)) == 120
    for table in ("ratings", "rating_events"):
        with writing() as session:
            session.execute(text(f"DELETE FROM {table}"))
    again = call("audit", *files, "--ratings", written, "--json")
    assert again.code == first.code == 0
    assert by_name(again)["good"]["rho"] == by_name(first)["good"]["rho"] and counts()[1] == 120


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("mine.py", "import no_such_thing\n", "line 1 of mine.py: import no_such_thing"),
        ("mine.py", "x = 1\n", "has no reward function"),
        ("mine.py", "def good(completion, gold):\n    return 1.0\n", "'gold'. It names a column that these data do not have"),
        ("mine.py", "def good(completion):\n    return float('nan')\n", "reward function good, row 1: gave nan"),
        ("completions.jsonl", "{broken\n", "completions.jsonl:1: "),
        ("completions.jsonl", "", "holds no completions"),
        ("ratings.csv", "id,rater,score\nnobody,a,3\n", "no completion has the id 'nobody'"),
        ("ratings.csv", "id,rater\nc1,a\n", "lacks score; a rating is a row of id (or prompt and completion), rater and score"),
        ("ratings.csv", "id,rater,score\nc1,a,9\n", "the score 9 is not from 1 to 5"),
        ("ratings.csv", "id,rater,score\nc1,a,good\n", "ratings.csv:2: "),
        ("ratings.csv", "id,rater,score\nc1,a,nan\n", "the score nan is not from 1 to 5"),
    ],
)  # fmt: skip
def test_an_error_is_exit_code_two_and_nothing_on_standard_output(
    call: Call, data: dict[str, list[Any]], tmp_path: Path, file: str, text: str, said: str
) -> None:
    mine = rewards(tmp_path)
    (tmp_path / file).write_text(text, encoding="utf-8")
    done = call("audit", mine, tmp_path / "completions.jsonl", "--ratings", tmp_path / "ratings.csv", "--json")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert counts()[1:] == [0, 0]


def test_init_writes_a_file_that_loads_and_spares_one_that_is_there(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a_first_file.py"
    assert call("init", path).out == f"wrote {path}; next: workbench open {path} completions.jsonl\n"
    loaded = load_reward_file(str(path))
    assert isinstance(loaded, RewardFile) and list(loaded.functions) == ["correct", "short"]
    sys.path.remove(str(tmp_path))
    del sys.modules["a_first_file"]
    before = path.read_text(encoding="utf-8")
    again = call("init", path)
    assert (again.code, path.read_text(encoding="utf-8")) == (2, before)
    assert "exists; give another name" in again.err


def test_what_init_writes_audits(call: Call, tmp_path: Path) -> None:
    call("init", tmp_path / "first.py")
    rows = [
        {"prompt": f"q{i}", "answer": "yes", "completion": "yes" if i % 3 else "no", "rating": 5 if i % 3 else 1}
        for i in range(40)
    ]
    path = tmp_path / "completions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = call("audit", tmp_path / "first.py", path, "--json")
    assert done.code == 0
    assert by_name(done)["correct"]["rho"] == pytest.approx(1.0)
    assert by_name(done)["short"]["rho"] is None


@pytest.mark.slow
def test_a_process_of_its_own_prints_json_alone(data: dict[str, list[Any]], workbench: Path, tmp_path: Path) -> None:
    mine = rewards(tmp_path, more='print("a word when it is loaded")\n')
    command = [sys.executable, "-m", "backend.commands.workbench", "audit", str(mine)]
    command += [str(tmp_path / "completions.jsonl"), "--ratings", str(tmp_path / "ratings.csv"), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["suite"] == "mine"
    assert "a word when it is loaded" in done.stderr
