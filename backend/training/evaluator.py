"""Evaluate a run's policy, and save the results in the run's folder.

The curves and the choice of the best step are on the run's eval prompts; base and tuned are judged on its test prompts, which
nothing was chosen on. A run without test prompts is judged on its eval prompts, and base is then the curve's first point.
"""

import time
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from backend.evaluation.evaluate import EvaluationResult, evaluate_policy, read_evaluation, truths
from backend.evaluation.watched import gap_metrics, rows_of, truths_beside
from backend.models.load import Policy
from backend.progress import FILE, Reporter
from backend.records import PromptRecord, Sampling
from backend.suites import ToScore
from backend.training.config import TrainConfig
from backend.training.metrics_file import append_metrics, read_series
from backend.training.shadow import Shadow

Evaluated = Literal["eval", "test"]


class Evaluator:
    """Evaluates the policy on the run's eval and test prompts; a resumed run reads the evaluations that it already has.

    Attributes:
        shadow: the run's shadow measures.

    Raises:
        UserError: a shadow measure cannot be loaded, or fails on the answers before training.
    """

    def __init__(self, folder: Path, config: TrainConfig, policy: Policy, prompts: list[PromptRecord]) -> None:
        self._folder, self._config, self._policy = folder, config, policy
        self._prompts = {split: [p for p in prompts if p.split == split] for split in ("eval", "test")}
        self._judged: Evaluated = "test" if self._prompts["test"] else "eval"
        self._facts = {p.id: p.facts for p in prompts}
        self._rows = rows_of([], {})
        self._progress = Reporter(folder / FILE)
        self.shadow = Shadow(config.shadow, list(dict.fromkeys(p.task for p in prompts)))

    def base(self) -> None:
        """The policy before training: the curve's step 0, and ``base`` for the verdict."""
        first = self._once("base" if self._judged == "eval" else "step", "eval")
        if self._judged == "test":
            self._once("base", "test")
        metrics = self._folder / "metrics.jsonl"
        if not any(step == 0 for step, _ in read_series(metrics).get("eval/mean_reward", [])):
            append_metrics(metrics, 0, {f"eval_{k}": v for k, v in self._metrics(first).items()})

    def warmed_up(self) -> None:
        """The policy after a warm-up and before GRPO (``sft``)."""
        self._once("sft", "eval")

    def step(self, step: int) -> dict[str, float]:
        """Evaluate in the middle of training; returns the metrics, also how far truth goes along with the reward so far."""
        result = self._run("step", step, "eval")
        return self._metrics(result) | gap_metrics(truths_beside(self._curve(result)))

    def tuned(self, best_step: int) -> None:
        """The best adapter, with the base's seed."""
        print("evaluating the tuned model", flush=True)
        self._run("tuned", best_step, self._judged)

    def history(self) -> list[dict[str, Any]]:
        """Every evaluation of the run so far: label, split, step, seconds, metrics."""
        order = {"base": -2, "sft": -1, "tuned": 1}
        results = [read_evaluation(path) for path in (self._folder / "evaluations").glob("*.json")]
        results.sort(key=lambda r: (order.get(r.label, 0), r.step))
        return [
            {"label": r.label, "split": r.split, "step": r.step, "seconds": r.seconds, "metrics": self._metrics(r)}
            for r in results
        ]

    def _once(self, label: str, split: Evaluated) -> EvaluationResult:
        """An evaluation before GRPO: made once, however often the run resumes."""
        path = self._folder / "evaluations" / f"{label}-00000.json"
        if path.is_file():
            return read_evaluation(path)
        print(f"evaluating the {'base' if label == 'step' else label} model on the {split} prompts", flush=True)
        return self._run(label, 0, split)

    def _run(self, label: str, step: int, split: Evaluated) -> EvaluationResult:
        """Evaluate; steps have one seed, so that the curve's points share their draws, and all others have another."""
        config = self._config
        sampling = Sampling(
            temperature=config.eval_temperature,
            max_new_tokens=config.max_completion_length,
            seed=config.seed + (label != "step"),
        )
        began = time.monotonic()
        result = evaluate_policy(
            self._policy,
            self._prompts[split],
            sampling,
            config.profile,
            label,
            step,
            split,
            samples=config.final_samples if split == "test" else config.eval_samples,
            batch_size=config.eval_batch_size,
            on_progress=self._progress.phase("base" if label == "step" and step == 0 else label, step),
        )
        result = self._watched(result)
        result = result.model_copy(update={"seconds": time.monotonic() - began})
        result.save(self._folder / "evaluations")
        if label != "step" or step == 0:  # the progress line reports evaluations at later steps
            mean = result.metrics()["mean_reward"]
            print(f"{label} at step {step}: mean reward {mean:.3f} on the {split} prompts", flush=True)
        return result

    def _curve(self, now: EvaluationResult) -> pd.DataFrame:
        """The evaluations on the eval prompts up to now, as rows; those of earlier steps are read once."""
        if self._rows.empty:
            paths = [p for label in ("base", "step") for p in (self._folder / "evaluations").glob(f"{label}-*.json")]
            before = [r for p in sorted(paths) if (r := read_evaluation(p)).split == "eval" and r.step < now.step]
            self._rows = rows_of(before, self._facts)
        rows = rows_of([now], self._facts)
        self._rows = pd.concat([self._rows[self._rows["step"] < now.step], rows], ignore_index=True)
        return self._rows

    def _watched(self, result: EvaluationResult) -> EvaluationResult:
        """The evaluation with what the shadow measures say of each completion."""
        prompts = {p.id: p for p in self._prompts[result.split]}
        token_ids = self._policy.token_ids if self.shadow.reads_tokens else lambda _: None
        asked = [(c.task, ToScore.of(prompts[c.prompt_id], c.text, token_ids(c.text))) for c in result.completions]
        measured = self.shadow.watch(asked, may_fail=result.step > 0)
        completions = [
            c.model_copy(update={"shadow": found}) for c, found in zip(result.completions, measured, strict=True)
        ]
        return result.model_copy(update={"completions": completions})

    def _metrics(self, result: EvaluationResult) -> dict[str, float]:
        return result.metrics() | truths(result, self._prompts[result.split])
