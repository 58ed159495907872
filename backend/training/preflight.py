"""Preflight: check, in the minutes before training, for every way in which the seeds' runs failed after hours.

Some checks use only the configuration and the prompts. The others use completions that are sampled exactly as training
will sample them. ``fail`` stops a launch unless the configuration gives a reason to go on.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from backend.audit.attack import high_of, search
from backend.audit.gate import Gate
from backend.evaluation.noise import expected_spread
from backend.evaluation.paired import FEWEST_PAIRS
from backend.evaluation.power import detectable_from_spread, prompts_needed
from backend.models.generate import generate
from backend.models.load import Policy
from backend.records import Completion, PromptRecord, Sampling
from backend.suites import ToScore, counting_judges, get_task, score_all, suite_of
from backend.training.config import TrainConfig
from backend.training.memory import available_memory, needed_memory
from backend.training.over_optimisation import over_optimisation
from backend.training.reward_functions import components_of
from rewards.types import Score

Status = Literal["pass", "warn", "fail"]
_ASKED, _ANSWERS = 10, 2
"""Eval prompts of a task that are answered as the evaluations will answer them, and how often each."""
_ATTACK_CALLS, _ATTACK_SECONDS = 2_000, 20.0
"""Calls of the reward for one task, and the longest that they may take."""
_SMALL_CHANGE = 0.05
"""The change of mean reward for which preflight says how many prompts would show it."""


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: short and stable.
        status: pass, warn or fail.
        found: the numbers, in words.
        story: the failure of a seed run that this check would have found, in one line.
    """

    name: str
    status: Status
    found: str
    story: str


@dataclass(frozen=True)
class Sampled:
    """A prompt with completions from the policy before training, and their scores."""

    prompt: PromptRecord
    completions: list[Completion]
    scores: list[Score]


def preflight(
    config: TrainConfig, policy: Policy, prompts: list[PromptRecord], gates: Mapping[str, Gate], folder: Path
) -> list[Check]:
    """Run every check.

    Args:
        config: the run's configuration.
        policy: the loaded policy; its completions are sampled with training's own parameters.
        prompts: of all splits.
        gates: task -> the audit's gate for this reward; a task without ratings is missing.
        folder: where the run will write.
    """
    by_split = {split: _by_task([p for p in prompts if p.split == split]) for split in ("train", "eval", "test")}
    training = Sampling(
        temperature=config.temperature, max_new_tokens=config.max_completion_length, seed=config.seed + 2
    )
    evaluating = training.model_copy(update={"temperature": config.eval_temperature})
    sampled = _sample(config, policy, by_split["train"], config.preflight_prompts, training, config.num_generations)
    answered = _sample(config, policy, by_split["eval"], _ASKED, evaluating, _ANSWERS)
    return [
        *static_checks(config, prompts, gates, folder),
        *policy_checks(config, policy),
        *sample_checks(config, policy, sampled),
        _eval_size(config, by_split["eval"], by_split["test"], answered, sampled),
    ]


def failures(checks: list[Check]) -> list[Check]:
    """The checks that failed."""
    return [c for c in checks if c.status == "fail"]


def static_checks(
    config: TrainConfig, prompts: list[PromptRecord], gates: Mapping[str, Gate], folder: Path
) -> Iterator[Check]:
    """The checks that need only the configuration and the prompts."""
    yield _temperature(config)
    yield _schedule(config)
    train = [p for p in prompts if p.split == "train"]
    yield _epochs(config, len(train))
    yield _labels(prompts)
    yield _train_size(_by_task(train))
    yield _gate(config, gates, _by_task(train))
    yield _disk(folder)


def policy_checks(config: TrainConfig, policy: Policy) -> Iterator[Check]:
    """The checks that need the loaded policy but no completions."""
    yield _generation_config(config, policy)
    yield _memory(config, policy)


def sample_checks(config: TrainConfig, policy: Policy, sampled: list[Sampled]) -> Iterator[Check]:
    """The checks that need completions sampled as in training."""
    yield _rollouts_differ(sampled)
    yield _signal(sampled)
    yield _ceiling(config, sampled)
    yield _thinking(policy, sampled)
    if any(get_task(s.prompt.task).json for s in sampled):
        yield _parser(sampled)
    yield _headroom(config, sampled)
    yield _attack(config, sampled)
    yield over_optimisation(sampled)


def _sample(
    config: TrainConfig, policy: Policy, tasks: dict[str, list[PromptRecord]], most: int, sampling: Sampling, n: int
) -> list[Sampled]:
    """``n`` completions of up to ``most`` prompts of each task."""
    chosen = [p for of_task in tasks.values() for p in of_task[:most]]
    groups = generate(policy, [p.chat for p in chosen], sampling, n, config.eval_batch_size)
    asked = [
        (p.task, ToScore.of(p, c.text, policy.token_ids(c.text)))
        for p, group in zip(chosen, groups, strict=True)
        for c in group
    ]
    scores = iter(score_all(asked, config.profile))
    return [Sampled(p, group, [next(scores) for _ in group]) for p, group in zip(chosen, groups, strict=True)]


