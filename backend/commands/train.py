"""Train a policy with GRPO from the terminal; the run appears on the app's pages as if launched there.

python run_training.py --preset nano                         # minutes, on a CPU
python run_training.py --preset nano --set max_steps=3       # a smoke test
python run_training.py --preset nano --preflight             # look for known failures, train nothing
python run_training.py --preset nano --seeds 42,123,456      # three runs, one after the other, as one
python run_training.py --grid learning_rate=3e-4,6e-4 --seeds 1,2 --hours 2   # a small grid, within a budget
python run_training.py --resume 20261121-101500-ab12         # go on from the last whole checkpoint
python run_training.py --preset v4.1 --prompts mine.jsonl    # the real model; needs a CUDA GPU
python run_training.py --folder F --preset nano              # without a store; `workbench runs sync F` takes it in
python run_training.py --list                                # presets, fields and their ranges
workbench train my_rewards.py prompts.jsonl --model FOLDER_OR_ID   # your own functions, unchanged, on your own prompts
torchrun --standalone --nproc_per_node 2 run_training.py ... # several processes, on GPUs or on a CPU
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.commands.own import OwnRewards
from backend.errors import UserError
from backend.suites.choice import use_suite

app = typer.Typer(add_completion=False)


@app.command()
def main(
    rewards: OwnRewards = "",
    prompt_file: Annotated[
        str, typer.Argument(metavar="[PROMPTS]", help="Your own prompts: JSONL, CSV, Parquet; TRL's chats too.")
    ] = "",
    preset: Annotated[
        str, typer.Option(help="Where the configuration starts; see --list. nano, or lora where --model is given.")
    ] = "",
    model: Annotated[str, typer.Option(help="A folder with a model, or a model's id.")] = "",
    set_: Annotated[list[str], typer.Option("--set", help="Change a field: --set max_steps=30. Repeatable.")] = [],  # noqa: B006
    prompts: Annotated[
        Path | None, typer.Option(help="A file of prompts (task, prompt or messages, facts, split).")
    ] = None,
    name: Annotated[str, typer.Option(help="A name for the run, shown on the pages.")] = "",
    seed: Annotated[int | None, typer.Option(help="Random seed of the run.")] = None,
    seeds: Annotated[str, typer.Option(help="Several seeds, comma-separated: one run each, compared together.")] = "",
    grid: Annotated[
        list[str],
        typer.Option(
            help="Several values of a field: --grid learning_rate=3e-4,6e-4. Repeatable; with --seeds the product."
        ),
    ] = [],  # noqa: B006
    hours: Annotated[
        float | None, typer.Option(help="With --seeds or --grid: the most that all may take together.")
    ] = None,
    dollars: Annotated[float | None, typer.Option(help="The same as money; see WORKBENCH_DOLLARS_PER_HOUR.")] = None,
    where: Annotated[
        str,
        typer.Option(
            help="With --seeds or --grid: local and places of launch.toml, comma-separated, as there is room."
        ),
    ] = "",
    median_stop: Annotated[
        int | None,
        typer.Option(
            help="With --grid: after so many evaluations, end a run whose best mean reward is below the median of the others'."
        ),
    ] = None,
    resume: Annotated[str, typer.Option(help="Go on with this run from its last whole checkpoint.")] = "",
    preflight: Annotated[bool, typer.Option("--preflight", help="Check for known failures; train nothing.")] = False,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the comparison (with --preflight: the checks) as JSON alone.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print presets, fields and their ranges, then stop.")] = False,
    config_: Annotated[
        Path | None, typer.Option("--config", help="A whole configuration, as runs/<id>/config.json.", exists=True)
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Train in this folder, without a store: go on with the run in it, or make one of the other options there. "
            "`workbench runs sync FOLDER` takes it in."
        ),
    ] = None,
    only_write: Annotated[
        bool, typer.Option("--only-write", help="With --folder: write configuration and prompts, and train later.")
    ] = False,
    progress_file: Annotated[Path | None, typer.Option(hidden=True, help="Where a page reads how far it is.")] = None,
    run: Annotated[
        str, typer.Option(help="Train a run that was created before (the app uses this).", hidden=True)
    ] = "",
) -> None:
    """Train with GRPO: preflight, evaluate the base model, train, keep the best adapter, evaluate it, compare.

    Everything the run leaves is in runs/<id>/: config.json, environment.json, preflight.json, metrics.jsonl,
    evaluations/, best/ (the LoRA adapter), checkpoints/, eval_results.json and comparison_base_vs_tuned.json. Ctrl+C
    ends it at the next step with a checkpoint.
    """
    if rewards:
        use_suite(rewards)
        if not (prompt_file or prompts or resume or run or list_ or folder):
            raise UserError(f"name the prompts too: workbench train {rewards} prompts.jsonl --model FOLDER_OR_ID")
    from backend.runs.grid import parse_grid
    from backend.training.config import config_from_json, get_preset, override, parse_settings
    from backend.training.environment import gpu_name

    of_several = {"hours": hours, "dollars": dollars, "where": where, "median_stop": median_stop}
    limits = {name: value for name, value in of_several.items() if value not in (None, "")}
    try:
        if list_:
            _list()
            return
        if run or resume:
            _set_budget(run or resume, limits)
            raise typer.Exit(_work(run or resume, json_, resume=bool(resume)))
        if folder is not None:
            given = [model, *set_, prompts, prompt_file, name, seed, seeds, *grid, config_, preset, preflight or None]
            if _goes_on(folder, any(value not in ("", None) for value in given)):
                raise typer.Exit(_work_in(folder))
        changes: dict[str, object] = {}
        if model:
            changes |= {"model": model, "four_bit": bool(gpu_name())}
        changes |= parse_settings(set_)
        if file := str(prompts or prompt_file or ""):
            changes["prompts"] = str(Path(file).resolve()) if Path(file).exists() else file
        changes |= {"name": name} if name else {}
        changes |= {"seed": seed} if seed is not None else {}
        start = (
            config_from_json(config_.read_text(encoding="utf-8"))
            if config_
            else get_preset(preset or ("lora" if model else "nano"))
        )
        config = override(start, changes)
        if folder is not None:
            if seeds or grid or preflight:
                raise UserError(
                    "a folder holds one run, which does its preflight itself; give --seed or --set, and a folder for each"
                )
            raise typer.Exit(_make_in(folder, config, only_write))
        from backend.release.start import first_start

        first_start()
        if preflight:
            raise typer.Exit(_preflight(config, json_, progress_file))
        with _stdout_kept(json_):
            made = _create(config, parse_grid(grid, seeds), limits)
        raise typer.Exit(_work(made, json_))
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


@contextmanager
def _stdout_kept(for_json: bool) -> Iterator[None]:
    """Send what is printed to standard error where standard output is for JSON alone."""
    with redirect_stdout(sys.stderr) if for_json else nullcontext():
        yield


def _work(run_id: str, as_json: bool, resume: bool = False) -> int:
    """Train a run that has been created; its exit code."""
    from backend.runs.worker import COMPARISON, work
    from backend.settings import get_settings

    with _stdout_kept(as_json):
        code = work(run_id, resume=resume)
    path = get_settings().runs_dir / run_id / COMPARISON
    if as_json and path.is_file():
        typer.echo(path.read_text(encoding="utf-8").rstrip())
    return code


def _goes_on(folder: Path, has_options: bool) -> bool:
    """Whether ``--folder`` names a run to go on with; otherwise one is made there of the other options."""
    there = (folder / "config.json").is_file()
    if there and has_options:
        raise UserError(f"{folder} holds a run already; its configuration is fixed. Leave the other options out")
    if not there and not has_options:
        raise UserError(f"{folder} holds no run; give --preset, or any other option, to make one there")
    return there


def _work_in(folder: Path) -> int:
    from backend.runs.worker import work_in

    return work_in(folder)


def _make_in(folder: Path, config: Any, only_write: bool) -> int:
    """Write a run's folder; and train in it, unless told to leave it at that."""
    from backend.runs.create import create_folder

    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not only_write:
        raise UserError("write the folder first (--only-write), then start the processes on it with --folder alone")
    create_folder(folder, config, here=not only_write)
    if only_write:
        typer.echo(f"wrote {folder}; train with `run_training.py --folder {folder}`")
        return 0
    return _work_in(folder)


