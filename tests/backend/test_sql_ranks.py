"""Results are compared as a reader would (``sql-execution/3``): equal ranks in any order, CTEs by name, constants are no answers."""

from pathlib import Path

import pytest

from backend.commerce.shop import shop_identity
from backend.commerce.sql_execution import VERSIONS, Refused, measure, measured, run_query
from backend.commerce.sql_results import is_true_result, on_half, parsed, rank_columns
from backend.commerce.sql_statement import SILENT, stated
from rewards.commerce import get_profile
from tests.judged.shop import gold_rows, write_small_shop

STATES = (
    "SELECT customer_state, ROUND(SUM(price), 2) AS valor FROM orders_enriched WHERE customer_state IS NOT NULL "
    "GROUP BY customer_state ORDER BY valor DESC, customer_state LIMIT 3;"
)
CATEGORIES = (
    "SELECT category, COUNT(DISTINCT order_id) AS valor FROM orders_enriched WHERE category IS NOT NULL GROUP BY category "
    "ORDER BY valor DESC, category LIMIT 3;"
)
BOLETO = "SELECT COUNT(DISTINCT order_id) FROM orders_enriched WHERE payment_type = 'boleto' AND month = '2018-05';"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_shop(tmp_path_factory.mktemp("small") / "commerce.db")


def facts(shop: Path, gold: str) -> dict:
    return {"gold_sql": gold, "gold_result": gold_rows(shop, gold), "shop": shop_identity(shop)[1]}


@pytest.mark.parametrize(
    "query",
    [
        CATEGORIES.replace(", category LIMIT", ", category DESC LIMIT"),  # another of those who share the third place
        "SELECT category, COUNT(DISTINCT order_id) n FROM orders_enriched GROUP BY 1 ORDER BY n DESC LIMIT 3",
        "```sql\nWITH n AS (\n  SELECT category, order_id FROM orders_enriched\n),\n\nk AS (SELECT category, COUNT(DISTINCT order_id) c FROM n "
        "GROUP BY 1)\n\nSELECT * FROM k ORDER BY c DESC LIMIT 3\n```",
    ],
)
def test_any_tie_break_of_equal_rank_is_right(query: str, shop: Path) -> None:
    assert measure(query, facts(shop, CATEGORIES), shop) == 1.0


@pytest.mark.parametrize(
    "query",
    [
        STATES.replace("valor DESC", "valor ASC"),
        STATES.replace("LIMIT 3", "LIMIT 4"),
        STATES.replace("SUM(price)", "SUM(freight)"),
        "SELECT customer_state, SUM(price) v FROM orders_enriched GROUP BY 1 ORDER BY customer_state LIMIT 3",
    ],
)
def test_a_wrong_rank_is_wrong(query: str, shop: Path) -> None:
    assert measure(query, facts(shop, STATES), shop) == 0.2


def test_one_of_those_who_share_a_place_counts_once(shop: Path) -> None:
    twice = "SELECT 'moda', COUNT(DISTINCT order_id) FROM orders_enriched WHERE category = 'moda'"
    query = f"{twice} UNION ALL {twice} UNION ALL {twice}"
    assert len(run_query(query, shop)) == 3
    assert measure(query, facts(shop, CATEGORIES), shop) == 0.2


def test_a_cte_is_known_by_its_name(shop: Path) -> None:
    query = (
        "WITH pedidos AS (SELECT DISTINCT order_id FROM orders_enriched WHERE payment_type = 'boleto' AND month = '2018-05') "
        "SELECT COUNT(*) FROM pedidos"
    )
    assert measure(query, facts(shop, BOLETO), shop) == 1.0
    assert measure(query, facts(shop, BOLETO), shop, VERSIONS[0]) == 0.0, "version 1 is what it was"
    with pytest.raises(Refused):
        run_query(
            "SELECT * FROM (WITH sqlite_master AS (SELECT 1 x) SELECT * FROM sqlite_master) a, sqlite_master", shop
        )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 36 FROM orders_enriched LIMIT 1",
        "SELECT DISTINCT 36 FROM orders_enriched WHERE price > 0",
        "SELECT 35 + 1 + 0 * MIN(price) FROM orders_enriched",
        "SELECT MAX(36, 0 * COUNT(*)) FROM orders",
    ],
)
def test_a_number_by_heart_is_no_answer(query: str, shop: Path) -> None:
    assert measure(query, facts(shop, BOLETO), shop) == 0.2


