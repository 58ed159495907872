"""Synthetic files in the format of the public Olist export: nine CSVs with its columns, sizes and known errors.

No row is real Olist data. Per 100,000 orders: 113,000 items, 104,000 payments, 99,000 reviews (41 % with a text),
33,000 products, 3,100 sellers, 1,000,000 geolocation rows. The known errors: one review id for several orders, several reviews
of an order, quoted texts with line breaks, products without a category, categories without a translation.
"""

import csv
import hashlib
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from backend.commerce.olist_source import SOURCES
from backend.commerce.reviews import write_review
from backend.commerce.synthetic import CATEGORIES, STATES

_HEADERS = {
    "customers": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state",
    "geolocation": "geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,geolocation_city,geolocation_state",
    "items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
    "payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value",
    "reviews": "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp",
    "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date",
    "products": "product_id,product_category_name,product_name_lenght,product_description_lenght,product_photos_qty,product_weight_g,product_length_cm,product_height_cm,product_width_cm",
    "sellers": "seller_id,seller_zip_code_prefix,seller_city,seller_state",
    "translation": "product_category_name,product_category_name_english",
}


def write_olist(folder: Path, orders: int = 100_000, seed: int = 7, geolocation: int | None = None) -> Path:
    """Write the nine files for this many orders; the same files for the same arguments.

    Args:
        folder: made where it is missing.
        orders: how many; the other tables keep Olist's proportions.
        seed: of every draw.
        geolocation: rows of that file (default: ten for each order).
    """
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = [(c, names) for c, (_, _, _, names) in CATEGORIES.items()]
    products = [(_id("p", i), *rng.choice(names)) for i in range(max(30, orders // 3))]
    sellers = [(_id("s", i), _state(rng)) for i in range(max(5, orders // 32))]
    tables: dict[str, list[tuple[object, ...]]] = {name: [] for name in _HEADERS}
    for i in range(orders):
        _order(rng, i, tables, products, sellers)
    tables["products"] = [(p, "" if rng.random() < 0.02 else c, 40, 500, 2, 900, 20, 15, 20) for p, c, _ in products]
    tables["sellers"] = [(s, f"{rng.randint(1000, 99999):05d}", "cidade", state) for s, state in sellers]
    tables["translation"] = [(c, english) for c, (english, *_) in list(CATEGORIES.items())[:-1]]
    tables["geolocation"] = [
        (
            f"{rng.randint(1000, 99999):05d}",
            round(rng.uniform(-33, 3), 6),
            round(rng.uniform(-70, -35), 6),
            "cidade",
            _state(rng),
        )
        for _ in range(10 * orders if geolocation is None else geolocation)
    ]
    for name, rows in tables.items():
        _write(folder / SOURCES[name].file, _HEADERS[name].split(","), rows)
    return folder


def _order(rng, i, tables, products, sellers) -> None:
    order, customer, state = _id("o", i), _id("c", i), _state(rng)
    bought = datetime(2016, 9, 4) + timedelta(minutes=rng.randint(0, 1_050_000))
    estimated = bought + timedelta(days=rng.randint(10, 30))
    late = round(rng.gauss(STATES[state][1], 6))
    delivered = max(estimated + timedelta(days=late), bought + timedelta(days=1)) if rng.random() < 0.97 else None
    tables["customers"].append((customer, _id("u", i), f"{rng.randint(1000, 99999):05d}", "cidade", state))
    tables["orders"].append(
        (
            order,
            customer,
            "delivered" if delivered else "canceled",
            bought,
            bought,
            delivered or "",
            delivered or "",
            estimated,
        )
    )
    value, names = 0.0, ()
    for place in range(1, 2 + (rng.random() < 0.10) + (rng.random() < 0.03)):
        product, category, names = rng.choice(products)
        _, low, high, _ = CATEGORIES[category]
        price = round(low + (high - low) * rng.random() ** 2.2, 2)
        value += price
        tables["items"].append(
            (order, place, product, rng.choice(sellers)[0], estimated, price, round(8 + rng.random() * 30, 2))
        )
    kind = rng.choices(("credit_card", "boleto", "voucher", "debit_card"), (74, 19, 5, 2))[0]
    tables["payments"].append((order, 1, kind, rng.randint(1, 10) if kind == "credit_card" else 1, round(value, 2)))
    if rng.random() < 0.04:
        tables["payments"].append((order, 2, "voucher", 1, 5.00))
    for again in range(1 + (rng.random() < 0.005) if rng.random() < 0.99 else 0):
        review = write_review(rng, rng.choice(names), late)
        text = review.text if rng.random() < 0.41 else ""
        text = text.replace(". ", ".\r\n", 1) if rng.random() < 0.05 else text
        shared = i - 1 if i and rng.random() < 0.008 else i
        day = f"{bought + timedelta(days=20 + again):%Y-%m-%d} 00:00:00"
        tables["reviews"].append(
            (_id(f"r{again}", shared), order, review.nota, "recomendo" if rng.random() < 0.1 else "", text, day, day)
        )


def _id(kind: str, number: int) -> str:
    return hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()


def _state(rng: random.Random) -> str:
    return rng.choices(list(STATES), [share for share, _ in STATES.values()])[0]


def _write(path: Path, header: list[str], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
