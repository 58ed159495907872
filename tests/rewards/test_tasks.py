"""The classifier: the seed's production bug, hard prompts, and its promises."""

from collections import Counter

import pytest

from rewards import TASKS, classify_task
from rewards.text import fold
from tests.rewards.hard_prompts import HARD_PROMPTS


def test_there_are_forty_hard_prompts_a_task() -> None:
    assert Counter(task for task, _ in HARD_PROMPTS) == dict.fromkeys(TASKS, 40)


@pytest.mark.parametrize(("task", "prompt"), HARD_PROMPTS)
def test_a_hard_prompt(task: str, prompt: str) -> None:
    assert classify_task(prompt) == task


@pytest.mark.parametrize(("task", "prompt"), HARD_PROMPTS)
def test_accents_and_case_do_not_matter(task: str, prompt: str) -> None:
    assert classify_task(fold(prompt)) == classify_task(prompt.upper()) == task


@pytest.mark.parametrize(
    "prompt",
    [
        "Analise os dados e monte um plano de reengajamento",
        "Com base nas vendas, escreva um plano de reengajamento para clientes inativos",
        "Analise a base de clientes e sugira estratégias de reengajamento",
        "Monte um plano de reengajamento com base nestes dados.",
    ],
)
def test_the_bug_that_reached_production(prompt: str) -> None:
    """Insights prompts with "reengajamento" were scored as pushes (final report §7, "The Ugly")."""
    assert classify_task(prompt) == "insights"


@pytest.mark.parametrize("prompt", ["", " ", "oi", "🎁", "\x00", "x" * 100_000, "lorem ipsum dolor"])
def test_any_text_gets_a_task(prompt: str) -> None:
    assert classify_task(prompt) in TASKS


def test_the_tasks_are_the_four() -> None:
    assert TASKS == ("extraction", "sql_qa", "insights", "push")
