"""One training run, start to end: base evaluation, GRPO, best adapter, tuned evaluation, comparison.

Everything it does is left in the run's folder; the store is filled from there by others.
"""

import os
import platform
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from backend.data.jsonl import read_prompts
from backend.data.records import PromptRecord, content_hash
from backend.errors import UserError
from backend.evaluation.compare import TaskComparison, compare, summary_sentence
from backend.evaluation.evaluate import EvaluationResult, evaluate_policy, fact_accuracy
from backend.files import write_json
from backend.models.generate import Sampling
from backend.models.load import Policy, load_policy
from backend.settings import ROOT, get_settings
from backend.training.config import TrainConfig, config_from_json
from rewards import fingerprint


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``finished`` or ``stopped``, and why in words."""

    status: str
    reason: str


def train(folder: Path) -> Outcome:
    """Run what ``folder/config.json`` and ``folder/prompts.jsonl`` describe.

    Raises:
        UserError: the prompts do not fit the configuration, or the model cannot be loaded.
    """
    started = time.time()
    config = config_from_json((folder / "config.json").read_text(encoding="utf-8"))
    prompts = select_prompts(read_prompts(folder / "prompts.jsonl"), config)
    train_prompts = [p for p in prompts if p.split == "train"]
    eval_prompts = [p for p in prompts if p.split == "eval"]
    print(config.model_dump_json(indent=2), flush=True)

    print(f"loading {config.model}", flush=True)
    policy = load_policy(config, trainable=True)
    policy.model.print_trainable_parameters()
    train_prompts = fitting(policy, train_prompts, config)
    write_json(folder / "environment.json", environment(config, policy, prompts))

    evaluator = _Evaluator(folder, config, policy, eval_prompts)
    print("evaluating the base model", flush=True)
    base = evaluator.run("base", 0, seed=config.seed + 1)
    outcome = _grpo(folder, config, policy, train_prompts, evaluator)
    if outcome.status == "finished":
        print("evaluating the tuned model", flush=True)
        tuned = evaluator.run("tuned", evaluator.best_step(), seed=config.seed + 1)
        _write_comparison(folder, base, tuned, eval_prompts)
    hours = (time.time() - started) / 3600
    dollars = hours * get_settings().dollars_per_hour
    write_json(folder / "eval_results.json", {"evaluations": evaluator.history, "hours": hours, "dollars": dollars})
    return outcome


def select_prompts(prompts: list[PromptRecord], config: TrainConfig) -> list[PromptRecord]:
    """The prompts of the configured tasks.

    Raises:
        UserError: a task has no prompts, a split is empty, or a prompt stands in both splits.
    """
    chosen = [p for p in prompts if not config.tasks or p.task in config.tasks]
    for task in config.tasks:
        if not any(p.task == task for p in chosen):
            raise UserError(f"there are no prompts for task {task!r}; add some or leave the task out")
    train_ids = {p.id for p in chosen if p.split == "train"}
    eval_ids = {p.id for p in chosen if p.split == "eval"}
    if not train_ids or not eval_ids:
        raise UserError(
            f"a run needs train and eval prompts; there are {len(train_ids)} and {len(eval_ids)}. "
            f'Give JSONL lines "split": "train" or "eval".'
        )
    if both := train_ids & eval_ids:
        raise UserError(
            f"{len(both)} prompts stand in train and in eval (the first: {min(both)}); remove them from one"
        )
    return chosen


def fitting(policy: Policy, prompts: list[PromptRecord], config: TrainConfig) -> list[PromptRecord]:
    """The prompts that leave room for a whole completion in ``max_seq_length``; TRL no longer truncates them."""
    room = config.max_seq_length - config.max_completion_length
    texts = [policy.tokenizer.apply_chat_template(p.chat, add_generation_prompt=True, tokenize=False) for p in prompts]
    lengths = [len(ids) for ids in policy.tokenizer(texts, add_special_tokens=False)["input_ids"]]
    kept = [p for p, n in zip(prompts, lengths, strict=True) if n <= room]
    if not kept:
        raise UserError(
            f"every prompt is longer than {room} tokens; raise max_seq_length (now {config.max_seq_length})"
        )
    if len(kept) < len(prompts):
        print(f"left out {len(prompts) - len(kept)} prompts longer than {room} tokens", flush=True)
    return kept


def _grpo(
    folder: Path, config: TrainConfig, policy: Policy, prompts: list[PromptRecord], evaluator: "_Evaluator"
) -> Outcome:
    from datasets import Dataset
    from transformers import EarlyStoppingCallback, PrinterCallback

    from backend.training.callbacks import BestAdapter, MetricsFile, ProgressLine, StopSignal, WatchTable
    from backend.training.reward_functions import components_of, reward_functions
    from backend.training.stop_rules import default_rules
    from backend.training.task_weights import TaskWeights
    from backend.training.trainer import WorkbenchTrainer, grpo_arguments

    components = components_of(tuple(dict.fromkeys(p.task for p in prompts)))
    rows = [{"prompt": p.chat, "task": p.task, "user_text": p.user_text, "prompt_id": p.id} for p in prompts]
    stop = StopSignal()
    watch = WatchTable(default_rules(config.max_completion_length), folder / "watch.json", config.stop_rules)
    weighed = config.task_weighting == "reward"
    tasks = tuple(dict.fromkeys(c.task for c in components))
    trainer = WorkbenchTrainer(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=grpo_arguments(config, components, str(folder / "checkpoints"), policy.backend),
        reward_funcs=reward_functions(components, config.profile),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(rows[:1]),  # TRL asks for one; our evaluate() brings its own prompts
        components=components,
        evaluate=evaluator.step,
        task_weights=TaskWeights(tasks, config.iwu_lambda, config.iwu_beta) if weighed else None,
        callbacks=[
            MetricsFile(folder / "metrics.jsonl"),
            ProgressLine(),
            BestAdapter(folder / "best"),
            watch,
            stop,
            EarlyStoppingCallback(early_stopping_patience=config.patience),
        ],
    )
    trainer.remove_callback(PrinterCallback)  # our progress line says it in a readable way
    trainer.train()
    if watch.stopped_by is not None:
        return Outcome("stopped", f"stopped by the rule {watch.stopped_by}")
    if stop.received:
        return Outcome("stopped", f"stopped by {stop.received} at step {trainer.state.global_step}")
    if trainer.state.global_step < config.max_steps:
        return Outcome(
            "finished", f"no gain in {config.patience} evaluations; best at step {trainer.state.best_global_step}"
        )
    return Outcome("finished", f"all {config.max_steps} steps; best at step {trainer.state.best_global_step}")


class _Evaluator:
    """Evaluates the policy on the run's eval prompts and keeps what it found, in order."""

    def __init__(self, folder: Path, config: TrainConfig, policy: Policy, prompts: list[PromptRecord]) -> None:
        self._folder, self._config, self._policy, self._prompts = folder, config, policy, prompts
        self.history: list[dict[str, Any]] = []

    def step(self, step: int) -> dict[str, float]:
        return self._metrics(self.run("step", step, seed=self._config.seed))

    def run(self, label: str, step: int, seed: int) -> EvaluationResult:
        config = self._config
        sampling = Sampling(temperature=config.eval_temperature, max_new_tokens=config.max_completion_length, seed=seed)
        began = time.monotonic()
        result = evaluate_policy(
            self._policy,
            self._prompts,
            sampling,
            config.profile,
            label,
            step,
            samples=config.eval_samples,
            batch_size=config.eval_batch_size,
        )
        result.save(self._folder / "evaluations")
        metrics = self._metrics(result)
        self.history.append({"label": label, "step": step, "seconds": time.monotonic() - began, "metrics": metrics})
        if label == "base":
            from backend.training.callbacks import append_metrics

            append_metrics(self._folder / "metrics.jsonl", 0, {f"eval_{k}": v for k, v in metrics.items()})
        if label != "step":  # those the progress line reports
            print(f"{label} at step {step}: mean reward {metrics['mean_reward']:.3f}", flush=True)
        return result

    def best_step(self) -> int:
        steps = [h for h in self.history if h["label"] == "step"]
        return max(steps, key=lambda h: h["metrics"]["mean_reward"])["step"] if steps else 0

    def _metrics(self, result: EvaluationResult) -> dict[str, float]:
        accuracy = fact_accuracy(result, self._prompts)
        return result.metrics() | ({"fact_accuracy": accuracy} if accuracy is not None else {})


