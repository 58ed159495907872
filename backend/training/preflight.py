"""Preflight: check, in the minutes before training, for every way in which the seeds' runs failed after hours.

Three stages, cheapest first: what the configuration and the prompts show (``static_checks``), what the loaded policy shows,
and what completions show that are sampled exactly as training will sample them (``sample_checks``). ``fail`` stops a launch
unless the configuration gives a reason to go on.
"""

from collections.abc import Iterator, Mapping
from math import isnan
from pathlib import Path
from typing import Any

from backend.audit.gate import Gate
from backend.errors import UserError
from backend.models.generate import generate
from backend.models.load import Policy
from backend.progress import OnProgress, Reporter
from backend.records import PromptRecord, Sampling
from backend.suites import ToScore, score_all
from backend.training.checks import Check, Status, as_dicts, as_table, by_task, failures
from backend.training.config import TrainConfig
from backend.training.lengths import fitting, longest
from backend.training.memory import available_memory, needed_memory
from backend.training.possible import ignored_by
from backend.training.sample_checks import Sampled, attack_check, eval_size_check, sample_checks
from backend.training.static_checks import learning_rate_shares, static_checks
from backend.wording import Text, decimal, fill, general, joined

__all__ = [
    "Check",
    "Sampled",
    "as_dicts",
    "as_table",
    "attack_check",
    "backend_check",
    "cheap_checks",
    "eval_size_check",
    "failures",
    "learning_rate_shares",
    "policy_checks",
    "preflight",
    "sample_checks",
    "sampling_checks",
    "static_checks",
]

_ASKED, _ANSWERS = 10, 2
"""Eval prompts of a task that are answered as the evaluations will answer them, and how often each."""


def preflight(
    config: TrainConfig,
    policy: Policy,
    prompts: list[PromptRecord],
    gates: Mapping[str, Gate],
    folder: Path,
    progress: Reporter | None = None,
) -> list[Check]:
    """Run every check.

    Args:
        config: the run's configuration.
        policy: the loaded policy; its completions are sampled with training's own parameters.
        prompts: of all splits.
        gates: task -> the audit's gate for this reward; a task without ratings is missing.
        folder: where the run will write.
        progress: is told how far the sampling is.
    """
    return [*cheap_checks(config, policy, prompts, gates, folder), *sampling_checks(config, policy, prompts, progress)]


def cheap_checks(
    config: TrainConfig, policy: Policy, prompts: list[PromptRecord], gates: Mapping[str, Gate], folder: Path
) -> Iterator[Check]:
    """The checks that sample nothing."""
    yield from static_checks(config, prompts, gates, folder, policy.tokenizer)
    yield from policy_checks(config, policy, longest(policy.tokenizer, prompts))


def policy_checks(config: TrainConfig, policy: Policy, longest_prompt: int | None = None) -> Iterator[Check]:
    """The checks that need the loaded policy but no completions."""
    yield backend_check(config, policy.backend)
    yield _generation_config(config, policy)
    yield _memory(config, policy, longest_prompt)


def sampling_checks(
    config: TrainConfig, policy: Policy, prompts: list[PromptRecord], progress: Reporter | None = None
) -> list[Check]:
    """The checks that need completions sampled as in training and as in evaluations."""
    say = progress or Reporter()
    of = {split: [p for p in prompts if p.split == split] for split in ("train", "eval", "test")}
    train, evaluated, test = (
        by_task(fitting(policy.tokenizer, of["train"], config)),
        by_task(of["eval"]),
        by_task(of["test"]),
    )
    training = Sampling(
        temperature=config.temperature, max_new_tokens=config.max_completion_length, seed=config.seed + 2
    )
    evaluating = training.model_copy(update={"temperature": config.eval_temperature})
    sampled = _sample(
        config, policy, train, config.preflight_prompts, training, config.num_generations, say.phase("sampling")
    )
    answered = _sample(config, policy, evaluated, _ASKED, evaluating, _ANSWERS, say.phase("answering"))
    return [
        *sample_checks(config, policy, sampled, say.phase("attacking")),
        eval_size_check(config, evaluated, test, answered, sampled),
    ]


