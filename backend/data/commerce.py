"""commerce.db: a synthetic Brazilian online shop, the same for the same seed.

It stands in for a shop's own export until one is imported. What it simplifies: one item per order, delays drawn from
a distribution per state, and reviews composed of phrases, so that the truth behind each review (what went wrong)
is known and can be checked. The tables mirror the public Olist layout; ``orders_enriched`` is the one to query.

    python -m backend.data synthetic --orders 6000 --seed 42
"""

import os
import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path

from backend.data.reviews import write_review

STATES = {  # state: (share of customers, mean delay in days against the estimate)
    "SP": (0.30, -6.0),
    "RJ": (0.13, -1.0),
    "MG": (0.12, -4.0),
    "RS": (0.07, -3.0),
    "PR": (0.06, -4.0),
    "SC": (0.05, -3.0),
    "BA": (0.06, 0.0),
    "PE": (0.04, 0.5),
    "CE": (0.04, 1.0),
    "GO": (0.03, -2.0),
    "DF": (0.03, -3.0),
    "ES": (0.02, -2.0),
    "PA": (0.02, 2.5),
    "MA": (0.015, 3.0),
    "AM": (0.015, 4.0),
}
CATEGORIES = {  # Portuguese: (English, lowest price, highest price, products)
    "cama_mesa_banho": ("bed_bath_table", 29, 260, ("jogo de lençol", "edredom", "toalha de banho", "travesseiro")),
    "beleza_saude": ("health_beauty", 15, 220, ("sérum facial", "perfume", "secador de cabelo", "kit de maquiagem")),
    "esporte_lazer": ("sports_leisure", 25, 480, ("tênis de corrida", "bola de futebol", "barraca", "bicicleta")),
    "informatica": ("computers_accessories", 35, 900, ("teclado sem fio", "mouse gamer", "roteador", "monitor")),
    "moveis_decoracao": ("furniture_decor", 40, 850, ("estante", "luminária", "mesa de centro", "tapete")),
    "utilidades_domesticas": ("housewares", 15, 320, ("jogo de panelas", "faqueiro", "garrafa térmica", "varal")),
    "telefonia": ("telephony", 20, 1600, ("celular", "capinha", "carregador", "fone de ouvido")),
    "brinquedos": ("toys", 20, 300, ("boneca", "quebra-cabeça", "carrinho de controle", "blocos de montar")),
    "eletrodomesticos": ("home_appliances", 90, 1900, ("liquidificador", "air fryer", "cafeteira", "aspirador")),
    "pet_shop": ("pet_shop", 18, 260, ("ração", "casinha", "arranhador", "coleira")),
    "livros": ("books", 15, 120, ("romance", "livro infantil", "livro de receitas", "dicionário")),
    "moda": ("fashion", 25, 350, ("vestido", "camiseta", "bolsa", "sandália")),
}
PAYMENTS = {"cartao_credito": 0.72, "boleto": 0.15, "pix": 0.10, "voucher": 0.03}
FIRST_DAY, DAYS = date(2017, 1, 1), 600

SCHEMA = """
CREATE TABLE customers (customer_id TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE sellers (seller_id TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE products (product_id TEXT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, category_en TEXT);
CREATE TABLE orders (order_id TEXT PRIMARY KEY, customer_id TEXT REFERENCES customers, status TEXT NOT NULL,
    purchased_on TEXT NOT NULL, estimated_on TEXT NOT NULL, delivered_on TEXT, payment_type TEXT, installments INTEGER);
CREATE TABLE order_items (order_id TEXT REFERENCES orders, product_id TEXT REFERENCES products,
    seller_id TEXT REFERENCES sellers, price REAL NOT NULL, freight REAL NOT NULL);
CREATE TABLE reviews (review_id TEXT PRIMARY KEY, order_id TEXT REFERENCES orders, score INTEGER NOT NULL,
    comment TEXT, truth_category TEXT, truth_delivery INTEGER, truth_product INTEGER, truth_seller INTEGER);
"""
ENRICHED = """
CREATE TABLE orders_enriched AS
SELECT o.order_id, c.state AS customer_state, p.name AS product, p.category, p.category_en, i.price, i.freight,
    i.seller_id, o.status, o.payment_type, o.installments, o.purchased_on, substr(o.purchased_on, 1, 7) AS month,
    o.delivered_on, CAST(julianday(o.delivered_on) - julianday(o.estimated_on) AS INTEGER) AS delay_days,
    r.score AS review_score, r.comment AS review_text,
    CASE WHEN r.score >= 4 THEN 'positivo' WHEN r.score = 3 THEN 'neutro' WHEN r.score <= 2 THEN 'negativo' END
        AS sentiment
FROM orders o JOIN customers c USING (customer_id) JOIN order_items i USING (order_id)
    JOIN products p USING (product_id) LEFT JOIN reviews r USING (order_id)
ORDER BY o.order_id;
CREATE INDEX enriched_state ON orders_enriched (customer_state);
CREATE INDEX enriched_category ON orders_enriched (category);
"""


