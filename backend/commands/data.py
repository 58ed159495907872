"""Prompts from the terminal: import them, look at their quality, sample completions of them. A suite adds commands of its own.

workbench data import mine.jsonl              # a user's prompts into the store
workbench data report SET                     # the quality of a stored set, or of a JSONL file
workbench data sample --n 2                   # completions of the eval prompts, offered to raters
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.data.jsonl import read_prompts
from backend.data.prompt_sets import default_prompts, keep_set, named_prompts
from backend.errors import UserError
from backend.suites import suites

app = Commands(help=__doc__, no_args_is_help=True)

for _suite in suites():
    if _suite.commands is not None:
        _suite.commands(app)


@app.command(name="import")
def import_(file: Path) -> None:
    """Import a JSONL file of prompts (task, prompt or messages, optional facts and split) as a set."""
    kept = keep_set(read_prompts(file), file.name)
    typer.echo(f"imported {kept}")
    answer(asdict(kept))


@app.command()
def report(
    prompts: Annotated[str, typer.Argument(help="A stored set's id, a JSONL file, or a suite's prompt source.")],
) -> None:
    """Print how good a prompt set is: mix, lengths, repeats, leaks, labels."""
    from backend.data.quality import print_quality

    found = print_quality(named_prompts(prompts))
    answer([{**asdict(q), "problems": q.problems()} for q in found])


@app.command()
def sample(
    model: Annotated[str, typer.Option(help="nano, smollm2, a folder, or a hub id.")] = "nano",
    adapter: Annotated[Path | None, typer.Option(help="A run's best/ folder, to sample the tuned model.")] = None,
    n: Annotated[int, typer.Option(min=1, help="Completions per prompt.")] = 2,
    split: Annotated[str, typer.Option(help="train, eval or test.")] = "eval",
    task: Annotated[str, typer.Option(help="Only this task's prompts.")] = "",
    prompts: Annotated[
        str, typer.Option(help="A stored set's id, a JSONL file, or a suite's prompt source (default: the first).")
    ] = "",
    temperature: Annotated[float, typer.Option(min=0, max=2)] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(min=1)] = 160,
    seed: int = 42,
    progress_file: Annotated[Path | None, typer.Option(hidden=True, help="Where a page reads how far it is.")] = None,
) -> None:
    """Sample completions of stored prompts and offer them to raters."""
    from rich.progress import Progress

    from backend.models.generate import generate
    from backend.models.load import PolicyConfig, load_policy
    from backend.progress import Reporter
    from backend.rating.queue import save_for_raters
    from backend.records import Sampling
    from backend.release.start import first_start
    from backend.store.engine import writing
    from backend.store.prompts import save_prompt_set

    first_start()
    prompts = prompts or default_prompts()
    every = named_prompts(prompts)
    records = [r for r in every if r.split == split and task in ("", r.task)]
    if not records:
        raise UserError(f"there are no {split} prompts" + (f" of task {task!r}" if task else "") + " in " + prompts)
    policy = load_policy(PolicyConfig(model=model), adapter)
    sampling = Sampling(temperature=temperature, max_new_tokens=max_new_tokens, seed=seed)
    with Progress() as progress:
        bar = progress.add_task("sampling", total=len(records) * n)
        tell = Reporter(progress_file).phase("sampling")

        def show(done: int, total: int) -> None:
            progress.update(bar, completed=done)
            tell(done, total)

        groups = generate(policy, [r.chat for r in records], sampling, n, on_progress=show)
    name = f"{policy.name} + {adapter}" if adapter else policy.name
    with writing() as session:
        save_prompt_set(session, every, prompts)
        ids = save_for_raters(session, [r.id for r in records], groups, name, sampling)
    typer.echo(f"stored {len(ids)} completions; they are in the raters' queue")
    answer({"policy": name, "completions": ids})
