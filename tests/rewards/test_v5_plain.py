"""v5 on plain, good Portuguese of other briefs than the judged ones: it ranks above what is cheap."""

import pytest

from backend.suites import score_completion

MOTHERS = "Crie um push para o Dia das Mães: perfumes com 20% de desconto para clientes ativos."
CART = "Escreva um push avisando que o carrinho com tênis foi abandonado."
SHOP = (
    "Analise os números e recomende ações.\nRecorte: categoria informática · São Paulo\nPedidos: 483\nNota média: 3,5\n"
    "Entregas com atraso: 27%\nFrete médio: R$ 29,23\nAvaliações negativas: 31%"
)


def total(task: str, completion: str, prompt: str) -> float:
    return score_completion(task, completion, prompt, {}, "v5").total


@pytest.mark.parametrize(
    ("prompt", "good"),
    [
        (MOTHERS, "Sua mãe merece: perfumes com 20% de desconto no Dia das Mães. Confira!"),
        (MOTHERS, "Perfumes com 20% de desconto para o Dia das Mães. Escolha o presente dela."),
        (CART, "Esqueceu algo? Seu tênis está esperando no carrinho 👟"),
        (CART, "Seu carrinho está te esperando: finalize a compra do tênis em poucos cliques."),
    ],
)
def test_a_plain_push_ranks_above_cheap_ones(prompt: str, good: str) -> None:
    cheap = ("Compre agora!!!! Desconto desconto!!!", "Promoção imperdível! Clique e ganhe 90% OFF em tudo!", prompt)
    assert total("push", good, prompt) > 0.5
    assert max(total("push", text, prompt) for text in cheap) < 0.25


def test_a_table_may_name_its_aims() -> None:
    rows = (
        "| Renegociar com a transportadora | 27% de entregas com atraso | 15% em 60 dias |\n"
        "| Responder avaliações negativas em 48 h | 31% negativas | 20% |"
    )
    aims = score_completion("insights", "| Ação | Motivo | Meta |\n|---|---|---|\n" + rows, SHOP, {}, "v5")
    claims = score_completion("insights", "| Ação | Motivo | Agora |\n|---|---|---|\n" + rows, SHOP, {}, "v5")
    assert aims.components["contradiction"] == 0.0 > claims.components["contradiction"]


def test_a_record_that_reads_the_whole_review_ranks_above_one_that_misses_a_fault() -> None:
    review = (
        "Nota: 2/5\nProduto: fone bluetooth\nAvaliação: Demorou três semanas para chegar e o fone veio mudo. "
        "O vendedor não respondeu."
    )
    record = (
        '{"sentiment":"negativo","sentiment_score":2,"churn_risk":0.8,"delivery_issue":true,"product_issue":%s,'
        '"seller_issue":true,"main_complaint":"entrega demorou e fone veio mudo","complaint_category":"entrega",'
        '"repeat_intent":false,"would_recommend":false}'
    )
    assert total("extraction", record % "true", review) > total("extraction", record % "false", review)
