"""Attack a reward: cheap texts that score high, before training finds them.

workbench attack my_rewards.py completions.jsonl
workbench attack --task push --profile v4.2.1     # a task of the installed suites, on the store's completions
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from backend.cli import Commands, answer
from backend.commands.own import CompletionColumn, PromptColumn, TaskColumn, progress
from backend.suites.choice import use_suite

if TYPE_CHECKING:
    from backend.audit.attack import Attacked

app = Commands(add_completion=False)


@app.command()
def attack(
    rewards: Annotated[
        str, typer.Argument(help="Your own reward functions; the installed suites where left out.")
    ] = "",
    completions: Annotated[
        Path | None, typer.Argument(help="Completions to take pieces from; see docs/your-own.md.")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only these tasks.")] = None,
    profile: Annotated[str, typer.Option(help="The version of the rules.")] = "",
    calls: Annotated[int, typer.Option(min=1, help="Calls of the reward for a task.")] = 20_000,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop a task after these seconds.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same search.")] = 42,
    to_raters: Annotated[bool, typer.Option(help="Put the finds before the raters.")] = False,
    prompt_column: PromptColumn = "",
    completion_column: CompletionColumn = "",
    task_column: TaskColumn = "task",
) -> None:
    """Search for cheap texts that the reward scores high. Exit code: 0 none found, 1 some found, 2 an error."""
    if rewards:
        use_suite(rewards)
    from backend.audit.attack import as_dict, attack_task, queue_finds
    from backend.audit.attacks import keep_attack
    from backend.data.completions import import_completions
    from backend.data.sources.layout import Layout
    from backend.store.engine import reading, writing
    from backend.suites import default_profile, task_names

    if completions is not None:
        with progress(f"reading {completions}"):
            taken = import_completions(completions, Layout(prompt_column, completion_column, task_column))
        names: tuple[str, ...] = tuple(taken.tasks)
    else:
        names = tuple(task_names())
    done: list[Attacked] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("best {task.fields[best]:.2f}"),
    )
    with Progress(*columns, console=_errors()) as bars, reading() as session:
        for name in task or names:
            bar = bars.add_task(name, total=calls, best=0.0)
            done.append(
                attack_task(
                    session, name, profile or default_profile(), calls, seed, seconds,
                    lambda used, best, bar=bar: bars.update(bar, completed=used, best=best),  # type: ignore[misc]
                )
            )  # fmt: skip
    with writing() as session:
        for one in done:
            keep_attack(session, one)
            if to_raters:
                queue_finds(session, one)
    typer.echo("\n".join(_words(one) for one in done))
    answer({"seed": seed, "tasks": [as_dict(one) for one in done]})
    raise typer.Exit(1 if any(one.found.finds for one in done) else 0)


def _errors() -> Console:
    return Console(file=sys.stderr)


def _calls(n: int) -> str:
    return "1 call" if n == 1 else f"{n:,} calls"


def _words(one: "Attacked") -> str:
    """An attack in words, with its shortest finds."""
    found = one.found
    cut = " (the time was up)" if found.timed_out else ""
    if found.to_target is None:
        return f"{one.task}: no text at {found.target:.2f} in {_calls(found.calls)}{cut}; the best had {found.best:.2f}"
    lines = [
        f"{one.task}: BROKEN, a cheap text has a total of {found.target:.2f} or more after {_calls(found.to_target)}{cut}"
    ]
    others = len(one.prompt_ids) - 1
    for find in [*found.finds[:3], *([found.higher] if found.higher else [])]:
        shown = find.text if len(find.text) <= 300 else find.text[:300] + " …"
        head = "the highest total" if find is found.higher else "a short one"
        lines.append(f"  {find.total:.2f} ({head}), also on {find.holds} of the {others} other prompts attacked:")
        lines += [f"    | {line}" for line in shown.splitlines()]
    return "\n".join(lines)
