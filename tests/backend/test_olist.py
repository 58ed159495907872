"""A shop from Olist's files: what such files have in practice, and what is refused whole."""

import csv
import sqlite3
from pathlib import Path

import pytest

from backend.commerce import olist_files
from backend.commerce.olist import import_olist
from backend.commerce.olist_source import SOURCES
from backend.commerce.prompts import build_prompts
from backend.commerce.shop import shop_identity
from backend.errors import UserError
from benchmarks.olist_files import write_olist


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_olist(tmp_path / "olist", orders=300, geolocation=400)


def path_of(files: Path, name: str) -> Path:
    return files / SOURCES[name].file


def edit(path: Path, change) -> None:
    """Change a CSV's rows (dicts)."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    rows = change(rows) or rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def rows_of(shop: Path, query: str) -> list[tuple]:
    with sqlite3.connect(shop) as db:
        return db.execute(query).fetchall()


def test_every_item_is_a_row_with_its_order_product_and_review(files: Path, tmp_path: Path) -> None:
    shop = tmp_path / "commerce.db"
    report = import_olist(files, shop)
    with path_of(files, "items").open(encoding="utf-8") as file:
        items = list(csv.DictReader(file))
    assert report.items == len(items) == rows_of(shop, "SELECT COUNT(*) FROM orders_enriched")[0][0]
    assert report.orders == 300
    with path_of(files, "orders").open(encoding="utf-8") as file:
        order = next(r for r in csv.DictReader(file) if r["order_delivered_customer_date"])
    found = rows_of(
        shop,
        f"SELECT purchased_on, delivered_on, delay_days FROM orders_enriched WHERE order_id = '{order['order_id']}'",
    )[0]
    assert (
        found[0] == order["order_purchase_timestamp"][:10] and found[1] == order["order_delivered_customer_date"][:10]
    )
    columns = {row[1] for row in rows_of(shop, "PRAGMA table_info(orders_enriched)")}
    assert columns >= {"category", "category_en", "price", "freight", "customer_state", "delay_days", "review_score"}
    assert columns >= {"review_text", "sentiment"}
    sentiments = dict(rows_of(shop, "SELECT review_score, MIN(sentiment) FROM orders_enriched GROUP BY 1"))
    assert sentiments[5] == sentiments[4] == "positivo" and sentiments[3] == "neutro" and sentiments[1] == "negativo"


@pytest.mark.slow
def test_importing_twice_gives_the_same_bytes(files: Path, tmp_path: Path) -> None:
    a, b = tmp_path / "a.db", tmp_path / "b.db"
    import_olist(files, a)
    import_olist(files, b)
    import_olist(files, b)
    assert a.read_bytes() == b.read_bytes()
    assert shop_identity(a) == shop_identity(b)


def test_what_such_files_have_in_practice_is_taken_or_counted(files: Path, tmp_path: Path) -> None:
    def reviews(rows):
        rows[0]["review_score"] = "2.0"
        rows[1]["review_score"] = "N/A"
        rows[2]["review_score"] = "7"
        rows[3]["review_score"] = "4,5"
        rows[4]["order_id"] = "no-such-order"
        rows[5]["review_comment_message"] = 'linha um\r\nlinha "dois", fim; meu cpf é 529.982.247-25'
        rows[5]["review_id"] = "the-quoted-one"

    def orders(rows):
        rows[-1]["order_purchase_timestamp"] = ""
        rows[-2]["order_purchase_timestamp"] = "02/10/2017 10:56"
        rows[-3]["order_delivered_customer_date"] = "soon"
        return [*rows, dict(rows[10])]

    def items(rows):
        rows[0]["price"] = "1.234,56"
        rows[0]["product_id"] = rows[1]["product_id"]
        return [*rows, {**rows[5], "price": "N/A", "order_item_id": "9"}, dict(rows[6])]

    edit(path_of(files, "reviews"), reviews)
    edit(path_of(files, "orders"), orders)
    edit(path_of(files, "items"), items)
    shop = tmp_path / "commerce.db"
    report = import_olist(files, shop)
    dropped = {(file.split("_")[1], why): n for (file, why), n in report.dropped.items()}
    assert dropped["order", "score is no whole number from 1 to 5"] == 3
    assert dropped["order", "of an order that is not there"] >= 1
    assert dropped["orders", "purchase date missing or unreadable"] == 1
    assert dropped["orders", "order_id stands there already"] == 1
    assert dropped["order", "price missing, negative or no number"] == 1
    assert dropped["order", "the same item of the same order twice"] == 1
    assert report.mended[SOURCES["orders"].file, "delivery date unreadable, left empty"] == 1
    assert report.masked["CPF"] == 1
    ((text,),) = rows_of(shop, "SELECT comment FROM reviews WHERE review_id = 'the-quoted-one'")
    assert text.endswith('linha um linha "dois", fim; meu cpf é [CPF]')
    assert (1234.56,) in rows_of(shop, "SELECT price FROM order_items")
    assert "2017-10-02" in {r[0] for r in rows_of(shop, "SELECT purchased_on FROM orders")}
    assert all(line for line in report.lines())


def test_personal_data_stays_only_when_asked_for(files: Path, tmp_path: Path) -> None:
    edit(path_of(files, "reviews"), lambda rows: rows[0].update(review_comment_message="me ligue (11) 98765-4321"))
    shop = tmp_path / "commerce.db"
    import_olist(files, shop, keep_personal_data=True)
    assert rows_of(shop, "SELECT COUNT(*) FROM reviews WHERE comment LIKE '%98765%'") == [(1,)]
    import_olist(files, shop)
    assert rows_of(shop, "SELECT COUNT(*) FROM reviews WHERE comment LIKE '%98765%'") == [(0,)]


def test_optional_files_may_be_missing(files: Path, tmp_path: Path) -> None:
    for name, source in SOURCES.items():
        if source.optional:
            path_of(files, name).unlink()
    report = import_olist(files, tmp_path / "commerce.db")
    assert report.orders == 300 and len(report.missing) == 8 and report.reviews == report.items == 0


def test_latin_1_and_a_byte_order_mark_are_read(files: Path, tmp_path: Path) -> None:
    path = path_of(files, "reviews")
    text = path.read_text(encoding="utf-8").encode("latin-1", "replace")
    path.write_bytes(text)
    orders = path_of(files, "orders")
    orders.write_bytes(b"\xef\xbb\xbf" + orders.read_bytes().replace(b"\n", b"\r\n"))
    report = import_olist(files, tmp_path / "commerce.db")
    assert report.orders == 300
    assert (path.name, "not UTF-8; read as Windows-1252") in report.mended
    words = " ".join(r[0] or "" for r in rows_of(tmp_path / "commerce.db", "SELECT comment FROM reviews"))
    assert "ç" in words or "ã" in words


def test_a_missing_state_comes_from_the_postal_code(files: Path, tmp_path: Path) -> None:
    code = "01310"

    def customers(rows):
        rows[0].update(customer_state="", customer_zip_code_prefix="1310")

    edit(path_of(files, "customers"), customers)
    edit(
        path_of(files, "geolocation"),
        lambda rows: [{**r, "geolocation_zip_code_prefix": code, "geolocation_state": "SP"} for r in rows[:3]],
    )
    report = import_olist(files, tmp_path / "commerce.db")
    assert report.mended[SOURCES["customers"].file, "state taken from the postal code"] == 1


def _no_orders(files: Path) -> None:
    path_of(files, "orders").unlink()


def _other_columns(files: Path) -> None:
    path_of(files, "items").write_text("a,b\n1,2\n", encoding="utf-8")


def _cut_off(files: Path) -> None:
    path = path_of(files, "reviews")
    path.write_text(path.read_text(encoding="utf-8") + 'abc,def,5,,"the file ends in here', encoding="utf-8")


def _empty(files: Path) -> None:
    path_of(files, "orders").write_text("", encoding="utf-8")


def _no_rows(files: Path) -> None:
    path = path_of(files, "orders")
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")


def _binary(files: Path) -> None:
    path_of(files, "orders").write_bytes(bytes(range(256)) * 50)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_orders, "is not there"),
        (_other_columns, "items_dataset.csv:1: columns order_id"),
        (_cut_off, "never closed"),
        (_empty, "is empty"),
        (_no_rows, "gives no order"),
        (_binary, "orders_dataset.csv"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(files: Path, tmp_path: Path, spoil, message: str) -> None:
    shop = tmp_path / "commerce.db"
    import_olist(files, shop)
    before = shop.read_bytes()
    spoil(files)
    with pytest.raises(UserError, match=message):
        import_olist(files, shop)
    assert shop.read_bytes() == before, "the shop that was there is still there"
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(olist_files, "MOST_BYTES", 10_000)
    with pytest.raises(UserError, match="GB"):
        import_olist(files, tmp_path / "commerce.db")


def test_a_folder_without_the_files_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"other\.csv.*published on Kaggle"):
        import_olist(tmp_path, tmp_path / "commerce.db")
    with pytest.raises(UserError, match="no such folder"):
        import_olist(tmp_path / "none", tmp_path / "commerce.db")


@pytest.mark.slow
def test_prompts_follow_from_the_shop(files: Path, tmp_path: Path) -> None:
    shop = tmp_path / "commerce.db"
    import_olist(files, shop)
    counts = {"extraction": 40, "sql_qa": 40, "insights": 20, "push": 20}
    few = {"extraction": 10, "sql_qa": 6, "insights": 6, "push": 6}
    prompts = build_prompts(shop, counts, few, few)
    assert len(prompts) == 176
    assert {p.source for p in prompts} == {"olist, 300 orders"}
    assert {p.facts["shop"] for p in prompts} == {shop_identity(shop)[1]}
    extraction = [p for p in prompts if p.task == "extraction"]
    assert all("nota" in p.facts and "complaint_category" not in p.facts for p in extraction)
    assert not any("{" in p.user_text for p in prompts)
