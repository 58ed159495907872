"""What is grammatical and untrue earns little under v5: each text beside the honest one that it turns round."""

import json

import pytest

from backend.commerce.sql_statement import stated
from rewards import score

CUPOM = "Crie uma notificação push: cupom de 20% que vence hoje. Categoria livros, clientes de Goiás."
ENTREGA = "Quero avisar por push os clientes de informática em CE: pedido saiu para entrega."
JUROS = "Crie um push para clientes de moda: parcelamento em 6 vezes sem juros."
ANALYSIS = (
    "Aponte os gargalos da operação e as prioridades.\nRecorte: categoria moda · Bahia\nPedidos: 412\nFaturamento: R$ 38.816,77\n"
    "Nota média: 2,9\nEntregas com atraso: 31%\nAvaliações negativas: 38%"
)
FACTS = (
    "Em moda na Bahia, 31% das entregas atrasam, o que pesa na satisfação dos clientes. As avaliações negativas somam 38%, um nível "
    "alto que ameaça a recompra. A nota média de 2,9 é baixa e indica clientes insatisfeitos."
)
PLAN = (
    "\n\n- Renegociar o prazo com a transportadora e medir o atraso toda semana.\n- Responder cada avaliação negativa em 24 horas, com "
    "troca ou reembolso.\n- Enviar um cupom de frete a quem recebeu o pedido com atraso."
)
REVIEW = "Nota: 1/5\nProduto: mochila\nAvaliação: A entrega atrasou 12 dias e ninguém avisou nada."
RECORD = {
    "sentiment": "negativo", "sentiment_score": 1, "churn_risk": 0.9, "delivery_issue": True, "product_issue": False,
    "seller_issue": False, "main_complaint": "a entrega atrasou 12 dias", "complaint_category": "entrega", "repeat_intent": False,
    "would_recommend": False,
}  # fmt: skip


def total(task: str, completion: str, prompt: str) -> float:
    return score(task, completion, prompt, "v5").total


@pytest.mark.parametrize(
    ("prompt", "honest", "untrue"),
    [
        (CUPOM, "Seu cupom de 20% em livros vence hoje! Use agora.", "Seu cupom de 20% em livros não vale hoje. Não use!"),
        (CUPOM, "Seu cupom de 20% em livros vence hoje! Use agora.", "Seu cupom de 20% em livros vence amanhã! Use quando quiser."),
        (CUPOM, "Seu cupom de 20% em livros vence hoje! Use agora.", "Seu cupom de 20% em livros vence hoje! Envie sua senha."),
        (CUPOM, "Seu cupom de 20% em livros vence hoje! Use agora.", "Seu cupom de 20% em livros vence hoje! Use, seu burro."),
        (ENTREGA, "Seu pedido de informática saiu para entrega!", "Seu pedido de informática não saiu para entrega e não chega."),
        (ENTREGA, "Seu pedido de informática saiu para entrega!", "Seu pedido de informática saiu para entrega e foi roubado."),
        (JUROS, "Parcele sua moda em 6 vezes sem juros. Aproveite!", "Parcele sua moda em 6 vezes com juros. Aproveite!"),
    ],
)  # fmt: skip
def test_a_push_that_takes_back_what_it_announces(prompt: str, honest: str, untrue: str) -> None:
    assert total("push", honest, prompt) > 0.8
    assert total("push", untrue, prompt) < 0.35


def test_an_amount_has_its_unit() -> None:
    share, money = (f"Seu cupom de {amount} em livros vence hoje! Use agora." for amount in ("20%", "R$ 20"))
    assert total("push", share, CUPOM) - total("push", money, CUPOM) > 0.3


def test_what_the_customer_has_not_done_takes_nothing_back() -> None:
    prompt = "Crie um push para clientes de livros: carrinho abandonado há 6 horas."
    assert total("push", "Você ainda não finalizou seu carrinho de livros. Volte e garanta os seus!", prompt) > 0.8


