"""SQL Q&A, row by row (docs/rewards.md; final report §10 and §3)."""

import pytest

from rewards import reward_sql_qa, score
from rewards.commerce.lexicon import BUSINESS_WORDS
from rewards.commerce.sql_qa import concrete_numbers, statements

WORDS_15 = "isto aqui explica com calma tudo aquilo que foi feito por nós neste exato momento hoje"


def components(text: str, profile: str = "v4.2.1") -> dict[str, float]:
    return score("sql_qa", text, profile=profile).components


def test_a_full_answer_earns_everything() -> None:
    text = (
        "```sql\nSELECT estado, SUM(valor) FROM pedidos WHERE ano = 2018 GROUP BY estado;\n```\n"
        "A consulta soma a receita por estado: São Paulo lidera com R$ 12.345,67 em vendas, ou 42% do total, "
        "seguido do Rio, e o ticket médio dos clientes é maior no Sul."
    )
    assert reward_sql_qa(text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "SELECT nome FROM clientes",
        "select nome from clientes",
        "SELECT * FROM pedidos;",
        "SELECT COUNT(*) FROM pedidos WHERE uf = 'SP'",
        "SELECT DISTINCT uf FROM clientes",
        "SELECT a.uf, b.total\nFROM a\nJOIN b ON a.id = b.id",
        "WITH t AS (SELECT 1 AS x FROM p) SELECT x FROM t",
        "SELECT x FROM (SELECT 1 AS x FROM p)",
        'SELECT "uf" FROM "clientes"',
        "Aqui está a consulta: SELECT uf FROM clientes; espero que ajude",
        "```\nSELECT uf FROM clientes\n```",
        "SELECT 'from onde' AS texto FROM clientes",
        "SELECT ROUND(100.0 * AVG(delay > 0), 1) FROM pedidos",
        "SELECT (SELECT MAX(x) FROM b) AS m FROM a",
    ],
)
def test_a_statement_is_found_in_a_fence_or_not(text: str) -> None:
    assert len(statements(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "SELECT FROM WHERE",
        "SELECT, FROM, WHERE",
        "SELECT FROM WHERE GROUP BY",
        "use SELECT e depois FROM e WHERE",
        "select e from para consultar a tabela",
        "o comando SELECT com FROM",
        "SELECT nome",
        "FROM clientes",
        "SELECT nome FROM",
        "SELECT nome FROM WHERE x = 1",
        "SELECT nome FROM; clientes",
        "SELECT nome\n\nFROM clientes",
        "selecione de clientes",
        "INSERT INTO clientes VALUES (1)",
        "'SELECT nome FROM'",
    ],
)
def test_what_is_no_statement(text: str) -> None:
    assert statements(text) == []


def test_a_statement_ends_at_the_semicolon_the_fence_or_a_blank_line() -> None:
    for end in (";", "\n```", "\n\n", "\n  \n"):
        text = f"SELECT uf FROM clientes{end} WHERE LIMIT depois"
        (span,) = statements(text)
        assert text[slice(*span)].strip() == "SELECT uf FROM clientes"


def test_two_statements_are_two() -> None:
    assert len(statements("SELECT a FROM b; SELECT c FROM d")) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SELECT nome FROM clientes", 0.20),
        ("SELECT nome FROM clientes WHERE uf = 'SP'", 0.30),
        ("SELECT nome FROM clientes WHERE uf = 'SP' ORDER BY nome LIMIT 3", 0.30),
        ("SELECT nome, nome FROM clientes -- WHERE GROUP", 0.20),
        ("SELECT nome FROM clientes c /* x */", 0.20),
        ("SELECT 'WHERE' FROM clientes", 0.20),
        ("WHERE GROUP BY ORDER BY LIMIT", 0.0),
        ("Para isso usamos SELECT, FROM e WHERE.", 0.0),
    ],
)
def test_sql_structure_is_010_for_each_keyword_up_to_three(text: str, value: float) -> None:
    assert components(text)["sql_structure"] == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"SELECT uf FROM clientes; {WORDS_15}", 0.25),
        ("SELECT uf FROM clientes;", 0.10),
        (WORDS_15, 0.10),
        ("poucas palavras", 0.0),
        ("SELECT uf FROM clientes; " + " ".join(WORDS_15.split()[:14]), 0.10),
        ("", 0.0),
    ],
)
def test_query_and_explanation(text: str, value: float) -> None:
    assert components(text)["query_and_explanation"] == pytest.approx(value)


@pytest.mark.parametrize(
    ("prose", "count"),
    [
        ("foram 350 pedidos", 1),
        ("R$ 12,90 e 45%", 2),
        ("R$12.345,67", 1),
        ("em 2017 e 2018", 0),
        ("R$ 2017", 1),
        ("1. primeiro\n2. segundo", 0),
        ("1) primeiro: 30 pedidos", 1),
        ("o top 3 com nota 4,5", 2),
        ("em 12/05/2018", 0),
        ("item A1 e B2", 0),
        ("2018-05", 0),
        ("nenhum", 0),
        ("cerca de 5, ou 6.", 2),
    ],
)
def test_concrete_numbers(prose: str, count: int) -> None:
    assert len(concrete_numbers(prose)) == count


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("foram 350 pedidos", 0.125),
        ("foram 350 e 20%", 0.25),
        ("1, 2, 3, 4 vezes", 0.25),
        ("SELECT 5 FROM t LIMIT 10", 0.0),
    ],
)
def test_numerical_data_counts_outside_the_statement(text: str, value: float) -> None:
    assert components(text)["numerical_data"] == pytest.approx(value)


@pytest.mark.parametrize("word", BUSINESS_WORDS)
def test_each_of_the_thirty_words_counts_005(word: str) -> None:
    assert components(word)["domain_coherence"] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("venda vendas VENDA", 0.05),
        ("avaliação avaliações avaliacao", 0.05),
        ("margem margens", 0.05),
        ("vendedor vendedores", 0.05),
        ("região regiões", 0.05),
        ("preço preços", 0.05),
        ("venda pedido", 0.10),
        ("venda pedido cliente produto receita", 0.20),
        ("vendaval pedidinho", 0.0),
    ],
)
def test_domain_coherence_counts_distinct_words(text: str, value: float) -> None:
    assert components(text)["domain_coherence"] == pytest.approx(value)


def test_before_v421_only_the_first_ten_words_counted() -> None:
    assert len(BUSINESS_WORDS) == 30
    assert components("venda", "v4.2")["domain_coherence"] == pytest.approx(0.05)
    assert components("faturamento lucro", "v4.2")["domain_coherence"] == 0.0


def test_before_v42_any_keywords_anywhere_counted() -> None:
    soup = "SELECT FROM WHERE GROUP BY"
    assert components(soup, "v4.1")["sql_structure"] == pytest.approx(0.30)
    assert components(soup, "v4.2")["sql_structure"] == 0.0
