"""Evaluate a policy: one batched generation over a split's prompts, each completion scored with its components."""

from collections.abc import Callable, Sequence
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pydantic import BaseModel

from backend.errors import UserError
from backend.evaluation.truth import unread_share
from backend.files import write_whole
from backend.models.generate import generate
from backend.records import PromptRecord, Sampling, ScoredCompletion
from backend.suites import ToScore, find_task, fingerprint, score_all
from rewards.calling import MOST_GAPS
from rewards.types import Fact, Score

if TYPE_CHECKING:
    from backend.models.load import Policy


_ENTROPY_ANSWERS = 16


class EvaluationResult(BaseModel):
    """A policy's completions on the prompts of a split and how they were made and scored."""

    label: str
    """base, sft, step or tuned."""
    split: str = "eval"
    """The prompts it is on: ``eval`` or ``test``; files of the first versions have no other than ``eval``."""
    step: int
    policy: str
    profile: str
    fingerprint: str = ""
    """The fingerprint of all tasks together, in files of the first versions; later files have ``fingerprints``."""
    fingerprints: dict[str, str] = {}
    """Task -> the fingerprint of the reward that scored it."""
    sampling: Sampling
    seconds: float | None = None
    """How long it took."""
    entropy: float | None = None
    """Mean token entropy at temperature 1 of some of the completions, in nats; files of earlier versions have none."""
    completions: list[ScoredCompletion]

    def metrics(self) -> dict[str, float]:
        """``mean_reward`` over all completions, each task's mean, each component's as ``task/component``, and each shadow
        measure's as ``shadow/measure/task``."""
        by_name: dict[str, list[float]] = {}
        for c in self.completions:
            by_name.setdefault(c.task, []).append(c.total)
            for name, value in c.components.items():
                by_name.setdefault(f"{c.task}/{name}", []).append(value)
            for name, value in c.shadow.items():
                by_name.setdefault(f"shadow/{name}/{c.task}", []).append(value)
        means = {name: fmean(values) for name, values in by_name.items()}
        return {
            "mean_reward": fmean(c.total for c in self.completions),
            "truncated": fmean(c.truncated for c in self.completions),
            "tokens": fmean(c.tokens for c in self.completions),
            **({"entropy": self.entropy} if self.entropy is not None else {}),
            **means,
        }

    def save(self, folder: Path) -> Path:
        """Write ``<label>-<step>.json`` into ``folder``; a reader never sees a part of it."""
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
    split: str = "eval",
    samples: int = 1,
    batch_size: int = 65,
    on_progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Generate ``samples`` completions for every prompt and score them.

    It does not change the state of a training run: see ``backend.models.generate``.
    """
    groups = generate(policy, [p.chat for p in prompts], sampling, samples, batch_size, on_progress)
    made = [(p, i, c) for p, group in zip(prompts, groups, strict=True) for i, c in enumerate(group)]
    asked = [(p.task, ToScore.of(p, c.text, policy.token_ids(c.text))) for p, _, c in made]
    scores = score_all(asked, profile, with_gaps=True)
    _check_gaps(scores)
    rows = [
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
        for (prompt, i, c), s in zip(made, scores, strict=True)
        if not isnan(s.total)
    ]
    return EvaluationResult(
        label=label,
        split=split,
        step=step,
        policy=policy.name,
        profile=profile,
        fingerprints={task: fingerprint(task, profile) for task in dict.fromkeys(p.task for p in prompts)},
        sampling=sampling,
        entropy=_entropy(policy, [(p, group[0].text) for p, group in zip(prompts, groups, strict=True)]),
        completions=rows,
    )


def _entropy(policy: "Policy", answers: list[tuple[PromptRecord, str]]) -> float:
    """The token entropy of a few answers, spread over all."""
    from backend.models.entropy import entropy_of_texts

    chosen = answers[:: max(1, len(answers) // _ENTROPY_ANSWERS)][:_ENTROPY_ANSWERS]
    return entropy_of_texts(policy, [p.chat for p, _ in chosen], [text for _, text in chosen])


def _check_gaps(scores: list[Score]) -> None:
    """Say how many completions a judge gave no value for; they are left out.

    Raises:
        UserError: they are too many for what is left to stand for all.
    """
    gaps = [next(iter(s.gaps.items())) for s in scores if isnan(s.total)]
    if not gaps:
        return
    name, gap = gaps[0]
    said = f"{name} gave no value for {len(gaps)} of {len(scores)} completions (the first: {gap})"
    if len(gaps) > MOST_GAPS * len(scores):
        raise UserError(f"{said}; mend the judge or its endpoint, then go on with the run")
    print(f"{said}; they are left out", flush=True)


def read_evaluation(path: Path) -> EvaluationResult:
    """Read what ``EvaluationResult.save`` wrote."""
    return EvaluationResult.model_validate_json(path.read_text(encoding="utf-8"))


def truths(result: EvaluationResult, prompts: list[PromptRecord]) -> dict[str, float]:
    """The share of facts that completions got right, by the name of each task's truth measure.

    The training reward cannot show reward hacking. These measures compare completions with the facts that the prompts
    were made from, which the reward does not use. A measure that applies to no prompt is left out. Beside a measure that says
    what is so stands ``<name>_unread``: the share that one gets without reading these prompts.
    """
    columns_of = {p.id: p.facts for p in prompts}
    found: dict[str, list[bool]] = {}
    facts: dict[str, list[Sequence[Fact]]] = {}
    for c in result.completions:
        known = find_task(c.task)
        truth = known.truth if known is not None else None
        judged = truth.judge(c.text, columns_of.get(c.prompt_id, {})) if truth is not None else None
        if truth is not None and judged is not None:
            found.setdefault(truth.name, []).extend(judged)
            if truth.facts is not None and (told := truth.facts(c.text, columns_of.get(c.prompt_id, {}))):
                facts.setdefault(truth.name, []).append(told)
    shares = {name: fmean(right) for name, right in found.items() if right}
    return shares | {f"{name}_unread": unread_share(told) for name, told in facts.items()}