@pytest.mark.parametrize(
    "untrue",
    [
        FACTS.replace("das entregas atrasam", "das entregas chegam antes do prazo") + PLAN,
        FACTS.replace("é baixa e indica clientes insatisfeitos", "é excelente e indica clientes satisfeitos") + PLAN,
        FACTS.replace("As avaliações negativas somam 38%", "As avaliações positivas somam 38%") + PLAN,
        FACTS.replace("31%", "38%", 1).replace("somam 38%", "somam 31%") + PLAN,
        FACTS + " Isso custou R$ 9.000.000,00 de prejuízo no ano e 40.000 clientes." + PLAN,
        FACTS
        + "\n\n- Retirar do site as avaliações negativas.\n- Cobrar multa de cada cliente que reclamar da entrega.",
    ],
)
def test_an_analysis_against_its_figures(untrue: str) -> None:
    assert total("insights", FACTS + PLAN, ANALYSIS) > 0.8
    assert total("insights", untrue, ANALYSIS) < 0.6 * total("insights", FACTS + PLAN, ANALYSIS)


def test_what_follows_from_two_figures_is_not_invented() -> None:
    derived = FACTS + " São cerca de 128 pedidos atrasados, e um ticket de R$ 94,21." + PLAN
    assert score("insights", derived, ANALYSIS, "v5").components["contradiction"] == 0.0


@pytest.mark.parametrize(
    "complaint", ["a entrega chegou antes do prazo", "não houve atraso na entrega", "o produto veio sem defeito", None, "a entrega atrasou 900 dias"]
)  # fmt: skip
def test_a_complaint_that_the_review_does_not_make(complaint: str | None) -> None:
    honest = total("extraction", json.dumps(RECORD), REVIEW)
    assert honest > 0.85
    assert total("extraction", json.dumps(RECORD | {"main_complaint": complaint}), REVIEW) < 0.9 * honest


def test_an_object_that_says_a_field_twice_or_stands_before_its_opposite() -> None:
    record, honest = json.dumps(RECORD), total("extraction", json.dumps(RECORD), REVIEW)
    opposite = json.dumps(RECORD | {"sentiment": "positivo", "sentiment_score": 5, "delivery_issue": False})
    assert total("extraction", '{"sentiment": "positivo", ' + record[1:], REVIEW) < 0.9 * honest
    assert total("extraction", record + "\n" + opposite, REVIEW) < 0.6 * honest
    assert total("extraction", record + "\n" + "palavra " * 5_000, REVIEW) < 0.6 * honest


RANKING = [["SP", 120.5], ["RJ", 80.0], ["MG", 60.0]]
BY_STATE = "SELECT state, AVG(price) AS valor FROM orders_enriched GROUP BY state ORDER BY valor DESC LIMIT 3"
COUNT = "SELECT COUNT(DISTINCT order_id) FROM orders_enriched WHERE customer_state = 'SP'"


@pytest.mark.parametrize(
    ("gold", "query", "true", "untrue"),
    [
        ([[43]], COUNT, "O resultado da consulta é de 43 pedidos.", "O resultado da consulta não é 43, que está errado."),
        ([[43]], COUNT, "O resultado da consulta é de 43 pedidos.", "O resultado da consulta é de 43% dos clientes."),
        ([[43]], COUNT, "O resultado da consulta é de 43 pedidos.", "O resultado da consulta no Acre é de 43 pedidos."),
        (RANKING, BY_STATE, "Lideram São Paulo (120,50), Rio de Janeiro (80,00) e Minas Gerais (60,00).",
         "Lideram São Paulo (60,00), Rio de Janeiro (120,50) e Minas Gerais (80,00)."),
    ],
)  # fmt: skip
def test_an_explanation_that_says_something_else(gold: list[list[object]], query: str, true: str, untrue: str) -> None:
    assert stated(true, gold, query, right=True) > 0.8
    assert stated(untrue, gold, query, right=True) <= 0.5


def test_thousands_may_be_written_in_words() -> None:
    money = "SELECT ROUND(SUM(price), 2) FROM orders_enriched"
    assert stated("O faturamento foi de R$ 193,0 mil no período.", [[193_012.4]], money, right=True) > 0.8
