"""Train a policy with GRPO from the terminal; the run appears on the app's pages as if launched there.

python run_training.py --preset nano                         # minutes, on a CPU
python run_training.py --preset nano --set max_steps=3       # a smoke test
python run_training.py --preset nano --preflight             # look for known failures, train nothing
python run_training.py --preset nano --seeds 42,123,456      # three runs, one after the other, as one
python run_training.py --resume 20261121-101500-ab12         # go on from the last whole checkpoint
python run_training.py --preset v4.1 --prompts mine.jsonl    # the real model; needs a CUDA GPU
python run_training.py --list                                # presets, fields and their ranges
accelerate launch --num_processes 4 run_training.py ...      # several GPUs
"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.errors import UserError

app = typer.Typer(add_completion=False)


@app.command()
def main(
    preset: Annotated[str, typer.Option(help="Where the configuration starts; see --list.")] = "nano",
    set_: Annotated[list[str], typer.Option("--set", help="Change a field: --set max_steps=30. Repeatable.")] = [],  # noqa: B006
    prompts: Annotated[
        Path | None, typer.Option(help="JSONL of prompts (task, prompt or messages, facts, split).")
    ] = None,
    name: Annotated[str, typer.Option(help="A name for the run, shown on the pages.")] = "",
    seed: Annotated[int | None, typer.Option(help="Random seed of the run.")] = None,
    seeds: Annotated[str, typer.Option(help="Several seeds, comma-separated: one run each, compared together.")] = "",
    resume: Annotated[str, typer.Option(help="Go on with this run from its last whole checkpoint.")] = "",
    preflight: Annotated[bool, typer.Option("--preflight", help="Check for known failures; train nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="With --preflight: print JSON.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print presets, fields and their ranges, then stop.")] = False,
    config_: Annotated[
        Path | None, typer.Option("--config", help="A whole configuration, as runs/<id>/config.json.", exists=True)
    ] = None,
    run: Annotated[
        str, typer.Option(help="Train a run that was created before (the app uses this).", hidden=True)
    ] = "",
) -> None:
    """Train with GRPO: preflight, evaluate the base model, train, keep the best adapter, evaluate it, compare.

    Everything the run leaves is in runs/<id>/: config.json, environment.json, preflight.json, metrics.jsonl,
    evaluations/, best/ (the LoRA adapter), checkpoints/, eval_results.json and comparison_base_vs_tuned.json. Ctrl+C
    ends it at the next step with a checkpoint.
    """
    from backend.runs.create import parse_seeds
    from backend.runs.worker import work
    from backend.training.config import config_from_json, get_preset, override, parse_settings

    try:
        if list_:
            _list()
            return
        if run or resume:
            raise typer.Exit(work(run or resume, resume=bool(resume)))
        changes: dict[str, object] = dict(parse_settings(set_))
        changes |= {"prompts": str(prompts)} if prompts else {}
        changes |= {"name": name} if name else {}
        changes |= {"seed": seed} if seed is not None else {}
        start = config_from_json(config_.read_text(encoding="utf-8")) if config_ else get_preset(preset)
        config = override(start, changes)
        from backend.release.example import first_start

        first_start()
        if preflight:
            raise typer.Exit(_preflight(config, json_))
        raise typer.Exit(work(_create(config, parse_seeds(seeds))))
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def _create(config: Any, seeds: list[int]) -> str:
    """A new run; under ``accelerate launch`` the first process makes it and tells the others its id."""
    from backend.runs.create import create_run, create_seed_runs
    from backend.training.estimate import estimate_in_words

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes > 1 and seeds:
        raise UserError("several seeds run one after the other; give --seed, not --seeds, under accelerate launch")
    created = [""]
    if int(os.environ.get("RANK", "0")) == 0:
        created = [create_seed_runs(config, seeds) if seeds else create_run(config)]
        typer.echo(estimate_in_words(config, max(1, len(seeds))))
    if processes > 1:
        import torch
        from accelerate import PartialState
        from accelerate.utils import broadcast_object_list

        PartialState(cpu=not torch.cuda.is_available())
        broadcast_object_list(created)
    return created[0]


def _preflight(config: Any, as_json: bool) -> int:
    """Print the checks; returns 1 when one fails."""
    import json

    from backend.audit.gates import standing_gates
    from backend.models.load import load_policy
    from backend.runs.create import run_prompts
    from backend.settings import get_settings
    from backend.store.engine import reading
    from backend.training.preflight import as_dicts, as_table, failures
    from backend.training.preflight import preflight as check

    with reading() as session:
        gates = standing_gates(session, config.profile)
    prompts = run_prompts(config)
    checks = check(config, load_policy(config, trainable=True), prompts, gates, get_settings().runs_dir)
    typer.echo(json.dumps(as_dicts(checks), indent=2, ensure_ascii=False) if as_json else as_table(checks))
    return 1 if failures(checks) else 0


def _list() -> None:
    from backend.training.config import TrainConfig, all_presets, allowed

    typer.echo("Presets\n" + "\n".join(f"  {name:<18}{preset.note}" for name, preset in all_presets().items()))
    typer.echo("\nFields (--set field=value)")
    for field in TrainConfig.model_fields:
        typer.echo(f"  {field:<30}{allowed(field)}")
