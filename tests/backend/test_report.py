"""Two stored evaluations compared: the numbers, the reports as files, and the terminal."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from backend.errors import UserError
from backend.evaluation.changes import word_changes
from backend.evaluation.report import as_csv, as_html, as_markdown
from backend.evaluation.settings import ComparisonSettings
from backend.evaluation.stored import Compared, base_and_tuned, compare_stored, find_evaluation, note_of, why
from backend.settings import ROOT
from backend.store.engine import reading, writing
from backend.store.tables import Completion, Evaluation, Run, Score
from tests.recorded import RUN_ID


@pytest.fixture
def compared(example_workbench: Path) -> Compared:
    with reading() as session:
        pair = base_and_tuned(session, RUN_ID)
        assert pair is not None
        return compare_stored(session, *pair)


@pytest.mark.slow
def test_a_stored_comparison_is_of_the_evaluations_own_rules(compared: Compared) -> None:
    """Scores of the same completions under another profile, as a second audit leaves them, change nothing."""
    with writing() as session:
        for completion in session.query(Completion).filter_by(evaluation_id=compared.base.id):
            session.add(
                Score(completion_id=completion.id, profile="v4.0", component="total", value=1.0, fingerprint="x")
            )
    with reading() as session:
        again = compare_stored(session, compared.base, compared.tuned)
    assert again.tasks == compared.tasks


def test_a_comparison_is_judged_by_what_its_run_fixed_beforehand(compared: Compared) -> None:
    assert compared.settings == ComparisonSettings()
    with writing() as session:
        run = session.get_one(Run, RUN_ID)
        run.config = {**run.config, "comparison": {"alpha": 1e-30, "margin": 0.9}}
    with reading() as session:
        again = compare_stored(session, compared.base, compared.tuned)
    assert again.settings == ComparisonSettings(alpha=1e-30, margin=0.9)
    assert {c.verdict for c in again.tasks} == {"no detectable change"}
    assert "α = 1e-30" in as_markdown(again, "x")


def test_the_lengths_of_both_answers_stand_beside_their_rewards(compared: Compared) -> None:
    pair, texts = compared.paired.iloc[0], compared.texts.set_index("prompt_id")
    assert pair["base_length"] == len(texts.loc[pair["prompt_id"], "base"])
    assert pair["tuned_length"] == len(texts.loc[pair["prompt_id"], "tuned"])


def test_other_rules_and_other_prompts_are_refused(compared: Compared) -> None:
    with writing() as session:
        session.add(Evaluation(id="x", run_id=None, label="base", step=0, policy="nano", profile="v4.0"))
        session.add(Evaluation(id="y", run_id=None, label="base", step=0, policy="nano", profile=compared.profile))
    with reading() as session:
        with pytest.raises(UserError, match=r"under v4\.0"):
            compare_stored(session, find_evaluation(session, "x"), compared.tuned)
        with pytest.raises(UserError, match="share no prompt"):
            compare_stored(session, find_evaluation(session, "y"), compared.tuned)
        with pytest.raises(UserError, match="no evaluation and no run"):
            find_evaluation(session, "nobody")


def test_why_names_the_components_that_moved_most(compared: Compared) -> None:
    rows = compared.components[compared.components["task"] == "extraction"]
    top = rows.loc[rows["delta"].abs().idxmax(), "component"]
    words = why(compared.components, "extraction")
    assert words is not None and str(words).startswith(f"Extraction moved through {top} ")
    assert why(compared.components, "extraction", least=2) is None


@pytest.mark.slow
def test_the_html_report_stands_alone_and_runs_nothing(compared: Compared) -> None:
    evil = "<script>alert(1)</script> & <img src=x onerror=alert(2)>"
    texts = compared.texts.assign(tuned=evil)
    report = as_html(Compared(**{**vars(compared), "texts": texts}), f"Run {evil}", facts=[("Cost", "$ 0.10")])
    assert "<script" not in report and "<img" not in report and "&lt;script&gt;" in report
    assert "<svg" in report and "Extraction" in report and "$ 0.10" in report
    assert "http://" not in report.replace("http://www.w3.org/", "") and "https://" not in report
    portuguese = as_html(compared, "Treino", lang="pt")
    assert 'lang="pt"' in portuguese and "veredito" in portuguese and "0,7" in portuguese


def test_the_html_report_opens_with_the_finding_and_names_no_component(compared: Compared) -> None:
    report = as_html(compared, "nano")
    body = report[report.index("<body>") :]
    assert body.index("<h1>The reward rose in 4 of 4 tasks") < body.index("<svg") < body.index("<h2>")
    assert "prefers-color-scheme: dark" in report
    assert not [name for name in compared.components["component"].unique() if "_" in name and name in body]


def test_csv_and_markdown_carry_the_same_numbers(compared: Compared) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(compared.tasks))))
    assert [float(r["delta"]) for r in rows] == [c.delta for c in compared.tasks]
    markdown = as_markdown(compared, "nano")
    for c in compared.tasks:
        assert f"| {c.n} | {c.base:.2f} | {c.tuned:.2f} | {c.delta:+.2f} |" in markdown


@pytest.mark.parametrize("is_example", [True, False])
def test_a_report_that_is_passed_on_says_that_its_readers_were_no_people(compared: Compared, is_example: bool) -> None:
    with writing() as session:
        session.get_one(Run, RUN_ID).is_example = is_example
    with reading() as session:
        note = note_of(session, compared)
    for text in (as_html(compared, "nano", note=note), as_markdown(compared, "nano", note=note)):
        assert ("readings by a language model, not by people" in text) == is_example


def test_word_changes_give_both_texts_back() -> None:
    before, after = 'Frete grátis: "hoje", 50%!\nCorra', 'Frete caro: "hoje", 60%!\nCorra já'
    pieces = word_changes(before, after)
    assert "".join(x for kind, x in pieces if kind != "added") == before
    assert "".join(x for kind, x in pieces if kind != "removed") == after
    assert [x.strip() for kind, x in pieces if kind == "added"] == ["caro", "60", "Corra já"]
    assert word_changes("sim", "") == [("removed", "sim")]
    assert word_changes("a " * 9000, "b") == [("removed", "a " * 9000), ("added", "b")]


@pytest.mark.slow
def test_the_terminal_compares_and_writes(compared: Compared, workbench: Path) -> None:
    files = {suffix: workbench / f"report.{suffix}" for suffix in ("html", "csv", "md")}
    command = [sys.executable, "-m", "backend.evaluation", "compare", RUN_ID, "--html", str(files["html"]),
               "--csv", str(files["csv"]), "--markdown", str(files["md"])]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "the answers did not get better" in done.stdout and "Next:" in done.stdout
    assert all(file.stat().st_size > 300 for file in files.values())
    unknown = [sys.executable, "-m", "backend.evaluation", "compare", "nobody"]
    done = subprocess.run(unknown, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2 and "evaluations list" in done.stderr


def test_why_names_no_component_whose_interval_holds_0(compared: Compared) -> None:
    rows = compared.components[compared.components["task"] == "extraction"]
    assert (rows["low"] <= rows["delta"]).all() and (rows["delta"] <= rows["high"]).all()
    unsure = compared.components.assign(low=-1.0, high=1.0)
    assert why(unsure, "extraction") is None
