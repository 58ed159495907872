"""Audit one's own reward functions on one's own completions.

workbench audit my_rewards.py completions.parquet --ratings ratings.csv
workbench audit my_rewards.py completions.jsonl --card card.html --card card.json
workbench audit my_rewards.py completions.jsonl --json      # for a CI: 0 pass, 1 a gate fails, 3 more ratings needed
"""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.commands.own import CompletionColumn, OwnRewards, PromptColumn, TaskColumn, progress
from backend.suites.choice import use_suite

app = Commands(add_completion=False)


@app.command()
def audit(
    rewards: OwnRewards,
    completions: Annotated[Path, typer.Argument(help="JSONL, CSV, Parquet, an Inspect log, …; see docs/your-own.md.")],
    ratings: Annotated[Path | None, typer.Option(help="Rows of id, rater and score.")] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Rows of first, second (ids), rater and better: 1, 2 or 0.")
    ] = None,
    judge_checks: Annotated[
        int,
        typer.Option(
            min=0, help="Pairs and repeats that each judge is asked for, for its biases; 0 asks nothing more."
        ),
    ] = 30,
    everything: Annotated[
        bool, typer.Option(help="Score completions that nobody rated too, for a judge's mean.")
    ] = False,
    to_raters: Annotated[
        int, typer.Option(min=0, help="Completions that a judge gets most wrong, to be put before raters first.")
    ] = 0,
    card: Annotated[
        list[Path] | None,
        typer.Option(help="Write an audit card: a file ending in .html, .md or .json; may be repeated."),
    ] = None,
    attack_calls: Annotated[
        int | None,
        typer.Option(min=0, help="Calls of the card's attack; 2000 where left out, none where a judge counts."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the audit to this file, as one HTML page.")] = None,
    prompt_column: PromptColumn = "",
    completion_column: CompletionColumn = "",
    task_column: TaskColumn = "task",
) -> None:
    """Spearman's ρ of every reward with the people who rated, and whether each task's reward may be trained on.

    Exit code: 0 every gate passes, 1 one fails, 2 an error, 3 more ratings are needed.
    """
    suite = use_suite(rewards)
    from backend.audit.card import audit_card, check_suffix, write_card
    from backend.audit.choices import read_choices, take_choices
    from backend.audit.own import Given, as_table, audit_own, exit_code, read_scores, take_criteria, take_scores
    from backend.data.completions import import_completions
    from backend.data.sources.layout import Layout
    from backend.rating.first import put_first
    from backend.store.engine import reading, writing
    from backend.store.imported import ids_of_keys

    for path in card or []:
        check_suffix(path)
    layout = Layout(prompt_column, completion_column, task_column)
    with progress(f"reading {completions}") as console:
        taken = import_completions(completions, layout)
        console.print(f"{taken.rows} completions, {taken.new} of them new to the store", highlight=False)
        given = read_scores(ratings, taken) if ratings is not None else Given()
        choices = read_choices(pairs, taken) if pairs is not None else []
    with progress("auditing") as console, writing() as session:
        take_scores(session, taken, given.ratings)
        take_criteria(session, taken, given.criteria)
        take_choices(session, choices)
        found = audit_own(session, suite, taken, "workbench audit", judge_checks, everything)
        if to_raters:
            worst = [i for task in found["tasks"] for judge in task["judges"] for i in judge["most_wrong"][:to_raters]]
            console.print(f"{put_first(session, worst)} completions go to raters first", highlight=False)
    if card:
        with progress("writing the card"), reading() as session:
            made = audit_card(session, suite, found, list(ids_of_keys(session, taken.keys).values()), attack_calls)
            for path in card:
                write_card(made, path)
    if html is not None:
        from backend.audit.page import as_html
        from backend.files import write_whole

        write_whole(html, as_html(found))
    typer.echo(as_table(found))
    answer(found)
    raise typer.Exit(exit_code(found["tasks"]))
