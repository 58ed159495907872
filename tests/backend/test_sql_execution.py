"""Running a model's query: true results are told from false ones, and a hostile query does no harm."""

import hashlib
import time
from pathlib import Path

import pytest

from backend.commerce import sql_execution
from backend.commerce.shop import shop_identity
from backend.commerce.sql_execution import Refused, check, measure, result_of, run_query, same_result
from backend.commerce.synthetic import build_commerce_db
from backend.errors import UserError
from rewards import BUILT_IN_TASKS, PROFILES, fingerprint, score
from rewards.fingerprint import reachable_code
from tests.judged.shop import gold_rows

TRUE = "SELECT COUNT(DISTINCT order_id) FROM orders_enriched WHERE customer_state = 'SP';"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_commerce_db(tmp_path_factory.mktemp("shop") / "commerce.db", orders=400)


@pytest.fixture(scope="module")
def facts(shop: Path) -> dict:
    return {"gold_sql": TRUE, "gold_result": gold_rows(shop, TRUE)}


@pytest.mark.parametrize(
    ("completion", "share"),
    [
        (f"```sql\n{TRUE}\n```\nSão os pedidos de São Paulo.", 1.0),
        ("SELECT COUNT(*) FROM orders JOIN customers USING (customer_id) WHERE state = 'SP'", 1.0),
        (
            "WITH sp AS (SELECT * FROM orders_enriched WHERE customer_state='SP') SELECT COUNT(DISTINCT order_id), 'SP' FROM sp",
            1.0,
        ),
        ("SELECT COUNT(*) FROM orders_enriched;", 0.2),
        ("SELECT no_such_column FROM orders_enriched;", 0.0),
        ("São 120 pedidos.", 0.0),
        ("", 0.0),
    ],
)
def test_a_query_is_judged_by_its_result(completion: str, share: float, facts: dict, shop: Path) -> None:
    assert measure(completion, facts, shop) == share


def test_results_are_compared_as_a_reader_would() -> None:
    assert same_result([("SP", 10.004), ("RJ", 9)], [["SP", 10.0], ["RJ", 9.0]])
    assert same_result([(10.0, "SP", 3)], [["SP", 10.0]])  # other order of columns, and one more
    assert not same_result([("RJ", 9), ("SP", 10)], [["SP", 10], ["RJ", 9]])  # a ranking has an order
    assert not same_result([("SP", 10), ("RJ", 9)], [["SP", 10]])
    assert not same_result([(None,)], [[1]])


def test_prompts_without_a_true_result_give_nothing(shop: Path) -> None:
    assert measure(TRUE, {}, shop) == 0.0


def test_another_shop_is_noticed(shop: Path, facts: dict, tmp_path: Path) -> None:
    other = build_commerce_db(tmp_path / "other.db", orders=50)
    with pytest.raises(UserError, match="another"):
        measure(TRUE, {**facts, "shop": "000000000000"}, other)
    with pytest.raises(UserError, match="another shop"):  # no mark, and the gold query gives something else there
        measure(TRUE, facts, other)
    with pytest.raises(UserError, match="another shop"):
        measure(TRUE, {**facts, "gold_sql": "DROP TABLE orders"}, shop)
    assert measure(TRUE, {**facts, "shop": shop_identity(shop)[1]}, shop) == 1.0


