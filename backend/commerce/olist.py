"""Import the public Olist data (nine CSVs, as on Kaggle), or a shop's own data in that layout, into commerce.db.

    python -m backend.data olist FOLDER

The orders are needed; what another file or column would say stays empty where it is missing. An order may have no item: it
keeps its review and its dates. Rows that cannot be used are left out and counted by reason. Personal data in reviews is
masked (``backend.commerce.personal``). Importing the same files twice gives the same database.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from backend.access import needs
from backend.commerce.olist_source import Imported, Table, read_sources
from backend.commerce.olist_values import days, numbers, postal_codes, states
from backend.commerce.personal import mask
from backend.commerce.shop import write_shop
from backend.errors import UserError

_PAYMENTS = {
    "credit_card": "cartao_credito",
    "debit_card": "cartao_debito",
    "boleto": "boleto",
    "voucher": "voucher",
    "pix": "pix",
}


@needs("engineer")
def import_olist(
    folder: Path,
    commerce_db: Path,
    keep_personal_data: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Read the CSVs in ``folder`` and write ``commerce_db``; on an error the old database stays as it is.

    Args:
        folder: with the nine files, or some of them (``backend.commerce.olist_source`` says which names are known).
        commerce_db: the database to replace.
        keep_personal_data: do not mask personal data in reviews; by default it is masked.
        on_progress: called with a short text about each step.

    Raises:
        UserError: the folder lacks the orders, or a file cannot be read: not a table, wrong columns, cut off in the
            middle, too large. The message names the file and, if possible, the line.
    """
    report = Imported()
    tables = read_sources(folder, report, on_progress)
    on_progress("joining")
    state_of = _states(tables["geolocation"])
    orders = _orders(tables["orders"], tables["payments"], report)
    items = _items(tables["items"], orders, report)
    without = int((~orders["order_id"].isin(items["order_id"])).sum())
    if without:
        report.mended[tables["orders"].file, "without an item: kept, with product and price empty"] += without
    rows = {
        "customers": _places(tables["customers"], "customer", orders["customer_id"], state_of, report),
        "sellers": _places(tables["sellers"], "seller", items["seller_id"], state_of, report),
        "products": _products(tables["products"], tables["translation"].frame, items, report),
        "orders": orders,
        "order_items": items,
        "reviews": _reviews(tables["reviews"], orders, report, keep_personal_data, on_progress),
    }
    report.orders, report.items, report.reviews = len(orders), len(items), len(rows["reviews"])
    if not report.orders:
        raise UserError(f"{folder} gives no order; nothing was imported:\n" + "\n".join(report.lines()[1:]))

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
_DATES = {
    "purchased_on": "order_purchase_timestamp",
    "estimated_on": "order_estimated_delivery_date",
    "delivered_on": "order_delivered_customer_date",
}


def _orders(table: Table, payments: Table, report: Imported) -> pd.DataFrame:
    frame, file = _with(table, ["order_id"], report), table.file
    if _says_nothing(frame, "order_id", file, report):
        raise UserError(
            f"{file}: order_id is {frame['order_id'].iloc[0]!r} in every row, so it tells no order from another"
        )
    frame = _first(frame, "order_id", table, report)
    dates = days({name: frame[column] for name, column in _DATES.items()})
    for name, what in (("delivered_on", "delivery"), ("estimated_on", "estimated")):
        unread = int((dates[name].isna() & frame[_DATES[name]].notna()).sum())
        if unread:
            report.mended[file, f"{what} date unreadable, left empty"] += unread
    customer = frame["customer_id"]
    if _says_nothing(frame, "customer_id", file, report):
        customer = pd.Series(None, frame.index, dtype="str")
    frame = pd.DataFrame(
        {
            "order_id": frame["order_id"],
            "customer_id": customer.str.strip(),
            "status": frame["order_status"].str.strip().str.lower().fillna("unknown"),
            **dates,
        }
    )
    undated = frame["purchased_on"].isna()
    _drop(report, file, "purchase date missing or unreadable", undated)
    return _paid(frame[~undated].sort_values("order_id"), payments.frame)


