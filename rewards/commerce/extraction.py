"""Extraction: a review -> a JSON object of ten typed fields.

Source: final report §10 (components) and §3 (strict int check of V4.2.1).
"""

import json
import re
from collections.abc import Callable
from typing import Any

from rewards.commerce.echo import unless_echo
from rewards.commerce.json_parsing import parse_json
from rewards.commerce.lexicon import COMPLAINT_CATEGORIES, SENTIMENTS
from rewards.commerce.profiles import Rules
from rewards.text import fold
from rewards.types import Components, Guideline, JsonAnswer, Probe, Reward, Task, Text

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
    """The check before v4.2.1. It accepts True and 3.0, a bug that the strict check fixed."""
    return isinstance(value, int | float) and value in (1, 2, 3, 4, 5)


def _is_probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_category(value: Any) -> bool:
    return isinstance(value, str) and fold(value.strip()) in COMPLAINT_CATEGORIES


# main_complaint has no check: text and null are both right, and any other value is accepted too.
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


def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    completion = unless_echo(completion, prompt, profile)
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


def sentiment_of_nota(nota: float) -> str:
    """The sentiment that a grade implies: 4 and up ``positivo``, 2 and down ``negativo``, else ``neutro``."""
    return "positivo" if nota >= 4 else "negativo" if nota <= 2 else "neutro"


def _contradicts(nota: float | None, sentiment: str | None) -> bool:
    """Whether grade and sentiment are opposites; a neutral grade or a neutral sentiment contradicts nothing."""
    return nota is not None and {sentiment_of_nota(nota), sentiment} == {"positivo", "negativo"}


MAXIMA = {"json_validity": 0.30, "schema_completeness": 0.30, "value_validity": 0.40, "sentiment_mismatch": -0.20}
REWARD = Reward(MAXIMA, _components_of)

_REVIEW = (
    "Analise a avaliação e devolva o JSON com os dez campos.\nNota: 5/5\n"
    "Avaliação: Chegou antes do prazo e o produto é lindo, recomendo demais a loja."
)
_GOOD = {
    "sentiment": "positivo",
    "sentiment_score": 5,
    "churn_risk": 0.1,
    "delivery_issue": False,
    "product_issue": False,
    "seller_issue": False,
    "main_complaint": None,
    "complaint_category": "nenhuma",
    "repeat_intent": True,
    "would_recommend": True,
}

TASK = Task(
    "extraction",
    REWARD,
    label=Text("Extraction", "Extração"),
    guideline=Guideline(
        Text(
            "Could a system store this record without a person looking at it?",
            "Um sistema poderia gravar este registro sem uma pessoa conferir?",
        ),
        Text("No object, or most of it wrong or missing.", "Sem objeto, ou quase tudo errado ou faltando."),
        Text(
            "All ten fields, but several of the wrong kind (text for true/false) or untrue.",
            "Os dez campos, mas vários do tipo errado (texto no lugar de true/false) ou falsos.",
        ),
        Text(
            "All ten fields, right kinds, and true to the review.", "Os dez campos, tipos certos e fiéis à avaliação."
        ),
    ),
    json=JsonAnswer(
        parse_json,
        "Sua resposta não contém um objeto JSON válido ({reason}). Responda de novo, somente com o objeto JSON.",
        nothing="não há nenhum objeto",
        empty="o objeto está vazio",
    ),
    floor=0.20,  # handoff, "Must watch in real time"
    unique=("order_id",),
    probes=(
        Probe("null values", json.dumps(dict.fromkeys(FIELDS)), 0.65),
        Probe("keys echoed as strings", json.dumps({f: f for f in FIELDS}), 0.70),
        Probe("empty object", "{}", 0.30),
        Probe(
            "two contradicting objects",
            f"Resposta: {json.dumps({**_GOOD, 'sentiment': 'negativo'})}\nOu melhor: {json.dumps(_GOOD)}",
            0.80,
            _REVIEW,
        ),
        Probe("prompt repeated", _REVIEW, 0.30, _REVIEW),
    ),
)
