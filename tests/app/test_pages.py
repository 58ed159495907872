"""Every page through AppTest: on an empty store, on the recorded example, and doing what it is for."""

import json
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.screens import __path__ as screens
from backend.example import load_example
from backend.store.engine import reading, writing
from backend.store.prompts import save_prompts
from backend.store.tables import Rating, Run

PAGES = sorted(p.stem for p in Path(screens[0]).glob("*.py") if p.stem != "__init__")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def empty(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("backend.example.first_start", lambda: None)
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    return workbench


@pytest.fixture
def example(empty: Path) -> Path:
    load_example()
    return empty


def run_page(name: str, **session: object) -> AppTest:
    page = AppTest.from_file(str(ROOT / "app" / "screens" / f"{name}.py"), default_timeout=60)
    for key, value in session.items():
        page.session_state[key] = value
    return page.run()


def add_run(folder: Path, status: str, reason: str, name: str = "r") -> None:
    """A run in the store that ended as told."""
    with writing() as session:
        session.add(
            Run(
                id=folder.name, name=name, preset="nano", config={"max_steps": 5}, seed=1, folder=str(folder),
                status=status, reason=reason, profile="v4.2.1", fingerprint="x",
            )
        )  # fmt: skip


def words_of(page: AppTest) -> str:
    found = [*page.markdown, *page.caption, *page.title, *page.info, *page.success, *page.error, *page.subheader]
    return "\n".join(str(element.value) for element in found)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("lang", ["en", "pt"])
def test_a_page_opens_on_an_empty_store_and_says_what_to_do(empty: Path, name: str, lang: str) -> None:
    page = run_page(name, lang=lang)
    assert not page.exception
    assert words_of(page)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("lang", ["en", "pt"])
def test_a_page_opens_on_the_example(example: Path, name: str, lang: str) -> None:
    page = run_page(name, lang=lang, rater="Ana")
    assert not page.exception


def test_results_open_with_one_sentence_and_the_verdicts(example: Path) -> None:
    page = run_page("results")
    recorded = json.loads((ROOT / "examples/nano-run/comparison_base_vs_tuned.json").read_text())
    sentence = next(m.value for m in page.markdown if m.value.startswith("####"))
    for task in recorded["tasks"]:
        if task["task"] != "overall" and task["verdict"] in ("improved", "regressed"):
            assert f"{task['verdict']} by {abs(task['delta']):.2f}" in sentence
    table = page.dataframe[0].value
    assert list(table["n"]) == [t["n"] for t in recorded["tasks"]]
    assert "Recorded example" in words_of(page)


def test_results_in_portuguese_write_numbers_the_brazilian_way(example: Path) -> None:
    sentence = next(m.value for m in run_page("results", lang="pt").markdown if m.value.startswith("####"))
    assert "0," in sentence and "0." not in sentence


def test_the_audit_shows_a_rho_per_task_with_n(example: Path) -> None:
    page = run_page("audit")
    rhos = [m.value for m in page.markdown if "ρ" in m.value and m.value.startswith("###")]
    assert len(rhos) == 4
    assert any("n = 38" in c.value for c in page.caption)


def test_annotate_saves_at_once_moves_on_and_takes_back(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    first = page.session_state["item"]
    time.sleep(0.5)  # an item must have been on screen for a moment
    page.button(key="score_4").click().run()
    assert page.session_state["item"] != first
    with reading() as session:
        rating = session.scalars(select(Rating).where(Rating.completion_id == first).order_by(Rating.id.desc())).first()
        assert rating is not None and rating.score == 4
    page.button(key="undo").click().run()
    assert page.session_state["item"] == first
    with reading() as session:
        assert session.scalars(select(Rating).where(Rating.id == rating.id)).first() is None


def test_a_held_key_rates_nothing_unseen(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    first = page.session_state["item"]
    page.session_state["shown_at"] = time.time() + 5
    page.button(key="score_1").click().run()
    assert page.session_state["item"] == first


def test_annotate_is_blind(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    assert "nano" not in words_of(page)
    assert not page.dataframe


@pytest.mark.parametrize(
    "text",
    [
        "x" * 20_000,
        "<script>alert(1)</script> <img src=x onerror=alert(1)>",
        "\u202eright to left \u0645\u0631\u062d\u0628\u0627 🎁" * 50,
        "# broken [markdown](( ``` ![i](http://example.invalid/i.png) $x_{",
        '{"a":' * 40 + "1" + "}" * 40,
        "",
        "\u200b",
    ],
)
def test_awkward_completions_are_shown_and_never_as_html(empty: Path, text: str) -> None:
    from backend.models.generate import Completion, Sampling
    from backend.store.completions import save_completions
    from tests.backend.test_store import prompt

    for task in ("extraction", "sql_qa", "insights", "push"):
        record = prompt(1, task)
        with writing() as session:
            save_prompts(session, [record])
            (item,) = save_completions(session, [record.id], [[Completion(text, 1, True)]], "nano", Sampling())
        page = run_page("annotate", rater="D'Ávila", item=item, rater_known=None, shown_at=0.0)
        assert not page.exception
        assert not any(m.allow_html for m in page.markdown)
        assert not any("![i]" in m.value for m in page.markdown)


def test_a_failed_run_says_why(empty: Path) -> None:
    add_run(empty / "gone", name="it's dead", status="failed", reason="OutOfMemoryError: CUDA out of memory")
    for name in ("runs", "results"):
        page = run_page(name)
        assert not page.exception
        assert any("OutOfMemoryError" in c.value for c in page.code)


def test_rules_that_fired_are_shown_with_the_run(empty: Path) -> None:
    (empty / "r").mkdir()
    fired = [{"rule": "ceiling", "action": "stop", "step": 20, "what": "ceiling at step 20: too long"}]
    (empty / "r" / "watch.json").write_text(json.dumps(fired))
    add_run(empty / "r", status="stopped", reason="stopped by the rule ceiling")
    assert any("ceiling at step 20" in e.value for e in run_page("runs").error)


def test_train_refuses_what_is_out_of_range_with_the_reason(empty: Path) -> None:
    page = run_page("train")
    page.text_area(key="other_fields").set_value("learning_rate=7").run()
    assert any("Allowed: number > 0 and <= 0.1" in e.value for e in page.error)
    assert all(b.disabled for b in page.button if b.label == "Launch")


def test_the_app_opens_on_start_with_every_page_in_its_navigation(example: Path) -> None:
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()
    assert not page.exception
    assert page.title[0].value == "Reward Workbench"
    listed = (ROOT / "app" / "pages.py").read_text()
    assert all(f'page("{name}")' in listed for name in PAGES)