HOSTILE = [
    "ATTACH DATABASE '/tmp/evil.db' AS evil",
    "SELECT 1; DROP TABLE orders_enriched",
    "DROP TABLE orders_enriched",
    "DELETE FROM orders_enriched",
    "INSERT INTO orders VALUES (1,2,3,4,5,6,7,8)",
    "UPDATE orders_enriched SET price = 0",
    "CREATE TABLE x AS SELECT * FROM orders_enriched",
    "PRAGMA writable_schema = ON",
    "PRAGMA query_only = OFF",
    "VACUUM INTO '/tmp/evil.db'",
    "SELECT load_extension('/tmp/evil.so') FROM orders",
    "SELECT readfile('/etc/passwd') FROM orders",
    "SELECT writefile('/tmp/evil', 'x') FROM orders",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM pragma_table_info('orders')",
    "SELECT * FROM shop",
    "SELECT * FROM main.orders",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT COUNT(*) FROM n",
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n",
    "SELECT COUNT(*) FROM orders_enriched a, orders_enriched b, orders_enriched c, orders_enriched d",
    "SELECT randomblob(1000000000) FROM orders",
    "SELECT zeroblob(1000000000) FROM orders",
    "SELECT printf('%1000000000d', 1) FROM orders",
    "SELECT replace(replace(hex(zeroblob(100000)),'0','0000000000'),'0','0000000000') FROM orders",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000 + " FROM orders",
    "SELECT " + "-" * 4000 + "1 FROM orders",
    "SELECT 'a' FROM orders WHERE " + " OR ".join(["price = 1"] * 400),
    "SELECT * FROM orders WHERE status LIKE '" + "%a" * 2000 + "'",
    "EXPLAIN SELECT * FROM orders",
    "BEGIN; SELECT * FROM orders; COMMIT",
    "SELECT * FROM orders; -- \x00 ATTACH 'x' AS y",
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_query_does_no_harm(query: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = hashlib.sha256(shop.read_bytes()).hexdigest()
    began = time.monotonic()
    try:
        rows = run_query(query, shop, seconds=0.3)
    except Refused:
        rows = []
    assert time.monotonic() - began < 2
    assert len(rows) <= sql_execution.MOST_ROWS
    assert hashlib.sha256(shop.read_bytes()).hexdigest() == before
    assert list(shop.parent.iterdir()) == [shop] and list(tmp_path.iterdir()) == []
    assert not Path("/tmp/evil.db").exists() and not Path("/tmp/evil").exists()  # noqa: S108


@pytest.mark.parametrize("query", HOSTILE[:20], ids=range(20))
def test_what_is_no_plain_question_is_refused(query: str, shop: Path) -> None:
    with pytest.raises(Refused):
        run_query(query, shop, seconds=0.3)


def test_sqlite_itself_refuses_what_the_parser_would_let_through(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_execution, "check", lambda _: None)
    for query in HOSTILE[:17]:
        with pytest.raises(Refused):
            sql_execution.run_here(query, shop, seconds=0.3)


def test_a_result_is_shown_with_its_columns_and_a_failure_with_its_reason(shop: Path) -> None:
    query = "SELECT customer_state AS uf, COUNT(*) FROM orders_enriched GROUP BY 1 ORDER BY 1 LIMIT 2"
    result = result_of(f"```sql\n{query};\n```\nSão os estados.", shop)
    assert result.rows == tuple(map(tuple, gold_rows(shop, query))) and not result.why
    assert len(result.columns) == 2
    assert result_of("SELECT * FROM orders_enriched", shop).columns[:2] == ("1", "2")
    assert result_of("São 120 pedidos.", shop).why == "there is no query"
    assert "no_such" in result_of("SELECT no_such FROM orders_enriched", shop).why


def test_only_the_first_rows_are_read(shop: Path) -> None:
    assert len(run_query("SELECT * FROM orders_enriched", shop)) == sql_execution.MOST_ROWS


def test_good_queries_pass() -> None:
    check("SELECT category, AVG(price) FROM orders_enriched GROUP BY 1 HAVING COUNT(*) > 3 ORDER BY 2 DESC LIMIT 5")
    check("SELECT 1 FROM orders UNION SELECT 2 FROM reviews")


def test_the_profile_adds_execution_to_sql_and_touches_nothing_else() -> None:
    text = f"```sql\n{TRUE}\n```\nO número de pedidos de clientes do estado foi 120, ou 30% do total da loja no período analisado."
    old, new = score("sql_qa", text, profile="v4.2.1"), score("sql_qa", text, profile="v5-exec")
    assert "execution" not in old.components
    assert new.components["execution"] == 0.0 and new.total == pytest.approx(old.total / 2)
    assert score("sql_qa", text, profile="v5-exec", measured={"execution": 1.0}).total == pytest.approx(
        0.5 + old.total / 2
    )
    assert sum(BUILT_IN_TASKS["sql_qa"].reward.maxima_under(PROFILES["v5-exec"]).values()) == pytest.approx(1.0)
    for task in ("extraction", "insights", "push"):
        assert score(task, text, profile="v4.2.1") == score(task, text, profile="v5-exec")
    assert fingerprint("v5-exec") != fingerprint("v4.2.1")


def test_a_change_to_what_is_measured_is_a_new_version() -> None:
    """Whoever changes the module's code raises VERSION (and the profile's ``measured_by``), then this digest."""
    assert PROFILES["v5-exec"].measured_by == "sql-execution/1"
    assert PROFILES["v5"].measured_by == sql_execution.VERSION == "sql-execution/3"
    code = reachable_code([sql_execution.measure], (Path(sql_execution.__file__).parent,))
    assert hashlib.sha256(code.encode()).hexdigest()[:12] == "6393e38abf3a"
