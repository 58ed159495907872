"""One training run, start to end: preflight, base evaluation, warm-up, GRPO, tuned evaluation.

Three splits of prompts: the policy learns from the train prompts, the curves and the choice of the best step are on the eval
prompts, and base and tuned are judged on the test prompts, which nothing was chosen on. Prompts without a test split are judged
on the eval prompts.

Everything is written to the run's folder; ``backend.runs.sync`` copies it from there to the store. Started again on a
folder with a checkpoint, training continues from it. Under ``accelerate launch`` the first process evaluates and writes.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from backend.audit.gate import Gate
from backend.data.jsonl import read_prompts
from backend.data.rollouts import Rollouts
from backend.data.strata import some_of
from backend.errors import UserError
from backend.files import write_json
from backend.models.engine import engine_of_trainer
from backend.models.load import Policy, choose_backend, load_policy, load_tokenizer
from backend.progress import FILE, Reporter
from backend.records import PromptRecord, Split
from backend.settings import get_settings
from backend.training.clock import end_session, start_session
from backend.training.config import TrainConfig, config_from_json
from backend.training.environment import environment
from backend.training.lengths import fitting, room
from backend.training.possible import check_possible
from backend.training.resume import Checkpoint, last_checkpoint, rewind
from backend.training.stopping import stop_at_once

if TYPE_CHECKING:
    from backend.training.callbacks import BestAdapter, StopSignal, WatchTable
    from backend.training.checks import Check
    from backend.training.evaluator import Evaluator
    from backend.training.trainer import WorkbenchTrainer


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``finished`` or ``stopped``, and why in words."""

    status: str
    reason: str


@dataclass(frozen=True)
class Job:
    """The parts of a run once its policy is loaded; ``prompts`` are the train prompts."""

    folder: Path
    config: TrainConfig
    policy: Policy
    prompts: list[PromptRecord]
    evaluator: "Evaluator"
    checkpoint: Checkpoint | None


def train(
    folder: Path,
    gates: Mapping[str, Gate] | None = None,
    on_rewound: Callable[[int], None] = lambda step: None,
) -> Outcome:
    """Run what ``folder/config.json`` and ``folder/prompts.jsonl`` describe.

    Args:
        folder: the run's folder.
        gates: the audit's gates for the run's reward, per task, for preflight.
        on_rewound: called with the step the run starts from, after everything of later steps is removed from the folder.

    Raises:
        UserError: the prompts do not fit the configuration, the model cannot be loaded, preflight fails, or the
            folder's checkpoint is of another policy.
    """
    config = config_from_json((folder / "config.json").read_text(encoding="utf-8"))
    prompts = select_prompts(read_prompts(folder / "prompts.jsonl"), config)
    progress = Reporter(folder / FILE if is_first_process() else None)
    progress.phase("loading")
    if is_first_process():
        start_session(folder)
        print(config.model_dump_json(indent=2), flush=True)
    checkpoint = rewind(folder) if is_first_process() else last_checkpoint(folder)
    on_rewound(checkpoint.step if checkpoint else 0)
    check_possible(config)
    tokenizer = load_tokenizer(config)
    starts = is_first_process() and checkpoint is None
    if starts:
        check_at_once(folder, config, tokenizer, prompts, gates or {})
    policy = _load(folder, config, checkpoint)
    if is_first_process():
        policy.model.print_trainable_parameters()
        write_json(folder / "environment.json", environment(config, policy.backend, prompts))
    from backend.training.evaluator import Evaluator  # after the policy: Unsloth patches what this imports

    evaluator = Evaluator(folder, config, policy, prompts)
    every = [p for p in prompts if p.split == "train"]
    train_prompts = fitting(tokenizer, every, config)
    if len(train_prompts) < len(every) and is_first_process():
        print(f"left out {len(every) - len(train_prompts)} prompts longer than {room(config)} tokens", flush=True)
    job = Job(folder, config, policy, train_prompts, evaluator, checkpoint)
    early = _prepare(job) if config.use_vllm else None
    if early is not None and policy.engine is None:
        policy.engine = engine_of_trainer(early.trainer)  # TRL's vLLM is the trainer's; it answers all that follows
    if starts:
        check_preflight(folder, config, policy, prompts, gates or {}, progress)
    return _train(job, early)


def is_first_process() -> bool:
    """Whether this is the process that writes: the only one, or rank 0 of several."""
    return int(os.environ.get("RANK", "0")) == 0