def _by_task(prompts: list[PromptRecord]) -> dict[str, list[PromptRecord]]:
    tasks: dict[str, list[PromptRecord]] = {}
    for p in prompts:
        tasks.setdefault(p.task, []).append(p)
    return tasks


def _samples_by_task(sampled: list[Sampled]) -> dict[str, list[Sampled]]:
    tasks: dict[str, list[Sampled]] = {}
    for s in sampled:
        tasks.setdefault(s.prompt.task, []).append(s)
    return tasks


def _temperature(config: TrainConfig) -> Check:
    status: Status = "pass" if config.temperature >= 0.7 else "warn" if config.temperature >= 0.4 else "fail"
    return Check(
        "temperature", status, f"rollouts sampled at {config.temperature:g}", "V1: 0.1 made all rollouts the same"
    )


def _generation_config(config: TrainConfig, policy: Policy) -> Check:
    now = policy.model.generation_config
    story = "V1: the model's own generation_config (temperature 0.1, repetition penalty 1.2) was used unseen"
    wanted = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "repetition_penalty": 1.0}
    left = {name: value for name in wanted if (value := getattr(now, name, None)) not in (None, wanted[name])}
    if left:
        return Check("generation-config", "fail", f"the model still samples by its own {_listed(left)}", story)
    own = {k: v for k, v in policy.declared_generation.items() if k in wanted and v not in (None, wanted[k], 50)}
    if own:
        return Check(
            "generation-config", "warn", f"the model declares {_listed(own)}; overwritten, training sets its own", story
        )
    return Check("generation-config", "pass", "every generation parameter is set by the run", story)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {v:g}" for k, v in values.items())


def learning_rate_shares(config: TrainConfig, at: tuple[float, ...] = (0.2, 0.5, 0.8, 1.0)) -> list[float]:
    """The learning rate at these shares of the run, as shares of its peak, from the schedule training will use."""
    import torch
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    warmup = round(config.warmup_ratio * config.max_steps)
    schedule = get_scheduler(config.lr_scheduler_type, optimizer, warmup, config.max_steps)
    factor = schedule.lr_lambdas[0]
    peak = max(factor(step) for step in range(config.max_steps))
    return [factor(max(1, round(share * config.max_steps)) - 1) / peak if peak else 0.0 for share in at]


def _schedule(config: TrainConfig) -> Check:
    shares = learning_rate_shares(config)
    words = ", ".join(f"{s:.0%}" for s in shares)
    low = min(shares[1:]) < 0.10 or (shares[0] < 0.10 and config.max_steps >= 20)
    return Check(
        "schedule",
        "fail" if low else "pass",
        f"learning rate at 20, 50, 80, 100 % of the steps: {words} of its peak",
        "V4: a cosine had decayed to nothing by step 130",
    )


def _epochs(config: TrainConfig, train: int) -> Check:
    epochs = config.max_steps * config.prompts_per_step / train
    advice = "; most prompts are never seen" if epochs < 0.8 else "; entropy may collapse" if epochs > 1.5 else ""
    return Check(
        "epochs",
        "warn" if advice else "pass",
        f"{epochs:.2f} passes over {train} prompts{advice}",
        "V4 saw 13.5 % of an epoch; V4.2 collapsed after 1.5",
    )


def _labels(prompts: list[PromptRecord]) -> Check:
    classifiers = {task: suite_of(task).classify for task in {p.task for p in prompts}}
    known = [(p, classify(p.user_text)) for p in prompts if (classify := classifiers[p.task]) is not None]
    wrong = [(p, found) for p, found in known if found != p.task]
    share = len(wrong) / len(known) if known else 0.0
    found = f"{len(wrong)} of {len(known)} labels disagree with the classifier"
    if wrong:
        first, classified = wrong[0]
        text = " ".join(first.user_text.split())[:60]
        found += f"; first: {first.task}, classified {classified}: {text!r}"
    status: Status = "fail" if share >= 0.01 else "warn" if wrong else "pass"
    return Check("labels", status, found, "V4.2: prompts of one task were scored as another's for a 22-hour run")


def _train_size(tasks: dict[str, list[PromptRecord]]) -> Check:
    small = {task: len(p) for task, p in tasks.items() if len(p) < 150}
    counts = ", ".join(f"{task} {len(p)}" for task, p in tasks.items())
    found = f"{counts}; fewer than 150: {', '.join(small)}" if small else f"{counts} (500 a task is good)"
    return Check("train-size", "warn" if small else "pass", found, "a task with 150 prompts learned nothing")


