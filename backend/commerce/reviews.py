"""Synthetic customer reviews in Brazilian Portuguese, with the truth behind each one known."""

import random
from dataclasses import dataclass

Phrases = tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """A review and what really happened: nota 1 to 5, the main complaint's category, and which things went wrong."""

    nota: int
    text: str
    category: str
    delivery: bool
    product: bool
    seller: bool


DELIVERY_BAD: Phrases = (
    "A entrega atrasou {d} dias e ninguém avisou nada",
    "demorou demais pra chegar, {d} dias depois do prazo",
    "Entrega muito atrasada, quase desisti da compra",
    "o correio deixou na portaria errada e tive que ir buscar",
    "chegou com a caixa toda amassada por causa da transportadora",
    "Prazo não cumprido, atraso de {d} dias",
    "o rastreio ficou parado uma semana inteira",
    "a transportadora marcou como entregue e não tinha chegado nada",
)
DELIVERY_GOOD: Phrases = (
    "Chegou antes do prazo",
    "entrega super rápida",
    "A entrega foi dentro do combinado",
    "chegou em {g} dias, muito rápido",
    "Entrega pontual e bem embalada",
    "veio certinho e no prazo",
)
PRODUCT_BAD: Phrases = (
    "{p} veio com defeito",
    "{p} quebrou na primeira semana de uso",
    "a qualidade é bem inferior à foto do anúncio",
    "veio na cor errada e com acabamento ruim",
    "o material é frágil, não vale o que custa",
    "{p} parou de funcionar depois de {g} dias",
    "veio faltando peça e o manual não ajuda",
    "tamanho diferente do que estava na descrição",
)
PRODUCT_GOOD: Phrases = (
    "{p} é excelente",
    "o produto é lindo e de ótima qualidade",
    "{p} superou minhas expectativas",
    "gostei muito, igualzinho à foto",
    "o acabamento é muito bom pelo preço",
    "{p} funciona perfeitamente",
    "produto bom, cumpre o que promete",
)
SELLER_BAD: Phrases = (
    "O vendedor não responde as mensagens",
    "a loja ignorou meu pedido de troca",
    "vendedor mal educado e sem interesse em resolver",
    "pedi a nota fiscal e a loja nunca mandou",
    "prometeram reembolso e até agora nada",
)
SELLER_GOOD: Phrases = (
    "vendedor atencioso",
    "a loja respondeu todas as dúvidas",
    "ótimo atendimento do vendedor",
    "a loja mandou até um bilhetinho de agradecimento",
)
PRICE_BAD: Phrases = (
    "achei caro demais pelo que oferece",
    "o preço subiu e o frete saiu mais caro que o produto",
    "paguei caro e vi mais barato em outra loja no dia seguinte",
)
SERVICE_BAD: Phrases = (
    "o atendimento do site é péssimo, fiquei horas no chat",
    "liguei no SAC três vezes e ninguém resolveu",
    "o suporte só manda resposta automática",
)
MIDDLING: Phrases = (
    "É ok, nada demais",
    "Produto mediano, esperava um pouco mais",
    "Atende, mas não impressiona",
    "Nem bom nem ruim, serve pro dia a dia",
    "Razoável pelo preço",
)
GOOD_END: Phrases = (
    "Recomendo!",
    "Compraria de novo.",
    "Nota dez.",
    "Voltarei a comprar.",
    "Super recomendo a loja!",
    "",
)
BAD_END: Phrases = (
    "Não recomendo.",
    "Não compro mais.",
    "Quero meu dinheiro de volta.",
    "Decepcionado.",
    "Péssimo.",
    "",
)
OPENERS: Phrases = (
    "",
    "",
    "",
    "Olha, ",
    "Gente, ",
    "Sinceramente, ",
    "Bom, ",
    "Comprei de presente e ",
    "Segunda compra aqui: ",
)
LINKS: Phrases = (", ", ". ", " e ", "; ", ", além disso ")


def write_review(rng: random.Random, product: str, delay_days: int) -> Review:
    """Compose a review of ``product`` delivered ``delay_days`` after (negative: before) the estimate."""
    delivery = (delay_days > 0 and rng.random() < 0.8) or rng.random() < 0.03
    broken = rng.random() < 0.17
    seller = rng.random() < 0.07
    other = rng.choices((None, "preco", "atendimento"), (0.92, 0.04, 0.04))[0]
    faults = [
        name
        for name, bad in (("entrega", delivery), ("produto", broken), ("vendedor", seller), (other or "", other))
        if bad
    ]
    nota = _nota(rng, len(faults), severe=broken or seller)
    middling = not faults and nota == 3
    parts = [rng.choice(MIDDLING)] if middling else [_phrase(rng, name, bad=True) for name in faults]
    if nota >= 3 or rng.random() < 0.25:  # praise beside (or instead of) the complaint
        good = [g for g in ("produto", "entrega", "vendedor") if g not in faults]
        parts += [_phrase(rng, name, bad=False) for name in good[: rng.randint(0 if faults else 1, 2)]]
    rng.shuffle(parts)
    link = rng.choice(LINKS)
    first, *more = (part[:1].lower() + part[1:] for part in parts)
    text = rng.choice(OPENERS) + link.join([first, *(m[:1].upper() + m[1:] if link == ". " else m for m in more)])
    ending = rng.choice(GOOD_END if nota >= 4 else BAD_END if nota <= 2 else ("",))
    text = f"{text}. {ending}".strip()
    text = text.replace("{d}", str(max(delay_days, rng.randint(2, 15)))).replace("{g}", str(rng.randint(2, 6)))
    text = text.replace("{p}", f"{product}" if rng.random() < 0.5 else "o produto")
    return Review(nota, _roughen(rng, text), faults[0] if faults else "nenhuma", delivery, broken, seller)


def _nota(rng: random.Random, faults: int, severe: bool) -> int:
    if faults == 0:
        return rng.choices((5, 4, 3), (0.66, 0.26, 0.08))[0]
    if faults == 1 and not severe:
        return rng.choices((4, 3, 2, 1), (0.10, 0.34, 0.34, 0.22))[0]
    return rng.choices((3, 2, 1), (0.10, 0.35, 0.55))[0]


def _phrase(rng: random.Random, about: str, bad: bool) -> str:
    phrases = {
        ("entrega", True): DELIVERY_BAD,
        ("entrega", False): DELIVERY_GOOD,
        ("produto", True): PRODUCT_BAD,
        ("produto", False): PRODUCT_GOOD,
        ("vendedor", True): SELLER_BAD,
        ("vendedor", False): SELLER_GOOD,
        ("preco", True): PRICE_BAD,
        ("atendimento", True): SERVICE_BAD,
    }[about, bad]
    return rng.choice(phrases)


def _roughen(rng: random.Random, text: str) -> str:
    """Spell it as people type on a phone, some of the time."""
    draw = rng.random()
    if draw < 0.12:
        return text.lower()
    if draw < 0.17:
        return text.upper()
    if draw < 0.27:
        return text.replace("não", "nao").replace("você", "vc").replace("muito", "mto").replace("também", "tb")
    return text[:1].upper() + text[1:]