def select_prompts(prompts: list[PromptRecord], config: TrainConfig) -> list[PromptRecord]:
    """The prompts of the configured tasks, with as many test prompts as the configuration takes.

    Raises:
        UserError: a task has no prompts, train or eval prompts are missing, some tasks have test prompts and others not, or a
            prompt is in two splits.
    """
    chosen = [p for p in prompts if not config.tasks or p.task in config.tasks]
    for task in config.tasks:
        if not any(p.task == task for p in chosen):
            raise UserError(f"there are no prompts for task {task!r}; add some or leave the task out")
    test = [p for p in chosen if p.split == "test"]
    if config.test_prompts is not None:
        kept = {p.id for p in some_of(test, config.test_prompts)}
        chosen = [p for p in chosen if p.split != "test" or p.id in kept]
    ids = {split: {p.id for p in chosen if p.split == split} for split in get_args(Split)}
    if not ids["train"] or not ids["eval"]:
        raise UserError(
            f"a run needs train and eval prompts; there are {len(ids['train'])} and {len(ids['eval'])}. "
            f'Give JSONL lines "split": "train" or "eval".'
        )
    for one, other in combinations(ids, 2):
        if both := ids[one] & ids[other]:
            raise UserError(
                f"{len(both)} prompts stand in {one} and in {other} (the first: {min(both)}); remove them from one"
            )
    tested = {p.task for p in chosen if p.split == "test"}
    if tested and (missing := sorted({p.task for p in chosen if p.split == "eval"} - tested)):
        raise UserError(
            f"{', '.join(missing)} would have no test prompt and so no verdict, while others have {len(ids['test'])}: give "
            "every task some, or judge all on the eval prompts with test_prompts=0"
        )
    return chosen


def check_at_once(
    folder: Path, config: TrainConfig, tokenizer: Any, prompts: list[PromptRecord], gates: Mapping[str, Gate]
) -> None:
    """The checks of preflight that need no model; they take a second, and a failure spares the rest.

    Raises:
        UserError: as ``check_preflight``.
    """
    from backend.training.preflight import backend_check, static_checks

    checks = [
        *static_checks(config, prompts, gates, folder, tokenizer),
        backend_check(config, choose_backend(config)),
    ]
    _refuse(folder, config, checks)


def check_preflight(
    folder: Path,
    config: TrainConfig,
    policy: Policy,
    prompts: list[PromptRecord],
    gates: Mapping[str, Gate],
    progress: Reporter | None = None,
) -> None:
    """Run preflight, and print and save its result; nothing is sampled if a cheap check already fails.

    Raises:
        UserError: a check fails and the configuration gives no reason to train anyway.
    """
    from backend.training.preflight import as_table, cheap_checks, failures, sampling_checks

    checks = list(cheap_checks(config, policy, prompts, gates, folder))
    _refuse(folder, config, checks)
    checks += sampling_checks(config, policy, prompts, progress)
    _refuse(folder, config, checks)
    print(as_table(checks), flush=True)
    _keep_checks(folder, config, checks)
    if failures(checks):
        print(f"training although preflight failed: {config.override_reason}", flush=True)


def _refuse(folder: Path, config: TrainConfig, checks: "list[Check]") -> None:
    from backend.training.preflight import as_table, failures

    failed = failures(checks)
    if not failed or config.override_reason:
        return
    print(as_table(checks), flush=True)
    _keep_checks(folder, config, checks)
    raise UserError(
        "preflight failed: "
        + "; ".join(f"{c.name}: {c.found}" for c in failed)
        + ". Mend it, or say why to train all the same: --set override_reason='...'"
    )


def _keep_checks(folder: Path, config: TrainConfig, checks: "list[Check]") -> None:
    from backend.training.checks import FILE, as_dicts

    write_json(folder / FILE, {"checks": as_dicts(checks), "override_reason": config.override_reason})


def _load(folder: Path, config: TrainConfig, checkpoint: Checkpoint | None) -> Policy:
    """The policy with a trainable adapter: a new one, or the warmed-up adapter of an earlier process of the run."""
    if is_first_process():
        print(f"loading {config.model}", flush=True)
    import torch

    torch.manual_seed(config.seed)  # for the adapter's initial weights; the trainer sets its seed only later
    warmed = folder / "sft"
    policy = load_policy(config, adapter=warmed if warmed.is_dir() else None, trainable=True)
    if checkpoint is not None:
        from backend.training.trainer import check_checkpoint

        check_checkpoint(checkpoint.path, config.model, policy.model)
        if is_first_process():
            print(f"going on from step {checkpoint.step}", flush=True)
    return policy


def _train(job: Job, early: "Prepared | None" = None) -> Outcome:
    """Evaluate the base, warm up if configured, train, and evaluate the tuned model."""
    from backend.training.warm_up import ADAPTER, warm_up

    if is_first_process():
        job.evaluator.base()
    if job.config.sft_epochs:
        if not (job.folder / ADAPTER).is_dir():
            progress = Reporter(job.folder / FILE if is_first_process() else None)
            warm_up(job.folder, job.config, job.policy, job.prompts, progress)
        if is_first_process():
            job.evaluator.warmed_up()
    outcome, best_step = _grpo(job, early or _prepare(job))
    if outcome.status == "finished":
        stop_at_once()  # the trainer's own handler waits for a step that will not come
    if is_first_process():
        if outcome.status == "finished":
            job.evaluator.tuned(best_step)
        _write_results(job)
    return outcome