def _gate(config: TrainConfig, gates: Mapping[str, Gate], tasks: Mapping[str, Any]) -> Check:
    verdicts = {task: gates[task].verdict if task in gates else "not audited" for task in tasks}
    bad = {task: verdict for task, verdict in verdicts.items() if verdict != "pass"}
    status: Status = "pass" if not bad else "fail" if config.gate == "required" else "warn"
    found = ", ".join(f"{task}: {verdict}" for task, verdict in (bad or verdicts).items())
    return Check(
        "audit-gate", status, f"{config.profile}; {found}", "rewards trained on before anyone had audited them"
    )


def _disk(folder: Path) -> Check:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free / 1e9
    status: Status = "fail" if free < 1 else "warn" if free < 5 else "pass"
    return Check("disk", status, f"{free:.1f} GB free", "a run that cannot write its checkpoint loses its hours")


def _memory(config: TrainConfig, policy: Policy) -> Check:
    needed, (free, where) = needed_memory(config, policy.model), available_memory()
    status: Status = "fail" if needed > free else "warn" if needed > 0.85 * free else "pass"
    return Check("memory", status, f"about {needed:.1f} GB of {free:.1f} GB {where}", "out of memory hours into a run")


def _rollouts_differ(sampled: list[Sampled]) -> Check:
    shares = [len({c.text for c in s.completions}) / len(s.completions) for s in sampled]
    distinct = fmean(shares)
    status: Status = "fail" if distinct < 0.5 else "warn" if distinct < 0.8 else "pass"
    same = sum(share == 1 / len(s.completions) for share, s in zip(shares, sampled, strict=True))
    found = f"{distinct:.0%} of a group's completions differ; {same} of {len(sampled)} groups are all the same"
    return Check("rollouts-differ", status, found, "V1: identical rollouts, so no advantage and no gradient")


def _signal(sampled: list[Sampled]) -> Check:
    shares = {
        task: fmean(all(a.components == s.scores[0].components for a in s.scores) for s in of_task)
        for task, of_task in _samples_by_task(sampled).items()
    }
    worst = max(shares.values())
    status: Status = "fail" if worst > 0.5 else "warn" if worst > 0.25 else "pass"
    found = "groups without signal: " + ", ".join(f"{task} {share:.0%}" for task, share in shares.items())
    return Check("signal", status, found, "V1: groups of equal rewards train nothing")


def _ceiling(config: TrainConfig, sampled: list[Sampled]) -> Check:
    cut = fmean(c.truncated for s in sampled for c in s.completions)
    status: Status = "fail" if cut > 0.5 else "warn" if cut > 0.1 else "pass"
    found = f"{cut:.0%} of the completions are cut at {config.max_completion_length} tokens"
    return Check("ceiling", status, found, "V2: every completion was cut at the ceiling")


def _thinking(policy: Policy, sampled: list[Sampled]) -> Check:
    asked = policy.tokenizer.apply_chat_template(sampled[0].prompt.chat, add_generation_prompt=True, tokenize=False)
    opens = asked.rfind("<think>") > asked.rfind("</think>")
    share = fmean("<think>" in c.text or "</think>" in c.text for s in sampled for c in s.completions)
    status: Status = "fail" if opens or share > 0.1 else "warn" if share else "pass"
    found = f"{share:.0%} of the completions think aloud" + ("; the chat template opens <think>" if opens else "")
    return Check("thinking", status, found, "V2: <think> used up the whole length")


def _parser(sampled: list[Sampled]) -> Check:
    answers = [(get_task(s.prompt.task).json, c.text) for s in sampled for c in s.completions]
    found = [json.parse(text) for json, text in answers if json is not None]
    recovered = fmean(p.value is not None for p in found)
    strict = fmean(p.value is not None and p.strict for p in found)
    status: Status = "fail" if recovered < 0.10 else "warn" if recovered < 0.30 else "pass"
    words = f"JSON found in {recovered:.0%} of the answers that need it ({strict:.0%} by the strict parser)"
    return Check("parser", status, words, "V4: one parser fix was worth more than every algorithm")


