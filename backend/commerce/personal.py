"""Find and mask personal data in free text (LGPD, Lei 13.709/2018). By default an import does this to reviews.

It finds e-mails, CPF and CNPJ numbers (by their check digits, or by the word "CPF" or the punctuation), Brazilian phone
numbers, postal codes, card numbers (by Luhn's check), and names: after words that introduce one ("me chamo", "Sra.",
"Att,"), or a frequent first name followed by a surname. A first name alone in a sentence is not found, so masking lowers
the risk but does not remove it.
"""

import re
from collections import Counter
from collections.abc import Callable

from rewards.text import fold

_WEIGHTS = {
    11: (range(10, 1, -1), range(11, 1, -1)),
    14: ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)),
}
_FIRST_NAMES = frozenset(
    """adriana adriano alessandra alexandre alice aline amanda ana anderson andre andrea andreia antonia antonio arthur
    beatriz bernardo bianca bruna bruno caio camila carla carlos carolina cassia cecilia celia claudia claudio cristiane
    cristina daniel daniela daniele debora denise diego douglas eduarda eduardo elaine eliane elisa emanuel erica erika
    fabiana fabio felipe fernanda fernando flavia flavio francisca francisco gabriel gabriela geraldo giovana gisele
    giovanna guilherme gustavo helena heloisa henrique igor isabel isabela isabella ivan jaqueline jessica joana joao
    jorge jose josefa juliana juliano julia julio karina karla larissa laura leandro leonardo leticia lorena lucas
    luciana luciano lucia luis luisa luiz luiza manuela marcela marcelo marcia marcio marcos margarida maria mariana
    marina mario marta mateus matheus mauricio mauro melissa michele miguel monica murilo nathalia natalia nicolas
    nicole patricia paula paulo pedro priscila rafael rafaela raimundo raquel raul regina renan renata renato ricardo
    rita roberta roberto rodrigo rogerio rosa rosana rosangela samuel sandra sara sebastiao sergio silvana silvia simone
    sofia sonia sueli suelen tania tatiana tatiane thais thiago tiago valeria vanessa vera veronica vicente victor vinicius
    vitor vitoria viviane wagner wellington wesley william yasmin""".split()
)
_NAME = r"[A-ZÀ-Ý][a-zà-ÿ]+(?:\s+(?:d[aeo]s?\s+)?[A-ZÀ-Ý][a-zà-ÿ]+){0,4}"
_CUES = (
    r"\b(?i:me\s+chamo|meu\s+nome\s+(?:é|e|eh)|aqui\s+(?:é|e|eh)\s+[oa]|sou\s+[oa]|falar\s+com|fui\s+atendid[oa]\s+pel[oa]|"
    r"atendente|vendedora?|gerente|sr\.?|sra\.?|srta\.?|dona|att\.?,?|atenciosamente,?|ass(?:inado)?\s*[:.])\s+"
)
_AFTER_CUE = re.compile(rf"({_CUES})({_NAME})")
_TWO_NAMES = re.compile(r"\b([A-ZÀ-Ý][a-zà-ÿ]+)((?:\s+(?:d[aeo]s?\s+)?[A-ZÀ-Ý][a-zà-ÿ]+){1,4})")


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def is_cpf(text: str) -> bool:
    """Whether eleven digits, however punctuated, end in the two check digits of a CPF."""
    return _checked(_digits(text), 11)


def is_cnpj(text: str) -> bool:
    """Whether fourteen digits, however punctuated, end in the two check digits of a CNPJ."""
    return _checked(_digits(text), 14)


def _checked(digits: str, length: int) -> bool:
    if len(digits) != length or len(set(digits)) == 1:
        return False
    numbers = [int(d) for d in digits]
    for at, weights in zip((length - 2, length - 1), _WEIGHTS[length], strict=True):
        rest = sum(n * w for n, w in zip(numbers, weights, strict=False)) % 11
        if numbers[at] != (0 if rest < 2 else 11 - rest):
            return False
    return True


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _cpf(match: re.Match[str]) -> bool:
    return bool(match["called"]) or bool(match["marked"]) or is_cpf(match["number"])


def _card(match: re.Match[str]) -> bool:
    return _luhn(_digits(match.group()))


# (kind, pattern, check of a match), in this order: longer numbers come before shorter ones that they may contain.
_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    ("e-mail", re.compile(r"[\w.+-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}"), lambda _: True),
    ("cartão", re.compile(r"(?<!\d)(?:\d{4}[ .-]?){3}\d{4}(?!\d)"), _card),
    (
        "CNPJ",
        re.compile(r"(?<!\d)\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}(?!\d)"),
        lambda m: "/" in m.group() or is_cnpj(m.group()),
    ),
    (
        "CPF",
        re.compile(
            r"(?P<called>\bcpf\b\D{0,12})?(?<!\d)(?P<number>\d{3}(?P<marked>\.)?\d{3}\.?\d{3}[-./ ]?\d{2})(?!\d)", re.I
        ),
        _cpf,
    ),
    (
        "telefone",
        re.compile(
            r"(?<![\d/])(?:\+?55[\s.-]?)?(?:\(\s?0?[1-9]\d\s?\)\s?|0?[1-9]\d[\s.-])?(?:9[\s.]?\d{4}|[2-5]\d{3})[\s.-]\d{4}(?!\d)"
            r"|(?<!\d)(?:\+?55)?0?[1-9][1-9]9\d{8}(?!\d)|(?<!\d)\(\s?0?[1-9]\d\s?\)\s?9?\d{8}(?!\d)"
        ),
        lambda _: True,
    ),
    ("CEP", re.compile(r"(?<!\d)\d{5}-\d{3}(?!\d)|\bcep\b\D{0,3}\d{8}(?!\d)", re.I), lambda _: True),
)


def mask(text: str) -> tuple[str, Counter[str]]:
    """The text with personal data replaced by ``[kind]``, and how many of each kind there were.

    Kinds: e-mail, cartão, CNPJ, CPF, telefone, CEP, nome. Linear in the text's length.
    """
    found: Counter[str] = Counter()
    for kind, pattern, is_one in _KINDS:

        def replaced(match: re.Match[str], kind: str = kind, is_one: Callable = is_one) -> str:
            if not is_one(match):
                return match.group()
            found[kind] += 1
            called = match.groupdict().get("called") or ""
            return f"{called}[{kind}]"

        text = pattern.sub(replaced, text)
    return _without_names(text, found), found


def _without_names(text: str, found: Counter[str]) -> str:
    def after_cue(match: re.Match[str]) -> str:
        found["nome"] += 1
        return f"{match[1]}[nome]"

    def two(match: re.Match[str]) -> str:
        if fold(match[1]) not in _FIRST_NAMES:
            return match.group()
        found["nome"] += 1
        return "[nome]"

    return _TWO_NAMES.sub(two, _AFTER_CUE.sub(after_cue, text))