@dataclass(frozen=True)
class Prepared:
    """A trainer before its first step, and the callbacks that say how it ended."""

    trainer: "WorkbenchTrainer"
    watch: "WatchTable"
    stop: "StopSignal"
    best: "BestAdapter"


def _prepare(job: Job) -> Prepared:
    from datasets import Dataset
    from transformers import EarlyStoppingCallback, PrinterCallback

    from backend.training.callbacks import BestAdapter, MetricsFile, ProgressLine, StepCount, StopSignal, WatchTable
    from backend.training.people_file import read_people
    from backend.training.reward_functions import components_of, reward_functions, training_rows
    from backend.training.stop_rules import default_rules, floors
    from backend.training.trainer import WorkbenchTrainer, grpo_arguments

    folder, config, policy, checkpoint = job.folder, job.config, job.policy, job.checkpoint
    components = components_of(tuple(dict.fromkeys(p.task for p in job.prompts)), job.config.profile)
    rows = training_rows(job.prompts)
    metrics = folder / "metrics.jsonl"
    stop = StopSignal()
    watch = WatchTable(
        default_rules(config.max_completion_length, floors(p.task for p in job.prompts), config.on_gap),
        folder / "watch.json",
        config.stop_rules,
        metrics,
        lambda: read_people(folder),
    )
    best = BestAdapter(folder / "best")
    trainer = WorkbenchTrainer(
        model=policy.model,
        processing_class=policy.tokenizer,
        args=grpo_arguments(config, components, str(folder / "checkpoints"), policy.backend),
        reward_funcs=reward_functions(components, config.profile),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(rows[:1]),  # TRL needs one, but our evaluate() uses its own prompts
        components=components,
        evaluate=job.evaluator.step,
        config=config,
        shadow=job.evaluator.shadow,
        rollouts=Rollouts(folder, config.rollout_share, config.rollout_mb * 10**6),
        resume_from=checkpoint.path if checkpoint else None,
        callbacks=[
            MetricsFile(metrics),
            ProgressLine(),
            StepCount(Reporter(folder / FILE)),
            best,
            watch,
            stop,
            EarlyStoppingCallback(early_stopping_patience=config.patience),
        ],
    )
    trainer.remove_callback(PrinterCallback)  # our progress line replaces it
    return Prepared(trainer, watch, stop, best)


def _grpo(job: Job, prepared: Prepared) -> tuple[Outcome, int]:
    """Train; the policy ends with its best adapter, whose step is returned too."""
    from backend.training.trainer import NotFinite

    folder, config, checkpoint = job.folder, job.config, job.checkpoint
    trainer, watch = prepared.trainer, prepared.watch
    if checkpoint is not None and checkpoint.evaluations_without_gain >= config.patience:
        trainer.load_best(checkpoint.path)  # training had already stopped early; only the steps after it are missing
    else:
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint.path) if checkpoint else None)
        except NotFinite as found:
            watch.stop_at_once(found.step, found.numbers, is_first_process())
            return _broken_off(folder, str(watch.stopped_by)), 0
    best_step = trainer.state.best_global_step or 0
    if is_first_process():
        prepared.best.repair(folder / "checkpoints", best_step)
    return _outcome(config, trainer.state.global_step, best_step, watch.stopped_by, prepared.stop.received), best_step


def _broken_off(folder: Path, rule: str) -> Outcome:
    """The outcome of a run whose loss became no number: nothing of that step was written, and the last whole checkpoint is
    what is left of the run."""
    kept = last_checkpoint(folder)
    back = f"the last whole checkpoint, of step {kept.step}" if kept else "its start, for it has no checkpoint yet"
    return Outcome(
        "stopped",
        f"stopped by the rule {rule}; rolled back to {back}. Nothing of the broken step was kept. Resume goes on from "
        "there; if it happens again, start a new run with a lower learning_rate",
    )


def _outcome(config: TrainConfig, step: int, best_step: int, rule: object | None, received: str) -> Outcome:
    if rule is not None:
        return Outcome("stopped", f"stopped by the rule {rule}")
    if received:
        return Outcome("stopped", f"stopped by {received} at step {step}")
    if step < config.max_steps:
        return Outcome("finished", f"no gain in {config.patience} evaluations; best at step {best_step}")
    return Outcome("finished", f"all {config.max_steps} steps; best at step {best_step}")


def _write_results(job: Job) -> None:
    """eval_results.json: every evaluation, and the hours and dollars over all resumes."""
    hours = end_session(job.folder)
    dollars = hours * get_settings().dollars_per_hour
    evaluations = job.evaluator.history()
    write_json(job.folder / "eval_results.json", {"evaluations": evaluations, "hours": hours, "dollars": dollars})
