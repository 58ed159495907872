"""Evaluate a run's policy on the run's eval prompts, and save the results in the run's folder."""

import time
from pathlib import Path
from typing import Any

from backend.evaluation.evaluate import EvaluationResult, evaluate_policy, read_evaluation, truths
from backend.models.load import Policy
from backend.records import PromptRecord, Sampling
from backend.training.config import TrainConfig
from backend.training.metrics_file import append_metrics, read_series


class Evaluator:
    """Evaluates the policy on the run's eval prompts; a resumed run reads the evaluations that it already has."""

    def __init__(self, folder: Path, config: TrainConfig, policy: Policy, prompts: list[PromptRecord]) -> None:
        self._folder, self._config, self._policy, self._prompts = folder, config, policy, prompts

    def before(self, label: str) -> EvaluationResult:
        """The policy before GRPO (``base``, or ``sft`` after a warm-up); evaluated once, however often it resumes."""
        path = self._folder / "evaluations" / f"{label}-00000.json"
        if path.is_file():
            result = read_evaluation(path)
        else:
            print(f"evaluating the {label} model", flush=True)
            result = self._run(label, 0, self._config.seed + 1)
        metrics = self._folder / "metrics.jsonl"
        if label == "base" and not any(step == 0 for step, _ in read_series(metrics).get("eval/mean_reward", [])):
            append_metrics(metrics, 0, {f"eval_{k}": v for k, v in self._metrics(result).items()})
        return result

    def step(self, step: int) -> dict[str, float]:
        """Evaluate in the middle of training; returns the metrics."""
        return self._metrics(self._run("step", step, self._config.seed))

    def after(self, best_step: int) -> None:
        """Evaluate the best adapter, with the base's seed."""
        print("evaluating the tuned model", flush=True)
        self._run("tuned", best_step, self._config.seed + 1)

    def history(self) -> list[dict[str, Any]]:
        """Every evaluation of the run so far: label, step, seconds, metrics."""
        order = {"base": -2, "sft": -1, "tuned": 1}
        results = [read_evaluation(path) for path in (self._folder / "evaluations").glob("*.json")]
        results.sort(key=lambda r: (order.get(r.label, 0), r.step))
        return [{"label": r.label, "step": r.step, "seconds": r.seconds, "metrics": self._metrics(r)} for r in results]

    def _run(self, label: str, step: int, seed: int) -> EvaluationResult:
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
        result = result.model_copy(update={"seconds": time.monotonic() - began})
        result.save(self._folder / "evaluations")
        if label != "step":  # the progress line reports evaluations at steps
            print(f"{label} at step {step}: mean reward {result.metrics()['mean_reward']:.3f}", flush=True)
        return result

    def _metrics(self, result: EvaluationResult) -> dict[str, float]:
        return result.metrics() | truths(result, self._prompts)
