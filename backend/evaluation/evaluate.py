"""Evaluate a policy: one batched generation over the eval prompts, each completion scored with its components."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import BaseModel

from backend.data.records import PromptRecord
from backend.files import write_whole
from backend.models.generate import Sampling, generate
from backend.scoring import score_completion
from rewards import fingerprint
from rewards.extraction import sentiment_of
from rewards.json_parsing import parse_json

if TYPE_CHECKING:
    from backend.models.load import Policy


class ScoredCompletion(BaseModel):
    """One completion of an evaluation."""

    prompt_id: str
    task: str
    sample: int
    text: str
    tokens: int
    truncated: bool
    total: float
    components: dict[str, float]


class EvaluationResult(BaseModel):
    """A policy's completions on the eval prompts and how they were made and scored."""

    label: str
    """base, step or tuned."""
    step: int
    policy: str
    profile: str
    fingerprint: str
    sampling: Sampling
    seconds: float | None = None
    """How long it took."""
    completions: list[ScoredCompletion]

    def metrics(self) -> dict[str, float]:
        """``mean_reward`` over all completions, each task's mean, and each component's as ``task/component``."""
        by_name: dict[str, list[float]] = {}
        for c in self.completions:
            by_name.setdefault(c.task, []).append(c.total)
            for name, value in c.components.items():
                by_name.setdefault(f"{c.task}/{name}", []).append(value)
        means = {name: fmean(values) for name, values in by_name.items()}
        return {
            "mean_reward": fmean(c.total for c in self.completions),
            "truncated": fmean(c.truncated for c in self.completions),
            "tokens": fmean(c.tokens for c in self.completions),
            **means,
        }

    def save(self, folder: Path) -> Path:
        """Write ``<label>-<step>.json`` into ``folder``, whole or not at all."""
        path = folder / f"{self.label}-{self.step:05d}.json"
        write_whole(path, self.model_dump_json())
        return path


def evaluate_policy(
    policy: "Policy",
    prompts: list[PromptRecord],
    sampling: Sampling,
    profile: str,
    label: str,
    step: int = 0,
    samples: int = 1,
    batch_size: int = 65,
    on_progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Generate ``samples`` completions for every prompt and score them.

    Never disturbs a training run: see ``backend.models.generate``.
    """
    groups = generate(policy, [p.chat for p in prompts], sampling, samples, batch_size, on_progress)
    rows = []
    for prompt, group in zip(prompts, groups, strict=True):
        for i, c in enumerate(group):
            s = score_completion(prompt.task, c.text, prompt.user_text, prompt.facts, profile)
            rows.append(
                ScoredCompletion(
                    prompt_id=prompt.id,
                    task=prompt.task,
                    sample=i,
                    text=c.text,
                    tokens=c.tokens,
                    truncated=c.truncated,
                    total=s.total,
                    components=s.components,
                )
            )
    return EvaluationResult(
        label=label,
        step=step,
        policy=policy.name,
        profile=profile,
        fingerprint=fingerprint(profile),
        sampling=sampling,
        completions=rows,
    )


def fact_accuracy(result: EvaluationResult, prompts: list[PromptRecord]) -> float | None:
    """Share of extraction facts (sentiment against nota, category, the three issue flags) the completions got right.

    Selecting by the training reward cannot see reward hacking; this number is measured against the truth behind
    the synthetic reviews, which the reward does not know. None when no prompt carries such facts.
    """
    facts_of = {p.id: p.facts for p in prompts if p.task == "extraction" and "complaint_category" in p.facts}
    right: list[bool] = []
    for c in result.completions:
        facts = facts_of.get(c.prompt_id)
        if facts is None:
            continue
        data = parse_json(c.text).value or {}
        right += [data.get(name) is facts[name] for name in ("delivery_issue", "product_issue", "seller_issue")]
        right.append(data.get("complaint_category") == facts["complaint_category"])
        right.append(sentiment_of(data.get("sentiment")) == _sentiment(facts["nota"]))
    return fmean(right) if right else None


def _sentiment(nota: int) -> str:
    return "positivo" if nota >= 4 else "negativo" if nota <= 2 else "neutro"


def read_evaluation(path: Path) -> EvaluationResult:
    """Read what ``EvaluationResult.save`` wrote."""
    return EvaluationResult.model_validate_json(path.read_text(encoding="utf-8"))


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
