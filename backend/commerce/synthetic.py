"""A synthetic Brazilian online shop, the same for the same seed.

It stands in for a shop's own export until one is imported. What it simplifies: a review is of the order's first item, delays
are drawn from a distribution per state, and reviews are composed of phrases, so that the truth behind each review (what went wrong)
is known and can be checked.

    python -m backend.data synthetic --orders 6000 --seed 42
"""

import random
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from backend.commerce.reviews import write_review
from backend.commerce.shop import open_shop, shop_identity, write_shop
from backend.errors import UserError

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
_MORE_ITEMS = (0.66, 0.22, 0.08, 0.04)
"""Shares of orders with none, one, two, three items beside the first."""
FIRST_DAY, DAYS = date(2017, 1, 1), 600


def build_commerce_db(path: Path, orders: int = 6000, seed: int = 42) -> Path:
    """Write the shop to ``path`` (replacing it whole, or not at all) and return the path.

    Args:
        path: the SQLite file to write.
        orders: number of orders; two thirds have one item, the others up to four.
        seed: same seed, same file contents.
    """
    rng = random.Random(f"commerce-{seed}")

    def fill(db: sqlite3.Connection) -> None:
        products = _insert_products(db)
        sellers = [(f"v{i:03d}", _weighted_state(rng)) for i in range(60)]
        db.executemany("INSERT INTO sellers VALUES (?, ?)", sellers)
        for number in range(orders):
            _insert_order(db, rng, number, products, sellers)

    return write_shop(path, f"synthetic, {orders} orders, seed {seed}", fill)


def ensure_shop(path: Path) -> Path:
    """The shop at ``path``; the synthetic one is built where there is none, or one of a version before Olist's import."""
    try:
        shop_identity(path)
    except UserError:
        if path.exists() and not _is_outdated(path):
            raise
        build_commerce_db(path)
    return path


def _is_outdated(path: Path) -> bool:
    """Whether a file is a shop that does not name its contents: the first versions wrote nothing but synthetic ones."""
    with closing(open_shop(path)) as db:
        return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'shop'").fetchone() is None


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
    items = [rng.choice(products)]
    for _ in range(rng.choices(range(4), _MORE_ITEMS)[0]):
        items.append(items[0] if rng.random() < 0.4 else rng.choice(products))  # the same again, or something else
    bought = FIRST_DAY + timedelta(days=int(DAYS * rng.random() ** 0.8))
    estimated = bought + timedelta(days=rng.randint(12, 28))
    status = rng.choices(("delivered", "shipped", "canceled"), (0.95, 0.03, 0.02))[0]
    late = round(rng.gauss(STATES[state][1], 5.5))
    delivered = estimated + timedelta(days=max(late, (bought - estimated).days + 1)) if status == "delivered" else None
    payment = rng.choices(list(PAYMENTS), list(PAYMENTS.values()))[0]
    installments = rng.randint(1, 10) if payment == "cartao_credito" else 1

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
    for product_id, _, category in items:
        _, low, high, _ = CATEGORIES[category]
        price = round(low + (high - low) * rng.random() ** 2.2, 2)
        freight = round(8 + 0.03 * price + rng.random() * (12 if state == "SP" else 28), 2)
        row = (order_id, product_id, rng.choice(sellers)[0], price, freight)
        db.execute("INSERT INTO order_items VALUES (?, ?, ?, ?, ?)", row)
    if delivered and rng.random() < 0.85:
        review = write_review(rng, items[0][1], (delivered - estimated).days)
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