def _create(config: Any, grid: Any, limits: dict[str, Any]) -> str:
    """A new run, or several within these limits (``make_plan``); under ``accelerate launch`` the first process makes it and tells the others its id."""
    from backend.runs.plan import make_plan

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes > 1 and grid:
        raise UserError("several runs train one after the other; give --seed and --set under accelerate launch")
    if not grid and limits:
        raise UserError(
            "--hours, --dollars, --where and --median-stop are for several runs: give --seeds or --grid too. "
            "One run trains on this machine and ends after max_steps; Train's page sends it elsewhere"
        )
    created = [""]
    if int(os.environ.get("RANK", "0")) == 0:
        created = [_create_several(config, grid, make_plan(**limits)) if grid else _create_one(config)]
    if processes > 1:
        import torch
        from accelerate import PartialState
        from accelerate.utils import broadcast_object_list

        PartialState(cpu=not torch.cuda.is_available())
        broadcast_object_list(created)
    return created[0]


def _create_one(config: Any) -> str:
    from collections import Counter

    from backend.data.jsonl import read_prompts
    from backend.runs.create import create_run
    from backend.store.runs import run_folder
    from backend.training.estimate import estimate_in_words

    created = create_run(config)
    prompts = read_prompts(run_folder(created) / "prompts.jsonl")
    typer.echo(estimate_in_words(config, Counter(p.split for p in prompts)))
    return created


