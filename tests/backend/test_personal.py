"""Personal data in reviews, in the forms Brazilians write it."""

import pytest

from backend.commerce.personal import is_cnpj, is_cpf, mask


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("meu cpf é 529.982.247-25", "CPF"),
        ("CPF 52998224725", "CPF"),
        ("529982247-25", "CPF"),
        ("cpf: 123.456.789-00", "CPF"),  # wrong check digits, but the text calls it so
        ("CNPJ 11.222.333/0001-81", "CNPJ"),
        ("11222333000181", "CNPJ"),
        ("escrevam para joao.silva+loja@gmail.com.br", "e-mail"),
        ("joao @ hotmail.com", "e-mail"),
        ("(11) 98765-4321", "telefone"),
        ("11 98765-4321", "telefone"),
        ("11987654321", "telefone"),
        ("+55 (21) 3456-7890", "telefone"),
        ("zap 98765 4321", "telefone"),
        ("CEP 01310-100", "CEP"),
        ("cep 01310100", "CEP"),
        ("cartão 4111 1111 1111 1111", "cartão"),
        ("Me chamo Maria da Silva", "nome"),
        ("falei com a atendente Juliana", "nome"),
        ("Att, Carlos Souza", "nome"),
        ("João Pereira recebeu por mim", "nome"),
    ],
)
def test_it_is_found(text: str, kind: str) -> None:
    masked, found = mask(text)
    assert found == {kind: 1}
    assert f"[{kind}]" in masked
    assert not any(len(part) > 3 and part in masked for part in text.split() if any(c.isdigit() for c in part))


@pytest.mark.parametrize(
    "text",
    [
        "Comprei em 10/11/2017 e chegou em 2018-03-04",
        "paguei R$ 1.234,56 em 10x, frete 12,90",
        "pedido 12345678901 não chegou",
        "o Samsung Galaxy S10 veio sem carregador",
        "nota 10, 2 unidades de 1500 ml",
        "Seu Produto chegou. Muito Bom",
        "modelo 1234-5678-90",
        "Entrega Rápida e Produto Excelente",
        "",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert mask(text) == (text, {})


def test_check_digits() -> None:
    assert is_cpf("529.982.247-25") and not is_cpf("529.982.247-26") and not is_cpf("111.111.111-11")
    assert is_cnpj("11.222.333/0001-81") and not is_cnpj("11.222.333/0001-80")


def test_a_long_text_is_masked_in_good_time() -> None:
    masked, found = mask("a@" * 50_000 + " 1" * 50_000 + " Maria Silva")
    assert found["nome"] == 1 and masked.endswith("[nome]")