def build_commerce_db(path: Path, orders: int = 6000, seed: int = 42) -> Path:
    """Write the shop to ``path`` (replacing it whole, or not at all) and return the path.

    Args:
        path: the SQLite file to write.
        orders: number of orders, one item each.
        seed: same seed, same file contents.
    """
    rng = random.Random(f"commerce-{seed}")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    aside.unlink(missing_ok=True)
    db = sqlite3.connect(aside)
    try:
        db.executescript(SCHEMA)
        products = _insert_products(db)
        sellers = [(f"v{i:03d}", _weighted_state(rng)) for i in range(60)]
        db.executemany("INSERT INTO sellers VALUES (?, ?)", sellers)
        for number in range(orders):
            _insert_order(db, rng, number, products, sellers)
        db.executescript(ENRICHED)
        db.commit()
    finally:
        db.close()
    aside.replace(path)
    return path


def _insert_products(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    for category, (english, _, _, names) in CATEGORIES.items():
        for name in names:
            rows.append((f"p{len(rows):03d}", name, category, english))
    db.executemany("INSERT INTO products VALUES (?, ?, ?, ?)", rows)
    return [(product_id, name, category) for product_id, name, category, _ in rows]


def _insert_order(
    db: sqlite3.Connection,
    rng: random.Random,
    number: int,
    products: list[tuple[str, str, str]],
    sellers: list[tuple[str, str]],
) -> None:
    order_id, customer_id, state = f"o{number:06d}", f"c{number:06d}", _weighted_state(rng)
    product_id, name, category = rng.choice(products)
    _, low, high, _ = CATEGORIES[category]
    price = round(low + (high - low) * rng.random() ** 2.2, 2)
    freight = round(8 + 0.03 * price + rng.random() * (12 if state == "SP" else 28), 2)
    bought = FIRST_DAY + timedelta(days=int(DAYS * rng.random() ** 0.8))
    estimated = bought + timedelta(days=rng.randint(12, 28))
    status = rng.choices(("delivered", "shipped", "canceled"), (0.95, 0.03, 0.02))[0]
    late = round(rng.gauss(STATES[state][1], 5.5))
    delivered = estimated + timedelta(days=max(late, (bought - estimated).days + 1)) if status == "delivered" else None
    payment = rng.choices(list(PAYMENTS), list(PAYMENTS.values()))[0]
    installments = rng.randint(1, 10) if payment == "cartao_credito" else 1
    seller_id = rng.choice(sellers)[0]

    db.execute("INSERT INTO customers VALUES (?, ?)", (customer_id, state))
    db.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order_id,
            customer_id,
            status,
            bought.isoformat(),
            estimated.isoformat(),
            delivered.isoformat() if delivered else None,
            payment,
            installments,
        ),
    )
    db.execute("INSERT INTO order_items VALUES (?, ?, ?, ?, ?)", (order_id, product_id, seller_id, price, freight))
    if delivered and rng.random() < 0.85:
        review = write_review(rng, name, (delivered - estimated).days)
        db.execute(
            "INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                f"r{number:06d}",
                order_id,
                review.nota,
                review.text,
                review.category,
                review.delivery,
                review.product,
                review.seller,
            ),
        )


def _weighted_state(rng: random.Random) -> str:
    return rng.choices(list(STATES), [share for share, _ in STATES.values()])[0]
