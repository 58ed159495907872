"""Push, row by row (docs/rewards.md; final report §10 and §3)."""

import pytest

from rewards import reward_push, score


def components(text: str, profile: str = "v4.2.1") -> dict[str, float]:
    return score("push", text, profile=profile).components


@pytest.mark.parametrize(
    "text",
    [
        "Seu carrinho está esperando! Volte e ganhe 10% 🎁",
        "Só hoje: frete grátis em livros. Aproveite!",
        "🎁 Surpresa pra você",
    ],
)
def test_a_good_push_earns_everything(text: str) -> None:
    assert reward_push(text) == 1.0


@pytest.mark.parametrize(("n", "low", "high"), [(1, 0.5, 0.5), (120, 0.5, 0.5), (121, 0.45, 0.5), (140, 0.15, 0.25), (160, 0.0, 0.1), (200, 0, 0), (201, 0, 0), (500, 0, 0)])  # fmt: skip
def test_length_is_full_to_120_and_falls_steeply_to_nothing_at_200(n: int, low: float, high: float) -> None:
    assert low <= components("x" * n)["length"] <= high


def test_length_never_rises() -> None:
    values = [components("x" * n)["length"] for n in range(1, 230)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b\u200b", "\ufeff"])
def test_empty_text_earns_nothing(text: str) -> None:
    assert reward_push(text) == 0.0


@pytest.mark.parametrize(
    ("padded", "plain"),
    [("Oi" + " " * 300, "Oi"), ("O\u200bi", "Oi"), ("  Oi  ", "Oi"), ("a\n\n\n\nb", "a b"), ("e\u0301", "é")],
)
def test_length_counts_what_a_phone_shows(padded: str, plain: str) -> None:
    assert components(padded)["length"] == components(plain)["length"] == 0.5


def test_a_long_push_does_not_get_shorter_by_invisible_characters() -> None:
    assert components("\u200b".join("x" * 250))["length"] == 0.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("promoção", 0.30),
        ("oferta para voce", 0.30),
        ("so hoje", 0.30),
        ("ÓTIMO", 0.30),
        ("Don't miss our sale today", 0.0),
        ("Do not go as a guest", 0.0),
        ("BUY NOW", 0.0),
        ("12345", 0.0),
    ],
)
def test_portuguese_is_an_accent_or_a_function_word(text: str, value: float) -> None:
    assert components(text)["portuguese"] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("🎁", 0.20),
        ("Aproveite", 0.20),
        ("10% hoje", 0.20),
        ("por R$ 9,90", 0.20),
        ("frete gratis", 0.20),
        ("Confira nossas ofertas", 0.0),
        ("CONFIRA NOSSAS OFERTAS!", 0.0),
        ("Temos novidades para você", 0.0),
        ("Confira nossas ofertas 🎁", 0.20),
        ("Confira nossas ofertas e ganhe 10%", 0.20),
        ("A loja informa", 0.0),
        ("", 0.0),
    ],
)
def test_creativity_is_an_emoji_an_imperative_or_an_offer_beyond_stock_phrases(text: str, value: float) -> None:
    assert components(text)["creativity"] == value


@pytest.mark.parametrize(
    "text", ["Prezado cliente", "prezada Ana", "Atenciosamente", "CORDIALMENTE", "venho por meio desta"]
)
def test_formal_words_cost_020_once(text: str) -> None:
    assert components(text)["formal_penalty"] == -0.20
    assert components(text + " atenciosamente")["formal_penalty"] == -0.20


def test_before_v421_there_was_no_penalty_and_a_gentle_fall() -> None:
    essay = "Prezado cliente, " + "x" * 400
    assert components(essay, "v4.2")["formal_penalty"] == 0.0
    assert components(essay, "v4.2")["length"] > 0.1
    assert components(essay)["length"] == 0.0
