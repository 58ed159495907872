"""Reference answers for supervised warm-up: what a right completion of a prompt looks like, from the prompt's facts."""

import json
from typing import Any

from backend.data.records import PromptRecord
from rewards.extraction import FIELDS


def reference_answer(prompt: PromptRecord) -> str | None:
    """The right answer to ``prompt``; None when its facts do not give one.

    ``facts["answer"]`` where there is one (your own pairs), otherwise the ten-field JSON of an extraction prompt whose
    facts carry the nota and the complaint.
    """
    if isinstance(given := prompt.facts.get("answer"), str):
        return given
    if prompt.task == "extraction" and {"nota", "complaint_category"} <= prompt.facts.keys():
        return json.dumps(_extraction(prompt.facts), ensure_ascii=False)
    return None


def _extraction(facts: dict[str, Any]) -> dict[str, Any]:
    nota, category = facts["nota"], facts["complaint_category"]
    values: dict[str, Any] = {
        "sentiment": "positivo" if nota >= 4 else "negativo" if nota <= 2 else "neutro",
        "sentiment_score": nota,
        "churn_risk": {5: 0.1, 4: 0.2, 3: 0.5, 2: 0.7, 1: 0.9}[nota],
        **{name: bool(facts.get(name)) for name in ("delivery_issue", "product_issue", "seller_issue")},
        "main_complaint": None if category == "nenhuma" else f"problema com {category}",
        "complaint_category": category,
        "repeat_intent": nota >= 4,
        "would_recommend": nota >= 3,
    }
    return {field: values[field] for field in FIELDS}
