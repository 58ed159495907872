"""Read Olist's nine CSV files, whatever their folder calls them, and report what an import left out or corrected.

A file is recognised by Olist's name for it, by a usual name (``orders.csv``), or else by its columns; so one file that
holds the joined tables serves each of them. Columns may have other usual names, stand in any order, or be missing.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from backend.commerce.olist_files import MOST_BYTES, CsvFile, csv_files, snake
from backend.errors import UserError

__all__ = ["MOST_BYTES", "SOURCES", "Imported", "Source", "Table", "read_sources"]
_NO_NAME_OF_A_TABLE = re.compile(
    r"^(?:olist|dataset|datasets|data|df|clean|cleaned|sample|sampled|small|subset|raw|public|new|final|\d+|v\d+)$"
)


@dataclass(frozen=True)
class Source:
    """One of the tables.

    Attributes:
        file: Olist's name of its file.
        names: other usual names of the file, without "olist", "dataset" and the extension.
        columns: each column that is read, and what else it may be called, the best name first.
        needed: columns without which the table says nothing.
        optional: whether an import can do without the file.
    """

    file: str
    names: tuple[str, ...]
    columns: dict[str, str]
    needed: tuple[str, ...]
    optional: bool = True

    def found_in(self, header: dict[str, str]) -> dict[str, str]:
        """Column -> its name in a file with this header (name in snake case -> name as written)."""
        found = {}
        for column, others in self.columns.items():
            name = next((name for name in (column, *others.split()) if name in header), None)
            if name is not None:
                found[column] = header[name]
        return found


SOURCES = {
    "orders": Source(
        "olist_orders_dataset.csv",
        ("orders", "order", "pedidos"),
        {
            "order_id": "orderid id_pedido pedido_id",
            "customer_id": "id_cliente cliente_id customer_unique_id order_id",
            "order_status": "status status_pedido",
            "order_purchase_timestamp": "purchase_timestamp order_purchase_date order_purchase_datetime purchase_date purchased_at "
            "order_date order_timestamp data_pedido data_compra order_approved_at",
            "order_delivered_customer_date": "delivered_customer_date order_delivered_date delivered_date delivered_at "
            "order_delivery_date delivery_date data_entrega",
            "order_estimated_delivery_date": "estimated_delivery_date order_estimated_date estimated_date estimated_delivery data_estimada",
        },
        ("order_id", "order_purchase_timestamp"),
        optional=False,
    ),
    "items": Source(
        "olist_order_items_dataset.csv",
        ("order_items", "items", "order_item", "orderitems", "itens", "itens_pedido"),
        {
            "order_id": "orderid id_pedido pedido_id",
            "order_item_id": "item_id order_item item_number",
            "product_id": "id_produto produto_id product_category_name product_category product_category_name_english",
            "seller_id": "id_vendedor vendedor_id",
            "price": "item_price product_price unit_price preco valor",
            "freight_value": "freight freight_price shipping_cost frete valor_frete",
        },
        ("order_id", "price"),
    ),
    "customers": Source(
        "olist_customers_dataset.csv",
        ("customers", "customer", "clientes"),
        {
            "customer_id": "id_cliente cliente_id customer_unique_id order_id",
            "customer_zip_code_prefix": "zip_code_prefix customer_zip_code customer_zip zip_code cep",
            "customer_state": "state estado uf",
        },
        ("customer_id",),
    ),
    "sellers": Source(
        "olist_sellers_dataset.csv",
        ("sellers", "seller", "vendedores"),
        {
            "seller_id": "id_vendedor vendedor_id",
            "seller_zip_code_prefix": "zip_code_prefix seller_zip_code seller_zip zip_code cep",
            "seller_state": "state estado uf",
        },
        ("seller_id",),
    ),
    "products": Source(
        "olist_products_dataset.csv",
        ("products", "product", "produtos"),
        {
            "product_id": "id_produto produto_id product_category_name product_category product_category_name_english",
            "product_category_name": "product_category product_category_namept product_category_name_pt category_name category categoria",
            "product_category_name_english": "product_category_english category_name_english category_english product_category_name_en",
        },
        ("product_id",),
    ),
    "payments": Source(
        "olist_order_payments_dataset.csv",
        ("order_payments", "payments", "payment", "order_payment", "pagamentos"),
        {
            "order_id": "orderid id_pedido pedido_id",
            "payment_type": "payment_method forma_pagamento tipo_pagamento",
            "payment_installments": "installments parcelas",
            "payment_value": "payment_amount valor_pagamento",
        },
        ("order_id", "payment_type"),
    ),
    "reviews": Source(
        "olist_order_reviews_dataset.csv",
        ("order_reviews", "reviews", "review", "order_review", "avaliacoes"),
        {
            "review_id": "id_avaliacao avaliacao_id order_id",
            "order_id": "orderid id_pedido pedido_id",
            "review_score": "score rating review_rating nota",
            "review_comment_title": "comment_title review_title titulo",
            "review_comment_message": "comment_message review_comment review_message review_text comment message comentario",
            "review_creation_date": "creation_date review_creation_timestamp review_date review_creation review_answer_timestamp",
        },
        ("order_id", "review_score"),
    ),
    "geolocation": Source(
        "olist_geolocation_dataset.csv",
        ("geolocation", "geo", "geolocations"),
        {"geolocation_zip_code_prefix": "zip_code_prefix", "geolocation_state": "state"},
        ("geolocation_zip_code_prefix", "geolocation_state"),
    ),
    "translation": Source(
        "product_category_name_translation.csv",
        (
            "product_category_name_translation",
            "category_name_translation",
            "category_translation",
            "product_category_name",
            "product_category",
            "category_name",
            "category",
            "categories",
            "translation",
        ),
        {
            "product_category_name": "product_category_namept product_category_name_portuguese category_name category category_pt name",
            "product_category_name_english": "category_name_english category_english product_category_english category_en english name_english",
        },
        ("product_category_name", "product_category_name_english"),
    ),
}


@dataclass
class Imported:
    """The report of an import.

    Attributes:
        orders, items, reviews: rows in commerce.db.
        missing: optional files that were not there.
        absent: file -> columns that it lacks.
        dropped: (file, reason) -> rows left out.
        mended: (file, what) -> rows imported with a correction, or with a missing value.
        masked: kind of personal data -> how often it was masked.
        notes: what else there is to know.
    """

    orders: int = 0
    items: int = 0
    reviews: int = 0
    missing: list[str] = field(default_factory=list)
    absent: dict[str, list[str]] = field(default_factory=dict)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    mended: Counter[tuple[str, str]] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report, a line each."""
        found = [f"{self.orders} orders, {self.items} items, {self.reviews} reviews"]
        found += self.notes
        found += [f"{name} is not there: its columns stay empty" for name in self.missing]
        found += [f"{file} has no {', '.join(names)}: stays empty" for file, names in self.absent.items()]
        found += [f"{file}: {n} rows left out: {why}" for (file, why), n in sorted(self.dropped.items())]
        found += [f"{file}: {n} rows: {what}" for (file, what), n in sorted(self.mended.items())]
        if self.masked:
            found.append("masked in reviews: " + ", ".join(f"{n} {kind}" for kind, n in self.masked.most_common()))
        return found


