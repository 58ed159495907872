"""Extraction: a review -> a JSON object of ten typed fields.

Source: final report §10 (components) and §3 (strict int check of V4.2.1).
"""

import re
from collections.abc import Callable
from typing import Any

from rewards.json_parsing import parse_json
from rewards.lexicon import COMPLAINT_CATEGORIES, SENTIMENTS
from rewards.profiles import Profile
from rewards.text import fold
from rewards.types import Components, Reward

FIELDS = (
    "sentiment",
    "sentiment_score",
    "churn_risk",
    "delivery_issue",
    "product_issue",
    "seller_issue",
    "main_complaint",
    "complaint_category",
    "repeat_intent",
    "would_recommend",
)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_sentiment(value: Any) -> bool:
    return sentiment_of(value) is not None


def _is_score(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5


def _is_loose_score(value: Any) -> bool:
    """Before v4.2.1: True and 3.0 pass, the bug that the strict check mended."""
    return isinstance(value, int | float) and value in (1, 2, 3, 4, 5)


def _is_probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_category(value: Any) -> bool:
    return isinstance(value, str) and fold(value.strip()) in COMPLAINT_CATEGORIES


# main_complaint has no check: text and null are both fine, and anything else is only unusual.
CHECKS: dict[str, Callable[[Any], bool]] = {
    "sentiment": _is_sentiment,
    "sentiment_score": _is_score,
    "churn_risk": _is_probability,
    "delivery_issue": _is_bool,
    "product_issue": _is_bool,
    "seller_issue": _is_bool,
    "complaint_category": _is_category,
    "repeat_intent": _is_bool,
    "would_recommend": _is_bool,
}
_BEFORE_STRICT_INT = {**CHECKS, "sentiment_score": _is_loose_score}


def sentiment_of(value: Any) -> str | None:
    """``positivo``, ``negativo`` or ``neutro`` when ``value`` names one (also in English), else None."""
    return SENTIMENTS.get(fold(value.strip())) if isinstance(value, str) else None


_GRADE = r"([1-5])(?:[.,](\d))?(?![\d.,]*\d)"
_NOTA = re.compile(
    r"\bnota(?:\sd[oae]\s\w{1,20})?\s{0,3}(?:[:=]|dada:?|foi|e|é)?\s{0,3}"
    + _GRADE
    + r"(?!\s{0,2}(?:a|até|-)\s{0,2}\d)",
    re.I,
)
_STARS = re.compile(r"(?<![\d.,])" + _GRADE + r"\s{0,3}estrelas?\b", re.I)


def nota_of(prompt: str) -> float | None:
    """The customer's grade (1 to 5) that the prompt states: ``Nota: 5/5``, ``nota 1``, ``5 estrelas``."""
    match = _NOTA.search(prompt) or _STARS.search(prompt)
    if match is None:
        return None
    return int(match[1]) + int(match[2] or 0) / 10


def _components_of(completion: str, prompt: str, profile: Profile) -> Components:
    data = parse_json(completion, repair=profile.repair_json).value
    if data is None:
        return dict.fromkeys(MAXIMA, 0.0)
    checks = CHECKS if profile.strict_int else _BEFORE_STRICT_INT
    present = sum(field in data for field in FIELDS)
    passed = sum(field in data and check(data[field]) for field, check in checks.items())
    return {
        "json_validity": 0.30,
        "schema_completeness": 0.30 * present / len(FIELDS),
        "value_validity": 0.40 * passed / len(checks),
        "sentiment_mismatch": -0.20 if _contradicts(nota_of(prompt), sentiment_of(data.get("sentiment"))) else 0.0,
    }


def _contradicts(nota: float | None, sentiment: str | None) -> bool:
    if nota is None:
        return False
    return (nota >= 4 and sentiment == "negativo") or (nota <= 2 and sentiment == "positivo")


MAXIMA = {"json_validity": 0.30, "schema_completeness": 0.30, "value_validity": 0.40, "sentiment_mismatch": -0.20}
REWARD = Reward("extraction", MAXIMA, _components_of)
