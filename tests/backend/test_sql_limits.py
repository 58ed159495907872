"""A query's time and memory have an end, whatever it is busy with; the next query is answered as ever."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backend.commerce.sql_execution import MOST_ROWS, Refused, measure, run_query
from backend.commerce.synthetic import build_commerce_db
from backend.settings import ROOT
from tests.hostile_queries import QUERIES

ORDINARY = "SELECT COUNT(*) FROM orders"
ROWS_UPON_ROWS = "SELECT COUNT(*) FROM orders_enriched a, orders_enriched b, orders_enriched c, orders_enriched d"
ONE_LONG_CALL = "SELECT trim(printf('%.*c',99000,'a'), printf('%.*c',49000,'b') || 'a') FROM orders_enriched"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_commerce_db(tmp_path_factory.mktemp("shop") / "commerce.db", orders=400)


class Peak:
    """The most memory that one process of the SQL worker held, sampled; other tests leave other children behind."""

    def __init__(self) -> None:
        self.bytes, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(0.01):
            for child in psutil.Process().children(recursive=True):
                try:
                    if any("sql_worker" in part for part in child.cmdline()):
                        self.bytes = max(self.bytes, child.memory_info().rss)
                except psutil.Error:
                    continue


@pytest.fixture(scope="module")
def peak() -> Iterator[Peak]:
    with Peak() as peak:
        yield peak
    assert peak.bytes > 0  # it has seen the worker


@pytest.fixture(scope="module", autouse=True)
def started(shop: Path) -> None:
    assert run_query(ORDINARY, shop) == [(400,)]


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_hostile_query_is_ended_in_time_and_memory(query: str, shop: Path, peak: Peak) -> None:
    before = set(shop.parent.iterdir())
    began = time.monotonic()
    try:
        rows = run_query(query, shop, seconds=0.2)
    except Refused as error:
        rows = []
        assert str(error)
    assert time.monotonic() - began < 2
    assert peak.bytes < 200e6
    assert len(rows) <= MOST_ROWS and sum(len(str(row)) for row in rows) < 2e6
    assert set(shop.parent.iterdir()) == before


def test_there_are_sixty_of_them() -> None:
    assert len(set(QUERIES)) == 60


def test_after_each_limit_the_next_query_is_answered(shop: Path) -> None:
    for query in (ROWS_UPON_ROWS, ONE_LONG_CALL, "SELECT * FROM orders " + "JOIN orders " * 400):
        with pytest.raises(Refused):
            run_query(query, shop, seconds=0.2)
        assert run_query(ORDINARY, shop) == [(400,)]


def test_what_a_query_gives_comes_back_as_it_was(shop: Path) -> None:
    query = "SELECT 1, 1.5, NULL, 'çã', CAST('a' AS BLOB), 9223372036854775807, 1e999 FROM orders LIMIT 1"
    assert run_query(query, shop) == [(1, 1.5, None, "çã", b"a", 9223372036854775807, float("inf"))]


@pytest.mark.slow
def test_a_script_from_standard_input_can_measure(shop: Path) -> None:
    script = (
        "from pathlib import Path\nfrom backend.commerce.sql_execution import measure\n"
        f"print(measure({ORDINARY + ';'!r}, {{'gold_sql': {ORDINARY!r}, 'gold_result': [[400]]}}, Path({str(shop)!r})))\n"
    )
    found = subprocess.run(
        [sys.executable, "-W", "error", "-"], input=script, capture_output=True, text=True, cwd=shop.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=True,
    )  # fmt: skip
    assert (found.stdout, found.stderr) == ("1.0\n", "")


def test_threads_and_forks_each_get_their_own_answers(shop: Path) -> None:
    queries = [f"SELECT COUNT(*) + {n} FROM orders" for n in range(40)]
    found: dict[int, object] = {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: run_query(queries[n], shop)})) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [(400 + n,)] for n in range(40)}
    child = os.fork()
    if child == 0:
        os._exit(0 if run_query(queries[1], shop) == [(401,)] else 1)
    assert run_query(queries[2], shop) == [(402,)]
    assert os.waitpid(child, 0)[1] == 0


def test_measure_counts_what_passed_a_limit_as_nothing(shop: Path) -> None:
    assert measure(f"```sql\n{ONE_LONG_CALL}\n```", {"gold_sql": ORDINARY, "gold_result": [[400]]}, shop) == 0.0