@dataclass(frozen=True)
class Table:
    """One of the tables: its columns as text, the name of its file, and whether the file holds other tables too."""

    frame: pd.DataFrame
    file: str
    joined: bool = False


def read_sources(folder: Path, report: Imported, on_progress: Callable[[str], None]) -> dict[str, Table]:
    """Read the tables in ``folder``; one without a file is empty.

    Raises:
        UserError: the orders are not there, or a file cannot be read: too large, cut off, not a table, wrong columns.
    """
    files = csv_files(folder)
    chosen = {name: _choose(source, files) for name, source in SOURCES.items()}
    if chosen["orders"] is None:
        there = ", ".join(file.path.name for file in files[:12]) or (
            "no CSV files" if folder.is_dir() else "no such folder"
        )
        raise UserError(
            f"{folder / SOURCES['orders'].file} is not there ({there}). Give the folder with Olist's files as published on "
            f"Kaggle, or files with their columns; the orders, with {' and '.join(SOURCES['orders'].needed)}, are needed"
        )
    tables: dict[str, Table] = {}
    served: dict[CsvFile, list[str]] = {}
    for name, file in chosen.items():
        source = SOURCES[name]
        if file is None or file.is_pointer:
            pointer = " (a Git LFS pointer stands in its place)" if file is not None else ""
            report.missing.append(source.file + pointer)
            tables[name] = Table(pd.DataFrame(columns=list(source.columns), dtype="str"), source.file)
        else:
            served.setdefault(file, []).append(name)
    for file, names in served.items():
        on_progress(f"reading {file.path.name}")
        tables |= _read(file, names, report)
    return tables


def _choose(source: Source, files: list[CsvFile]) -> CsvFile | None:
    """The file of a table.

    Raises:
        UserError: a file has the table's name and cannot hold it.
    """
    for file in files:
        if file.path.name == source.file:
            if file.is_empty:
                raise UserError(f"{file.path} is empty. Download it again")
            if file.is_pointer and not source.optional:
                raise UserError(
                    f"{file.path} is a Git LFS pointer, not the data. Run `git lfs pull` there, or download the file"
                )
            lacking = [] if file.is_pointer else [c for c in source.needed if c not in source.found_in(file.header)]
            if lacking:
                raise UserError(
                    f"{file.path}:1: columns {', '.join(lacking)} are missing; the file has to have Olist's header: "
                    + ",".join(source.columns)
                )
            return file
    fit = [file for file in files if not file.is_pointer and set(source.needed) <= source.found_in(file.header).keys()]
    named = [file for file in fit if _table_name(file.path) in source.names]
    if named:
        return named[0]
    own = {column for column in source.columns if column not in ("order_id", "customer_id", "product_id", "seller_id")}
    telling = [
        file
        for file in fit
        if own & file.header.keys() and set(source.needed) - own <= source.found_in(file.header).keys()
    ]

    def likeness(file: CsvFile) -> tuple[int, int, int]:
        exact = sum(column in file.header for column in source.needed)
        return exact, len(source.found_in(file.header)), -len(file.header)

    return max(telling, key=likeness, default=None)


def _table_name(path: Path) -> str:
    """``olist_orders_dataset (1).csv`` -> "orders"."""
    return "_".join(part for part in snake(path.stem).split("_") if not _NO_NAME_OF_A_TABLE.match(part))


def _read(file: CsvFile, names: list[str], report: Imported) -> dict[str, Table]:
    """The tables that a file serves; it is read once, so what is wrong with it is counted once."""
    found = {name: SOURCES[name].found_in(file.header) for name in names}
    frame = file.read({written for of in found.values() for written in of.values()}, report.dropped, report.mended)
    tables = {}
    for name, of in found.items():
        columns = SOURCES[name].columns
        absent = [column for column in columns if column not in of]
        if absent and absent != ["product_category_name_english"]:
            said = report.absent.setdefault(file.path.name, [])
            said += [column for column in absent if column not in said]
        table = {c: frame[of[c]] if c in of else pd.Series(None, frame.index, dtype="str") for c in columns}
        tables[name] = Table(pd.DataFrame(table), file.path.name, len(names) > 1)
    return tables
