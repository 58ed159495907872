"""Read Olist's nine CSV files, and report what an import left out or corrected."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from backend.errors import UserError

MOST_BYTES = 1_000_000_000
"""A larger file is rejected: it would not fit in memory together with the others (Olist's largest has 60 MB)."""
_NOTHING = ["", "N/A", "n/a", "NA", "NULL", "null", "None", "NaN", "nan", "#N/A", "-"]


@dataclass(frozen=True)
class Source:
    """One of the files: its name, the columns that are read, and whether the file is optional."""

    file: str
    columns: tuple[str, ...]
    optional: bool = True


SOURCES = {
    "orders": Source(
        "olist_orders_dataset.csv",
        (
            "order_id",
            "customer_id",
            "order_status",
            "order_purchase_timestamp",
            "order_delivered_customer_date",
            "order_estimated_delivery_date",
        ),
        optional=False,
    ),
    "items": Source(
        "olist_order_items_dataset.csv",
        ("order_id", "order_item_id", "product_id", "seller_id", "price", "freight_value"),
        optional=False,
    ),
    "customers": Source("olist_customers_dataset.csv", ("customer_id", "customer_zip_code_prefix", "customer_state")),
    "sellers": Source("olist_sellers_dataset.csv", ("seller_id", "seller_zip_code_prefix", "seller_state")),
    "products": Source("olist_products_dataset.csv", ("product_id", "product_category_name")),
    "payments": Source(
        "olist_order_payments_dataset.csv", ("order_id", "payment_type", "payment_installments", "payment_value")
    ),
    "reviews": Source(
        "olist_order_reviews_dataset.csv",
        (
            "review_id",
            "order_id",
            "review_score",
            "review_comment_title",
            "review_comment_message",
            "review_creation_date",
        ),
    ),
    "geolocation": Source("olist_geolocation_dataset.csv", ("geolocation_zip_code_prefix", "geolocation_state")),
    "translation": Source(
        "product_category_name_translation.csv", ("product_category_name", "product_category_name_english")
    ),
}


@dataclass
class Imported:
    """The report of an import.

    Attributes:
        orders, items, reviews: rows in commerce.db.
        missing: optional files that were not there.
        dropped: (file, reason) -> rows left out.
        mended: (file, what) -> rows imported with a correction, or with a missing value.
        masked: kind of personal data -> how often it was masked.
    """

    orders: int = 0
    items: int = 0
    reviews: int = 0
    missing: list[str] = field(default_factory=list)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    mended: Counter[tuple[str, str]] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The report, a line each."""
        found = [f"{self.orders} orders, {self.items} items, {self.reviews} reviews"]
        found += [f"{name} is not there: its columns stay empty" for name in self.missing]
        found += [f"{file}: {n} rows left out: {why}" for (file, why), n in sorted(self.dropped.items())]
        found += [f"{file}: {n} rows: {what}" for (file, what), n in sorted(self.mended.items())]
        if self.masked:
            found.append("masked in reviews: " + ", ".join(f"{n} {kind}" for kind, n in self.masked.most_common()))
        return found


def read_source(folder: Path, name: str, report: Imported, on_progress: Callable[[str], None]) -> pd.DataFrame:
    """Read one of the files: its columns as text, with empty values (``_NOTHING``) as missing.

    The table is empty if an optional file is not there.

    Raises:
        UserError: it is needed and not there, too large, cut off, not a table, or lacks columns.
    """
    source = SOURCES[name]
    path = folder / source.file
    if not path.is_file():
        if not source.optional:
            there = (
                ", ".join(sorted(p.name for p in folder.glob("*.csv"))[:12]) if folder.is_dir() else "no such folder"
            )
            raise UserError(
                f"{path} is not there ({there or 'no CSV files'}). Give the folder with Olist's files as published on "
                f"Kaggle; {SOURCES['orders'].file} and {SOURCES['items'].file} are needed"
            )
        report.missing.append(source.file)
        return pd.DataFrame(columns=list(source.columns), dtype="str")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UserError(
            f"{path} has {size / 1e9:.1f} GB; files up to {MOST_BYTES / 1e9:.0f} GB are read. Give a part of it: say, one "
            "year of orders"
        )
    on_progress(f"reading {source.file}")
    for encoding in ("utf-8-sig", "latin-1"):
        try:
            frame = pd.read_csv(
                path,
                usecols=lambda column: column in source.columns,
                dtype="str",
                encoding=encoding,
                keep_default_na=False,
                na_values=_NOTHING,
            )
            break
        except UnicodeDecodeError:
            report.mended[source.file, "not UTF-8; read as latin-1"] = 1
        except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
            raise UserError(_why_unreadable(path, error)) from error
    if absent := [c for c in source.columns if c not in frame]:
        raise UserError(
            f"{path}:1: columns {', '.join(absent)} are missing; the file has to have Olist's header: "
            + ",".join(source.columns)
        )
    return frame[list(source.columns)]


def _why_unreadable(path: Path, error: Exception) -> str:
    text = str(error).strip()
    if "EOF inside string" in text:
        row = "".join(c for c in text.rpartition("row")[2] if c.isdigit())
        return f"{path}: row {row} opens a quote that is never closed: the file was cut off. Download it again"
    if "No columns to parse" in text:
        return f"{path} is empty. Download it again"
    return f"{path} cannot be read as CSV: {text}. Download it again, or save it as CSV with commas"
