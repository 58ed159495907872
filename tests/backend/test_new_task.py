"""docs/your-own.md is true: its files and commands work, and a fifth task from outside the package is scored, audited and trained on."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
import typer.main

from backend.audit.table import audit_table
from backend.commands.workbench import COMMANDS
from backend.data.prompt_files import read_prompt_file
from backend.errors import UserError
from backend.runs.create import create_run
from backend.runs.worker import work
from backend.settings import get_settings
from backend.store.runs import run_folder
from backend.suites import fingerprint, get_task, score_completion, suite_of, task_names
from backend.training.config import get_preset, override
from rewards.scoring import run_probes
from rewards.types import Reward

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "your-own.md").read_text(encoding="utf-8")
COMMAND_LINES = re.findall(r"^workbench .*$", DOCUMENT, re.M)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The module in the documentation, as it stands there."""
    source = re.search(r"```python\n(# my_suite\.py\n.*?)```", DOCUMENT, re.S)
    assert source is not None
    path = tmp_path / "my_suite.py"
    path.write_text(source[1], encoding="utf-8")
    return path


def write_the_documents_files(folder: Path) -> None:
    """Every file that the document shows under its name."""
    files = re.findall(r"^`([\w.]+)`:\n\n```\w+\n(.*?)```", DOCUMENT, re.M | re.S)
    assert {name for name, _ in files} == {"completions.jsonl", "ratings.csv", "smallest.py", "prompts.jsonl"}
    for name, text in files:
        (folder / name).write_text(text, encoding="utf-8")


def run(folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    """Run a command line of the document in a folder, with a store in it."""
    settings = {k: v for k, v in os.environ.items() if not k.startswith("WORKBENCH_") and k != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "backend.commands.workbench", *shlex.split(line, comments=True)[1:]],
        cwd=folder, env={**settings, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_documents_files_and_commands_work(tmp_path: Path) -> None:
    write_the_documents_files(tmp_path)
    shutil.copytree(ROOT / "examples" / "support", tmp_path / "examples" / "support")
    assert run(tmp_path, "workbench init").returncode == 0
    audits = [line for line in COMMAND_LINES if line.startswith("workbench audit")]
    assert len(audits) == 3
    for line in audits:
        said = re.search(r"# exit code (\d)", line)
        done = run(tmp_path, line)
        assert said is not None and done.returncode == int(said[1]), (line, done.stderr)
    assert (tmp_path / "annotations-my_rewards.db").exists()


@pytest.mark.slow
def test_the_example_shows_a_reward_that_ranks_as_people_do_and_one_that_does_not(tmp_path: Path) -> None:
    line = re.search(r"^workbench audit .*$", (ROOT / "examples" / "support" / "README.md").read_text("utf-8"), re.M)
    assert line is not None
    done = run(tmp_path, line[0].replace("examples/", f"{ROOT}/examples/") + " --json")
    (task,) = json.loads(done.stdout)["tasks"]
    rho = {reward["name"]: round(reward["rho"], 2) for reward in task["rewards"]}
    assert task["n"] == 200
    assert (rho["facts"], rho["courteous"], rho["total"]) == (0.85, -0.24, 0.69)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_every_command_in_the_document_is_one(line: str) -> None:
    _, name, *arguments = shlex.split(line, comments=True)
    typer.main.get_command(import_module(COMMANDS[name][0]).app).make_context(name, arguments)


def test_the_documents_prompts_can_be_read(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_the_documents_files(workbench)
    monkeypatch.setenv("WORKBENCH_SUITES", str(workbench / "smallest.py"))
    get_settings.cache_clear()
    assert [p.facts["answer"] for p in read_prompt_file(workbench / "prompts.jsonl")] == ["€12", "60 km"]


def test_every_error_in_the_document_can_happen() -> None:
    table = DOCUMENT[DOCUMENT.index("| The message says") : DOCUMENT.index("## The fingerprint")]
    source = "".join(path.read_text("utf-8") for room in ("rewards", "backend") for path in (ROOT / room).rglob("*.py"))
    for said in re.findall(r"^\| `([^`]+)`", table, re.M):
        assert said in source, said


@pytest.mark.slow
def test_a_fifth_task_scores_audits_and_trains(
    workbench: Path, suite: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_SUITES", f"commerce,{suite}")
    get_settings.cache_clear()
    assert task_names() == ("extraction", "sql_qa", "insights", "push", "reply")
    assert score_completion("reply", "sim, por favor", "", {}, "v4.2.1").total == 1.0
    assert fingerprint("reply", "v4.2.1") == fingerprint("reply", "v4.3") != fingerprint("push", "v4.2.1")

    prompts = workbench / "mine.jsonl"
    rows = [{"task": "reply", "prompt": f"Responda {i}", "split": "train" if i < 4 else "eval"} for i in range(6)]
    prompts.write_text("".join(json.dumps(r) + "\n" for r in rows))
    changes = {
        "model": str(tiny_model), "prompts": str(prompts), "max_steps": 1, "eval_steps": 1, "prompts_per_step": 1,
        "num_generations": 2, "max_completion_length": 8, "override_reason": "a random model fails preflight, rightly",
    }  # fmt: skip
    run_id = create_run(override(get_preset("nano"), changes))
    assert work(run_id) == 0
    folder = run_folder(run_id)
    comparison = json.loads((folder / "comparison_base_vs_tuned.json").read_text())
    assert [t["task"] for t in comparison["tasks"]] == ["reply", "overall"]
    metrics = (folder / "metrics.jsonl").read_text()
    assert "rewards/reply/polite/mean" in metrics and "task_reward/reply" in metrics

    rows = []
    for i, text in enumerate(["", "sim", "sim, por favor", "x " * 40]):
        s = score_completion("reply", text, "", {}, "v4.2.1")
        rows += [(i, "reply", c, v, [1, 3, 5, 1][i]) for c, v in {**s.components, "total": s.total}.items()]
    frame = pd.DataFrame(rows, columns=["completion_id", "task", "component", "value", "human"])
    frame["prompt_id"] = frame["completion_id"]
    assert audit_table(frame).set_index("reward").loc["total", "rho"] == pytest.approx(1.0)
    assert [(r.probe.name, r.passed) for r in run_probes(get_task("reply"), suite_of("reply").profile(""))] == [
        ("one word repeated", True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "text", "said"),
    [
        ("no_such_module", None, "cannot import no_such_module: ModuleNotFoundError"),
        ("mine.py", None, "there is no file .*mine.py"),
        ("mine.py", "x = 1", "has no reward function: none of its own public functions names `completions`"),
        ("mine.py", "TASKS = ()", "has no reward function"),
        ("mine.py", "import no_such_thing", "line 1.*no_such_thing"),
        (
            "mine.py",
            "from rewards.types import Reward, Task\nTASKS = (Task('push', Reward({'x': 1.0}, lambda *_: {'x': 0.0})),)",
            "both have a task 'push'",
        ),
    ],
)
def test_a_suite_that_cannot_be_had_is_named(
    workbench: Path, monkeypatch: pytest.MonkeyPatch, named: str, text: str | None, said: str
) -> None:
    if text is not None:
        (workbench / named).write_text(text)
    monkeypatch.setenv("WORKBENCH_SUITES", f"commerce,{workbench / named if named.endswith('.py') else named}")
    get_settings.cache_clear()
    with pytest.raises(UserError, match=said):
        task_names()


def test_a_reward_names_its_components() -> None:
    with pytest.raises(ValueError, match="at least one component"):
        Reward({}, lambda *_: {})
