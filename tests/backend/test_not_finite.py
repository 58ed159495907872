"""A loss or a gradient that becomes no number ends a real run at once, and leaves it as its last whole checkpoint has it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.runs.causes import cause_of_death
from backend.runs.create import create_run
from backend.settings import get_settings
from backend.training.config import TrainConfig, override
from backend.training.resume import last_checkpoint
from backend.training.run import Outcome, train
from backend.training.stop_rules import default_rules, evaluate_rules

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A run takes over two signals of its process, which here is the tests'."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def broken_run(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, **broken_at: int
) -> tuple[Outcome, Path, list[int]]:
    """Train with a loss, or a gradient, that is no number from that step on; returns the steps whose update was made, too."""
    from transformers import Trainer
    from trl import GRPOTrainer

    compute, updated = GRPOTrainer._compute_loss, []

    def compute_loss(self: Any, model: Any, inputs: Any) -> Any:
        loss, step = compute(self, model, inputs), self.state.global_step + 1
        if step >= broken_at.get("loss", 999):
            return loss * float("nan")
        if step >= broken_at.get("gradient", 999):
            loss.register_hook(lambda gradient: gradient * float("inf"))
        return loss

    def log(self: Any, logs: dict[str, float], *rest: Any) -> None:
        if "loss" in logs:
            updated.append(self.state.global_step)
        logged(self, logs, *rest)

    logged = Trainer.log
    monkeypatch.setattr(GRPOTrainer, "_compute_loss", compute_loss)
    monkeypatch.setattr(Trainer, "log", log)
    folder = get_settings().runs_dir / create_run(config)
    return train(folder), folder, updated


@pytest.mark.parametrize(("what", "numbers"), [("loss", "loss nan"), ("gradient", "gradient norm")])
def test_a_run_stops_before_the_broken_update_and_is_rolled_back(
    what: str, numbers: str, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    config = override(tiny_config, {"max_steps": 9, "eval_steps": 2})
    outcome, folder, updated = broken_run(config, monkeypatch, **{what: 6})
    assert updated == [1, 2, 3, 4, 5], "not one broken update"
    assert outcome.status == "stopped"
    assert outcome.reason.startswith("stopped by the rule nan-loss at step 6") and numbers in outcome.reason
    assert "rolled back to the last whole checkpoint, of step 4" in outcome.reason
    checkpoint = last_checkpoint(folder)
    assert checkpoint is not None and checkpoint.step == 4
    for adapter in (checkpoint.path, folder / "best"):
        assert all(t.isfinite().all() for t in load_file(adapter / "adapter_model.safetensors").values())
    assert [
        (f["rule"], f["step"]) for f in json.loads((folder / "watch.json").read_text()) if f["action"] == "stop"
    ] == [("nan-loss", 6)]


def test_without_a_checkpoint_it_says_so_and_a_resume_starts_anew(
    tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        outcome, folder, _ = broken_run(override(tiny_config, {"max_steps": 3, "eval_steps": 3}), patch, loss=2)
    assert "rolled back to its start, for it has no checkpoint yet" in outcome.reason
    assert train(folder).status == "finished"
    assert "nan-loss" not in {f["rule"] for f in json.loads((folder / "watch.json").read_text())}


def test_in_recorded_metrics_a_gradient_norm_that_is_no_number_fires_too() -> None:
    rules = tuple(rule for rule in default_rules(512, {}) if rule.name == "nan-loss")
    (firing,) = evaluate_rules(rules, {"loss": [(1, 0.1)], "grad_norm": [(1, float("nan"))]})
    assert firing.numbers == "grad_norm nan"
    assert not evaluate_rules(rules, {"loss": [(1, 0.1)], "grad_norm": [(1, 0.2)]})


def test_a_sampling_crash_is_put_into_plain_words() -> None:
    log = "RuntimeError: probability tensor contains either `inf`, `nan` or element < 0"
    assert "the model's probabilities are no numbers" in cause_of_death(1, log)
    on_gpu = "TensorCompare.cu:112: _assert_async_cuda_kernel: Assertion `probability tensor contains either `inf`, `nan` or "
    assert "the model's probabilities are no numbers" in cause_of_death(
        1, on_gpu + "CUDA error: device-side assert triggered"
    )


def test_a_rule_stops_a_run_in_the_step_whose_numbers_made_it_fire(
    tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.training import callbacks

    usage, read = callbacks.shutil.disk_usage, []

    def full_at_the_third(path: Path) -> Any:
        read.append(path)
        return usage(path)._replace(free=500_000_000 if len(read) >= 3 else 50_000_000_000)

    monkeypatch.setattr(callbacks.shutil, "disk_usage", full_at_the_third)
    config = override(tiny_config, {"max_steps": 9, "eval_steps": 9})
    folder = get_settings().runs_dir / create_run(config)
    read.clear()
    outcome = train(folder)
    fired = [f for f in json.loads((folder / "watch.json").read_text()) if f["rule"] == "disk"]
    checkpoint = last_checkpoint(folder)
    assert outcome.status == "stopped" and checkpoint is not None
    assert checkpoint.step == fired[0]["step"]
