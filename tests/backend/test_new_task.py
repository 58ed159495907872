"""docs/new-task.md is true: a fifth task from outside the package is scored, audited and trained on."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from backend.audit.table import audit_table
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


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The module in the documentation, as it stands there."""
    text = (ROOT / "docs" / "new-task.md").read_text(encoding="utf-8")
    source = re.search(r"```python\n(.*?)```", text, re.S)
    assert source is not None
    path = tmp_path / "my_suite.py"
    path.write_text(source[1], encoding="utf-8")
    return path


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
    assert audit_table(frame).set_index("reward").loc["total", "rho"] == pytest.approx(1.0)
    assert [(r.probe.name, r.passed) for r in run_probes(get_task("reply"), suite_of("reply").profile(""))] == [
        ("one word repeated", True)
    ]


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
