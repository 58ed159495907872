"""Extraction, row by row of its tables (docs/rewards.md; final report §10)."""

import json
from typing import Any

import pytest

from rewards import reward_extraction, score
from rewards.commerce.extraction import FIELDS, nota_of

GOOD: dict[str, Any] = {
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


def components(value: Any, prompt: str = "", profile: str = "v4.2.1") -> dict[str, float]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return score("extraction", text, prompt, profile).components


def test_a_perfect_object_earns_everything() -> None:
    assert reward_extraction(json.dumps(GOOD)) == 1.0
    assert set(GOOD) == set(FIELDS)


@pytest.mark.parametrize("text", ["", "não sei", "[1, 2]", '"sentiment"', "null", "A avaliação é positiva."])
def test_no_object_earns_nothing(text: str) -> None:
    assert components(text) == dict.fromkeys(components(GOOD), 0.0)


def test_json_validity_is_030_for_any_object() -> None:
    assert components({}) == {
        "json_validity": 0.30, "schema_completeness": 0.0, "value_validity": 0.0, "sentiment_mismatch": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("n", range(11))
def test_schema_completeness_is_fields_present_over_ten(n: int) -> None:
    assert components(dict.fromkeys(FIELDS[:n]))["schema_completeness"] == pytest.approx(0.30 * n / 10)


def test_unknown_fields_count_nothing() -> None:
    assert components({"nota": 5, "x": True})["schema_completeness"] == 0.0


VALID = {
    "sentiment": ["positivo", "negativo", "neutro", "positive", "negative", "neutral", "Positivo", " neutro "],
    "sentiment_score": [1, 2, 3, 4, 5],
    "churn_risk": [0, 1, 0.5, 0.0, 1.0],
    "delivery_issue": [True, False],
    "product_issue": [True, False],
    "seller_issue": [True, False],
    "complaint_category": [
        "entrega",
        "produto",
        "vendedor",
        "preco",
        "preço",
        "atendimento",
        "outro",
        "nenhuma",
        "Preço",
    ],
    "repeat_intent": [True, False],
    "would_recommend": [True, False],
}
INVALID = {
    "sentiment": ["bom", "", None, 1, True, ["positivo"], {}],
    "sentiment_score": [0, 6, 4.5, 3.0, "5", True, False, None, [5]],
    "churn_risk": [-0.1, 1.1, "0.5", True, False, None, "alto"],
    "delivery_issue": ["delivery_issue", "true", 0, 1, None],
    "product_issue": ["false", 1, None],
    "seller_issue": ["seller_issue", 0],
    "complaint_category": ["frete", "", None, True, 3],
    "repeat_intent": ["sim", 1, None],
    "would_recommend": ["não", 0, None],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in VALID.items() for v in vs])
def test_a_valid_value_passes_one_of_nine_checks(field: str, value: Any) -> None:
    assert components({field: value})["value_validity"] == pytest.approx(0.40 / 9)


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in INVALID.items() for v in vs])
def test_an_invalid_value_passes_none(field: str, value: Any) -> None:
    assert components({field: value})["value_validity"] == 0.0


@pytest.mark.parametrize("value", [None, "atrasou", "", 3, True, ["a"]])
def test_main_complaint_has_no_check(value: Any) -> None:
    assert components({"main_complaint": value})["value_validity"] == 0.0


@pytest.mark.parametrize(
    ("prompt", "sentiment", "penalty"),
    [
        ("Nota: 5/5", "negativo", -0.20),
        ("Nota: 4/5", "negative", -0.20),
        ("nota 1", "positivo", -0.20),
        ("Nota: 2/5", "positive", -0.20),
        ("5 estrelas", "negativo", -0.20),
        ("dei 1 estrela", "positivo", -0.20),
        ("Nota: 3/5", "negativo", 0.0),
        ("Nota: 3/5", "positivo", 0.0),
        ("Nota: 5/5", "positivo", 0.0),
        ("Nota: 5/5", "neutro", 0.0),
        ("Nota: 1/5", "negativo", 0.0),
        ("Nota: 1/5", "qualquer", 0.0),
        ("sem nota", "negativo", 0.0),
        ("", "negativo", 0.0),
    ],
)
def test_sentiment_that_contradicts_the_nota_costs_020(prompt: str, sentiment: str, penalty: float) -> None:
    assert components({**GOOD, "sentiment": sentiment}, prompt)["sentiment_mismatch"] == penalty


@pytest.mark.parametrize(
    ("prompt", "nota"),
    [
        ("Nota: 5/5", 5),
        ("nota 1", 1),
        ("NOTA = 3", 3),
        ("nota do cliente: 2", 2),
        ("nota 4,5", 4.5),
        ("avaliou com 5 estrelas", 5),
        ("1 estrela só", 1),
        ("Nota: 2/5. Da outra vez dei 5 estrelas", 2),
        ("nota de 1 a 5", None),
        ("nota 10", None),
        ("nota fiscal 4", None),
        ("15 estrelas", None),
        ("nota 7", None),
        ("anotação 3", None),
    ],
)
def test_the_nota_is_read_as_people_write_it(prompt: str, nota: float | None) -> None:
    assert nota_of(prompt) == nota


def test_before_v421_true_and_a_float_passed_for_a_score() -> None:
    """Final report §3, hotfix: strict isinstance(v, int) and not isinstance(v, bool)."""
    for value in (True, 3.0):
        assert components({"sentiment_score": value}, profile="v4.2")["value_validity"] > 0
        assert components({"sentiment_score": value}, profile="v4.2.1")["value_validity"] == 0


def test_the_parser_fix_is_what_v41_is_about() -> None:
    """Final report §3, V4: Portuguese decimals made correct answers unreadable."""
    text = json.dumps(GOOD).replace("0.1", "0,1")
    assert score("extraction", text, profile="v4.0").total == 0.0
    assert score("extraction", text, profile="v4.1").total == 1.0


def test_the_total_is_clipped() -> None:
    assert score("extraction", '{"sentiment": "positivo"}', "Nota: 1/5").total == pytest.approx(
        0.30 + 0.03 + 0.04444444 - 0.2
    )
    assert score("extraction", "{}", "Nota: 1/5").total == 0.30
