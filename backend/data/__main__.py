"""Data from the terminal: a shop, prompt sets and their quality, imports, and completions to rate.

python -m backend.data synthetic                      # data/commerce.db: a made shop
python -m backend.data olist FOLDER                   # data/commerce.db from Olist's CSVs
python -m backend.data prompts --total 5000           # a prompt set from the shop, into the store
python -m backend.data prompts --insights 350 --out p.jsonl
python -m backend.data import mine.jsonl              # a user's prompts into the store
python -m backend.data report SET                     # the quality of a stored set, or of a JSONL file
python -m backend.data sample --n 2                   # completions of the eval prompts, offered to raters
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from backend.cli import command_line
from backend.data.commerce import build_commerce_db, ensure_shop
from backend.data.jsonl import read_prompts, write_prompts
from backend.data.records import PromptRecord
from backend.errors import UserError
from backend.files import write_json
from backend.settings import get_settings

app = typer.Typer(help=__doc__, no_args_is_help=True)

Count = Annotated[int | None, typer.Option(min=0, help="Train prompts of this task.")]


@app.command()
def synthetic(orders: int = 6000, seed: int = 42) -> None:
    """Write commerce.db: a synthetic shop, the same for the same seed."""
    typer.echo(f"wrote {build_commerce_db(get_settings().commerce_db, orders, seed)}")


@app.command()
def olist(
    folder: Annotated[Path, typer.Argument(help="With the CSVs as published on Kaggle.")],
    keep_personal_data: Annotated[bool, typer.Option(help="Leave names, phones and documents in reviews.")] = False,
) -> None:
    """Write commerce.db from Olist's CSVs, or from a shop's own in that layout."""
    from backend.data.olist import import_olist
    from backend.store.engine import writing
    from backend.store.events import record

    console = Console()
    with console.status("reading") as status:
        report = import_olist(folder, get_settings().commerce_db, keep_personal_data, status.update)
    with writing() as session:
        record(session, "replaced the shop", f"olist, {report.orders} orders")
    for line in report.lines():
        console.print(line, highlight=False, markup=False)
    console.print(f"wrote {get_settings().commerce_db}", highlight=False, markup=False)


@app.command()
def prompts(
    total: Annotated[int | None, typer.Option(min=1, help="Train prompts in all, in the usual mix.")] = None,
    extraction: Count = None,
    sql_qa: Count = None,
    insights: Count = None,
    push: Count = None,
    eval_scale: Annotated[int, typer.Option(min=1, help="Times 65 eval prompts.")] = 1,
    seed: int = 42,
    name: Annotated[str, typer.Option(help="Of the set.")] = "",
    out: Annotated[Path | None, typer.Option(help="A JSONL file to write as well.")] = None,
) -> None:
    """Make a prompt set from commerce.db (1,480 train and 65 eval prompts unless told otherwise) and store it."""
    from backend.data.prompts import EVAL_COUNTS, build_prompts, counts_for
    from backend.store.engine import writing
    from backend.store.prompts import save_prompt_set

    shop = ensure_shop(get_settings().commerce_db)
    train = counts_for(total, extraction=extraction, sql_qa=sql_qa, insights=insights, push=push)
    evaluation = {task: eval_scale * n for task, n in EVAL_COUNTS.items()}
    records = build_prompts(shop, train, evaluation, seed)
    if out is not None:
        write_prompts(out, records)
        typer.echo(f"wrote {len(records)} prompts to {out}")
    with writing() as session:
        mark, new = save_prompt_set(session, records, name or f"{len(records)} prompts from {shop.name}, seed {seed}")
    _print_quality(records)
    typer.echo(f"prompt set {mark}: {len(records)} prompts, {new} of them new; train with --set prompts={mark}")


@app.command(name="import")
def import_(file: Path) -> None:
    """Import a JSONL file of prompts (task, prompt or messages, optional facts and split) as a set."""
    from backend.store.engine import writing
    from backend.store.prompts import save_prompt_set

    records = read_prompts(file)
    with writing() as session:
        mark, new = save_prompt_set(session, records, file.name)
    typer.echo(f"imported {new} new prompts ({len(records) - new} were there already) as prompt set {mark}")


@app.command()
def report(prompts: Annotated[str, typer.Argument(help="A stored set's id, a JSONL file, or shop.")]) -> None:
    """Print how good a prompt set is: mix, lengths, repeats, leaks, labels."""
    from backend.runs.create import named_prompts

    _print_quality(named_prompts(prompts))


def _print_quality(records: list[PromptRecord]) -> None:
    from backend.data.quality import quality, tokenizer

    count, tokens_by = tokenizer()
    found = quality(records, count_tokens=count)
    table = Table()
    table.add_column(f"tokens: {tokens_by}")
    for q in found:
        table.add_column(q.task, justify="right")
    for what, cells in {
        "train prompts": [f"{q.train} ({q.share:.0%})" for q in found],
        "eval prompts": [str(q.eval) for q in found],
        "tokens, median / 95 % / most": [f"{q.tokens_median} / {q.tokens_p95} / {q.tokens_max}" for q in found],
        "longer than the limit": [str(q.too_long) for q in found],
        "nearly repeat another": [str(q.duplicates) for q in found],
        "eval prompt most like a train one": ["–" if q.nearest is None else f"{q.nearest:.2f}" for q in found],
        "orders or queries in both splits": [str(q.shared) for q in found],
        "read like another task": [str(q.mislabelled) for q in found],
        "with facts to check": [f"{q.checkable:.0%}" for q in found],
        "eval difficulties": [str(len(q.difficulty)) for q in found],
    }.items():
        table.add_row(what, *cells)
    console = Console()
    console.print(table)
    for q in found:
        for problem in q.problems():
            console.print(f"{q.task}: {problem}", highlight=False, markup=False)


@app.command()
def sample(
    model: Annotated[str, typer.Option(help="nano, a folder, or a hub id.")] = "nano",
    adapter: Annotated[Path | None, typer.Option(help="A run's best/ folder, to sample the tuned model.")] = None,
    n: Annotated[int, typer.Option(min=1, help="Completions per prompt.")] = 2,
    split: str = "eval",
    task: Annotated[str, typer.Option(help="Only this task's prompts.")] = "",
    prompts: Annotated[str, typer.Option(help="A stored set's id, a JSONL file, or shop.")] = "shop",
    temperature: Annotated[float, typer.Option(min=0, max=2)] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(min=1)] = 160,
    seed: int = 42,
    progress_file: Annotated[Path | None, typer.Option(hidden=True, help="Where a page reads how far it is.")] = None,
) -> None:
    """Sample completions of stored prompts and offer them to raters."""
    from backend.example import first_start
    from backend.models.generate import Sampling, generate
    from backend.models.load import PolicyConfig, load_policy
    from backend.runs.create import named_prompts
    from backend.store.completions import save_completions
    from backend.store.engine import writing
    from backend.store.prompts import save_prompt_set

    first_start()
    every = named_prompts(prompts)
    records = [r for r in every if r.split == split and task in ("", r.task)]
    if not records:
        raise UserError(f"there are no {split} prompts" + (f" of task {task!r}" if task else "") + " in " + prompts)
    policy = load_policy(PolicyConfig(model=model), adapter)
    sampling = Sampling(temperature=temperature, max_new_tokens=max_new_tokens, seed=seed)
    with Progress() as progress:
        bar = progress.add_task("sampling", total=len(records) * n)

        def told(done: int, total: int) -> None:
            progress.update(bar, completed=done)
            if progress_file is not None:
                write_json(progress_file, {"done": done, "total": total})

        groups = generate(policy, [r.chat for r in records], sampling, n, on_progress=told)
    name = f"{policy.name} + {adapter}" if adapter else policy.name
    with writing() as session:
        save_prompt_set(session, every, prompts)
        ids = save_completions(session, [r.id for r in records], groups, name, sampling)
    typer.echo(f"stored {len(ids)} completions; they are in the raters' queue")


if __name__ == "__main__":
    command_line(app)
