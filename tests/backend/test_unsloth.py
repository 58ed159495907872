"""Unsloth on a CPU, in an environment that has it (``make unsloth-env``): its signatures, and training through its trainer."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from backend.runs.create import create_run
from backend.settings import get_settings
from backend.training.config import TrainConfig, config_from_json, get_preset, override
from backend.training.metrics_file import read_series

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-unsloth" / "bin" / "python"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="`make unsloth-env` installs Unsloth in a separate environment"),
]
STEPS = (3, 5)
"""A run of so many steps, and then on to so many."""

SAMPLED = ("learning_rate", "task_reward/mean", "task_weight/letters", "completions/mean_length", "eval/mean_reward")
"""What follows from the sampled texts: equal to the last digit but one."""
COMPUTED = ("loss", "grad_norm", "entropy/rollouts", "eval/entropy")
"""What follows from the weights. Unsloth takes a pad token inside a completion, which a random model writes now and then, for
padding, and leaves it out of the loss."""


def in_unsloth(tmp_path: Path, *arguments: str) -> str:
    """The last line of what a module prints there."""
    environment = {
        **os.environ,
        "UNSLOTH_ALLOW_CPU": "1",
        "UNSLOTH_SKIP_TORCHVISION_CHECK": "1",
        "UNSLOTH_COMPILE_DISABLE": "1",  # compiling takes minutes here, and changes the numbers in their last digits
        "TORCHDYNAMO_DISABLE": "1",
        "UNSLOTH_COMPILE_LOCATION": str(tmp_path / "compiled"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [str(PYTHON), "-m", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def test_what_we_pass_is_what_unsloth_takes(tmp_path: Path) -> None:
    assert json.loads(in_unsloth(tmp_path, "tests.unsloth_check")) == []


@pytest.fixture
def config(workbench: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """Two tasks a random model can learn, with task weights, so that every path of ours has something to do."""
    monkeypatch.setenv("WORKBENCH_SUITES", "commerce,tests.learning_tasks")
    get_settings.cache_clear()
    prompts = workbench / "learning.jsonl"
    rows = [
        {"task": task, "prompt": f"Escreva {task} {i}", "split": "eval" if i >= 8 else "train"}
        for i in range(10)
        for task in ("letters", "variety")
    ]
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    changes = {
        "model": str(tiny_model),
        "prompts": str(prompts),
        "max_steps": STEPS[0],
        "eval_steps": 1,
        "num_generations": 4,
        "max_completion_length": 12,
        "learning_rate": 5e-4,
        "task_weighting": "reward",
        "stop_rules": False,
        "override_reason": "a random model fails preflight, rightly",
        "preflight_prompts": 2,
        "patience": 100,
    }
    return override(get_preset("nano"), changes)


def trained(config: TrainConfig, tmp_path: Path, kind: str) -> Path:
    """A run's folder after its first steps and, resumed from its checkpoint, its last."""
    folder = get_settings().runs_dir / create_run(config)
    for steps in STEPS:
        longer = override(config_from_json((folder / "config.json").read_text()), {"max_steps": steps})
        (folder / "config.json").write_text(longer.model_dump_json())
        extended = in_unsloth(tmp_path, "tests.unsloth_run", str(folder), kind)
        assert extended == ("UnslothGRPOTrainer" if kind == "unsloth" else "GRPOTrainer")
    return folder


def test_through_unsloths_trainer_a_run_has_the_numbers_of_plain_trl(config: TrainConfig, tmp_path: Path) -> None:
    """Three steps with evaluations and checkpoints, then two more from the checkpoint."""
    runs = {kind: trained(config, tmp_path, kind) for kind in ("unsloth", "plain")}
    series = {kind: read_series(folder / "metrics.jsonl") for kind, folder in runs.items()}
    for names, tolerance in ((SAMPLED, 1e-6), (COMPUTED, 0.02)):
        for name in names:
            found, expected = (dict(series[kind][name]) for kind in ("unsloth", "plain"))
            assert found == pytest.approx(expected, rel=tolerance, abs=tolerance), name
            assert max(found) == STEPS[1], name
    assert len({value for _, value in series["plain"]["task_reward/mean"]}) > 3, "the run did move"
    assert "entropy" not in series["unsloth"], "Unsloth logs one now: the rule could read it"
    for folder in runs.values():
        assert (folder / "checkpoints" / f"checkpoint-{STEPS[1]}" / "workbench.json").is_file()
        assert (folder / "best" / "adapter_model.safetensors").is_file()
