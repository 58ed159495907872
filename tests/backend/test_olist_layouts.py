"""Olist's files as public copies of them are: other names, fewer columns, other dates, tables that do not join."""

import csv
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.commerce.olist import import_olist
from backend.commerce.olist_source import SOURCES, Imported
from backend.commerce.olist_values import days, numbers
from backend.commerce.prompts import build_prompts
from backend.errors import UserError
from benchmarks.olist_files import write_olist

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The nine tables of 300 orders, each with an item and most with a review."""
    folder = write_olist(tmp_path_factory.mktemp("olist"), orders=300, geolocation=50)
    found = {}
    for name, source in SOURCES.items():
        with (folder / source.file).open(encoding="utf-8", newline="") as file:
            found[name] = list(csv.DictReader(file))
    return found


def written(
    folder: Path, tables: dict[str, Rows], names: Callable[[str], str] = lambda name: SOURCES[name].file, **how
) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        write(folder / names(name), rows, **how)
    return folder


def write(path: Path, rows: Rows, encoding: str = "utf-8", **how) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **how)
        writer.writeheader()
        writer.writerows(rows)


def changed(rows: Rows, **columns: Callable[[str], str] | None) -> Rows:
    """The rows with a function applied to some columns, or without them."""
    return [
        {k: (columns[k](v) if k in columns else v) for k, v in row.items() if columns.get(k, str) is not None}  # type: ignore[misc]
        for row in rows
    ]


def taken(folder: Path) -> tuple[Imported, sqlite3.Connection]:
    shop = folder.parent / "commerce.db"
    return import_olist(folder, shop), sqlite3.connect(shop)


def enriched(db: sqlite3.Connection) -> list[tuple]:
    return db.execute("SELECT * FROM orders_enriched").fetchall()


@pytest.fixture
def usual(tables: dict[str, Rows], tmp_path: Path) -> list[tuple]:
    """``orders_enriched`` as it is made from files as published."""
    return enriched(
        taken(
            written(tmp_path / "published" / "olist", tables) if (tmp_path / "published").mkdir() is None else tmp_path
        )[1]
    )


def test_an_order_without_an_item_is_kept_with_its_review(tables: dict[str, Rows], tmp_path: Path) -> None:
    reviewed = tables["reviews"][0]["order_id"]
    without = tables | {"items": [r for r in tables["items"] if r["order_id"] != reviewed]}
    report, db = taken(written(tmp_path / "olist", without))
    assert report.orders == 300 and (SOURCES["reviews"].file, "of an order that is not there") not in report.dropped
    assert report.mended[SOURCES["orders"].file, "without an item: kept, with product and price empty"] == 1
    (row,) = db.execute(
        "SELECT price, product, review_score, status FROM orders_enriched WHERE order_id = ?", (reviewed,)
    ).fetchall()
    assert row[:2] == (None, None) and row[2] in range(1, 6) and row[3]
    assert db.execute("SELECT COUNT(DISTINCT order_id) FROM orders_enriched").fetchone() == (300,)


def test_a_review_that_orders_share_serves_each(tables: dict[str, Rows], tmp_path: Path) -> None:
    rows = [dict(r) for r in tables["reviews"][:4]]
    orders = [r["order_id"] for r in tables["orders"][:4]]
    for row, order in zip(rows, orders, strict=True):
        row.update(review_id="one", order_id=order, review_score="2", review_comment_message="Veio quebrado e sem nota")
    report, db = taken(written(tmp_path / "olist", tables | {"reviews": rows + tables["reviews"][10:20]}))
    assert report.mended[SOURCES["reviews"].file, "the same review for another order: serves both"] == 3
    assert (
        db.execute(
            "SELECT COUNT(*) FROM orders_enriched WHERE review_score = 2 AND review_text LIKE '%Veio que%'"
        ).fetchone()[0]
        >= 4
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        lambda name: {
            "translation": "category_name.csv",
            "items": "order_items.csv",
            "reviews": "order_reviews.csv",
            "payments": "order_payments.csv",
        }.get(name, f"{name}.csv"),
        lambda name: SOURCES[name].file.replace("olist_", "").replace(".csv", " (1).csv"),
        lambda name: f"{SOURCES[name].file.removesuffix('.csv').title()}_clean.CSV",
        lambda name: f"table_{sorted(SOURCES).index(name)}.csv",  # recognised by their columns alone
    ],
)
def test_files_may_have_other_names(tables: dict[str, Rows], tmp_path: Path, usual: list[tuple], names) -> None:
    assert enriched(taken(written(tmp_path / "olist", tables, names))[1]) == usual


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        {"delimiter": ";"},
        {"delimiter": "\t"},
        {"quoting": csv.QUOTE_ALL},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
        {"lineterminator": "\n"},
    ],
)
def test_files_may_be_written_otherwise(
    tables: dict[str, Rows], tmp_path: Path, usual: list[tuple], how: dict[str, str]
) -> None:
    assert enriched(taken(written(tmp_path / "olist", tables, **how))[1]) == usual


def test_windows_encoding_and_broken_accents_are_mended(
    tables: dict[str, Rows], tmp_path: Path, usual: list[tuple]
) -> None:
    broken = tables | {
        "reviews": changed(tables["reviews"], review_comment_message=lambda t: t.encode().decode("latin-1"))
    }
    report, db = taken(written(tmp_path / "olist", broken))
    assert enriched(db) == usual
    assert any("accents" in what for _, what in report.mended)
    report, db = taken(written(tmp_path / "olist", tables, encoding="cp1252"))
    assert enriched(db) == usual


def _american(stamp: str) -> str:
    day, _, time = stamp.partition(" ")
    year, month, number = day.split("-") if day else ("", "", "")
    return f"{int(month)}/{int(number)}/{year} {time[:5]}" if day else ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "stamp",
    [
        lambda t: t and t.partition(".")[0] + ".123456",
        lambda t: t and t.replace(" ", "T") + "Z",
        lambda t: t and t + " UTC",
        lambda t: t.replace("-", "/"),
        lambda t: t[:10].replace("-", ""),
        _american,
        lambda t: t and "/".join(reversed(t[:10].split("-"))) + t[10:16],
    ],
)
def test_dates_may_be_written_otherwise(tables: dict[str, Rows], tmp_path: Path, usual: list[tuple], stamp) -> None:
    dates = ("order_purchase_timestamp", "order_delivered_customer_date", "order_estimated_delivery_date")
    other = tables | {
        "orders": changed(tables["orders"], **dict.fromkeys(dates, stamp)),
        "reviews": changed(tables["reviews"], review_creation_date=stamp),
    }
    assert enriched(taken(written(tmp_path / "olist", other))[1]) == usual


def test_an_index_column_changes_nothing(tables: dict[str, Rows], tmp_path: Path, usual: list[tuple]) -> None:
    for name in ("", "Unnamed: 0", "order_pk"):
        counted = {t: [{name: str(i), **row} for i, row in enumerate(rows)] for t, rows in tables.items()}
        assert enriched(taken(written(tmp_path / "olist", counted))[1]) == usual


_OPTIONAL = {
    "orders": ("order_status", "order_delivered_customer_date", "order_estimated_delivery_date", "customer_id"),
    "items": ("order_item_id", "freight_value", "seller_id", "product_id"),
    "customers": ("customer_zip_code_prefix", "customer_state"),
    "sellers": ("seller_zip_code_prefix", "seller_state"),
    "products": ("product_category_name",),
    "payments": ("payment_installments", "payment_value"),
    "reviews": ("review_id", "review_comment_title", "review_comment_message"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("table", "column"), [(t, c) for t, columns in _OPTIONAL.items() for c in columns])
def test_a_column_that_is_missing_stays_empty(tables: dict[str, Rows], tmp_path: Path, table: str, column: str) -> None:
    report, db = taken(written(tmp_path / "olist", tables | {table: changed(tables[table], **{column: None})}))
    assert report.orders == 300 and report.items == len(tables["items"])
    told = " ".join(report.lines())
    assert (f"{SOURCES[table].file} has no" in told and column in told) or column in (
        "customer_id",
        "product_id",
        "review_id",
    )
    if column == "freight_value":
        assert db.execute("SELECT COUNT(freight) FROM orders_enriched").fetchone() == (0,), "unknown is not free"


def test_columns_may_have_other_names(tables: dict[str, Rows], tmp_path: Path, usual: list[tuple]) -> None:
    other = {
        "order_purchase_timestamp": "Order Purchase Date", "freight_value": "freightValue", "review_score": "Rating",
        "product_category_name": "product_category_namept", "customer_state": "uf",
    }  # fmt: skip
    renamed = {t: [{other.get(k, k): v for k, v in row.items()} for row in rows] for t, rows in tables.items()}
    assert enriched(taken(written(tmp_path / "olist", renamed))[1]) == usual


def joined(tables: dict[str, Rows]) -> Rows:
    """The tables as one: a row for each item, some twice, as a join with two payments gives."""

    def by(table: str, key: str) -> dict[str, dict[str, str]]:
        return {row[key]: row for row in tables[table]}

    orders, customers, products = by("orders", "order_id"), by("customers", "customer_id"), by("products", "product_id")
    sellers, payments, reviews = by("sellers", "seller_id"), by("payments", "order_id"), by("reviews", "order_id")
    english = by("translation", "product_category_name")
    none = dict.fromkeys(tables["reviews"][0], "")
    rows = []
    for item in tables["items"]:
        order = orders[item["order_id"]]
        row = reviews.get(item["order_id"], none) | customers[order["customer_id"]] | order | item
        row |= products[item["product_id"]] | sellers[item["seller_id"]] | payments[item["order_id"]]
        row["product_category_name_english"] = english.get(row["product_category_name"], {}).get(
            "product_category_name_english", ""
        )
        rows += [row] * (1 + (len(rows) % 9 == 0))
    return rows


def test_one_file_may_hold_the_joined_tables(tables: dict[str, Rows], tmp_path: Path, usual: list[tuple]) -> None:
    folder = tmp_path / "olist"
    folder.mkdir()
    write(folder / "merged.csv", joined(tables))
    report, db = taken(folder)
    assert report.orders == 300 and report.items == len(tables["items"]) and not report.dropped
    assert [r[:8] for r in enriched(db)] == [r[:8] for r in usual]


def test_what_is_wrong_with_a_joined_file_is_said_once(tables: dict[str, Rows], tmp_path: Path) -> None:
    folder = tmp_path / "olist"
    folder.mkdir()
    lacking = ("order_status", "freight_value", "seller_state", "payment_installments", "review_comment_title")
    rows = changed(joined(tables), **dict.fromkeys(lacking), product_category_name=lambda name: f"{name} nÃ£o")
    write(folder / "merged.csv", rows)
    with (folder / "merged.csv").open("a", encoding="utf-8") as file:
        file.write("," * len(rows[0]) + "\n")
    steps: list[str] = []
    report = import_olist(folder, tmp_path / "commerce.db", on_progress=steps.append)
    assert steps.count("reading merged.csv") == 1
    assert report.dropped == {("merged.csv", "a line with more fields than the header"): 1}
    assert sorted(report.absent["merged.csv"]) == sorted(lacking), "of every table, not of the last alone"
    assert report.mended["merged.csv", "accents that an earlier conversion had broken, mended"] == len(rows)


def test_tables_that_do_not_join_are_counted(tables: dict[str, Rows], tmp_path: Path) -> None:
    sampled = tables | {
        "items": tables["items"][200:],
        "customers": tables["customers"][:50],
        "orders": tables["orders"][:150],
    }
    report, db = taken(written(tmp_path / "olist", sampled))
    told = report.dropped[SOURCES["items"].file, "of an order that is not there"]
    assert report.orders == 150 and report.items + told == len(sampled["items"])
    assert db.execute("SELECT COUNT(DISTINCT order_id) FROM orders_enriched").fetchone() == (150,)


def test_an_id_that_is_always_the_same_is_named_and_not_used(
    tables: dict[str, Rows], tmp_path: Path, usual: list[tuple]
) -> None:
    same = tables | {
        "reviews": changed(tables["reviews"], review_id=lambda _: "1"),
        "items": changed(tables["items"], order_item_id=lambda _: "1"),
    }
    report, db = taken(written(tmp_path / "olist", same))
    told = " ".join(report.lines())
    assert "review_id is '1' in every row" in told and "order_item_id is '1' in every row" in told
    assert report.items == len(tables["items"]) and len(enriched(db)) == len(usual)
    with pytest.raises(UserError, match="order_id is '1' in every row"):
        taken(written(tmp_path / "olist", tables | {"orders": changed(tables["orders"], order_id=lambda _: "1")}))


def test_a_pointer_of_git_lfs_is_no_data(tables: dict[str, Rows], tmp_path: Path) -> None:
    folder = written(tmp_path / "olist", tables)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (folder / SOURCES["reviews"].file).write_text(pointer, encoding="utf-8")
    report, _ = taken(folder)
    assert "Git LFS" in " ".join(report.lines()) and report.reviews == 0
    (folder / SOURCES["orders"].file).write_text(pointer, encoding="utf-8")
    with pytest.raises(UserError, match="git lfs pull"):
        taken(folder)


def test_a_line_with_too_many_fields_is_counted(tables: dict[str, Rows], tmp_path: Path) -> None:
    folder = written(tmp_path / "olist", tables)
    with (folder / SOURCES["payments"].file).open("a", encoding="utf-8") as file:
        file.write("a,1,boleto,1,10.00,x,y\n")
    report, _ = taken(folder)
    assert report.dropped[SOURCES["payments"].file, "a line with more fields than the header"] == 1


def test_without_comments_the_other_tasks_have_prompts(tables: dict[str, Rows], tmp_path: Path) -> None:
    silent = changed(tables["reviews"], review_comment_title=None, review_comment_message=None)
    report, _ = taken(written(tmp_path / "olist", tables | {"reviews": silent}))
    assert "no prompts for extraction" in " ".join(report.lines())
    few = {"extraction": 10, "sql_qa": 20, "insights": 5, "push": 10}
    prompts = build_prompts(tmp_path / "commerce.db", few, dict.fromkeys(few, 3), dict.fromkeys(few, 2))
    assert {p.task for p in prompts} == {"sql_qa", "insights", "push"}


def test_values_as_people_write_them() -> None:
    import pandas as pd

    text = pd.Series(["58.90", "58,90", "R$ 1.234,56", "1,234.56", "1.234", "12", "x", None], dtype="str")
    assert numbers(text).tolist()[:6] == [58.9, 58.9, 1234.56, 1234.56, 1.234, 12.0]
    assert numbers(text).isna().tolist()[6:] == [True, True]
    stamps = pd.Series(["2-Oct-17", "Oct 2, 2017", "43010", "2017-13-45", "soon", "10", None], dtype="str")
    found = days({"a": stamps})["a"]
    assert found.tolist()[:3] == ["2017-10-02"] * 3 and found.isna().tolist()[3:] == [True] * 4