def backend_check(config: TrainConfig, backend: str) -> Check:
    """Whether the backend does what the configuration asks."""
    ignored = ignored_by(config, backend)
    found = (
        fill(
            "{backend} would ignore {fields}",
            "{backend} ignoraria {fields}",
            backend=backend,
            fields=", ".join(ignored),
        )
        if ignored
        else fill("{backend} does all that is configured", "{backend} faz tudo o que está configurado", backend=backend)
    )
    story = Text("a setting that a backend ignores without a word", "um campo que um backend ignora sem dizer nada")
    return Check("backend", "fail" if ignored else "pass", found, story)


def _sample(
    config: TrainConfig,
    policy: Policy,
    tasks: dict[str, list[PromptRecord]],
    most: int,
    sampling: Sampling,
    n: int,
    on_progress: OnProgress,
) -> list[Sampled]:
    """``n`` completions of up to ``most`` prompts of each task; a prompt with a gap among its scores is left out.

    Raises:
        UserError: every prompt of a task has one.
    """
    chosen = [p for of_task in tasks.values() for p in of_task[:most]]
    groups = generate(policy, [p.chat for p in chosen], sampling, n, config.eval_batch_size, on_progress)
    asked = [
        (p.task, ToScore.of(p, c.text, policy.token_ids(c.text)))
        for p, group in zip(chosen, groups, strict=True)
        for c in group
    ]
    scores = iter(score_all(asked, config.profile, with_gaps=True))
    sampled = [Sampled(p, group, [next(scores) for _ in group]) for p, group in zip(chosen, groups, strict=True)]
    whole = [s for s in sampled if not any(isnan(score.total) for score in s.scores)]
    for task in {s.prompt.task for s in sampled} - {s.prompt.task for s in whole}:
        gaps = (gap for s in sampled if s.prompt.task == task for score in s.scores for gap in score.gaps.items())
        name, gap = next(gaps)
        raise UserError(
            f"{name} gave no value on every sampled prompt of {task} (the first: {gap}); mend it before a launch"
        )
    return whole


def _generation_config(config: TrainConfig, policy: Policy) -> Check:
    now = policy.model.generation_config
    story = Text(
        "a model's own generation_config used unseen, such as temperature 0.1 with repetition penalty 1.2",
        "um generation_config do próprio modelo usado sem ninguém ver, como temperature 0,1 com repetition_penalty 1,2",
    )
    wanted = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "repetition_penalty": 1.0}
    left = {name: value for name in wanted if (value := getattr(now, name, None)) not in (None, wanted[name])}
    if left:
        found = fill(
            "the model still samples by its own {values}", "o modelo ainda gera pelos seus próprios {values}",
            values=_listed(left),
        )  # fmt: skip
        return Check("generation-config", "fail", found, story)
    own = {k: v for k, v in policy.declared_generation.items() if k in wanted and v not in (None, wanted[k], 50)}
    if own:
        found = fill(
            "the model declares {values}; overwritten, training sets its own",
            "o modelo declara {values}; substituídos, o treino põe os seus",
            values=_listed(own),
        )
        return Check("generation-config", "warn", found, story)
    found = Text("every generation parameter is set by the run", "o treino define todo parâmetro de geração")
    return Check("generation-config", "pass", found, story)


def _listed(values: Mapping[str, Any]) -> Text:
    return joined([fill("{k} {v}", "{k} {v}", k=k, v=general(v)) for k, v in values.items()], ", ")


def _memory(config: TrainConfig, policy: Policy, longest_prompt: int | None) -> Check:
    needed, (free, where) = needed_memory(config, policy.model, longest_prompt), available_memory()
    status: Status = "fail" if needed > free else "warn" if needed > 0.85 * free else "pass"
    found = [
        fill(
            "about {needed} GB of {free} GB {where}", "cerca de {needed} GB de {free} GB {where}",
            needed=decimal(needed, 1), free=decimal(free, 1), where=where,
        )
    ]  # fmt: skip
    if status != "pass":
        found.append(
            fill(
                "lower eval_batch_size ({rows}) or num_generations", "reduza eval_batch_size ({rows}) ou num_generations",
                rows=config.eval_batch_size,
            )
        )  # fmt: skip
    story = Text("out of memory hours into a run", "falta de memória horas depois do início")
    return Check("memory", status, joined(found), story)
