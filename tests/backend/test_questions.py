"""Questions, their gold queries, and the Portuguese of prompts."""

import re
import sqlite3
from pathlib import Path

import pytest

from backend.commerce.briefs import OCCASIONS
from backend.commerce.categories import category_name
from backend.commerce.grammar import Noun, state_noun
from backend.commerce.phrasings import filled, phrasings
from backend.commerce.questions import METRICS, ranked_query, single_query
from backend.commerce.shop import STATE_NAMES
from backend.records import PromptRecord
from rewards.text import fold


def metric(name: str):
    return next(m for m in METRICS if m.noun.text == name)


def test_rankings_ask_for_no_more_than_there_is_and_have_no_ties(prompts: list[PromptRecord]) -> None:
    ranked = [p for p in prompts if p.task == "sql_qa" and "LIMIT" in p.facts["gold_sql"]]
    assert len(ranked) > 150
    for p in ranked:
        limit = int(p.facts["gold_sql"].rpartition("LIMIT ")[2].rstrip(";"))
        values = [row[-1] for row in p.facts["gold_result"]]
        assert len(values) == limit and len(set(values)) == limit, p.user_text
        assert f" {limit} " in p.user_text


def test_the_best_come_first(prompts: list[PromptRecord]) -> None:
    best = [p for p in prompts if p.task == "sql_qa" and "melhor" in p.user_text]
    lower_is_better = [p for p in best if "com atraso" in p.user_text]
    assert len(best) > 20 and lower_is_better
    for p in best:
        values = [row[-1] for row in p.facts["gold_result"]]
        assert values == sorted(values, reverse=p not in lower_is_better), p.user_text
        assert "ASC" in p.facts["gold_sql"] or p not in lower_is_better


def test_rows_and_orders_give_different_answers(shop: Path) -> None:
    """A query that counts rows is not right by chance; what is asked by order takes each order once."""
    with sqlite3.connect(shop) as db:

        def value(sql: str) -> float:
            return db.execute(sql).fetchone()[0]

        orders = value(single_query(metric("número de pedidos"), []))
        assert value("SELECT COUNT(*) FROM orders_enriched") > 1.2 * orders == 7200
        for name, by_order in (
            ("nota média das avaliações", "SELECT ROUND(AVG(score), 2) FROM reviews"),
            (
                "percentual de pedidos entregues com atraso",
                "SELECT ROUND(100.0 * AVG(julianday(delivered_on) > julianday(estimated_on)), 1) FROM orders WHERE status = 'delivered'",
            ),
            (
                "atraso médio em dias dos pedidos atrasados",
                "SELECT ROUND(AVG(d), 1) FROM (SELECT julianday(delivered_on) - julianday(estimated_on) AS d FROM orders) WHERE d > 0",
            ),
        ):
            assert value(single_query(metric(name), [])) == pytest.approx(value(by_order)), name
        freight = value("SELECT ROUND(SUM(freight) / (SELECT COUNT(*) FROM orders), 2) FROM order_items")
        assert value(single_query(metric("frete médio por pedido"), [])) == freight
        assert freight > 1.2 * value(single_query(metric("frete médio por item"), []))
        by_category = ranked_query(metric("nota média das avaliações"), "category", [], "DESC", 3)
        assert len(db.execute(by_category).fetchall()) == 3


@pytest.mark.parametrize(
    ("noun", "preposition", "said"),
    [
        (state_noun("AC", "Acre"), "de", "do Acre"),
        (state_noun("PR", "Paraná"), "pra", "pro Paraná"),
        (state_noun("BA", "Bahia"), "em", "na Bahia"),
        (state_noun("GO", "Goiás"), "em", "em Goiás"),
        (state_noun("SP", "SP"), "de", "de SP"),
        (state_noun("RJ", "RJ"), "para", "para o RJ"),
        (Noun("número de pedidos", "o"), "de", "do número de pedidos"),
        (Noun("nota média", "a"), "por", "pela nota média"),
        (Noun("5 categorias", "as"), "o", "as 5 categorias"),
        (Noun("livros"), "o", "livros"),
    ],
)
def test_prepositions_contract_with_the_article(noun: Noun, preposition: str, said: str) -> None:
    assert noun.after(preposition) == said
    assert filled("{" + preposition + " x} e {x}", x=noun) == f"{said} e {noun.text}"


_WRONG = re.compile(
    r"\b(?:de|em|por) (?:o|a|os|as) (?!partir)|\bpra (?:o|a) |\ba (?:o|os) "
    r"|\b(?:de|em|para|pra) (?:acre|amap|amazonas|cear|esp[ií]rito|maranh|par[aá]\b|paran|piau|rio |tocantins|distrito|bahia|para[ií]ba)"
    r"|\b(?:d[oa]|n[oa]|pel[oa]|pro) (?:alagoas|goi[aá]s|minas|pernambuco|rond|roraima|santa cat|s[aã]o paulo|sergipe|mato grosso)"
    r"|  |,,|\.\.",
    re.I,
)
_SENTENCE = re.compile(r"[.!?] [a-zà-ÿ]")


def test_no_prompt_has_an_article_out_of_place(prompts: list[PromptRecord]) -> None:
    for p in (p for p in prompts if p.task in ("sql_qa", "push", "insights")):
        assert _WRONG.search(p.user_text) is None and _SENTENCE.search(p.user_text) is None, p.user_text
    assert {state_noun(code, name).article for code, name in STATE_NAMES.items()} == {"", "o", "a"}


def test_templates_name_only_what_is_filled_in() -> None:
    names = {"sql_single": "m f", "sql_ranked": "n m f", "sql_best": "n m f", "push": "tema categoria estado"}
    for file, known in names.items():
        for template in phrasings(file):
            found = {part.split()[-1] for part in re.findall(r"\{([^}]*)\}", template)}
            assert found <= set(known.split()), template


def test_categories_are_written_with_their_accents() -> None:
    assert category_name("moveis_decoracao") == "móveis e decoração"
    assert category_name("my_own_kind") == "my own kind"
    assert all("_" not in category_name(c) for c in ("pcs", "fashion_calcados", "x_y"))
    assert fold(category_name("agro_industria_e_comercio")) == "agro, industria e comercio"


def test_occasions_fill_their_number() -> None:
    assert all(("{n}" in o.noun.text) == bool(o.values) for o in OCCASIONS)
