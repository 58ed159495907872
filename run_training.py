#!/usr/bin/env python
"""Train a policy with GRPO from the terminal; the run appears on the app's pages as if launched there.

python run_training.py --preset nano                         # minutes, on a CPU
python run_training.py --preset nano --set max_steps=3       # a smoke test
python run_training.py --preset v4.1 --prompts mine.jsonl    # the real model; needs a CUDA GPU
python run_training.py --list                                # presets, fields and their ranges
"""

from pathlib import Path
from typing import Annotated

import typer

from backend.errors import UserError


def main(
    preset: Annotated[str, typer.Option(help="Where the configuration starts; see --list.")] = "nano",
    set_: Annotated[list[str], typer.Option("--set", help="Change a field: --set max_steps=30. Repeatable.")] = [],  # noqa: B006
    prompts: Annotated[
        Path | None, typer.Option(help="JSONL of prompts (task, prompt or messages, facts, split).")
    ] = None,
    name: Annotated[str, typer.Option(help="A name for the run, shown on the pages.")] = "",
    seed: Annotated[int | None, typer.Option(help="Random seed of the run.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print presets, fields and their ranges, then stop.")] = False,
    run: Annotated[
        str, typer.Option(help="Train a run that was created before (the app uses this).", hidden=True)
    ] = "",
) -> None:
    """Train with GRPO: evaluate the base model, train, keep the best adapter, evaluate it, compare.

    Everything the run leaves is in runs/<id>/: config.json, environment.json, metrics.jsonl, evaluations/, best/
    (the LoRA adapter), checkpoints/, eval_results.json and comparison_base_vs_tuned.json. Ctrl+C ends it at the next
    step with a checkpoint.
    """
    from backend.runs.worker import work
    from backend.training.config import get_preset, override, parse_settings

    try:
        if list_:
            _list()
            return
        if run:
            raise typer.Exit(work(run))
        changes: dict[str, object] = dict(parse_settings(set_))
        changes |= {"prompts": str(prompts)} if prompts else {}
        changes |= {"name": name} if name else {}
        changes |= {"seed": seed} if seed is not None else {}
        config = override(get_preset(preset), changes)

        from backend.runs.create import create_run

        raise typer.Exit(work(create_run(config)))
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def _list() -> None:
    from backend.training.config import PRESET_NOTES, TrainConfig, allowed

    typer.echo("Presets\n" + "\n".join(f"  {name:<18}{note}" for name, note in PRESET_NOTES.items()))
    typer.echo("\nFields (--set field=value)")
    for field in TrainConfig.model_fields:
        typer.echo(f"  {field:<30}{allowed(field)}")


if __name__ == "__main__":
    typer.run(main)