def _paid(orders: pd.DataFrame, payments: pd.DataFrame) -> pd.DataFrame:
    """The orders with the kind and installments of their largest payment."""
    paid = payments.dropna(subset=["order_id"]).assign(
        order_id=payments["order_id"].str.strip(),
        kind=payments["payment_type"].str.strip().str.lower().str.replace(r"\W+", "_", regex=True).map(_PAYMENTS),
        value=numbers(payments["payment_value"]),
        installments=numbers(payments["payment_installments"]).round(),
    )
    largest = paid.sort_values(["order_id", "value", "payment_type"], ascending=[True, False, True])
    largest = largest.drop_duplicates("order_id").set_index("order_id")
    return orders.assign(
        payment_type=orders["order_id"].map(largest["kind"]),
        installments=orders["order_id"].map(largest["installments"]).astype("Int64"),
    )


def _items(table: Table, orders: pd.DataFrame, report: Imported) -> pd.DataFrame:
    frame, file = _with(table, ["order_id"], report), table.file
    for column in ("product_id", "seller_id"):
        frame[column] = frame[column].str.strip()
    frame = frame.assign(price=numbers(frame["price"]), freight=numbers(frame["freight_value"]))
    bad = frame["price"].isna() | (frame["price"] < 0) | (frame["freight"] < 0)
    _drop(report, file, "price missing, negative or no number", bad)
    orphan = ~bad & ~frame["order_id"].isin(orders["order_id"])
    _drop(report, file, "of an order that is not there", orphan)
    frame = frame[~bad & ~orphan]
    by_place = frame["order_item_id"].notna() & frame.duplicated("order_id", keep=False)
    known = frame["order_item_id"].notna() & ~(by_place & _constant(frame, "order_item_id"))
    if (by_place & ~known).any():
        report.notes.append(
            f"{file}: order_item_id is {frame['order_item_id'].iloc[0]!r} in every row; each row counts as an item"
        )
    repeated = frame.duplicated(["order_id", "order_item_id"]) & known
    if table.joined:  # a row stands there again for each payment or review of its order
        repeated |= ~known & frame.duplicated(["order_id", "product_id", "seller_id", "price", "freight"])
    else:
        _drop(report, file, "the same item of the same order twice", repeated)
    frame = frame[~repeated]
    frame = frame.assign(place=numbers(frame["order_item_id"])).sort_values(["order_id", "place"], kind="stable")
    return frame[["order_id", "product_id", "seller_id", "price", "freight"]]


def _places(table: Table, who: str, wanted: pd.Series, state_of: pd.Series, report: Imported) -> pd.DataFrame:
    """Customers or sellers with their state; if it is missing, the state of their postal code."""
    key = f"{who}_id"
    frame = _first(_with(table, [key], report), key, table, report)
    state = states(frame[f"{who}_state"])
    by_code = postal_codes(frame[f"{who}_zip_code_prefix"]).map(state_of)
    found = state.isna() & by_code.notna()
    if found.any():
        report.mended[table.file, "state taken from the postal code"] += int(found.sum())
    frame = pd.DataFrame({key: frame[key], "state": state.fillna(by_code)})
    return frame[frame[key].isin(wanted)].sort_values(key)