def paired_scores(base: EvaluationResult, tuned: EvaluationResult) -> pd.DataFrame:
    """Columns prompt_id, task, base, tuned: each prompt's mean over samples in both evaluations."""
    frames = [
        pd.DataFrame([c.model_dump(include={"prompt_id", "task", "total"}) for c in result.completions])
        .groupby(["prompt_id", "task"], as_index=False, sort=False)["total"]
        .mean()
        for result in (base, tuned)
    ]
    merged = frames[0].merge(frames[1], on=["prompt_id", "task"], suffixes=("_base", "_tuned"))
    return merged.rename(columns={"total_base": "base", "total_tuned": "tuned"})


def _write_comparison(
    folder: Path, base: EvaluationResult, tuned: EvaluationResult, prompts: list[PromptRecord]
) -> None:
    comparisons = compare(paired_scores(base, tuned))
    accuracy = {r.label: fact_accuracy(r, prompts) for r in (base, tuned)}
    write_json(
        folder / "comparison_base_vs_tuned.json",
        {
            "summary": summary_sentence(comparisons),
            "tasks": [c.as_dict() for c in comparisons],
            "fact_accuracy": accuracy,
            "best_step": tuned.step,
        },
    )
    print("\n" + comparison_table(comparisons) + "\n" + summary_sentence(comparisons), flush=True)


def comparison_table(comparisons: list[TaskComparison]) -> str:
    """The comparison as aligned text for a terminal or a log."""
    lines = [f"{'task':<12}{'n':>4}{'base':>8}{'tuned':>8}{'delta':>8}  {'95 % interval':<18}{'p (Holm)':>9}  verdict"]
    for c in comparisons:
        interval = f"[{c.low:+.3f}, {c.high:+.3f}]"
        lines.append(
            f"{c.task:<12}{c.n:>4}{c.base:>8.3f}{c.tuned:>8.3f}{c.delta:>+8.3f}  {interval:<18}{c.p_holm:>9.4f}  {c.verdict}"
        )
    return "\n".join(lines)


def environment(config: TrainConfig, policy: Policy, prompts: list[PromptRecord]) -> dict[str, Any]:
    """What a reader needs to repeat the run: versions, machine, commit, reward fingerprint, data hash."""
    import torch

    packages = (
        "torch",
        "transformers",
        "trl",
        "peft",
        "bitsandbytes",
        "accelerate",
        "datasets",
        "unsloth",
        "json-repair",
    )
    return {
        "backend": policy.backend,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "cpus": os.cpu_count(),
        "commit": _commit(),
        "profile": config.profile,
        "fingerprint": fingerprint(config.profile),
        "prompts": content_hash(prompts),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], check=False, cwd=ROOT, capture_output=True, text=True, timeout=10
        )
    except OSError:
        return None
    return done.stdout.strip() or None
