"""A small shop, written by arithmetic alone, so that its numbers never move: orders of one to three items, with ties in every ranking."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from backend.commerce.shop import write_shop

ORDERS = 360
STATES = ("SP", "RJ", "MG", "BA", "RS", "PE")
CATEGORIES = (("livros", "books"), ("moda", "fashion"), ("informatica", "computers"), ("pet_shop", "pet_shop"))
PAYMENTS = ("cartao_credito", "boleto", "pix")
SELLERS = 9


def write_small_shop(path: Path) -> Path:
    """Write the shop to ``path``."""
    return write_shop(path, "small, by arithmetic", _fill)


def gold_rows(shop: Path, query: str) -> list[list[Any]]:
    """The true result of a gold query, as prompts carry it."""
    with closing(sqlite3.connect(shop)) as db:
        return [list(row) for row in db.execute(query)]


def _fill(db: sqlite3.Connection) -> None:
    for seller in range(SELLERS):
        db.execute("INSERT INTO sellers (seller_id, state) VALUES (?, ?)", (f"v{seller:02d}", STATES[seller % 3]))
    for number, (category, english) in enumerate(CATEGORIES):
        product = (f"p{number}", f"produto {number}", category, english)
        db.execute("INSERT INTO products (product_id, name, category, category_en) VALUES (?, ?, ?, ?)", product)
    for n in range(ORDERS):
        _order(db, n)


def _order(db: sqlite3.Connection, n: int) -> None:
    order, state, month = f"o{n:04d}", STATES[(n * n + n // 7) % len(STATES)], n % 10 + 1
    delay = (n * 7) % 11 - 7
    day = n % 12 + 1
    db.execute("INSERT INTO customers (customer_id, state) VALUES (?, ?)", (f"c{n:04d}", state))
    row = (order, f"c{n:04d}", "delivered", f"2018-{month:02d}-{day:02d}", f"2018-{month:02d}-15")
    db.execute(
        "INSERT INTO orders (order_id, customer_id, status, purchased_on, estimated_on, delivered_on, payment_type, installments) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, f"2018-{month:02d}-{15 + delay:02d}", PAYMENTS[n % 5 % 3], 1),
    )
    for i in range(1 + n % 3):
        item = (
            order,
            f"p{(n + i * i) % 4}",
            f"v{(n * 5 + i) % SELLERS:02d}",
            20.0 + (n * 13 + i * 29) % 90,
            8.0 + n % 9,
        )
        db.execute(
            "INSERT INTO order_items (order_id, product_id, seller_id, price, freight) VALUES (?, ?, ?, ?, ?)", item
        )
    score = 1 if delay > 2 else 3 if delay > 0 else 5 if n % 4 else 4
    db.execute(
        "INSERT INTO reviews (review_id, order_id, score, comment) VALUES (?, ?, ?, ?)",
        (f"r{n:04d}", order, score, "ok"),
    )
