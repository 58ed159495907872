"""Create a run: its row in the store, and its folder with everything that the training process needs."""

import secrets
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
from backend.settings import get_settings, listed
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
def create_seed_runs(config: TrainConfig, seeds: list[int]) -> str:
    """Create a run of several seeds: a parent, and one child for each seed; returns the parent's id.

    The children are trained one after the other.

    Raises:
        UserError: as ``create_run``; a seed is given twice, or there is only one.
    """
    if len(set(seeds)) < len(seeds) or len(seeds) < 2:
        raise UserError(f"give two or more different seeds, not {', '.join(map(str, seeds))}")
    prompts = run_prompts(config)
    parent = new_run_id()
    name = config.name or config.preset
    _write_run(parent, config.model_copy(update={"name": f"{name} · {len(seeds)} seeds"}), prompts, "queued")
    for seed in seeds:
        child = config.model_copy(update={"seed": seed, "name": f"{name} · seed {seed}"})
        _write_run(f"{parent}-s{seed}", child, prompts, "queued", parent)
    return parent


def parse_seeds(text: str) -> list[int]:
    """``"42, 123, 456"`` -> three seeds; an empty list for an empty text.

    Raises:
        UserError: a part is not a whole number, or there is only one seed.
    """
    try:
        seeds = [int(part) for part in listed(text)]
    except ValueError:
        raise UserError(f"seeds are whole numbers with commas between them, not {text!r}") from None
    if len(seeds) == 1:
        raise UserError(f"several seeds are two or more; for one alone set seed={seeds[0]}")
    return seeds


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
