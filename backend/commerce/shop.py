"""commerce.db: the shop's data as every prompt and query reads it, whoever filled it (synthetic, or an Olist export).

The tables mirror the public Olist layout in Portuguese values; ``orders_enriched`` is the one to query: a row per order
item, and one without price and product for an order that has no item. A review may serve several orders. The database is
written whole or not at all, and names its contents in the table ``shop``.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.errors import UserError
from backend.files import name_aside
from backend.settings import get_settings
from rewards.text import fold

SCHEMA = """
CREATE TABLE customers (customer_id TEXT PRIMARY KEY, state TEXT);
CREATE TABLE sellers (seller_id TEXT PRIMARY KEY, state TEXT);
CREATE TABLE products (product_id TEXT PRIMARY KEY, name TEXT, category TEXT, category_en TEXT);
CREATE TABLE orders (order_id TEXT PRIMARY KEY, customer_id TEXT REFERENCES customers, status TEXT NOT NULL,
    purchased_on TEXT NOT NULL, estimated_on TEXT, delivered_on TEXT, payment_type TEXT, installments INTEGER);
CREATE TABLE order_items (order_id TEXT REFERENCES orders, product_id TEXT REFERENCES products,
    seller_id TEXT REFERENCES sellers, price REAL NOT NULL, freight REAL);
CREATE TABLE reviews (review_id TEXT, order_id TEXT REFERENCES orders, score INTEGER NOT NULL, comment TEXT,
    truth_category TEXT, truth_delivery INTEGER, truth_product INTEGER, truth_seller INTEGER, PRIMARY KEY (review_id, order_id));
CREATE TABLE shop (source TEXT NOT NULL, id TEXT NOT NULL);
"""
ENRICHED = """
CREATE TABLE orders_enriched AS
SELECT o.order_id, c.state AS customer_state, p.name AS product, p.category, p.category_en, i.price, i.freight,
    i.seller_id, o.status, o.payment_type, o.installments, o.purchased_on, substr(o.purchased_on, 1, 7) AS month,
    o.delivered_on, CAST(julianday(o.delivered_on) - julianday(o.estimated_on) AS INTEGER) AS delay_days,
    r.score AS review_score, r.comment AS review_text,
    CASE WHEN r.score >= 4 THEN 'positivo' WHEN r.score = 3 THEN 'neutro' WHEN r.score <= 2 THEN 'negativo' END
        AS sentiment
FROM orders o LEFT JOIN customers c USING (customer_id) LEFT JOIN order_items i USING (order_id)
    LEFT JOIN products p USING (product_id) LEFT JOIN reviews r USING (order_id)
ORDER BY o.order_id, i.rowid;
CREATE INDEX enriched_order ON orders_enriched (order_id);
CREATE INDEX enriched_state ON orders_enriched (customer_state);
CREATE INDEX enriched_category ON orders_enriched (category);
CREATE INDEX enriched_month ON orders_enriched (month);
"""
STATE_NAMES = {
    "AC": "Acre",
    "AL": "Alagoas",
    "AM": "Amazonas",
    "AP": "Amapá",
    "BA": "Bahia",
    "CE": "Ceará",
    "DF": "Distrito Federal",
    "ES": "Espírito Santo",
    "GO": "Goiás",
    "MA": "Maranhão",
    "MG": "Minas Gerais",
    "MS": "Mato Grosso do Sul",
    "MT": "Mato Grosso",
    "PA": "Pará",
    "PB": "Paraíba",
    "PE": "Pernambuco",
    "PI": "Piauí",
    "PR": "Paraná",
    "RJ": "Rio de Janeiro",
    "RN": "Rio Grande do Norte",
    "RO": "Rondônia",
    "RR": "Roraima",
    "RS": "Rio Grande do Sul",
    "SC": "Santa Catarina",
    "SE": "Sergipe",
    "SP": "São Paulo",
    "TO": "Tocantins",
}
STATE_CODES = {fold(name): code for code, name in STATE_NAMES.items()} | {code.lower(): code for code in STATE_NAMES}
"""A state's folded name, or its letters in lower case -> its letters."""
PAYMENT_NAMES = {
    "cartao_credito": "cartão de crédito",
    "cartao_debito": "cartão de débito",
    "boleto": "boleto",
    "pix": "pix",
    "voucher": "voucher",
}


@dataclass(frozen=True)
class Vocabulary:
    """What a shop's orders can be filtered by: the values that are in its data, each sorted.

    Attributes:
        states: customers' states, two letters.
        categories: product categories as the database writes them.
        months: "2017-03".
        payments: payment types.
    """

    states: tuple[str, ...]
    categories: tuple[str, ...]
    months: tuple[str, ...]
    payments: tuple[str, ...]


def shop_path() -> Path:
    """Where this installation keeps its shop: ``commerce.db`` in the data folder."""
    return get_settings().data_dir / "commerce.db"


def write_shop(path: Path, source: str, fill: Callable[[sqlite3.Connection], None]) -> Path:
    """Write a shop to ``path``, replacing it whole or not at all.

    Args:
        path: the SQLite file.
        source: where its data come from, for people.
        fill: puts rows into the tables of ``SCHEMA``; ``orders_enriched`` follows from them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = name_aside(path)
    aside.unlink(missing_ok=True)
    try:
        db = sqlite3.connect(aside)
        try:
            db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
            fill(db)
            db.executescript(ENRICHED)
            db.execute("INSERT INTO shop VALUES (?, ?)", (source, _digest(db)))
            db.commit()
        finally:
            db.close()
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def _digest(db: sqlite3.Connection) -> str:
    digest = hashlib.sha256()
    for row in db.execute("SELECT * FROM orders_enriched"):
        digest.update(repr(row).encode())
    return digest.hexdigest()[:12]


def open_shop(path: Path) -> sqlite3.Connection:
    """The shop, for reading alone.

    Raises:
        UserError: there is no such file, or it holds no shop.
    """
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        db.execute("SELECT 1 FROM orders_enriched LIMIT 1")
    except sqlite3.Error as error:
        raise UserError(
            f"{path} holds no shop ({error}); make one with `python -m backend.data synthetic` or `… olist FOLDER`"
        ) from error
    return db


def shop_identity(path: Path) -> tuple[str, str]:
    """(where its data come from, twelve hex digits of ``orders_enriched``) of the shop.

    Raises:
        UserError: as ``open_shop``.
    """
    db = open_shop(path)
    try:
        source, mark = db.execute("SELECT source, id FROM shop").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise UserError(f"{path} was written by an earlier version; delete it, and it is made again") from error
    finally:
        db.close()
    return source, mark


def vocabulary(db: sqlite3.Connection) -> Vocabulary:
    """The values in a shop's data; of categories those with 20 rows or more, so that a question has an answer."""

    def values(column: str, least: int = 1) -> tuple[str, ...]:
        query = f"SELECT {column} FROM orders_enriched WHERE {column} IS NOT NULL GROUP BY 1 HAVING COUNT(*) >= ? ORDER BY 1"
        return tuple(row[0] for row in db.execute(query, (least,)))

    known = tuple(s for s in values("customer_state") if s in STATE_NAMES)
    payments = tuple(p for p in values("payment_type") if p in PAYMENT_NAMES)
    return Vocabulary(known, values("category", 20) or values("category"), values("month"), payments)


def brazilian(value: float, digits: int = 2) -> str:
    """1234.5 -> "1.234,50"."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))
