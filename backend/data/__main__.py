"""Data from the terminal: the synthetic shop, prompt sets, imports, and completions to rate.

python -m backend.data synthetic                # data/commerce.db
python -m backend.data prompts --out p.jsonl    # write the default prompt set to a file
python -m backend.data import mine.jsonl        # a user's prompts into the store
python -m backend.data sample --n 2             # completions of the eval prompts, offered to raters
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from backend.cli import command_line
from backend.data.commerce import build_commerce_db
from backend.data.jsonl import read_prompts, write_prompts
from backend.errors import UserError
from backend.settings import get_settings

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def synthetic(orders: int = 6000, seed: int = 42) -> None:
    """Write commerce.db: a synthetic shop, the same for the same seed."""
    typer.echo(f"wrote {build_commerce_db(get_settings().commerce_db, orders, seed)}")


@app.command()
def prompts(out: Path, seed: int = 42) -> None:
    """Write the default prompt set (1,480 train, 65 eval) as JSONL."""
    from backend.data.prompts import build_prompts

    shop = get_settings().commerce_db
    records = build_prompts(shop if shop.exists() else build_commerce_db(shop), seed=seed)
    write_prompts(out, records)
    typer.echo(f"wrote {len(records)} prompts to {out}")


@app.command(name="import")
def import_(file: Path) -> None:
    """Import a JSONL file of prompts (task, prompt or messages, optional facts and split)."""
    from backend.store.engine import writing
    from backend.store.prompts import save_prompts

    records = read_prompts(file)
    with writing() as session:
        new = save_prompts(session, records)
    typer.echo(f"imported {new} new prompts ({len(records) - new} were there already)")


@app.command()
def sample(
    model: Annotated[str, typer.Option(help="nano, a folder, or a hub id.")] = "nano",
    adapter: Annotated[Path | None, typer.Option(help="A run's best/ folder, to sample the tuned model.")] = None,
    n: Annotated[int, typer.Option(min=1, help="Completions per prompt.")] = 2,
    split: str = "eval",
    task: Annotated[str, typer.Option(help="Only this task's prompts.")] = "",
    temperature: Annotated[float, typer.Option(min=0, max=2)] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(min=1)] = 160,
    seed: int = 42,
) -> None:
    """Sample completions of stored prompts and offer them to raters."""
    from backend.example import first_start
    from backend.models.generate import Sampling, generate
    from backend.models.load import PolicyConfig, load_policy
    from backend.store.completions import ensure_scores, save_completions
    from backend.store.engine import reading, writing
    from backend.store.prompts import load_prompts
    from rewards import DEFAULT_PROFILE

    first_start()
    with reading() as session:
        records = [r for r in load_prompts(session, split) if task in ("", r.task)]
    if not records:
        raise UserError(f"there are no {split} prompts" + (f" of task {task!r}" if task else "") + " in the store")
    policy = load_policy(PolicyConfig(model=model), adapter)
    sampling = Sampling(temperature=temperature, max_new_tokens=max_new_tokens, seed=seed)
    with Progress() as progress:
        bar = progress.add_task("sampling", total=len(records) * n)
        groups = generate(
            policy,
            [r.chat for r in records],
            sampling,
            n,
            on_progress=lambda done, _: progress.update(bar, completed=done),
        )
    name = f"{policy.name} + {adapter}" if adapter else policy.name
    with writing() as session:
        ids = save_completions(session, [r.id for r in records], groups, name, sampling)
        ensure_scores(session, DEFAULT_PROFILE, only_rated=False)
    typer.echo(f"stored {len(ids)} completions; they are in the raters' queue")


if __name__ == "__main__":
    command_line(app)
