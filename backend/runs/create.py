"""Create a run: its row in the store, and its folder with everything that the training process needs."""

import secrets
from collections import Counter
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from backend.access import needs
from backend.data.few_shot import with_examples
from backend.data.jsonl import write_prompts
from backend.data.prompt_sets import named_prompts
from backend.errors import UserError
from backend.models.load import check_model
from backend.records import PromptRecord
from backend.runs.grid import Grid, configs_of, several_name
from backend.runs.handle import LOCAL
from backend.runs.plan import Plan, estimated, write_plan
from backend.settings import get_settings
from backend.store.engine import writing
from backend.store.events import record
from backend.store.prompts import save_prompt_set
from backend.store.tables import Run
from backend.suites import fingerprint_of_all
from backend.training.config import TrainConfig
from backend.training.possible import check_possible
from backend.training.run import select_prompts


@needs("engineer")
def create_run(config: TrainConfig, status: str = "queued", here: bool = True) -> str:
    """Write the run's folder and store row; returns its id.

    Args:
        config: the run's configuration.
        status: of its row.
        here: whether it will train on this machine (see ``check_possible``).

    Raises:
        UserError: the model's folder does not exist, the prompts cannot be read, a task is empty, or the runs folder
            cannot be written.
    """
    prompts = run_prompts(config, here)
    run_id = new_run_id()
    _write_run(run_id, config, prompts, status)
    return run_id


@needs("engineer")
def create_several(config: TrainConfig, grid: Grid, plan: Plan | None = None) -> str:
    """Create a run of several: a parent, and a child for each combination of the grid's values; returns the parent's id.

    Everything is checked before anything is written.

    Args:
        config: what the children share.
        grid: the fields in which they differ, ``seed`` among them; see ``configs_of``.
        plan: the budget, and where the children train; no budget and this machine without it.

    Raises:
        UserError: as ``create_run``, ``configs_of`` and ``check_median_stop``; or the estimate is more than the budget.
    """
    plan = plan or Plan()
    here = LOCAL in plan.places
    if plan.median_stop is not None:
        from backend.runs.median import check_median_stop  # it loads the comparison's statistics

        check_median_stop(grid, plan.median_stop)
    configs = configs_of(config, grid)
    shared: dict[tuple[object, ...], list[PromptRecord]] = {}
    for child in configs:
        check_model(child)
        check_possible(child, here)
        if (key := _prompts_of(child)) not in shared:
            shared[key] = run_prompts(child, here)
    prompts = [shared[_prompts_of(child)] for child in configs]
    counts = [Counter(str(p.split) for p in of_child) for of_child in prompts]
    plan = estimated(plan, list(zip(configs, counts, strict=True)))
    parent = new_run_id()
    what = f"{len(configs)} seeds" if list(grid) == ["seed"] else f"{len(configs)} runs"
    _write_run(parent, config.model_copy(update={"name": several_name(config, what)}), prompts[0], "queued")
    write_plan(get_settings().runs_dir / parent, plan)
    for number, (child, of_child) in enumerate(zip(configs, prompts, strict=True), start=1):
        _write_run(f"{parent}-{number:02}", child, of_child, "queued", parent)
    return parent


def _prompts_of(config: TrainConfig) -> tuple[object, ...]:
    """What of a configuration decides its prompts."""
    return (config.prompts, config.tasks, config.test_prompts, config.few_shot)


def run_prompts(config: TrainConfig, here: bool = True) -> list[PromptRecord]:
    """The prompts that a run of this configuration trains and evaluates on, ``here`` on this machine or elsewhere.

    Raises:
        UserError: the model's folder does not exist, the prompts cannot be read, a task is empty, or the run is not
            possible (see ``check_possible``).
    """
    check_model(config)
    check_possible(config, here)
    return with_examples(select_prompts(named_prompts(config.prompts), config), config.few_shot)


def new_run_id() -> str:
    """A new id. Ids sort by time, and two launches in the same second get different ones."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@needs("engineer")
def create_folder(folder: Path, config: TrainConfig, here: bool = True) -> None:
    """Write a run's folder where it is told, without a row in the store: to train in ``here``, or to copy to where it will.

    Raises:
        UserError: as ``create_run``; or there is a run in the folder already.
    """
    if (folder / "config.json").exists():
        raise UserError(f"{folder} holds a run already; leave the other options out to go on with it")
    _write_folder(folder, config, run_prompts(config, here))


def _write_folder(folder: Path, config: TrainConfig, prompts: list[PromptRecord]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_prompts(folder / "prompts.jsonl", prompts)
        (folder / "config.json").write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write the run's folder {folder}: {error.strerror}. Set WORKBENCH_RUNS_DIR.") from error


def _write_run(
    run_id: str, config: TrainConfig, prompts: list[PromptRecord], status: str, parent: str | None = None
) -> None:
    folder = get_settings().runs_dir / run_id
    _write_folder(folder, config, prompts)
    with writing() as session:
        add_run(session, run_id, config, prompts, folder, status, parent)


def add_run(
    session: Session,
    run_id: str,
    config: TrainConfig,
    prompts: list[PromptRecord],
    folder: Path,
    status: str,
    parent: str | None = None,
) -> Run:
    """Add the row of a run whose folder is written; returns it."""
    set_id, _ = save_prompt_set(session, prompts, config.prompts)
    run = Run(
        id=run_id,
        name=config.name or f"{config.preset} · seed {config.seed}",
        preset=config.preset,
        config=config.model_dump(mode="json"),
        seed=config.seed,
        parent_id=parent,
        folder=str(folder),
        status=status,
        profile=config.profile,
        fingerprint=fingerprint_of_all((p.task for p in prompts), config.profile),
        prompt_set=set_id,
    )
    session.add(run)
    if config.override_reason:
        record(session, "overrode", run_id, reason=config.override_reason)
    session.flush()
    return run
