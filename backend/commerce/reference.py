"""Reference answers for supervised warm-up: what a right extraction looks like, from the facts behind the review."""

import json
from typing import Any

from rewards.commerce.extraction import FIELDS, sentiment_of_nota
from rewards.types import Columns

CHURN_RISK = {5: 0.1, 4: 0.2, 3: 0.5, 2: 0.7, 1: 0.9}
"""By nota."""


def extraction_answer(columns: Columns) -> str | None:
    """The ten-field JSON of a review whose facts carry the nota and the complaint; None where they do not."""
    if not {"nota", "complaint_category"} <= columns.keys():
        return None
    return json.dumps(extraction_values(columns), ensure_ascii=False)


def extraction_values(columns: Columns) -> dict[str, Any]:
    """The ten fields' true values."""
    nota, category = columns["nota"], columns["complaint_category"]
    values: dict[str, Any] = {
        "sentiment": sentiment_of_nota(nota),
        "sentiment_score": nota,
        "churn_risk": CHURN_RISK[nota],
        **{name: bool(columns.get(name)) for name in ("delivery_issue", "product_issue", "seller_issue")},
        "main_complaint": None if category == "nenhuma" else f"problema com {category}",
        "complaint_category": category,
        "repeat_intent": nota >= 4,
        "would_recommend": nota >= 3,
    }
    return {field: values[field] for field in FIELDS}
