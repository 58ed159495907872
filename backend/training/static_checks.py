"""The checks of preflight that need only the configuration and the prompts, and so are made before a model is loaded."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backend.audit.gate import Gate
from backend.records import PromptRecord
from backend.suites import suite_of
from backend.training.checks import Check, Status, by_task
from backend.training.config import TrainConfig
from backend.training.lengths import fitting, room

LEARNING_RATES = (5e-7, 1e-3)
"""What GRPO with LoRA has been seen to learn with: the literature's 1e-6 to the nano model's 6e-4, and a margin."""
MOST_EPOCHS = 5.0
"""The seeds' model collapsed after 1.5 passes; at five or more the prompts are learned by heart."""
MOST_WARM_UP = 0.5
MOST_IDLE = 0.15
"""Of the steps, at under a tenth of the peak rate: a linear schedule has 10 %, a cosine 20 %."""
MOST_LEFT_OUT = 0.25
"""Of a task's train prompts."""


def static_checks(
    config: TrainConfig, prompts: list[PromptRecord], gates: Mapping[str, Gate], folder: Path, tokenizer: Any = None
) -> Iterator[Check]:
    """The checks, cheapest first.

    Args:
        config: the run's configuration.
        prompts: of all splits.
        gates: task -> the audit's gate for this reward; a task without ratings is missing.
        folder: where the run will write.
        tokenizer: the model's; without it the prompts that are too long are not known, and counted.
    """
    yield _temperature(config)
    yield _learning_rate(config)
    yield _schedule(config)
    yield _disk(folder)
    every = [p for p in prompts if p.split == "train"]
    train = every
    if tokenizer is not None:
        train = fitting(tokenizer, every, config)
        yield _prompt_length(config, by_task(every), by_task(train))
    yield _epochs(config, len(train))
    yield _train_size(by_task(train), by_task(p for p in prompts if p.split != "train"))
    yield _labels(prompts)
    yield _gate(config, gates, by_task(train))


def _temperature(config: TrainConfig) -> Check:
    status: Status = "pass" if config.temperature >= 0.7 else "warn" if config.temperature >= 0.4 else "fail"
    return Check(
        "temperature", status, f"rollouts sampled at {config.temperature:g}", "V1: 0.1 made all rollouts the same"
    )


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


def _learning_rate(config: TrainConfig) -> Check:
    low, high = LEARNING_RATES
    rate = config.learning_rate
    inside, near = low <= rate <= high, low / 5 <= rate <= 10 * high
    found = f"learning rate {rate:g}" + (
        "" if inside else f"; {low:g} to {high:g} is what this has been seen to learn with"
    )
    return Check(
        "learning-rate",
        "pass" if inside else "warn" if near else "fail",
        found,
        "V4: the rate was too low to move the model; far too high a rate destroys it in a few steps",
    )


def _schedule(config: TrainConfig) -> Check:
    """Whether the run learns for most of its steps: warm-up short, and no long end at under a tenth of the peak."""
    shares = learning_rate_shares(config)
    words = ", ".join(f"{s:.0%}" for s in shares)
    found = f"learning rate at 20, 50, 80, 100 % of the steps: {words} of its peak"
    status: Status = "pass"
    if config.warmup_ratio > 0:
        found += f"; warm-up {config.warmup_ratio:.0%}"
        status = "fail" if config.warmup_ratio > MOST_WARM_UP else "warn" if config.warmup_ratio > 0.2 else "pass"
    course = learning_rate_shares(config, tuple(i / 100 for i in range(1, 101)))
    idle = sum(share < 0.10 for share in course) / len(course)
    if idle > MOST_IDLE:
        found, status = f"{found}; under a tenth of it for {idle:.0%} of the steps", "fail"
    return Check("schedule", status, found, "V4: a cosine had decayed to nothing by step 130")


def _epochs(config: TrainConfig, train: int) -> Check:
    epochs = config.max_steps * config.prompts_per_step / train
    most = int(1.5 * train / config.prompts_per_step)
    advice = "; most prompts are never seen" if epochs < 0.8 else ""
    if epochs > 1.5:
        advice = f"; entropy may collapse: add prompts, or set max_steps={max(1, most)} or fewer"
    status: Status = "fail" if epochs > MOST_EPOCHS else "warn" if advice else "pass"
    return Check(
        "epochs",
        status,
        f"{epochs:.2f} passes over {train} prompts{advice}",
        "V4 saw 13.5 % of an epoch; V4.2 collapsed after 1.5",
    )


def _prompt_length(
    config: TrainConfig, every: Mapping[str, list[PromptRecord]], kept: Mapping[str, list[PromptRecord]]
) -> Check:
    left_out = {task: len(of) - len(kept.get(task, [])) for task, of in every.items()}
    dropped = {task: n for task, n in left_out.items() if n}
    story = "prompts that nobody knew were missing"
    if not dropped:
        return Check("prompt-length", "pass", f"every train prompt fits into {room(config)} tokens", story)
    words = ", ".join(f"{task} {n} of {len(every[task])}" for task, n in dropped.items())
    found = (
        f"left out because longer than {room(config)} tokens: {words}; raise max_seq_length ({config.max_seq_length})"
    )
    many = any(n > len(every[task]) * MOST_LEFT_OUT for task, n in dropped.items())
    return Check("prompt-length", "fail" if many else "warn", found, story)


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


def _train_size(tasks: Mapping[str, list[PromptRecord]], judged: Mapping[str, list[PromptRecord]]) -> Check:
    story = "a task with 150 prompts learned nothing"
    counts = ", ".join(f"{task} {len(p)}" for task, p in tasks.items())
    if untrained := [task for task in judged if task not in tasks]:
        found = f"{counts}; no train prompt, though it is evaluated: {', '.join(untrained)}. Add some, or set tasks"
        return Check("train-size", "fail", found, story)
    small = [task for task, p in tasks.items() if len(p) < 150]
    found = f"{counts}; fewer than 150: {', '.join(small)}" if small else f"{counts} (500 a task is good)"
    return Check("train-size", "warn" if small else "pass", found, story)


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
