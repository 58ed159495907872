"""Import the public Olist data (nine CSVs, as on Kaggle), or a shop's own data in that layout, into commerce.db.

    python -m backend.data olist FOLDER

The files with orders and order items are needed; if another file is missing, its columns stay empty. Rows that cannot be
used are left out and counted by reason. Personal data in reviews is masked (``backend.commerce.personal``). Importing the
same files twice gives the same database.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from backend.access import needs
from backend.commerce.olist_source import SOURCES, Imported, read_source
from backend.commerce.personal import mask
from backend.commerce.shop import write_shop
from backend.errors import UserError

_PAYMENTS = {"credit_card": "cartao_credito", "debit_card": "cartao_debito", "boleto": "boleto", "voucher": "voucher"}


@needs("engineer")
def import_olist(
    folder: Path,
    commerce_db: Path,
    keep_personal_data: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Read the CSVs in ``folder`` and write ``commerce_db``; on an error the old database stays as it is.

    Args:
        folder: with the nine files, or some of them.
        commerce_db: the database to replace.
        keep_personal_data: do not mask personal data in reviews; by default it is masked.
        on_progress: called with a short text about each step.

    Raises:
        UserError: the folder lacks the orders or items, or a file cannot be read: not a table, wrong columns, cut off in
            the middle, too large. The message names the file and, if possible, the line.
    """
    report = Imported()
    tables = {name: read_source(folder, name, report, on_progress) for name in SOURCES}
    on_progress("joining")
    state_of = _states(tables["geolocation"])
    orders = _orders(tables["orders"], tables["payments"], report)
    items = _items(tables["items"], orders, report)
    orders = orders[orders["order_id"].isin(items["order_id"])]
    rows = {
        "customers": _places(tables["customers"], "customer", orders["customer_id"], state_of, report),
        "sellers": _places(tables["sellers"], "seller", items["seller_id"], state_of, report),
        "products": _products(tables["products"], tables["translation"], items, report),
        "orders": orders,
        "order_items": items,
        "reviews": _reviews(tables["reviews"], orders, report, keep_personal_data, on_progress),
    }
    report.orders, report.items, report.reviews = len(orders), len(items), len(rows["reviews"])
    if not report.orders:
        raise UserError(
            f"{folder} gives no order with an item; nothing was imported:\n" + "\n".join(report.lines()[1:])
        )

    def fill(db: sqlite3.Connection) -> None:
        for table, frame in rows.items():
            columns = ", ".join(frame.columns)
            values = ", ".join("?" for _ in frame.columns)
            plain = frame.astype(object).where(frame.notna(), None)
            db.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({values})", plain.itertuples(index=False, name=None)
            )

    on_progress("writing commerce.db")
    write_shop(commerce_db, f"olist, {report.orders} orders", fill)
    return report


# --- the tables ---------------------------------------------------------------------------------------------------
def _orders(frame: pd.DataFrame, payments: pd.DataFrame, report: Imported) -> pd.DataFrame:
    file = SOURCES["orders"].file
    frame = _first(_with(frame, ["order_id"], file, report), "order_id", file, report)
    dates = {
        "purchased_on": "order_purchase_timestamp",
        "estimated_on": "order_estimated_delivery_date",
        "delivered_on": "order_delivered_customer_date",
    }
    days = {name: _day(frame[column]) for name, column in dates.items()}
    unread = int((days["delivered_on"].isna() & frame[dates["delivered_on"]].notna()).sum())
    if unread:
        report.mended[file, "delivery date unreadable, left empty"] += unread
    frame = pd.DataFrame(
        {
            "order_id": frame["order_id"],
            "customer_id": frame["customer_id"],
            "status": frame["order_status"].fillna("unknown"),
            **days,
        }
    )
    undated = frame["purchased_on"].isna()
    _count(report.dropped, file, "purchase date missing or unreadable", undated)
    frame = frame[~undated].sort_values("order_id")
    paid = payments.dropna(subset=["order_id"]).assign(
        payment_value=_number(payments["payment_value"]),
        installments=_number(payments["payment_installments"]).round(),
    )
    largest = paid.sort_values(["order_id", "payment_value", "payment_type"], ascending=[True, False, True])
    largest = largest.drop_duplicates("order_id").set_index("order_id")
    kind = largest["payment_type"].map(_PAYMENTS)
    frame["payment_type"] = frame["order_id"].map(kind)
    frame["installments"] = frame["order_id"].map(largest["installments"]).astype("Int64")
    return frame


