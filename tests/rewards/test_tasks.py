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


@pytest.mark.parametrize(
    ("task", "prompt"),
    [
        ("insights", "Analise os dados de vendas e crie um push de reengajamento para os clientes inativos"),
        ("insights", "Analise a queda nas vendas. Depois escreva uma notificação push para os inativos."),
        ("insights", "Faça um diagnóstico da campanha e gere um push para recuperar quem saiu"),
        ("insights", "Crie um push de reengajamento e um plano para reduzir o churn"),
        ("insights", "Crie um push para os inativos e recomende ações para reduzir o churn"),
        ("insights", "Por que as vendas caíram em março? Crie um push para recuperar os clientes."),
        ("insights", "Preciso de uma análise das reclamações e de um push pedindo desculpas"),
        ("sql_qa", "Quantos clientes estão inativos há 60 dias? Crie um push para eles."),
        ("sql_qa", "Escreva a consulta SQL dos clientes inativos e crie um push para eles"),
        ("push", "Crie um push com base nisso: as vendas caíram porque o frete subiu"),
        ("push", "Crie um push sobre o nosso plano de fidelidade"),
        ("push", "Escreva um push avisando que temos oportunidades imperdíveis"),
        ("push", 'Crie um push com a frase "Como economizar? Analise nossas ofertas"'),
        ("push", "Faça um push: quantos dias faltam para a Black Friday? Só 3!"),
        ("push", "Gere um push para que o cliente avalie a última compra"),
        ("insights", "Quanto devo investir em frete grátis para reter clientes?"),
        ("insights", "Quanto devemos dar de desconto para recuperar os inativos?"),
        ("insights", "Qual o valor que deveríamos cobrar de frete no Nordeste?"),
        ("insights", "Quais categorias devemos priorizar no próximo trimestre?"),
        ("sql_qa", "Quanto investimos em frete grátis em 2018?"),
        ("sql_qa", "Quantos clientes voltaram a comprar?"),
        ("sql_qa", "Escreva o SQL que mostra quanto devemos aos vendedores"),
    ],
)
def test_a_push_among_other_things_and_advice(task: str, prompt: str) -> None:
    """The order of the tasks decides unless the push is the only thing asked for; no query says what one should do."""
    assert classify_task(prompt) == task
    assert classify_task(fold(prompt)) == task


@pytest.mark.parametrize("prompt", ["", " ", "oi", "🎁", "\x00", "x" * 100_000, "lorem ipsum dolor"])
def test_any_text_gets_a_task(prompt: str) -> None:
    assert classify_task(prompt) in TASKS


def test_the_tasks_are_the_four() -> None:
    assert TASKS == ("extraction", "sql_qa", "insights", "push")
