"""Every page that shows a number of a run says which prompts it is on; the pages of prompts count three splits."""

from pathlib import Path

import pytest

from backend.records import PromptRecord
from backend.store.engine import writing
from backend.store.prompts import save_prompt_set
from tests.app.test_pages import run_page, words_of


@pytest.fixture
def example(example_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("backend.release.start.first_start", lambda: None)
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    return example_workbench


@pytest.mark.slow
def test_runs_and_results_name_their_prompts(example: Path) -> None:
    """One step has two numbers where it was evaluated twice: each page says on what."""
    runs = words_of(run_page("runs", runs=["example"]))
    assert (
        "The curve is on 65 eval prompts, 1 answer each. Tuned on Results is the best step, answered once more" in runs
    )
    results = words_of(run_page("results", result_run="example"))
    assert "65 eval prompts, 1 answer each" in results and "Chosen on these prompts" in results
    assert "cannot be told apart" in results
    assert "A curva está em 65 prompts de avaliação, 1 resposta cada." in words_of(
        run_page("runs", runs=["example"], lang="pt")
    )
    assert "Escolhido nestes prompts" in words_of(run_page("results", result_run="example", lang="pt"))


def test_two_steps_compared_by_eye_carry_the_same_words(example: Path) -> None:
    page = run_page("results", compare="two", first="example:base-00000", second="example:step-00040")
    assert "Chosen on these prompts" in words_of(page)


@pytest.mark.slow
def test_the_pages_of_prompts_count_three_splits(example: Path, prompts: list[PromptRecord]) -> None:
    with writing() as session:
        set_id, _ = save_prompt_set(session, prompts, "three splits")
    words = words_of(run_page("data", prompt_set=set_id))
    assert "1480 train, 65 eval and 130 test prompts" in words
    train = words_of(run_page("train"))
    assert "prompts, train + eval + test: Extraction 592 + 20 + 20 · SQL Q&A 592 + 15 + 15" in train