def _products(table: Table, translation: pd.DataFrame, items: pd.DataFrame, report: Imported) -> pd.DataFrame:
    file = table.file
    frame = _first(_with(table, ["product_id"], report), "product_id", table, report)
    names = translation.dropna().drop_duplicates("product_category_name")
    category = frame["product_category_name"].str.strip()
    english = frame["product_category_name_english"].str.strip()
    portuguese_of = names.drop_duplicates("product_category_name_english").set_index("product_category_name_english")
    category = category.fillna(english.map(portuguese_of["product_category_name"])).fillna(english)
    english_of = names.set_index("product_category_name")["product_category_name_english"]
    frame = pd.DataFrame(
        {
            "product_id": frame["product_id"],
            "category": category,
            "category_en": english.fillna(category.map(english_of)),
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
    table: Table,
    orders: pd.DataFrame,
    report: Imported,
    keep_personal_data: bool,
    on_progress: Callable[[str], None],
) -> pd.DataFrame:
    """One review an order, the latest; a review that several orders share serves each of them."""
    frame, file = _with(table, ["order_id"], report), table.file
    score = numbers(frame["review_score"])
    unscored = frame["review_score"].isna() if table.joined else pd.Series(False, frame.index)
    bad = ~score.isin([1, 2, 3, 4, 5])
    _drop(report, file, "score is no whole number from 1 to 5", bad & ~unscored)
    orphan = ~bad & ~frame["order_id"].isin(orders["order_id"])
    _drop(report, file, "of an order that is not there", orphan)
    ids = frame["review_id"].str.strip()
    if _says_nothing(frame, "review_id", file, report):
        ids = frame["order_id"]
    created = days({"day": frame["review_creation_date"]})["day"]
    frame = frame.assign(score=score, review_id=ids.fillna(frame["order_id"]), created=created)[~bad & ~orphan]
    frame = frame.sort_values(["order_id", "created", "review_id"], kind="stable", na_position="first")
    older = frame.duplicated("order_id", keep="last")
    if not table.joined:
        _drop(report, file, "an earlier review of the same order", older)
    frame = frame[~older].sort_values(["review_id", "order_id"])
    shared = int(frame.duplicated("review_id").sum())
    if shared:
        report.mended[file, "the same review for another order: serves both"] += shared
    title, message = (frame[f"review_comment_{part}"].fillna("").str.strip() for part in ("title", "message"))
    comment = title.where(message == "", title + ". " + message).where(title != "", message)
    comment = comment.str.replace(r"\s+", " ", regex=True).str.replace("..", ".", regex=False)
    if not keep_personal_data:
        on_progress("masking personal data in reviews")
        comment = pd.Series([_masked(text, report) for text in comment], index=comment.index, dtype="str")
    if len(comment) and not (comment != "").any():
        report.notes.append(f"{file}: no review has a comment, so there are no prompts for extraction")
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


def _states(geolocation: Table) -> pd.Series:
    """Postal code prefix -> the state that most rows with this prefix name."""
    frame = geolocation.frame
    places = pd.DataFrame(
        {"code": postal_codes(frame["geolocation_zip_code_prefix"]), "state": states(frame["geolocation_state"])}
    ).dropna()
    counts = places.value_counts(sort=False).reset_index()
    counts = counts.sort_values(["code", "count", "state"], ascending=[True, False, True])
    return counts.drop_duplicates("code").set_index("code")["state"]


# --- rows ---------------------------------------------------------------------------------------------------------
def _with(table: Table, columns: list[str], report: Imported) -> pd.DataFrame:
    """The rows that have these columns."""
    frame = table.frame.assign(**{c: table.frame[c].str.strip() for c in columns})
    empty = frame[columns].isna().any(axis=1) | (frame[columns] == "").any(axis=1)
    _drop(report, table.file, f"without {' or '.join(columns)}", empty)
    return frame[~empty]


def _first(frame: pd.DataFrame, key: str, table: Table, report: Imported) -> pd.DataFrame:
    """The first row of each key; in joined tables a key stands in many rows, and none is lost."""
    repeated = frame.duplicated(key)
    if not table.joined:
        _drop(report, table.file, f"{key} stands there already", repeated)
    return frame[~repeated]


def _constant(frame: pd.DataFrame, column: str) -> bool:
    return len(frame) > 1 and frame[column].nunique(dropna=False) == 1


def _says_nothing(frame: pd.DataFrame, column: str, file: str, report: Imported) -> bool:
    """Whether an id is the same in every row, which is said in the report."""
    same = _constant(frame, column) and bool(frame[column].notna().all())
    if same:
        report.notes.append(
            f"{file}: {column} is {frame[column].iloc[0]!r} in every row, so it tells nothing apart and is not used"
        )
    return same


def _drop(report: Imported, file: str, why: str, rows: pd.Series) -> None:
    if rows.any():
        report.dropped[file, why] += int(rows.sum())
