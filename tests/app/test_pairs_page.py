"""Compare: choose, undo, and nothing of the reward or the model on the page."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.screens import __path__ as screens
from backend.store.engine import reading
from backend.store.tables import PairRating
from tests.backend.test_pairs import queued


@pytest.fixture
def page(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr("backend.release.start.first_start", lambda: None)
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    queued(2, 2)
    page = AppTest.from_file(str(Path(screens[0]) / "pairs.py"), default_timeout=60)
    page.session_state["rater"] = "Ana"
    return page.run()


def choices() -> list[tuple[int, int, int]]:
    with reading() as session:
        query = select(PairRating.first_id, PairRating.second_id, PairRating.better).order_by(PairRating.id)
        return [tuple(row) for row in session.execute(query)]


def press(page: AppTest, key: str) -> None:
    page.session_state["pair_shown_at"] = time.time() - 2
    page.button(key=key).click().run()
    assert not page.exception


def test_a_choice_is_stored_and_the_next_pair_shown(page: AppTest) -> None:
    left, right = page.session_state["pair"]
    press(page, "choice_2")
    (row,) = choices()
    assert row == (min(left, right), max(left, right), 2 if left < right else 1)
    assert page.session_state["pair"] != (left, right)
    press(page, "undo_pair")
    assert choices() == [] and page.session_state["pair"] == (left, right)
    press(page, "choice_0")
    press(page, "choice_1")
    assert len(choices()) == 2
    assert "no pair left" in page.success[0].value
    words = " ".join(str(e.value) for e in [*page.markdown, *page.caption, *page.code])
    assert "nano" not in words


def test_a_key_held_down_chooses_nothing(page: AppTest) -> None:
    page.session_state["pair_shown_at"] = time.time() + 60
    page.button(key="choice_1").click().run()
    assert choices() == []
