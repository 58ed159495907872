"""One turn of benchmarks/training.py: a few steps of nano under our trainer or under plain TRL's, in a process of its own.

python -m benchmarks.training_turn ours|plain

Before each step it prints a line and waits for one; at the end it prints one JSON object: seconds and processor seconds of
each step, peak memory, mean completion lengths, and the share of a step that only our trainer spends.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import typer
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOTrainer

from backend.data.rollouts import Rollouts
from backend.models.load import load_policy
from backend.runs.create import run_prompts
from backend.training.config import get_preset, override
from backend.training.reward_functions import components_of, reward_functions, training_rows
from backend.training.sampling import PromptSampler
from backend.training.shadow import Shadow
from backend.training.trainer import WorkbenchTrainer, grpo_arguments
from benchmarks.training import READY

STEPS = 8
SKIPPED = 2
"""The first steps of a process warm up its allocator and are not counted."""


class Clock(TrainerCallback):
    """Waits for its turn before each step; records the seconds of each, and the mean length of its completions."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu: list[float] = []
        self.lengths: list[float] = []

    def on_step_begin(self, *_: object, **__: object) -> None:
        """Wait, then start both clocks."""
        print(READY, flush=True)
        sys.stdin.readline()
        self.began, self.cpu_began = time.perf_counter(), time.process_time()

    def on_step_end(self, *_: object, **__: object) -> None:
        """Read both clocks."""
        self.seconds.append(time.perf_counter() - self.began)
        self.cpu.append(time.process_time() - self.cpu_began)

    def on_log(self, args: object, state: object, control: object, logs: dict | None = None, **_: object) -> None:
        """Keep the mean length."""
        self.lengths += [logs["completions/mean_length"]] if logs and "completions/mean_length" in logs else []


def timed(trainer: type[GRPOTrainer], method: str) -> list[float]:
    """Record the seconds of every call of this class's method, including inherited ones."""
    seconds: list[float] = []
    called = getattr(trainer, method)

    def metered(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return called(*arguments)
        finally:
            seconds.append(time.perf_counter() - began)

    setattr(trainer, method, metered)
    return seconds


def main(kind: str) -> None:
    """Run the turn."""
    in_trl, in_all = (timed(trainer, "_calculate_rewards") for trainer in (GRPOTrainer, WorkbenchTrainer))
    besides = [timed(WorkbenchTrainer, method) for method in ("_rollout_entropy", "_keep_rollouts")]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        _trainer(kind, folder, clock).train()
    own = sum(in_all) - sum(in_trl) + sum(map(sum, besides)) if kind == "ours" else 0.0
    found = {
        "own": own / sum(clock.seconds),
        "seconds": clock.seconds[SKIPPED:],
        "cpu": clock.cpu[SKIPPED:],
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "lengths": clock.lengths,
    }
    print(json.dumps(found))


def _trainer(kind: str, folder: str, clock: Clock) -> GRPOTrainer:
    config = override(get_preset("nano"), {"max_steps": STEPS, "eval_steps": 1000})
    prompts = [p for p in run_prompts(config) if p.split == "train"]
    tasks = tuple(dict.fromkeys(p.task for p in prompts))
    components = components_of(tasks, config.profile)
    rows = training_rows(prompts)
    torch.manual_seed(config.seed)
    policy = load_policy(config, trainable=True)
    arguments = grpo_arguments(config, components, folder, policy.backend)
    arguments.load_best_model_at_end = False
    arguments.save_strategy = arguments.eval_strategy = "no"
    if kind == "plain":  # plain TRL, with the prompts in our prompt order
        order = PromptSampler([r["task"] for r in rows], config.prompts_per_step, 1, 1, STEPS, config.seed)
        rows = [rows[i] for i in order]
        arguments.shuffle_dataset = False
    extra = {
        "components": components,
        "evaluate": lambda step: {"mean_reward": 0.0},
        "config": config,
        "shadow": Shadow(config.shadow, tasks),
        "rollouts": Rollouts(Path(folder), config.rollout_share, config.rollout_mb * 10**6),
    }
    return (WorkbenchTrainer if kind == "ours" else GRPOTrainer)(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=arguments,
        reward_funcs=reward_functions(components, config.profile),
        train_dataset=Dataset.from_list(rows),
        callbacks=[clock],
        **(extra if kind == "ours" else {}),
    )


if __name__ == "__main__":
    typer.run(main)