def _items(frame: pd.DataFrame, orders: pd.DataFrame, report: Imported) -> pd.DataFrame:
    file = SOURCES["items"].file
    frame = _with(frame, ["order_id"], file, report)
    frame = frame.assign(price=_number(frame["price"]), freight=_number(frame["freight_value"]).fillna(0.0))
    bad = frame["price"].isna() | (frame["price"] < 0) | (frame["freight"] < 0)
    _count(report.dropped, file, "price missing, negative or no number", bad)
    orphan = ~bad & ~frame["order_id"].isin(orders["order_id"])
    _count(report.dropped, file, "of an order that is not there", orphan)
    frame = frame[~bad & ~orphan]
    repeated = frame.duplicated(["order_id", "order_item_id"]) & frame["order_item_id"].notna()
    _count(report.dropped, file, "the same item of the same order twice", repeated)
    frame = (
        frame[~repeated].assign(place=_number(frame["order_item_id"])).sort_values(["order_id", "place"], kind="stable")
    )
    return frame[["order_id", "product_id", "seller_id", "price", "freight"]]


def _places(frame: pd.DataFrame, who: str, wanted: pd.Series, state_of: pd.Series, report: Imported) -> pd.DataFrame:
    """Customers or sellers with their state; if it is missing, the state of their postal code."""
    key, file = f"{who}_id", SOURCES[f"{who}s"].file
    frame = _first(_with(frame, [key], file, report), key, file, report)
    state = frame[f"{who}_state"].str.strip().str.upper()
    by_code = frame[f"{who}_zip_code_prefix"].map(_code).map(state_of)
    found = state.isna() & by_code.notna()
    if found.any():
        report.mended[file, "state taken from the postal code"] += int(found.sum())
    frame = pd.DataFrame({key: frame[key], "state": state.fillna(by_code)})
    return frame[frame[key].isin(wanted)].sort_values(key)


def _products(frame: pd.DataFrame, translation: pd.DataFrame, items: pd.DataFrame, report: Imported) -> pd.DataFrame:
    file = SOURCES["products"].file
    frame = _first(_with(frame, ["product_id"], file, report), "product_id", file, report)
    english = translation.dropna().drop_duplicates("product_category_name").set_index("product_category_name")
    category = frame["product_category_name"].str.strip()
    frame = pd.DataFrame(
        {
            "product_id": frame["product_id"],
            "category": category,
            "category_en": category.map(english["product_category_name_english"]),
        }
    )
    frame = frame[frame["product_id"].isin(items["product_id"])].sort_values("product_id")
    for what, rows in (
        ("without a category", frame["category"].isna()),
        ("category without a translation", frame["category"].notna() & frame["category_en"].isna()),
    ):
        if rows.any():
            report.mended[file, what] += int(rows.sum())
    return frame


