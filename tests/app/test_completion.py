"""How a completion is drawn: a query without a fence is code too."""

import pytest
from streamlit.testing.v1 import AppTest

from app.ui.completion import with_fences
from rewards.types import Functions, Task


@pytest.mark.parametrize(("text", "code"), [
    ("SELECT a FROM b WHERE c = '2017-06' AND cus", "SELECT a FROM b WHERE c = '2017-06' AND cus"),  # cut by its length
    ("O total foi 5.\nSELECT a\nFROM b\nWHERE c = 1\n  AND d = 2\nIsso mostra.", "SELECT a\nFROM b\nWHERE c = 1\n  AND d = 2"),
    ("SELECT a FROM b; O resultado é 3.", "SELECT a FROM b;"),
    ("WITH x AS (\n  SELECT 1 FROM y\n)\nSELECT * FROM x\n\nFim", "WITH x AS (\n  SELECT 1 FROM y\n)\nSELECT * FROM x"),
])  # fmt: skip
def test_a_query_without_a_fence_gets_one(text: str, code: str) -> None:
    before, after = text.split(code)
    assert with_fences(text) == f"{before}\n```sql\n{code}\n```\n{after}"


def test_a_fence_that_was_only_closed_is_opened_before_the_query() -> None:
    assert with_fences("Veja:\nSELECT a FROM b;\n```\nSão 3.") == "Veja:\n```sql\nSELECT a FROM b;\n```\nSão 3."


@pytest.mark.parametrize("text", [
    "Select the best from these.", "```sql\nSELECT a FROM b\n```", "Veja:\n```sql\nSELECT a FROM b", "Use SELECT a FROM b aqui.", "SELECT nada",
    "SELECT\n" * 2_800,
])  # fmt: skip
def test_other_text_stays_as_it_is(text: str) -> None:
    assert with_fences(text) == text


def test_a_prompt_of_several_turns_is_shown_whole_and_the_tasks_own_instructions_are_not() -> None:
    def draw() -> None:
        from app.ui.completion import show_chat
        from backend.suites import get_task

        usual = {"role": "system", "content": get_task("push").system_prompt}
        show_chat("push", [usual, {"role": "user", "content": "only this"}])
        show_chat("push", [{"role": "system", "content": "answer in JSON"}, {"role": "user", "content": "hello"}])
        turns = [{"role": role, "content": f"turn {i}"} for i, role in enumerate(("user", "assistant", "user", "tool"))]
        show_chat("push", turns)

    page = AppTest.from_function(draw, default_timeout=30).run()
    assert not page.exception
    assert [c.value for c in page.code] == ["only this", "answer in JSON", "hello", *(f"turn {i}" for i in range(4))]
    said = [c.value for c in page.caption]
    assert said == ["Instructions to the model", "User", "User", "The model, before", "User", "tool"]


def test_raters_see_what_a_reward_is_given_but_not_who_wrote_it_or_what_it_is_worth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = ("answer", "tests", "model", "Reward", "good", "missing")
    task = Task("mine", Functions({"good": 1.0}, columns=columns))
    monkeypatch.setattr("app.ui.completion.find_task", lambda _: task)

    def draw() -> None:
        from app.ui.completion import show_asked

        facts = {"answer": ["12", "*13*"], "tests": "assert f(1)\n\n    assert f(2)", "model": "tuned", "Reward": 0.3}
        show_asked("mine", [{"role": "user", "content": "hello"}], {**facts, "good": 0.4, "other": "x"})

    page = AppTest.from_function(draw).run()
    said = [caption.value.replace("\\", "") for caption in page.caption]
    assert said == ["Beside the prompt, for the reward and for you:", '**answer**: ["12", "*13*"]', "**tests**"]
    assert [code.value for code in page.code] == ["hello", "assert f(1)\n\n    assert f(2)"]