def test_what_counts_rows_and_what_counts_orders_are_told_apart(shop: Path) -> None:
    rows = BOLETO.replace("COUNT(DISTINCT order_id)", "COUNT(*)")
    assert measure(rows, facts(shop, BOLETO), shop) == 0.2
    joined = "SELECT COUNT(*) FROM orders WHERE payment_type = 'boleto' AND purchased_on LIKE '2018-05%'"
    assert measure(joined, facts(shop, BOLETO), shop) == 1.0


def test_version_1_still_compares_row_by_row(shop: Path) -> None:
    other = CATEGORIES.replace(", category LIMIT", ", category DESC LIMIT")
    assert measure(other, facts(shop, CATEGORIES), shop, VERSIONS[0]) == 0.2
    assert measured(other, facts(shop, CATEGORIES), get_profile("v5-exec"), shop) == {"execution": 0.2}
    assert measured(other, facts(shop, CATEGORIES), get_profile("v5"), shop)["execution"] == 1.0


def test_what_a_query_ranks_by() -> None:
    def ranks(query: str) -> tuple[int, ...] | None:
        tree = parsed(query)
        assert tree is not None
        return rank_columns(tree)

    assert ranks(STATES) == (1,)
    assert ranks("SELECT month, COUNT(*) FROM orders GROUP BY month ORDER BY month") == (0,)
    assert ranks("SELECT month, COUNT(*) FROM orders GROUP BY month ORDER BY 2 DESC, 1") == (1, 0)
    assert ranks("SELECT month, COUNT(*) FROM orders GROUP BY month") == ()
    assert ranks("SELECT month FROM orders GROUP BY month ORDER BY COUNT(*)") is None


def test_without_the_gold_query_every_place_is_fixed() -> None:
    gold = [["a", 2], ["b", 2]]
    assert is_true_result([("a", 2), ("b", 2)], gold, "", lambda _: None)
    assert not is_true_result([("b", 2), ("a", 2)], gold, "", lambda _: None)


def test_half_of_the_orders_is_the_same_half_in_every_table(shop: Path) -> None:
    whole = "SELECT COUNT(DISTINCT order_id) FROM {}"
    halves = {
        str(run_query(on_half(whole.format(t)) or "", shop))
        for t in ("orders", "orders_enriched", "order_items", "reviews")
    }
    assert len(halves) == 1 and halves != {"[(360,)]"}


@pytest.mark.parametrize(
    ("prose", "share"),
    [
        ("Foram 36 pedidos pagos com boleto.", (0.9, 1.0)),
        ("A consulta conta os pedidos pagos com boleto.", (SILENT, SILENT)),
        ("Foram 480 pedidos pagos com boleto.", (0.0, 0.0)),
        ("Foram 1, 2, 3, 34, 35, 36, 37, 38, 39 ou 40 pedidos.", (0.0, 0.05)),
        ("boleto boleto 36 pedidos pedidos boleto pagos 36", (0.0, 0.1)),
    ],
)
def test_an_explanation_states_the_result_or_not(prose: str, share: tuple[float, float]) -> None:
    assert share[0] <= stated(prose, [[36]], BOLETO, right=True) <= share[1]


def test_a_right_statement_beside_a_wrong_query_is_worth_little() -> None:
    said = "Foram 36 pedidos pagos com boleto."
    assert 0 < stated(said, [[36]], BOLETO, right=False) < 0.4


def test_names_are_read_as_people_write_them() -> None:
    gold = [["SP", 10622.0], ["MG", 8490.0], ["PE", 6809.0]]
    said = "São Paulo lidera com R$ 10.622,00, seguido de Minas Gerais (R$ 8.490,00) e Pernambuco (R$ 6.809,00)."
    assert stated(said, gold, STATES, right=True) > 0.95
    assert stated("Os valores são 10.622, 8.490 e 6.809.", gold, STATES, right=True) < 0.6
