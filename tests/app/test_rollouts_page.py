"""Runs shows what a run sampled: groups with their advantages, a list, and a search."""

from pathlib import Path

import pytest

from backend.data.rollouts import Rollouts
from tests.app.test_pages import add_run, empty, run_page, words_of

__all__ = ["empty"]


@pytest.fixture
def folder(empty: Path) -> Path:
    made = empty / "runs" / "r1"
    rollouts = Rollouts(made, 1.0, 10**8)
    for step in (1, 2):
        texts = [f"Oferta {step} {i}! Corra" for i in range(4)]
        rewards = [0.5, 1.0, 0.5, 0.5]
        rollouts.add(
            step,
            {"prompt": ["p"] * 4, "completion": texts, "push/length": rewards, "shadow/v4.0": [0.25] * 4,
             "prompt_id": ["a", "a", "b", "b"], "task": ["push"] * 4, "reward": rewards, "advantage": [-1.0, 1.0, 0.0, 0.0]},
        )  # fmt: skip
    add_run(made, "finished", "all 2 steps")
    return made


@pytest.mark.parametrize(("lang", "advantage", "watches"), [("en", "advantage +1.00", "only watches"), ("pt", "vantagem +1,00", "só observa")])  # fmt: skip
def test_a_group_stands_side_by_side_with_its_advantages(folder: Path, lang: str, advantage: str, watches: str) -> None:
    page = run_page("runs", lang=lang)
    assert not page.exception
    words = words_of(page)
    assert advantage in words and watches in words
    assert len([m for m in page.markdown if advantage.split(maxsplit=1)[0] in str(m.value)]) == 2


def test_a_group_of_equal_rewards_is_said_to_teach_nothing(folder: Path) -> None:
    page = run_page("runs", lang="en")
    page.selectbox(key="rollout_prompt_r1").set_value("b").run()
    assert not page.exception and "this group teaches nothing" in words_of(page)


def test_a_search_over_all_steps_lists_what_holds_the_text(folder: Path) -> None:
    page = run_page("runs", lang="en")
    page.text_input(key="rollout_text_r1").set_value("oferta 1").run()
    page.toggle(key="rollout_all_r1").set_value(True).run()
    assert not page.exception
    (table,) = [frame.value for frame in page.dataframe if "advantage" in frame.value]
    assert set(table["step"]) == {1} and len(table) == 4
    page.text_input(key="rollout_text_r1").set_value("nowhere").run()
    assert "No completion holds that text" in words_of(page)