def _headroom(config: TrainConfig, sampled: list[Sampled]) -> Check:
    constant_tasks, still, full = [], [], []
    for task, of_task in _samples_by_task(sampled).items():
        scores = [one for s in of_task for one in s.scores]
        totals = [one.total for one in scores]
        if max(totals) - min(totals) < 1e-9:
            constant_tasks.append(f"{task} = {totals[0]:.2f}")
        bounds = get_task(task).bounds
        if bounds is not None and fmean(totals) > bounds[0] + 0.95 * (bounds[1] - bounds[0]):
            full.append(task)
        names = [c.name for c in components_of((task,), config.profile) if c.maximum > 0 or c.weight < 0]
        still += [f"{task}/{name}" for name in names if len({one.components.get(name) for one in scores}) == 1]
    story = "a reward that cannot move cannot teach"
    if constant_tasks:
        return Check("headroom", "fail", f"the reward is constant: {', '.join(constant_tasks)}", story)
    means = ", ".join(
        f"{task} {fmean(one.total for s in of_task for one in s.scores):.2f}"
        for task, of_task in _samples_by_task(sampled).items()
    )
    notes = [f"constant: {', '.join(still)}"] if still else []
    notes += [f"nothing left to gain: {', '.join(full)}"] if full else []
    found = f"base means {means} ({config.profile})" + "".join(f"; {note}" for note in notes)
    return Check("headroom", "warn" if notes else "pass", found, story)


def _attack(config: TrainConfig, sampled: list[Sampled]) -> Check:
    """A short search for cheap texts on the sampled prompts, with pieces of the sampled completions."""
    story = "V4.2 and its like: every reward of the seeds pays 0.90 for texts that nobody wants"
    broken, held = [], []
    for task, of_task in _samples_by_task(sampled).items():
        known = get_task(task)
        if known.bounds is None:
            continue
        if judges := counting_judges(task):
            held.append(f"{task} not searched, because {', '.join(judges)} would be asked hundreds of times")
            continue
        texts = [c.text for s in of_task for c in s.completions]
        asked = [ToScore.of(s.prompt, "") for s in of_task]
        found = search(
            task,
            config.profile,
            asked,
            texts,
            texts,
            high_of(known.bounds),
            calls=_ATTACK_CALLS,
            seconds=_ATTACK_SECONDS,
            most_finds=1,
        )
        if found.to_target is None:
            held.append(f"{task} (best {found.best:.2f} in {found.calls})")
        else:
            shown = " ".join(found.finds[0].text.split())[:60] if found.finds else ""
            broken.append(f"{task} after {found.to_target} calls ({shown!r})")
    if broken:
        return Check(
            "attack", "warn", f"cheap texts score high: {', '.join(broken)}; `workbench attack` shows them", story
        )
    return Check("attack", "pass", f"no cheap text scores high: {', '.join(held) or 'nothing to attack'}", story)


def _eval_size(
    config: TrainConfig,
    evaluated: dict[str, list[PromptRecord]],
    test: dict[str, list[PromptRecord]],
    answered: list[Sampled],
    sampled: list[Sampled],
) -> Check:
    """What the comparison of base and tuned will be able to see.

    Args:
        config: the run's configuration.
        evaluated, test: eval and test prompts per task.
        answered: the base's answers to eval prompts, as in an evaluation.
        sampled: its answers to train prompts, as in training.
    """
    judged, split = (test, "test") if test else (evaluated, "eval")
    answers = config.final_samples if test else config.eval_samples
    seen = []
    for task, prompts in judged.items():
        base, explored = (
            np.array([[one.total for one in s.scores] for s in of if s.prompt.task == task])
            for of in (answered, sampled)
        )
        words = f"{task} {len(prompts)}"
        if min(len(base), len(explored)) >= 2:
            spread = expected_spread(base, explored, answers)
            change = detectable_from_spread(spread, len(prompts), tasks=len(judged))
            needed = prompts_needed(spread, _SMALL_CHANGE, tasks=len(judged))
            words += f" ({'none' if isnan(change) else f'±{change:.2f}'}; {needed} for ±{_SMALL_CHANGE})"
        seen.append(words)
    least = min(len(prompts) for prompts in judged.values())
    few_to_choose = min(len(prompts) for prompts in evaluated.values()) < FEWEST_PAIRS
    status: Status = "fail" if least < FEWEST_PAIRS else "warn" if least < 15 or few_to_choose or not test else "pass"
    found = f"{split} prompts, {answers} answers each, and smallest change they show: {', '.join(seen)}"
    found += "" if test else "; no test prompts, so the best step is chosen on the prompts that judge it"
    return Check("eval-size", status, found, "V4: n of about 2 gave ±0.22 of noise")


def as_table(checks: list[Check]) -> str:
    """The checks as a table for a terminal or a log."""
    table = Table(title="Preflight", title_justify="left", expand=False)
    for column in ("check", "", "found", "would have caught"):
        table.add_column(column, overflow="fold")
    colours = {"pass": "green", "warn": "yellow", "fail": "bold red"}
    for c in checks:
        table.add_row(c.name, f"[{colours[c.status]}]{c.status}[/]", c.found, c.story)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def as_dicts(checks: list[Check]) -> list[dict[str, Any]]:
    """The checks as plain values, for JSON."""
    return [asdict(c) for c in checks]
