"""v5's word lists and readers as classes: each list is written as texts are folded, and a name is read whole."""

from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any

import pytest

from rewards import score
from rewards.commerce.v5 import clauses, extraction, forms, insights, lexicon, portuguese, push, small_words, sql_qa
from rewards.commerce.v5.lexicon import STATES
from rewards.commerce.v5.match import Words
from rewards.commerce.v5.places import states_in
from rewards.commerce.v5.portuguese import sentences
from rewards.text import fold

MODULES = (clauses, extraction, forms, insights, lexicon, portuguese, push, small_words, sql_qa)
NO_FUNCTION_WORDS = "ACTIONS TOPICS EMPTY GOALS GOOD_MEASURES BAD_MEASURES LOWERS RAISES FIGURES NOUNS PRODUCTS OFFERS FORMAL SERVICE".split()
APART = {"e", "esta", "da", "de", "a", "as"}
"""What is left of é, está, dá, dê, à and às without their accents."""


def entries(value: Any) -> Iterator[str]:
    """All words in a list, however deep."""
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, Words):
        yield from value.whole
        yield from (stem + "*" for stem in value.stems)
    elif isinstance(value, dict):
        for key, other in value.items():
            yield from entries(key)
            yield from entries(other)
    elif isinstance(value, Iterable):
        for other in value:
            yield from entries(other)


def lists_of(module: Any) -> dict[str, list[str]]:
    """The word lists of a module, by name."""
    kinds = (tuple, list, frozenset, Words, *([dict] if module is lexicon else []))
    lists = {name: value for name, value in vars(module).items() if name.isupper() and isinstance(value, kinds)}
    return {name: list(entries(value)) for name, value in lists.items()}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.rpartition(".")[2])
def test_every_entry_is_written_as_a_text_is_folded(module: Any) -> None:
    assert {name: bad for name, words in lists_of(module).items() if (bad := [w for w in words if fold(w) != w])} == {}


@pytest.mark.parametrize("name", NO_FUNCTION_WORDS)
def test_a_list_of_content_has_no_function_word(name: str) -> None:
    flat = list(entries(getattr(lexicon, name)))
    listed = Words(flat)
    small = forms.SMALL | forms.PREPOSITIONS | forms.CONTRACTED | APART
    assert sorted(filter(listed.has, small)) == []


@pytest.mark.parametrize("raw", ["É", "Está", "Dá", "Dê", "À", "Às"])
def test_a_word_that_its_accent_tells_apart_stays_apart(raw: str) -> None:
    (sentence,) = sentences(raw + " isso.")
    assert sentence.tokens[0] not in APART - {"na", "nas"}


CUT = "Recorte: Bahia\nEntregas com atraso: 31%\nNota média: 3,4\nFrete médio: R$ 28,70\nPedidos: 214"
ACTION = "{} aos clientes com entrega atrasada um cupom de frete para a próxima compra."


def actions(text: str, prompt: str = CUT) -> float:
    return score("insights", text, prompt, "v5").components["actions"]


def test_the_verb_is_an_action_and_the_preposition_is_none() -> None:
    assert actions(ACTION.format("Dê")) > 0
    assert actions(ACTION.format("De")) == 0
    assert actions("Entre em contato com os clientes insatisfeitos até sexta para oferecer a troca.") > 0
    assert actions("Entre os clientes da Bahia, a entrega e o frete pesam na nota.") == 0


# --- names of places, one in another ----------------------------------------------------------------------------
INSIDE = [(a, b) for a, b in permutations(STATES.values(), 2) if a in b]


def test_there_are_names_inside_others() -> None:
    assert ("mato grosso", "mato grosso do sul") in INSIDE and ("para", "paraiba") in INSIDE


@pytest.mark.parametrize(("short", "long"), INSIDE)
def test_the_longer_name_is_not_the_shorter(short: str, long: str) -> None:
    code = {name: code for code, name in STATES.items()}
    assert states_in(f"Qual o frete médio em {long.title()}?") == {code[long]}
    assert states_in(f"Qual o frete médio em {'Pará' if short == 'para' else short.title()}?") == {code[short]}


@pytest.mark.parametrize(("code", "name"), STATES.items())
def test_every_state_is_read_by_name_and_letters(code: str, name: str) -> None:
    written = "Pará" if name == "para" else name.title()
    assert states_in(f"clientes de {written}") == states_in(f"vendas em {code.upper()}.") == {code}
    assert states_in("frete para a cidade, se for o caso, ao cliente") == set()


def test_a_query_on_a_state_need_not_hold_another_whose_name_is_part_of_it() -> None:
    query = "SELECT SUM(price) FROM orders_enriched WHERE customer_state = '{}'"
    question = "Qual o faturamento de Mato Grosso do Sul?"
    assert sql_qa.asked_for(query.format("MS"), question) == 1.0
    assert sql_qa.asked_for(query.format("MT"), question) < 1.0


# --- what an analysis names -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cut", "names", "states"),
    [
        ("categoria informática · São Paulo", {"infor"}, {"sp"}),
        ("categoria cama, mesa e banho", {"cama", "mesa", "banh"}, set()),
        ("Mato Grosso do Sul · 05/2018", set(), {"ms"}),
        ("Rio Grande do Sul", set(), {"rs"}),
        ("toda a loja", set(), set()),
        ("estado de Goiás", set(), {"go"}),
    ],
)
def test_generic_words_of_a_cut_are_no_names(cut: str, names: set[str], states: set[str]) -> None:
    brief = insights.read_brief(f"Analise.\nRecorte: {cut}\nPedidos: 40")
    assert (brief.names, brief.states) == (names, states)


def test_to_say_category_is_not_to_name_it() -> None:
    prompt = "Analise.\nRecorte: categoria livros · Rio Grande do Sul\nEntregas com atraso: 31%\nNota média: 3,4"
    text = "Na categoria {}, 31% das entregas com atraso mostram um problema grande, e a nota média é de 3,4."
    named, generic = (score("insights", text.format(w), prompt, "v5").components["figures"] for w in ("livros", "toda"))
    assert named > generic > 0


# --- thinking before an object ----------------------------------------------------------------------------------
REVIEW = "Nota: 5/5\nAvaliação: Chegou antes do prazo e o produto é lindo, recomendo."
RECORD = (
    '{"sentiment":"positivo","sentiment_score":5,"churn_risk":0.1,"delivery_issue":false,"product_issue":false,'
    '"seller_issue":false,"main_complaint":null,"complaint_category":"nenhuma","repeat_intent":true,"would_recommend":true}'
)


@pytest.mark.parametrize("thought", ['<think>Okay, nota 5: {"a"} is fine [x].</think>\n', "<think>\n\n</think>\n\n"])
def test_thinking_before_the_object_is_no_scrap(thought: str) -> None:
    plain, thinking = (score("extraction", text, REVIEW, "v5").components for text in (RECORD, thought + RECORD))
    assert thinking == plain
    assert score("extraction", RECORD + '\n{"x": [', REVIEW, "v5").total < sum(plain.values())
