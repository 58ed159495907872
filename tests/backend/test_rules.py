"""The answers without a model: right to the last word, or declined."""

import pytest

from backend.commerce.briefs import OCCASIONS
from backend.commerce.rules import _PUSHES, push_answer, sql_answer
from backend.records import PromptRecord
from rewards import score


def query_of(answer: str) -> str:
    return answer.split("```sql\n")[1].split("\n```", maxsplit=1)[0]


def test_every_question_of_the_shops_own_phrasings_gets_its_query(prompts: list[PromptRecord]) -> None:
    for prompt in (p for p in prompts if p.task == "sql_qa"):
        found, gold = query_of(sql_answer(prompt.user_text)), prompt.facts["gold_sql"]
        # the filters stand in another order
        assert sorted(_parts(found)) == sorted(_parts(gold)), prompt.user_text


def _parts(query: str) -> list[str]:
    return query.replace("(", " ( ").replace(")", " ) ").replace(" AND ", " ").rstrip(";").split()


@pytest.mark.parametrize(
    "question",
    [
        "Quem é o presidente?",
        "Qual o faturamento total em SP e RJ?",
        "Qual o número de pedidos cancelados em SP?",
        "Qual foi o ticket médio dos clientes novos no estado SP?",
        "Qual o faturamento total em SP em 2018?",
        "Quais os 5 estados com menor faturamento total?",
        "Quais são os 5 estados com maior valor do faturamento total, sem contar SP?",
        "Qual o faturamento total por estado?",
        "Qual o número de pedidos acima de R$ 100 em SP?",
        "Qual foi o ticket médio em SP antes de março de 2018?",
        "Qual o ticket médio na categoria vinhos?",
        "Qual o lucro em SP?",
        "Compare o faturamento total em março de 2018 e em abril de 2018",
        "Quais 5 estados têm o melhor resultado no preço médio dos itens?",  # neither high nor low is better
    ],
)
def test_a_question_with_more_in_it_is_declined(question: str) -> None:
    assert "Não sei" in sql_answer(question)


def test_the_longer_name_of_a_state_is_read_whole() -> None:
    assert "customer_state = 'MS'" in sql_answer("Qual o faturamento total em Mato Grosso do Sul?")
    assert "customer_state = 'RN'" in sql_answer("Qual o faturamento total no Rio Grande do Norte?")


def test_a_push_says_what_each_brief_of_the_shop_says(prompts: list[PromptRecord]) -> None:
    assert {occasion.noun.text for occasion in OCCASIONS} <= _PUSHES.keys()
    for prompt in (p for p in prompts if p.task == "push"):
        said = push_answer(prompt.user_text)
        assert said is not None, prompt.user_text
        assert score("push", said, prompt.user_text).total == 1.0, said
        numbers = set("".join(c if c.isdigit() else " " for c in said).split())
        assert numbers <= set("".join(c if c.isdigit() else " " for c in prompt.user_text).split())
        for promise in ("desconto", "cupom", "grátis", "cashback", "hoje", "juros"):
            assert promise not in said or promise in prompt.user_text.casefold(), (prompt.user_text, said)


@pytest.mark.parametrize(
    "brief",
    [
        "Crie um push: cupom de 20% para compras acima de R$ 100",
        "Push avisando que não tem cupom de 20%",
        "Crie um push sobre a mudança de endereço da loja",
        "Notificação: frete grátis menos para o Norte",
        "Crie um push: cupom de 10% e frete grátis",
    ],
)
def test_a_brief_with_more_in_it_is_declined(brief: str) -> None:
    assert push_answer(brief) is None


def test_plain_briefs_are_answered() -> None:
    assert "40%" in str(push_answer("Crie um push: cashback de 40%")) and "desconto" not in str(
        push_answer("cashback de 40%")
    )
    assert "atrasou" in str(push_answer("push para pedido atrasado"))