def _reviews(
    frame: pd.DataFrame,
    orders: pd.DataFrame,
    report: Imported,
    keep_personal_data: bool,
    on_progress: Callable[[str], None],
) -> pd.DataFrame:
    file = SOURCES["reviews"].file
    frame = _with(frame, ["review_id", "order_id"], file, report)
    score = _number(frame["review_score"])
    bad = ~score.isin([1, 2, 3, 4, 5])
    _count(report.dropped, file, "score is no whole number from 1 to 5", bad)
    orphan = ~bad & ~frame["order_id"].isin(orders["order_id"])
    _count(report.dropped, file, "of an order that is not there", orphan)
    frame = frame.assign(score=score)[~bad & ~orphan]
    frame = frame.sort_values(["order_id", "review_creation_date", "review_id"], kind="stable")
    older = frame.duplicated("order_id", keep="last")
    _count(report.dropped, file, "an earlier review of the same order", older)
    frame = frame[~older].sort_values(["review_id", "order_id"])
    shared = frame.duplicated("review_id")
    _count(report.dropped, file, "the same review id for another order", shared)
    frame = frame[~shared]
    title, message = (frame[f"review_comment_{part}"].fillna("").str.strip() for part in ("title", "message"))
    comment = title.where(message == "", title + ". " + message).where(title != "", message)
    comment = comment.str.replace(r"\s+", " ", regex=True).str.replace("..", ".", regex=False)
    if not keep_personal_data:
        on_progress("masking personal data in reviews")
        comment = pd.Series([_masked(text, report) for text in comment], index=comment.index, dtype="str")
    return pd.DataFrame(
        {
            "review_id": frame["review_id"],
            "order_id": frame["order_id"],
            "score": frame["score"].astype("int64"),
            "comment": comment.where(comment != "", None),
        }
    )


def _masked(text: str, report: Imported) -> str:
    if not text:
        return text
    text, found = mask(text)
    report.masked.update(found)
    return text


# --- values -------------------------------------------------------------------------------------------------------
def _states(geolocation: pd.DataFrame) -> pd.Series:
    """Postal code prefix -> the state that most rows with this prefix name."""
    if geolocation.empty:
        return pd.Series(dtype="str")
    places = pd.DataFrame(
        {
            "code": geolocation["geolocation_zip_code_prefix"].map(_code),
            "state": geolocation["geolocation_state"].str.strip().str.upper(),
        }
    ).dropna()
    counts = (
        places.value_counts(sort=False)
        .reset_index()
        .sort_values(["code", "count", "state"], ascending=[True, False, True])
    )
    return counts.drop_duplicates("code").set_index("code")["state"]


def _code(prefix: object) -> str | None:
    """A postal code prefix without leading zeros, because spreadsheets drop them."""
    return str(prefix).split(".")[0].strip().lstrip("0") or None if isinstance(prefix, str) else None


def _number(values: pd.Series) -> pd.Series:
    """Texts as numbers, also with a decimal comma; a text that is not a number becomes missing."""
    plain = pd.to_numeric(values, errors="coerce").astype(float)
    rest = plain.isna() & values.notna()
    if rest.any():
        commas = values[rest].str.replace("R$", "", regex=False).str.strip()
        commas = commas.str.replace(r"\.(?=\d{3}(?:\D|$))", "", regex=True).str.replace(",", ".", regex=False)
        plain[rest] = pd.to_numeric(commas, errors="coerce")
    return plain.where(plain.abs() < 1e9)


def _day(values: pd.Series) -> pd.Series:
    """Time stamps ("2017-10-02 10:56:33", also with the day first) as ISO days; other texts become missing."""
    days = pd.to_datetime(values, format="%Y-%m-%d %H:%M:%S", errors="coerce")
    rest = days.isna() & values.notna()
    for pattern in ("%Y-%m-%d", "ISO8601", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y"):
        if not rest.any():
            break
        days[rest] = pd.to_datetime(values[rest], format=pattern, errors="coerce")
        rest = days.isna() & values.notna()
    return days.dt.strftime("%Y-%m-%d")


def _with(frame: pd.DataFrame, columns: list[str], file: str, report: Imported) -> pd.DataFrame:
    frame = frame.assign(**{c: frame[c].str.strip() for c in columns})
    empty = frame[columns].isna().any(axis=1) | (frame[columns] == "").any(axis=1)
    _count(report.dropped, file, f"without {' or '.join(columns)}", empty)
    return frame[~empty]


def _first(frame: pd.DataFrame, key: str, file: str, report: Imported) -> pd.DataFrame:
    repeated = frame.duplicated(key)
    _count(report.dropped, file, f"{key} stands there already", repeated)
    return frame[~repeated]


def _count(into: Counter[tuple[str, str]], file: str, what: str, rows: pd.Series) -> None:
    if rows.any():
        into[file, what] += int(rows.sum())
