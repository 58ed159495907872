"""Clauses: what people write fits them, splices and strewn words do not, and the time is linear."""

from time import perf_counter

import pytest

from rewards import score
from rewards.commerce.v5.clauses import is_known, parsed
from rewards.commerce.v5.forms import value_of
from rewards.commerce.v5.portuguese import sentences

BRIEF = "Crie uma notificação push: frete grátis só neste fim de semana. Categoria móveis e decoração, clientes de PR."


def faults(text: str) -> float:
    return sum(parsed(s)[0] for s in sentences(text))


@pytest.mark.parametrize(
    "text",
    [
        "Seu carrinho está esperando por você!",
        "O livro que você queria voltou ao estoque!",
        "Garanta o seu antes que acabe.",
        "Que tal finalizar o pedido?",
        "O que achou da sua última compra de moda?",
        "Black Friday: informática com até 40% de desconto.",
        "Restam só 30 unidades dos brinquedos mais queridos.",
        "Seu pedido de livros atrasou e pedimos desculpas.",
    ],
)
def test_what_people_write_has_no_fault(text: str) -> None:
    assert faults(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "Novidade em móveis e venha acabe.",  # a noun joined to a command, a subjunctive without its "que"
        "Volte e domingo.",  # a command joined to a noun
        "Seu pedido de sua volte.",  # a preposition without its noun
        "Seu carrinho que cama e mesa.",  # a "que" without its verb
        "Aproveite ficamos esperando hoje chegou.",  # three verbs in one clause
        "Frete de grátis para você.",  # an adjective after a preposition
        "É sobre domingo.",
        "Só em móveis e decoração.",  # neither a verb nor a noun of its own
    ],
)
def test_a_splice_has(text: str) -> None:
    assert faults(text) >= 0.5


def test_a_splice_in_a_push_costs_a_third_at_least() -> None:
    right = score("push", "Frete grátis em móveis e decoração até domingo. Aproveite para renovar a casa!", BRIEF, "v5")
    spliced = score("push", "Frete grátis em móveis e venha decoração até domingo. Aproveite e a casa!", BRIEF, "v5")
    assert right.total >= 0.8 and spliced.total <= right.total - 0.3


def test_words_of_no_list_cost_a_little_each() -> None:
    assert is_known("compramos") and is_known("grátis".replace("á", "a")) and not is_known("eormcama")
    text = "Frete grátis em móveis e decoração até domingo. Aproveite para renovar a {}!"
    known, strange = (score("push", text.format(word), BRIEF, "v5").total for word in ("casa", "zunfa"))
    assert 0.9 * known < strange < known


@pytest.mark.slow
def test_parsing_is_linear() -> None:
    (long,) = sentences("compra volta espera leve que e para " * 20_000)
    began = perf_counter()
    parsed(long)
    assert perf_counter() - began < 0.5


@pytest.mark.parametrize("written", ["1.141.11.11", "1,2,3", "1.2,3,4"])
def test_a_number_with_many_points_is_still_a_number(written: str) -> None:
    assert value_of(written) > 0
