"""Compare evaluations from a terminal.

workbench evaluations list                                  # every evaluation's id
workbench evaluations compare RUN                           # a run's base against its tuned model
workbench evaluations compare A B --html report.html        # any two: ids of evaluations, or of runs (their tuned)
workbench evaluations compare A B --csv t.csv --markdown pr.md
workbench evaluations benchmark RUN --tasks assin2_rte --limit 200   # general ability, by lm-eval
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import Commands, answer
from backend.evaluation.external import PORTUGUESE, benchmark
from backend.evaluation.findings import evidence_sentence
from backend.evaluation.next_step import next_step
from backend.evaluation.report import as_csv, as_html, as_markdown
from backend.evaluation.stored import compare_stored, find_evaluation, name_of, note_of, why
from backend.evaluation.words import (
    balanced_words,
    chosen_words,
    comparison_table,
    length_words,
    not_worse_words,
    on_prompts,
)
from backend.files import write_whole
from backend.settings import listed
from backend.store.engine import reading
from backend.store.evaluations import all_evaluations
from backend.store.runs import run_folder
from backend.training.config import config_from_json

app = Commands(help=__doc__, no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Every evaluation: id, label, profile, policy."""
    with reading() as session:
        found = all_evaluations(session)
    for e in found:
        typer.echo(f"{e.id:<44}{name_of(e).en:<24}{e.profile:<10}{e.policy}")
    fields = ("id", "run_id", "label", "split", "step", "policy", "profile", "created_at")
    answer([{name: getattr(e, name) for name in fields} for e in found])


@app.command("compare")
def compare_(
    a: Annotated[str, typer.Argument(help="An evaluation's id, or a run's.")],
    b: Annotated[str, typer.Argument(help="What is held against it; left out: the run's own tuned model.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the numbers to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a summary for a pull request to this file.")] = None,
    lang: Annotated[str, typer.Option(help="en or pt, for the report.")] = "en",
) -> None:
    """Print the verdicts, and write what is asked for."""
    with reading() as session:
        base = find_evaluation(session, a, "tuned" if b else "base")
        tuned = find_evaluation(session, b or a, "tuned")
        compared = compare_stored(session, base, tuned)
        note = note_of(session, compared)
    title = f"{name_of(base)} → {name_of(tuned)}"
    typer.echo(comparison_table(compared.tasks))
    typer.echo(f"\n{on_prompts(compared)}. {chosen_words(compared) or ''}".rstrip())
    sentence = str(evidence_sentence(compared.evidence))
    following = str(next_step(compared.tasks, compared.evidence, compared.steps).what)
    typer.echo(f"{sentence}\nNext: {following}")
    for words in (not_worse_words(compared.tasks, compared.settings), balanced_words(compared.tasks)):
        if words is not None:
            typer.echo(str(words))
    for task in compared.paired["task"].unique():
        if words := why(compared.components, str(task)):
            typer.echo(f"  {words}")
    for words in length_words(compared.paired):
        typer.echo(f"  {words}")
    if compared.left_out:
        typer.echo(f"{compared.left_out} prompts that only one of the two has were left out")
    for path, text in (
        (html, lambda: as_html(compared, title, lang=lang, note=note)),
        (csv, lambda: as_csv(compared.tasks)),
        (markdown, lambda: as_markdown(compared, title, lang, note)),
    ):
        if path is not None:
            write_whole(path, text())
            typer.echo(f"wrote {path}")
    tasks = [asdict(c) for c in compared.tasks]
    numbers = {"base": base.id, "tuned": tuned.id, "profile": compared.profile, "left_out": compared.left_out}
    answer({**numbers, "sentence": sentence, "next": following, "tasks": tasks})


@app.command("benchmark")
def benchmark_(
    run: str,
    tasks: Annotated[str, typer.Option(help="lm-eval's names, comma-separated.")] = ",".join(PORTUGUESE),
    limit: Annotated[int | None, typer.Option(min=1, help="Documents per task at most.")] = None,
    few_shot: Annotated[int, typer.Option(min=0)] = 0,
    tasks_dir: Annotated[Path | None, typer.Option(help="A folder with tasks of your own.")] = None,
) -> None:
    """Run lm-eval on a run's base and tuned model; the result stands on its Results page."""
    folder = run_folder(run)
    config = config_from_json((folder / "config.json").read_text(encoding="utf-8"))
    found = benchmark(folder, config, listed(tasks), limit, few_shot, tasks_dir)
    typer.echo(comparison_table(found.tasks))
    typer.echo(f"wrote {folder / 'external.json'}")
    answer({"run": run, "file": folder / "external.json", "tasks": [asdict(c) for c in found.tasks]})
