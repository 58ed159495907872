"""Criteria on Annotate, and what the audit's page says of them and of refitted weights."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.screens import __path__ as screens
from backend.rating.queue import claim_for, save_for_raters
from backend.rating.ratings import save_rating
from backend.records import Completion, Message, PromptRecord, Sampling
from backend.store.engine import StoreAway, reading, writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import CriterionScore, Rating


@pytest.fixture
def items(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Three completions of a task with criteria, before the raters."""
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    asked = PromptRecord(task="push", messages=(Message(role="user", content="Crie um push"),))
    with writing() as session:
        save_prompts(session, [asked])
        groups = [[Completion(text, 5, False) for text in ("Volte! 10% hoje", "Oi", "Frete grátis")]]
        return save_for_raters(session, [asked.id], groups, "nano", Sampling())


def opened(**state: object) -> AppTest:
    page = AppTest.from_file(str(Path(screens[0]) / "annotate.py"), default_timeout=60)
    for key, value in {"rater": "Ana", **state}.items():
        page.session_state[key] = value
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, name: str) -> None:
    """The button whose key begins so: those of an item carry a name of its own."""
    next(b for b in page.button if str(b.key).startswith(name)).click().run()
    assert not page.exception


def scores() -> dict[tuple[int, str], int]:
    with reading() as session:
        query = select(CriterionScore.completion_id, CriterionScore.criterion, CriterionScore.value)
        return {(row[0], row[1]): row[2] for row in session.execute(query)}


@pytest.mark.slow
def test_a_criterions_key_goes_through_its_scores_and_each_is_saved_at_once(items: list[int]) -> None:
    page = opened()
    item = page.session_state["item"]
    for value, words in ((2, "met"), (1, "in part"), (0, "not met")):
        press(page, "criterion_brief")
        assert scores() == {(item, "brief"): value}
        assert f"On the brief: {words}" in [b.label for b in page.button]
    press(page, "criterion_brief")
    assert scores() == {}
    assert "On the brief" in [b.label for b in page.button]
    assert page.session_state["item"] == item


@pytest.mark.slow
def test_criteria_are_there_again_when_the_page_is_left_and_when_a_score_is_taken_back(items: list[int]) -> None:
    page = opened()
    item = page.session_state["item"]
    press(page, "criterion_brief")
    press(page, "criterion_language")
    again = opened()
    assert again.session_state["item"] == item
    assert again.session_state["criteria"] == {"brief": 2, "language": 2}
    time.sleep(0.45)
    again.button(key="score_4").click().run()
    assert again.session_state["item"] != item
    assert again.session_state["criteria"] == {}
    again.button(key="undo").click().run()
    assert again.session_state["item"] == item
    assert again.session_state["criteria"] == {"brief": 2, "language": 2}


def test_a_score_alone_is_one_key_as_before(items: list[int]) -> None:
    page = opened()
    item = page.session_state["item"]
    time.sleep(0.45)
    page.button(key="score_5").click().run()
    assert page.session_state["item"] != item
    assert scores() == {}
    with reading() as session:
        assert session.scalars(select(Rating.score)).all() == [5.0]


def test_what_the_store_did_not_take_is_not_shown_as_chosen(items: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened()

    def away(*_: object) -> None:
        raise StoreAway("The database does not answer.")

    monkeypatch.setattr("app.ui.rating_steps.save_criterion", away)
    press(page, "criterion_brief")
    assert page.session_state["criteria"] == {}
    assert "does not answer" in page.warning[0].value


def test_a_hidden_repeat_looks_like_any_other(items: list[int]) -> None:
    page = opened()
    item = page.session_state["item"]
    press(page, "criterion_brief")
    with writing() as session:
        ana = get_rater(session, "Ana").id
        save_rating(session, item, ana, score=3)
        claim_for(session, item, ana, is_repeat=True)
    again = opened()
    assert again.session_state["item"] == item
    assert again.session_state["criteria"] == {}
    press(again, "criterion_inviting")
    assert again.session_state["criteria"] == {"inviting": 2}
    assert scores() == {(item, "brief"): 2}


@pytest.mark.parametrize("lang, words", [("en", "On the brief"), ("pt", "No pedido")])
def test_criteria_are_named_in_both_languages_and_not_asked_while_skipping(
    items: list[int], lang: str, words: str
) -> None:
    page = opened(lang=lang)
    assert words in [b.label for b in page.button]
    page.button(key="skip").click().run()
    assert words not in [b.label for b in page.button]


def draw() -> None:
    from app.ui.audit_data import load
    from app.ui.audit_rubrics import show_rubrics

    show_rubrics(load("v4.2.1")[0])


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_the_audit_shows_each_component_with_each_criterion(items: list[int], lang: str) -> None:
    from backend.rating.criteria import save_criterion

    with writing() as session:
        for name in ("Ana", "Bob"):
            rater = get_rater(session, name).id
            for item, value in zip(items, (2, 0, 1), strict=True):
                save_rating(session, item, rater, score=1 + 2 * value, imported=True)
                save_criterion(session, item, rater, "brief", value)
    page = AppTest.from_function(draw, default_timeout=60)
    page.session_state["lang"] = lang
    page.run()
    assert not page.exception
    table = page.dataframe[0].value
    assert list(table.columns) == ["On the brief (n = 3)" if lang == "en" else "No pedido (n = 3)"]
    assert table.index[0] == "total" and len(table) > 3
    words = " ".join(str(e.value) for e in [*page.markdown, *page.caption])
    assert ("20 rated completions" if lang == "en" else "20 respostas avaliadas") in words
    assert not page.get("download_button")
