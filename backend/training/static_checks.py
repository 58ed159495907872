"""The checks of preflight that need only the configuration and the prompts, and so are made before a model is loaded."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backend.audit.gate import Gate
from backend.audit.gate_words import GATE_WORDS
from backend.records import PromptRecord
from backend.suites import suite_of
from backend.training.checks import Check, Status, by_task, each_task, listed_tasks, task_text
from backend.training.config import TrainConfig
from backend.training.lengths import fitting, room
from backend.wording import Text, decimal, fill, general, joined

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
    found = fill("rollouts sampled at {t}", "amostras geradas a {t}", t=general(config.temperature))
    story = Text("rollouts that are all the same, as at 0.1", "amostras todas iguais, como com 0,1")
    return Check("temperature", status, found, story)


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
    found = [fill("learning rate {rate}", "taxa de aprendizado {rate}", rate=general(rate))]
    if not inside:
        found.append(
            fill(
                "{low} to {high} is what this has been seen to learn with",
                "de {low} a {high} é com o que já se viu isto aprender",
                low=general(low),
                high=general(high),
            )
        )
    story = Text(
        "a rate too low to move the model, or so high that it destroys it in a few steps",
        "uma taxa baixa demais para mover o modelo, ou tão alta que o destrói em poucos passos",
    )
    return Check("learning-rate", "pass" if inside else "warn" if near else "fail", joined(found), story)


def _schedule(config: TrainConfig) -> Check:
    """Whether the run learns for most of its steps: warm-up short, and no long end at under a tenth of the peak."""
    shares = learning_rate_shares(config)
    words = ", ".join(f"{s:.0%}" for s in shares)
    found = [
        fill(
            "learning rate at 20, 50, 80, 100 % of the steps: {words} of its peak",
            "taxa de aprendizado a 20, 50, 80, 100 % dos passos: {words} do seu máximo",
            words=words,
        )
    ]
    status: Status = "pass"
    if config.warmup_ratio > 0:
        found.append(fill("warm-up {share}", "aquecimento {share}", share=f"{config.warmup_ratio:.0%}"))
        status = "fail" if config.warmup_ratio > MOST_WARM_UP else "warn" if config.warmup_ratio > 0.2 else "pass"
    course = learning_rate_shares(config, tuple(i / 100 for i in range(1, 101)))
    idle = sum(share < 0.10 for share in course) / len(course)
    if idle > MOST_IDLE:
        status = "fail"
        found.append(
            fill(
                "under a tenth of it for {idle} of the steps",
                "abaixo de um décimo dele em {idle} dos passos",
                idle=f"{idle:.0%}",
            )
        )
    story = Text(
        "a cosine that has decayed to nothing long before the end", "um cosseno que já é quase zero muito antes do fim"
    )
    return Check("schedule", status, joined(found), story)


def _epochs(config: TrainConfig, train: int) -> Check:
    epochs = config.max_steps * config.prompts_per_step / train
    most = int(1.5 * train / config.prompts_per_step)
    found = [
        fill("{epochs} passes over {n} prompts", "{epochs} passagens por {n} prompts", epochs=decimal(epochs), n=train)
    ]
    if epochs < 0.8:
        found.append(Text("most prompts are never seen", "a maioria dos prompts nunca é vista"))
    if epochs > 1.5:
        found.append(
            fill(
                "entropy may collapse: add prompts, or set max_steps={most} or fewer",
                "a entropia pode ruir: acrescente prompts, ou ponha max_steps={most} ou menos",
                most=max(1, most),
            )
        )
    status: Status = "fail" if epochs > MOST_EPOCHS else "warn" if len(found) > 1 else "pass"
    story = Text(
        "too little to learn from (13.5 % of an epoch once), or so much that it collapses (after 1.5)",
        "pouco demais para aprender (uma vez 13,5 % de uma época), ou tanto que desaba (depois de 1,5)",
    )
    return Check("epochs", status, joined(found), story)


def _prompt_length(
    config: TrainConfig, every: Mapping[str, list[PromptRecord]], kept: Mapping[str, list[PromptRecord]]
) -> Check:
    left_out = {task: len(of) - len(kept.get(task, [])) for task, of in every.items()}
    dropped = {task: n for task, n in left_out.items() if n}
    story = Text("prompts that are missing without anybody's knowing", "prompts que faltam sem ninguém saber")
    if not dropped:
        found = fill(
            "every train prompt fits into {n} tokens", "todo prompt de treino cabe em {n} tokens", n=room(config)
        )
        return Check("prompt-length", "pass", found, story)
    found = fill(
        "left out because longer than {n} tokens: {tasks}; raise max_seq_length ({most})",
        "deixados de fora por passarem de {n} tokens: {tasks}; aumente max_seq_length ({most})",
        n=room(config),
        tasks=each_task({task: fill("{n} of {all}", "{n} de {all}", n=n, all=len(every[task])) for task, n in dropped.items()}),
        most=config.max_seq_length,
    )  # fmt: skip
    many = any(n > len(every[task]) * MOST_LEFT_OUT for task, n in dropped.items())
    return Check("prompt-length", "fail" if many else "warn", found, story)


def _labels(prompts: list[PromptRecord]) -> Check:
    classifiers = {task: suite_of(task).classify for task in {p.task for p in prompts}}
    known = [(p, classify(p.user_text)) for p in prompts if (classify := classifiers[p.task]) is not None]
    wrong = [(p, found) for p, found in known if found != p.task]
    share = len(wrong) / len(known) if known else 0.0
    found = [
        fill(
            "{wrong} of {n} labels disagree with the classifier",
            "{wrong} de {n} rótulos discordam do classificador",
            wrong=len(wrong),
            n=len(known),
        )
    ]
    if wrong:
        first, classified = wrong[0]
        found.append(
            fill(
                "first: {task}, classified {other}: {text}",
                "o primeiro: {task}, classificado como {other}: {text}",
                task=task_text(first.task),
                other=task_text(str(classified)),
                text=repr(" ".join(first.user_text.split())[:60]),
            )
        )
    status: Status = "fail" if share >= 0.01 else "warn" if wrong else "pass"
    story = Text(
        "prompts of one task scored as another's, once for a run of 22 hours",
        "prompts de uma tarefa pontuados como de outra, uma vez num treino de 22 horas",
    )
    return Check("labels", status, joined(found), story)


def _train_size(tasks: Mapping[str, list[PromptRecord]], judged: Mapping[str, list[PromptRecord]]) -> Check:
    story = Text(
        "a task with too few prompts to learn anything (150 once)",
        "uma tarefa com prompts de menos para aprender algo (uma vez 150)",
    )
    counts = each_task({task: len(p) for task, p in tasks.items()})
    if untrained := [task for task in judged if task not in tasks]:
        found = fill(
            "{counts}; no train prompt, though it is evaluated: {tasks}. Add some, or set tasks",
            "{counts}; nenhum prompt de treino, embora seja avaliada: {tasks}. Acrescente alguns, ou use o campo tasks",
            counts=counts, tasks=listed_tasks(untrained),
        )  # fmt: skip
        return Check("train-size", "fail", found, story)
    small = [task for task, p in tasks.items() if len(p) < 150]
    found = (
        fill(
            "{counts}; fewer than 150: {tasks}", "{counts}; menos de 150: {tasks}",
            counts=counts, tasks=listed_tasks(small),
        )
        if small
        else fill("{counts} (500 a task is good)", "{counts} (500 por tarefa é bom)", counts=counts)
    )  # fmt: skip
    return Check("train-size", "warn" if small else "pass", found, story)


def _gate(config: TrainConfig, gates: Mapping[str, Gate], tasks: Mapping[str, Any]) -> Check:
    verdicts = {task: gates[task].verdict if task in gates else "not audited" for task in tasks}
    bad = {task: verdict for task, verdict in verdicts.items() if verdict != "pass"}
    status: Status = "pass" if not bad else "fail" if config.gate == "required" else "warn"
    said = [
        fill("{task}: {verdict}", "{task}: {verdict}", task=task_text(task), verdict=GATE_WORDS[verdict])
        for task, verdict in (bad or verdicts).items()
    ]
    found = fill("{profile}; {said}", "{profile}; {said}", profile=config.profile, said=joined(said, ", "))
    story = Text("training on rewards that nobody has audited", "treinar com recompensas que ninguém auditou")
    return Check("audit-gate", status, found, story)


def _disk(folder: Path) -> Check:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free / 1e9
    status: Status = "fail" if free < 1 else "warn" if free < 5 else "pass"
    found = fill("{free} GB free", "{free} GB livres", free=decimal(free, 1))
    story = Text(
        "a run that cannot write its checkpoint and loses its hours",
        "um treino que não consegue gravar o checkpoint e perde suas horas",
    )
    return Check("disk", status, found, story)
