"""v5: words that belong together must stand together, in a push and around a figure."""

import pytest

from rewards import score
from rewards.commerce.v5.clauses import parsed
from rewards.commerce.v5.forms import is_foreign
from rewards.commerce.v5.match import Words
from rewards.commerce.v5.portuguese import sentences

BRIEFS = {
    "shipping": "Crie uma notificação push: frete grátis só neste fim de semana. Categoria pet shop, clientes de MG.",
    "birthday": "Gere uma notificação simpática para Ceará. Motivo: aniversário do cliente. Categoria: beleza e saúde.",
    "coupon": "Notificação curta avisando: cupom de 30% que vence hoje. Segmento moda, MG.",
    "cart": "Faz um push pra galera de São Paulo que curte pet shop: carrinho abandonado há 48 horas.",
    "sent": "Quero avisar por push os clientes de eletrodomésticos em CE: pedido saiu para entrega.",
}


def total(brief: str, text: str) -> float:
    return score("push", text, BRIEFS[brief], "v5").total


@pytest.mark.parametrize(
    ("brief", "text"),
    [
        ("shipping", "Aproveite! Frete grátis em pet shop só neste fim de semana."),
        ("shipping", "Seu pet merece: o frete é grátis até domingo. Aproveite!"),
        ("birthday", "Feliz aniversário! Escolha um presente em beleza e saúde para comemorar o seu dia."),
        ("coupon", "Seu cupom de 30% em moda vence hoje. Aproveite!"),
        ("coupon", "Só hoje: use o cupom e leve moda com 30% de desconto!"),
        ("cart", "O carrinho que você deixou ainda espera por você e pelo seu pet. Finalize a compra!"),
    ],
)
def test_an_offer_that_stands_together_is_paid(brief: str, text: str) -> None:
    assert total(brief, text) >= 0.8


@pytest.mark.parametrize(
    ("brief", "text"),
    [
        ("shipping", "Aproveite! Frete que grátis shop é semana."),
        ("shipping", "Aproveite! Seu frete tem novidade, pet shop grátis é semana."),
        ("birthday", "Seu aniversário que mensagem há especiais à beleza."),
        ("coupon", "Aproveite 30% da moda hoje, o cupom é seu."),
        ("sent", "Aproveite! Só é eletrodomesticos que novidaderodomesticos está para enviada."),
    ],
)
def test_the_same_words_strewn_about_are_not(brief: str, text: str) -> None:
    assert total(brief, text) < 0.65


def test_no_bare_noun_follows_que() -> None:
    (right,), (wrong,) = sentences("O livro que você queria voltou."), sentences("O livro que mesa voltou.")
    assert parsed(right)[0] == 0 and parsed(wrong)[0] >= 0.5


def test_an_ending_after_a_stem_is_short() -> None:
    listed = Words(["novidad*", "comemor*", "x*"])
    assert listed.has("novidades") and listed.has("comemoracoes") and not listed.has("novidaderodomesticos")


def test_a_figure_is_named_where_its_words_stand_by_it() -> None:
    cut = "Analise.\nRecorte: Minas Gerais\nAvaliações negativas: 30%\nFrete médio: R$ 29,16\nPedidos: 402"

    def figures(text: str) -> float:
        return score("insights", text, cut, "v5").components["figures"]

    near = "Em Minas Gerais, 30% das avaliações são negativas, e o frete médio de R$ 29,16 pesa na decisão."
    far = "Em Minas Gerais, as avaliações pesam: na loja 30% dos prazos, e o frete mostra problema: o preço R$ 29,16 pesa."
    assert figures(near) > 2 * figures(far)


@pytest.mark.parametrize("words", ["de para", "de entre"])
def test_two_prepositions_do_not_stand_side_by_side(words: str) -> None:
    (sentence,) = sentences(f"Reduzir o frete {words} os clientes da loja.")
    assert sentence.sense < 0.8


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Volte e ganhe um presente.", "Volte e ganhe que é pet."),
        ("Garanta antes que acabe.", "Veja que antes que acabe."),
        ("É novidade em moda.", "É eletrodomésticos."),
        ("Frete grátis hoje e amanhã.", "20% e hoje: moda."),
    ],
)
def test_a_clause_has_its_verb_and_its_subject(right: str, wrong: str) -> None:
    (good,), (bad,) = sentences(right), sentences(wrong)
    assert parsed(good)[0] == 0 and parsed(bad)[0] >= 0.8


@pytest.mark.parametrize("word", ["domilefm", "eormcama", "conpra", "exmplo"])
def test_a_word_spelt_as_none_is_foreign(word: str) -> None:
    assert is_foreign(word)
    assert not any(map(is_foreign, "itens objeto advogado tecnico ritmo afta obter quero cofre jovem amnesia".split()))


def test_what_a_push_is_without_it_does_not_sell() -> None:
    prompt = "Push para o app: lançamento da nova coleção. Público de moda em RJ."
    named, denied = (
        score("push", f"Chegou a nova coleção {word} moda! Venha ver as novidades.", prompt, "v5").components["product"]
        for word in ("de", "sem")
    )
    assert named > 0.1 > denied