def _create_several(config: Any, grid: Any, plan: Any) -> str:
    from math import prod

    from backend.runs.create import create_several
    from backend.runs.plan import estimate_words, read_plan
    from backend.store.runs import run_folder

    created = create_several(config, grid, plan)
    typer.echo(estimate_words(read_plan(run_folder(created)), prod(map(len, grid.values()))))
    return created


def _set_budget(run_id: str, limits: dict[str, Any]) -> None:
    """Give a run of several another budget, of which it has used some already; nothing where none is given."""
    for field, name in (("where", "--where"), ("median_stop", "--median-stop")):
        if field in limits:
            raise UserError(f"where runs train and what ends them early is chosen when they are made; leave {name} out")
    if not limits:
        return
    from backend.runs.plan import change_budget, make_plan
    from backend.store.runs import run_folder

    change_budget(run_folder(run_id), make_plan(**limits))


def _preflight(config: Any, as_json: bool, progress_file: Path | None = None) -> int:
    """Print the checks, those that need no model at once; returns 1 when one fails."""
    import json

    from backend.audit.gates import standing_gates
    from backend.models.load import load_policy, load_tokenizer
    from backend.progress import Reporter
    from backend.runs.create import run_prompts
    from backend.settings import get_settings
    from backend.store.engine import reading
    from backend.training.preflight import as_dicts, as_table, failures, static_checks
    from backend.training.preflight import preflight as check

    folder, progress = get_settings().runs_dir, Reporter(progress_file)
    progress.phase("loading")
    with reading() as session:
        gates = standing_gates(session, config.profile)
    prompts = run_prompts(config)
    if not as_json:
        at_once = list(static_checks(config, prompts, gates, folder, load_tokenizer(config)))
        typer.echo(f"{as_table(at_once)}\nloading {config.model} for the others")
    checks = check(config, load_policy(config, trainable=True), prompts, gates, folder, progress)
    typer.echo(json.dumps(as_dicts(checks), indent=2, ensure_ascii=False) if as_json else as_table(checks))
    return 1 if failures(checks) else 0


def _list() -> None:
    from backend.training.config import TrainConfig, all_presets, allowed

    typer.echo("Presets\n" + "\n".join(f"  {name:<18}{preset.note.en}" for name, preset in all_presets().items()))
    typer.echo("\nFields (--set field=value)")
    for field in TrainConfig.model_fields:
        typer.echo(f"  {field:<30}{allowed(field)}")
