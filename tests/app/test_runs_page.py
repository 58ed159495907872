"""Runs: what differs between runs, the watch table in words, and nothing promised to a run that has ended."""

from pathlib import Path

import pandas as pd
import pytest

from app.ui.language import change_words
from backend.charts.base import value_scale
from backend.charts.runs import metric_line, task_curves
from backend.files import write_json
from backend.store.engine import writing
from backend.store.tables import Run
from tests.app.test_pages import add_run, run_page, words_of


@pytest.fixture
def example(example_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    return example_workbench


def test_runs_are_compared_by_what_differs(example: Path) -> None:
    add_run(example / "other", status="finished", reason="")
    with writing() as session:
        config = session.get_one(Run, "example").config
        changes = {"max_steps": config["max_steps"] + 7, "name": "other", "tasks": ["push"]}
        session.get_one(Run, "other").config = {**config, **changes}
    page = run_page("runs", lang="pt", runs=["example", "other"])
    table = next(frame.value for frame in page.dataframe if "field" in frame.value)
    assert list(table["field"]) == ["tasks", "Passos"], "nothing that is alike, and the page's names"
    steps = table.set_index("field").loc["Passos"].to_dict()
    assert steps == {"nano under v4.2.1 (example)": str(config["max_steps"]), "r": str(config["max_steps"] + 7)}


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "none", "fired"), [
    ("en", "Watch table: none of", "gradient norm above 2.0: **warned**: grad-norm at step 3"),
    ("pt", "Tabela de vigia, regras que dispararam durante o treino: 0 de", "norma do gradiente acima de 2,0: **avisou**: grad-norm no passo 3"),
])  # fmt: skip
def test_the_watch_tables_state_is_in_words(
    example: Path, tmp_path: Path, lang: str, none: str, fired: str
) -> None:  # fmt: skip
    page = run_page("runs", lang=lang)
    assert any(box.label.startswith(none) for box in page.expander)
    what = "grad-norm at step 3: gradient norm above 2.0 (grad_norm 2.50)"
    with writing() as session:
        session.get_one(Run, "example").folder = str(tmp_path)
    write_json(tmp_path / "watch.json", [{"rule": "grad-norm", "action": "warn", "step": 3, "what": what}])
    page = run_page("runs", lang=lang)
    assert fired in words_of(page)
    assert ("did not fire" if lang == "en" else "não disparou") in words_of(page)


def test_a_failed_run_is_not_promised_numbers(example: Path) -> None:
    add_run(example / "gone", status="failed", reason="killed")
    words = words_of(run_page("runs", lang="en", runs=["gone"]))
    assert "No numbers yet" not in words and "it ended before" in words


@pytest.mark.parametrize(
    ("values", "words"), [([0.781, 0.776], "0.78, as at first"), ([0.5], "0.50"), ([0.2, 0.4], "0.20 → 0.40")]
)
def test_what_has_not_changed_is_not_drawn_as_a_change(values: list[float], words: str) -> None:
    assert change_words(pd.Series(values)) == words


def test_charts_have_round_ends_and_few_digits() -> None:
    alike = pd.Series([0.51125, 0.51126])
    low, high = value_scale(alike).domain
    assert low < alike.min() and high > alike.max() and high - low >= 0.019
    assert value_scale(pd.Series([3.0, 4.0]), from_zero=True).domain[0] == 0
    points = pd.DataFrame({"step": [1, 2], "value": alike, "run": "a", "task": "push"})
    for chart in (metric_line(points, "x"), task_curves(points, "x")):
        line = next(layer for layer in chart.to_dict()["layer"] if "y" in layer["encoding"])["encoding"]
        assert line["y"]["axis"]["format"] == ".3~r" and line["x"]["axis"]["labelFlush"] is False
