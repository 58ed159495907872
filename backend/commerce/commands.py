"""The commerce suite's sub-commands of ``workbench data``: make a shop, and make prompts from it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import answer

Count = Annotated[int | None, typer.Option(min=0, help="Train prompts of this task.")]


def add_to(app: typer.Typer) -> None:
    """Add the sub-commands."""
    for command in (synthetic, olist, prompts):
        app.command()(command)


def synthetic(orders: int = 6000, seed: int = 42) -> None:
    """Write commerce.db: a synthetic shop, the same for the same seed."""
    from backend.commerce.shop import shop_path
    from backend.commerce.synthetic import build_commerce_db

    shop = build_commerce_db(shop_path(), orders, seed)
    typer.echo(f"wrote {shop}")
    answer({"shop": shop})


def olist(
    folder: Annotated[Path, typer.Argument(help="With the CSVs as published on Kaggle.")],
    keep_personal_data: Annotated[bool, typer.Option(help="Leave names, phones and documents in reviews.")] = False,
) -> None:
    """Write commerce.db from Olist's CSVs, or from a shop's own in that layout."""
    from rich.console import Console

    from backend.commerce.olist import import_olist
    from backend.commerce.shop import shop_path

    console = Console()
    with console.status("reading") as status:
        report = import_olist(folder, shop_path(), keep_personal_data, status.update)
    for line in report.lines():
        console.print(line, highlight=False, markup=False)
    console.print(f"wrote {shop_path()}", highlight=False, markup=False)
    answer({"shop": shop_path(), "report": report.lines()})


def prompts(
    total: Annotated[int | None, typer.Option(min=1, help="Train prompts in all, in the usual mix.")] = None,
    extraction: Count = None,
    sql_qa: Count = None,
    insights: Count = None,
    push: Count = None,
    eval_scale: Annotated[int, typer.Option(min=1, help="Times 65 eval prompts.")] = 1,
    test: Annotated[int, typer.Option(min=0, help="Test prompts in all, in the mix of the eval prompts.")] = 130,
    seed: int = 42,
    name: Annotated[str, typer.Option(help="Of the set.")] = "",
    out: Annotated[Path | None, typer.Option(help="A JSONL file to write as well.")] = None,
) -> None:
    """Make a prompt set from commerce.db (by default 1,480 train, 65 eval and 130 test prompts) and store it."""
    from backend.commerce.prompts import EVAL_COUNTS, build_prompts, counts_for, counts_for_test
    from backend.commerce.shop import shop_path
    from backend.commerce.synthetic import ensure_shop
    from backend.data.prompt_sets import keep_set
    from backend.data.quality import print_quality

    shop = ensure_shop(shop_path())
    train = counts_for(total, extraction=extraction, sql_qa=sql_qa, insights=insights, push=push)
    evaluation = {task: eval_scale * n for task, n in EVAL_COUNTS.items()}
    records = build_prompts(shop, train, evaluation, counts_for_test(test), seed)
    kept = keep_set(records, name or f"{len(records)} prompts from {shop.name}, seed {seed}", out)
    print_quality(records)
    typer.echo(str(kept))
    answer(asdict(kept))
