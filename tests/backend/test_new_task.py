"""docs/new-task.md is true: a fifth task from outside the package is scored, audited and trained on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The module in the documentation, as it stands there."""
    text = (ROOT / "docs" / "new-task.md").read_text(encoding="utf-8")
    source = re.search(r"```python\n(.*?)```", text, re.S)
    assert source is not None
    path = tmp_path / "my_rewards.py"
    path.write_text(source[1], encoding="utf-8")
    return path


def test_a_fifth_task_scores_audits_and_trains(workbench: Path, plugin: Path, tiny_model: Path) -> None:
    environment = {**os.environ, "WORKBENCH_PLUGINS": "my_rewards", "PYTHONPATH": str(plugin.parent)}
    prompts = workbench / "mine.jsonl"
    rows = [{"task": "reply", "prompt": f"Responda {i}", "split": "train" if i < 4 else "eval"} for i in range(6)]
    prompts.write_text("".join(json.dumps(r) + "\n" for r in rows))

    scored = subprocess.run(
        [sys.executable, "-c", "import backend, rewards; print(rewards.score('reply', 'sim, por favor').total, rewards.fingerprint(task='reply'))"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert scored.stdout.startswith("1.0 ")

    command = [sys.executable, "run_training.py", "--prompts", str(prompts), "--set", f"model={tiny_model}"]
    for setting in (
        "max_steps=1",
        "eval_steps=1",
        "prompts_per_step=1",
        "num_generations=2",
        "max_completion_length=8",
        "override_reason=a random model fails preflight, rightly",
    ):
        command += ["--set", setting]
    trained = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    (folder,) = (p for p in (workbench / "runs").iterdir() if p.is_dir())
    comparison = json.loads((folder / "comparison_base_vs_tuned.json").read_text())
    assert [t["task"] for t in comparison["tasks"]] == ["reply", "overall"]
    metrics = (folder / "metrics.jsonl").read_text()
    assert "rewards/reply/polite/mean" in metrics and "task_reward/reply" in metrics

    audit = (
        "import backend, pandas as pd\n"
        "from backend.audit.table import audit_table\n"
        "from rewards import score\n"
        "rows = []\n"
        "for i, text in enumerate(['', 'sim', 'sim, por favor', 'x ' * 40]):\n"
        "    s = score('reply', text)\n"
        "    rows += [(i, 'reply', c, v, [1, 3, 5, 1][i]) for c, v in {**s.components, 'total': s.total}.items()]\n"
        "frame = pd.DataFrame(rows, columns=['completion_id', 'task', 'component', 'value', 'human'])\n"
        "print(audit_table(frame).set_index('reward').loc['total', 'rho'])\n"
    )
    audited = subprocess.run(
        [sys.executable, "-c", audit], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert float(audited.stdout) == pytest.approx(1.0)


def test_a_plugin_that_cannot_be_imported_is_named(workbench: Path) -> None:
    done = subprocess.run(
        [sys.executable, "run_training.py", "--list"],
        cwd=ROOT, env={**os.environ, "WORKBENCH_PLUGINS": "no_such_module"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "cannot import the plugin no_such_module" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("maxima", [{}, {"x": 1.0}])
def test_a_task_name_can_be_taken_once(maxima: dict[str, float]) -> None:
    from rewards import Reward, register

    with pytest.raises(ValueError, match=r"already has a reward|names no components"):
        register(Reward("push", maxima, lambda *_: {"x": 0.0}))
