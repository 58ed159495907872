"""The forms of personal data that follow a pattern, as Brazilians write them.

Every pattern reads plain text: lower case, without accents, of the same length as the original. Gaps are bounded, so that
matching stays linear. What is masked is the group ``n`` (and ``m``, where a form has two parts).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_WEIGHTS = {
    11: (range(10, 1, -1), range(11, 1, -1)),
    14: ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)),
}


@dataclass(frozen=True)
class Form:
    """A kind of personal data, its pattern, a check of each match, and whether every match has a digit."""

    kind: str
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str]], bool] = lambda match: True
    digits: bool = True

    def spans(self, match: re.Match[str]) -> list[tuple[int, int]]:
        """What of the match is masked."""
        return [match.span(name) for name in ("n", "m") if name in match.groupdict() and match[name]]


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.X)


# --- numbers with check digits -------------------------------------------------------------------------------------
def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def is_cpf(text: str) -> bool:
    """Whether eleven digits, however punctuated, end in the two check digits of a CPF."""
    return _checked(_digits(text), 11)


def is_cnpj(text: str) -> bool:
    """Whether fourteen digits, or since 2026 letters, however punctuated, end in the two check digits of a CNPJ."""
    return _checked(re.sub(r"[\W_]", "", text).upper(), 14)


def _checked(characters: str, length: int) -> bool:
    """A letter counts as its place after the digits in ASCII (Receita Federal, IN 2.229/2024)."""
    if len(characters) != length or len(set(characters)) == 1 or not characters[-2:].isdecimal():
        return False
    numbers = [ord(c) - ord("0") for c in characters]
    for at, weights in zip((length - 2, length - 1), _WEIGHTS[length], strict=True):
        rest = sum(n * w for n, w in zip(numbers, weights, strict=False)) % 11
        if numbers[at] != (0 if rest < 2 else 11 - rest):
            return False
    return True


def _is_card(match: re.Match[str]) -> bool:
    """Whether a number of a card's length is one: by Luhn's check, or because the text calls it so."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(_digits(match["n"])))]
    return bool(match["called"]) or sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


# --- phones --------------------------------------------------------------------------------------------------------
_AREAS = frozenset(
    """11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 55 61 62 63 64 65 66
    67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99""".split()
)
_CALLED = re.compile(
    r"\b(?:tele)?fones?\b|\btel\b|\bcel(?:ular)?\b|\bzap\w*|\bwhat\w*|\bw(?:pp|ts|hats)\b|\bcontatos?\b|\blig(?:a|ue|uem|ar|o|ou|uei|aram)\b"
    r"|\bchama\w*\b|\b(?:meu|nesse|neste|no|seguinte) n(?:umero|r|ro)?\b|\brecados?\b|\bfax\b|\bpix\b|\bsms\b|\bddd\b|\bmovel\b"
)
_CUE_WITHIN = 40


def _is_phone(match: re.Match[str]) -> bool:
    """Whether digits grouped like a phone number are one: by their own form, or because a word before says so."""
    area, local = _digits(match["area"] or "")[-2:], _digits(match["local"])
    if area and area not in _AREAS:
        return False
    mobile = len(local) == 9
    if (not area and local[:3] in _COMPANIES) or local[0] in "01":
        return False
    if match["land"] or "(" in (match["area"] or ""):
        return bool(area)
    said = match.string[max(0, match.start() - _CUE_WITHIN) : match.start()]
    if _CALLED.search(said.rpartition("\0")[2]):
        return True
    parted = bool(re.search(r"\d{4}[ .-]\d{4}$", match["local"]))
    return (mobile and bool(area or parted)) or (bool(area) and parted and local[0] in "2345")


_COMPANIES = frozenset(f"{prefix}{last}" for prefix in ("30", "40") for last in "0123") | {"402", "406"}
"""What companies' national numbers without an area code begin with (4004-…, 3003-…)."""

# --- addresses -----------------------------------------------------------------------------------------------------
_STREET = (
    r"(?:\b(?:rua|avenida|travessa|alameda|rodovia|estrada|praca|beco|viela|ladeira|servidao|largo\ d[aeo]s?|r\ d[aeo]s?|"
    r"av|avn|trav|rod|estr|pca)\b[ ]?[.:]?|\b(?:r|al|tv)[ ]?[.:])"
)
_NO_STREET = (
    r"(?:errad[ao]|cert[ao]|tras|frente|baixo|cima|lado|esta|estao|estava|fica|ficou|que|nao|sem|com|mas|demor\w+|cheg\w+|"
    r"entreg\w+|fechad[ao]|inteir[ao]|principal|paguei|custou|por|porque|pra|para|ja|foi|ate|desde|ha|tem|tinha|onde|minha|"
    r"meu|toda|aqui|veio|ai|mesmo|mesma|e)\b"
)
_MORE = (
    r"(?:[ ]?[,;/.-]?[ ]?\b(?:(?:apto?|ap|apartamento|bloco|bl|torre|casa|cs|lote|lt|quadra|qd|sala|sl|loja|conj|cj|conjunto|"
    r"andar|box)\b\.?[ ]?(?:n[.o]{0,2}[ ]?)?(?:\d{1,4}[a-z]?|[a-z])\b|(?:casa\ d[eo]s?\ )?(?:fundos|baixo)\b|terreo\b|sobrado\b|frente\b|"
    r"(?:condominio|cond|edificio|ed)\b\.?[ ][a-z]{2,20}|\d{1,2}[oa.]?[ ]?andar))"
)
_NUMBER = r"(?:n[.ºo°]{0,3}|num\b\.?|numero|nro\b\.?|km|\#)"
_AT = r"(?:\d{1,2}\.\d{3}|\d{1,5})[a-z]?(?:/(?!(?:19|20)\d\d\b)\d{3,4}\b)?"
_NO_UNIT = r"(?![.,:/]?\d|[ ]?(?:dias?|meses|mes|horas?|hrs?|h|min\w*|vezes|x|reais|anos?|metros|m|cm|kg|unidades?|pecas?|produtos?|%)\b)"
_ADDRESS = rf"""
    (?P<n>(?:\bquadra\ \d{{1,4}}\ (?:norte|sul)\b[ ]?,?[ ])?{_STREET}[ ]{{0,2}}
      (?:(?!{_NO_STREET})[\w.'’-]{{1,25}}(?![\w.'’-])[ ]?){{1,6}}?
      (?:[ ]?[,.-]{{1,2}}[ ]?(?:{_NUMBER}[ ]?)?{_AT}\b{_NO_UNIT}|[ ]?{_NUMBER}[ ]?{_AT}\b{_NO_UNIT}|(?<=[a-z][ ])(?<!\bd[aeo][ ])\d{{1,5}}[a-z]?\b{_NO_UNIT}
        |[ ]?,?[ ]?s/n\b|{_MORE})
      {_MORE}{{0,4}})
    """
_ELSEWHERE = r"(?![ ]{0,2}(?:(?:l[ao]|d[aeo]s?)[ ])?(?:tras|cima|baixo|lado|frente|meio|fundos)\b)"
_NAMED = rf"(?:(?!{_NO_STREET})[a-z.'’-]{{1,25}}(?![\w.'’-])(?:[ ](?=[a-z]))?)"
_LIVES_AT = rf"""
    \b(?:mor[oa]|moramos|resido|endereco(?:\ correto|\ certo)?(?:\ e|\ eh|:)?)\ (?:aqui\ )?(?:e\ |eh\ )?(?:n[ao]\ |a\ )?
    (?P<n>(?:{_STREET}{_ELSEWHERE}|(?:sitio|fazenda|chacara|granja)\b)[ ]{{0,2}}{_NAMED}{{1,5}})
    """
_NUMBER_FIRST = (
    rf"(?P<n>\b(?:{_NUMBER}|casa)[ ]?{_AT}[ ]?,?[ ](?:(?:d[ae]|na|dess[ae]|dest[ae])[ ])?{_STREET}{_ELSEWHERE}[ ]{{0,2}}{_NAMED}{{1,4}})"
    rf"|(?<![\w,.$/-])(?<!\$[ ])(?P<m>\d{{1,5}},[ ]{_STREET}{_ELSEWHERE}[ ]{{0,2}}{_NAMED}{{1,4}})"
)
_ESTATE = rf"(?P<n>\b(?:condominio|cond|edificio|ed|residencial)\b\.?[ ](?:[a-z]{{2,20}}[ ,]{{1,2}}){{1,4}}?(?:bloco|bl|torre|apto?|ap|casa|quadra|qd|lote|lt)\b\.?[ ]?(?:n[.o]{{0,2}}[ ]?)?(?:\d{{1,4}}[a-z]?|[a-z])\b{_MORE}{{0,4}})"

# --- what only looks personal ----------------------------------------------------------------------------------------
_THINGS = (
    r"(?:pedidos?|compra|protocolo|codigo|cod|rastreio|rastreamento|rastreador|nota(?:\ fiscal)?|nfe?|nf-e|danfe|serie|serial|sku|ref|"
    r"referencia|ean|gtin|modelos?|mod|lote|part\ ?number|pn|pecas?|isbn|os|ordem(?:\ de\ \w+)?|ticket|chamado|boleto|anuncio|"
    r"item|imei|chassi|versao|fatura|transacao|registro|processo|solicitacao|atendimento|tamanho|numeracao|cep\ de\ origem|remessa|objeto|"
    r"catalogo|artigo|cupom|vale(?:\ presente)?|gift\ ?card|reclamacao)"
)
NOT_PERSONAL = (
    _re(
        r"(?P<n>(?<!\d)\d{44}(?!\d)|(?<!\d)\d{5}\.?\d{5}\ \d{5}\.?\d{6}\ \d{5}\.?\d{6}\ \d\ \d{14})"
    ),  # invoice, boleto
    _re(r"(?P<n>\b[a-z]{2}\ ?\d{9}\ ?[a-z]{2}\b)"),  # parcels
    _re(r"(?P<n>(?<!\d)0[3589]00[ .-]?\d{2,3}[ .-]?\d{2,4}(?:[ .-]?\d{1,4})?(?!\d))"),  # toll-free
    _re(r"(?P<n>r\$[ ]?\d[\d.]{0,15}(?:,\d\d)?|(?<![\d.,])\d{1,3}(?:\.\d{3}){0,4},\d\d(?!\d))"),  # prices
    _re(r"(?P<n>\b97[89][ -]?\d{1,5}[ -]?\d{1,7}[ -]?\d{1,7}[ -]?\d(?!\d))"),  # ISBN
    _re(
        rf"\b{_THINGS}\b\.?[ ]?(?:(?:n[.o]{{0,3}}|numero|num|nr|de|do|da|e|eh|era|barras|fabrica|:|\#|-)[ :.]{{0,2}}){{0,4}}"
        r"(?P<n>(?!\d{3}\.\d{3}\.\d{3}-\d\d|\d{2}\.\d{3}\.\d{3}/\d{4}-\d\d)[a-z]{0,6}-?\d[\w./-]{2,50})"
    ),
)

_DATE = (
    r"(?:\d{1,2}[/.-](?:jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)[a-z]{0,7}[/.-]\d{2,4}|\d{1,2}[oº°]?\ ?[/.-]\ ?\d{1,2}\ ?[/.-]\ ?(?:\d{4}|\d{2})|\d{4}-\d\d-\d\d|\d{8}|\d{1,2}[oº.]?\ (?:de\ )?(?:jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)"
    r"[a-z]{0,7}\ (?:de\ )?\d{2,4})(?!\d)"
)
_DOT = r"(?:[(\[{]?ponto[)\]}]?|\.)"
_NETWORK = r"(?:instagram|insta|ig|tik\ ?tok|telegram|twitter|skype|facebook|face|kwai|threads)"
_ACCOUNT = r"\b(?:conta|poupanca|c/?c|c/?p)\b"
_VEHICLE = (
    r"(?:carro|moto|veiculo|caminhao|van|onix|gol|palio|uno|celta|corsa|hb20s?|fiesta|civic|corolla|hilux|s10|strada|saveiro|kwid|mobi|argo|"
    r"cronos|polo|virtus|voyage|fox|sandero|logan|renegade|compass|creta|tracker|kicks|fiorino|kombi|ducato|biz|titan|bros|fazer|cg\ ?\d{3})"
)
_SAID = r"(?:[ :.\-#,]|\b(?:n|no|nr|numero|num|e|eh|do|da|de|dele|dela|meu|minha|titular|cliente|comprador|compradora|recebedor|recebedora|motorista|registro|correto|certo|mf|sob)\b|[oº°]){0,12}?"

FORMS = (
    Form(
        "perfil",
        _re(
            r"(?P<n>(?:https?://)?(?:www\.|m\.|[a-z]{2}(?:-br)?\.)?(?:instagram\.com|facebook\.com|fb\.com|twitter\.com|x\.com|tiktok\.com"
            r"|linkedin\.com/(?:in|pub)|t\.me|telegram\.me|wa\.me|threads\.net|kwai\.com|youtube\.com/(?=@|c/|user/|channel/)|linktr\.ee|pinterest\.com|github\.com)"
            r"/(?!(?:p|reel|groups|watch|events|marketplace|explore|pages|search)/)@?[\w.%/?=&+-]{1,80}[\w/])"
        ),
        digits=False,
    ),
    Form(
        "e-mail",
        _re(
            r"(?P<n>(?<![\w.+-])[\w.+-]{1,64}(?:@[ ]?(?:[\w-]{1,63}(?:[ ]?\.[\w-]{2,63}){1,4})|[ ]?@[ ]?[\w-]{1,63}[ ]?[.,](?:com|net|org|edu|gov)(?:[ ]?\.br)?\b(?!\.\w)|[ ]?@[ ]?(?:gmail|hotmail|yahoo|outlook|uol|bol|icloud|live|terra)\b)"
            rf"|(?<![\w.+-])[\w.+-]{{2,64}}[ ]?(?:[(\[{{]?arroba[)\]}}]?|[(\[{{]at[)\]}}])[ ]?[\w-]{{2,30}}[ ]?{_DOT}[ ]?(?:com|net|org)(?:[ ]?{_DOT}[ ]?br)?\b)"
        ),
        digits=False,
    ),
    Form("PIX", _re(r"(?<![\w-])(?P<n>[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})(?![\w-])")),
    Form("PIX", _re(r"\b(?:pix|chave(?:\ aleatoria)?)\b[^\d\n]{0,20}?(?<!\w)(?P<n>[\da-f]{32})(?!\w)")),
    Form(
        "perfil",
        _re(
            r"(?<![\w.@])(?P<n>@(?!magazineluiza|magalu|americanas|mercadolivre|amazon|shopee|olist|casasbahia)[a-z0-9_](?:[\w.]{1,28}[a-z0-9_]))"
        ),
        digits=False,
    ),
    Form(
        "perfil",
        _re(
            rf"\b{_NETWORK}(?:[ ](?:e|eh|do\ \w{{1,10}}))?[ ]?:?[ ](?:e\ |eh\ )?(?P<n>(?=[\w.]{{0,28}}[_.\d][\w.]{{0,28}})[a-z_][\w.]{{2,28}}[a-z0-9_])(?![\w@/])(?<!com)(?<!\.br)"
        ),
        digits=False,
    ),
    Form(
        "perfil",
        _re(
            r"\b(?:insta(?:gram)?|ig|tik\ ?tok|skype|telegram)[ ]?:[ ]?(?P<n>[a-z_][\w.]{3,29})(?![\w@/])(?<!com)(?<!\.br)"
        ),
        digits=False,
    ),
    Form(
        "cartão",
        _re(
            r"(?P<called>\b(?:numero\ do\ )?cart(?:ao|oes)\b(?!\ (?:presente|vale))[^\d\n\0]{0,25})?(?<!\d)(?<!\d[ .-])"
            r"(?P<n>[2-6]\d{3}(?:[ .-]?\d{4}){3}|3[47]\d{2}[ .-]?(?:\d{6}[ .-]?\d{5}|\d{4}[ .-]?\d{4}[ .-]?\d{3})|3[068]\d{2}[ .-]?\d{6}[ .-]?\d{4})(?![ .-]?\d)"
        ),
        _is_card,
    ),
    Form("cartão", _re(r"\b(?:cvv|cvc|codigo\ de\ seguranca)\b\D{0,10}(?P<n>\d{3,4})(?!\d)")),
    Form(
        "CNPJ",
        _re(
            r"(?P<called>\bcnpj\b\D{0,20})?(?<![\d])(?P<n>\d{2}[. ]?\d{3}[. ]?\d{3}[/. -]?\d{4}[-/. ]?\d{2}|[\da-z]{2}\.[\da-z]{3}\.[\da-z]{3}/[\da-z]{4}-\d\d|(?<!\w)(?=[a-z]*\d[a-z]*\d)[\da-z]{12}\d\d(?!\w))(?!\d)"
        ),
        lambda match: bool(match["called"]) or "/" in match["n"] or is_cnpj(match["n"]),
    ),
    Form("CPF", _re(rf"\bc\.?p\.?f\b\.?/?{_SAID}(?P<n>\d(?:[ .\-/]?\d){{10}})(?!\d)")),
    Form("CNH", _re(rf"\b(?:cnh|habilitacao|carteira\ de\ (?:motorista|habilitacao))\b{_SAID}(?P<n>\d{{9,11}})(?!\d)")),
    Form(
        "RG",
        _re(
            rf"\b(?:r\.?g\b\.?|(?:carteira\ de\ )?identidade\b|registro\ geral\b){_SAID}(?P<n>(?:[a-z]{{2}}[ .-]?)?(?:\d{{2}}\.\d{{5}}\.\d{{2}}-?\d|\d{{1,2}}[. ]?\d{{3}}[. ]?\d{{3}}(?:[ .-]?[\dx])?|\d{{9,13}}))(?!\w)"
            r"|(?<![\d.])(?P<m>\d{2}\.\d{3}\.\d{3}-[\dx]|(?:\d{5,13}|\d{1,2}\.\d{3}\.\d{3})(?:-?[\dx])?(?=[ ]{1,2}(?:ssp\w{0,2}|sesp|sjs|ifp|detran)\b))(?!\w)"
        ),
    ),
    Form(
        "documento",
        _re(
            rf"\b(?:rne|rnm|crnm)\b{_SAID}(?P<n>[a-z]?\d{{5,7}}-?[\da-z])(?!\w)|\bdoc(?:umento)?\b\.?(?![ ]fiscal){_SAID}(?P<m>(?!\d{{9}}-\d\d)\d[\d.]{{4,12}}\d(?:-[\dx])?)(?![\w/])"
        ),
    ),
    Form(
        "documento",
        _re(
            rf"\b(?:renavam|pis|nis|pasep|titulo(?:\ de\ eleitor)?|passaporte|ctps|carteira\ de\ trabalho|cartao\ (?:do\ )?sus|cns)\b{_SAID}(?P<n>[a-z]{{0,2}}\d[\d. -]{{4,18}}\d(?:[ ,]{{1,2}}serie\ \d{{3,5}}(?:[/-][a-z]{{2}})?)?)(?!\w)"
            r"|(?<![\d.])(?P<m>\d{3}\.\d{5}\.\d{2}-\d)(?!\d)"  # the form of PIS and NIS
        ),
    ),
    Form(
        "documento",
        _re(
            rf"\b(?:oab|crm|crea|crp|cro|crefito|coren|cau)\b[ ]?[/-]?[ ]?(?:[a-z]{{2}}\b)?{_SAID}(?P<n>\d[\d.]{{2,8}}\d)(?![\d.,]*\d)"
        ),
    ),
    Form(
        "placa",
        _re(
            r"\bplacas?\b\W{0,3}(?:(?:d[oae]s?|meu|minha|nosso|nossa|carro|veiculo|moto|motoca|caminhao|van|fiorino|motoboy|entregador|final|numero|n|e|eh|era)\b\W{1,3}){0,5}?(?P<n>(?!rtx|gtx|nbr|iso|led|pci|usb|ddr|ssd)[a-z]{3}[ -]?\d[a-j\d]\d\d)(?!\w)"
            rf"|\b{_VEHICLE}\b(?:\ \w{{1,8}})?[ ,(-]{{1,2}}(?P<m>[a-z]{{3}}-?\d[a-j]\d\d)(?!\w)"
        ),
    ),
    Form(
        "nascimento",
        _re(
            rf"(?:\bsou\ de\b(?=\ \d{{1,2}}[/.-])|\bnasci(?:d[oa]|)\b|\bnasceu\b|\bdata\ (?:de\ )?nasc\w*|\bdt\.?\ ?(?:de\ )?nasc\w*|\bnasc(?:imento)?\b|\bdn\b|\bd\.n\b|\b(?:meu|data\ de)\ (?:aniversario|niver)\b|\b(?:faco|fiz|faz|completo)\ (?:aniversario|niver|\d{{1,3}}\ anos)\b)"
            rf"(?:[ :.,?\n\-]|\b(?:e|eh|em|no|na|dia|a|aos|do|da|de|dele|dela|titular|cliente|correta|certa|minha)\b){{0,10}}(?P<n>{_DATE})"
        ),
    ),
    Form(
        "conta",
        _re(
            r"\b(?:agencia|ag)\b\W{0,4}(?P<n>\d{3,5}(?:-[\dx])?)\W{1,4}"
            rf"(?:(?:op(?:eracao)?\b\W{{0,3}}\d{{1,4}}|[a-z]{{1,12}})\W{{1,3}}){{0,2}}?{_ACCOUNT}[^\d\n]{{0,20}}(?P<m>\d[\d.]{{1,11}}\d(?:-[\dx])?)"
        ),
    ),
    Form(
        "conta",
        _re(
            rf"{_ACCOUNT}[^\d\n]{{0,20}}(?P<m>\d[\d.]{{1,11}}\d(?:-[\dx])?)\W{{1,4}}(?:[a-z]{{1,12}}\W{{1,3}}){{0,2}}?(?:agencia|ag)\b\W{{0,4}}(?P<n>\d{{3,5}}(?:-[\dx])?)(?!\d)"
        ),
    ),
    Form(
        "conta",
        _re(
            r"\b(?:conta\ (?:corrente|poupanca)\b[^\d\n]{0,15}(?P<n>\d[\d.]{2,11}\d(?:-[\dx])?)|(?:poupanca\b|c/?[cp]\b)\W{0,4}(?P<m>\d[\d.]{2,11}\d-[\dx]))(?!\d)"
        ),
    ),
    Form(
        "CPF",
        _re(r"(?<!\d)(?<!\d[ .-])(?P<n>\d{3}[ .-]?\d{3}[ .-]?\d{3}[ .\-/]?\d{2})(?![\d]|[.-]\d)"),
        lambda match: match["n"].count(".") >= 2 or is_cpf(match["n"]),
    ),
    Form(
        "CEP",
        _re(
            r"\bcep(?!\w*[a-z])\W{0,3}(?:(?:e|eh|do|da|meu|correto|certo|de\ destino|destino)\b[ :]{0,2}){0,3}(?P<n>\d{2}\.?\d{3}[ -]?\d{3})(?!\d)"
        ),
    ),
    Form(
        "endereço",
        _re(
            r"(?P<n>(?:\brodovia\ )?\b(?:br|sp|mg|pr|rs|sc|ba|go|rj|mt|ms|pe|ce)[ -]?\d{3}\b,?\ (?:no\ )?km\ ?\d{1,4}\b)"
        ),
    ),
    Form("endereço", _re(_ADDRESS), digits=False),
    Form("endereço", _re(_ESTATE)),
    Form(
        "endereço",
        _re(
            rf"(?P<n>\b(?:sqn|sqs|shis|shin|sgas|sgan|qnm|qnn|qnl|qnj|qng|qna|qnd|qne|qi|ql|qr|qs|qn|qe|cln|cls|shcgn|shces|sqsw|aos|sqnw)[ ]?\d{{1,4}}\b{_MORE}{{1,4}}"
            rf"|\b(?:quadra|qd|q)\b\.?[ ]?\w{{1,3}},?[ ](?:lote|lt|conjunto|conj|casa)\b\.?[ ]?\w{{1,3}}\b(?:,?[ ]rua[ ]\w{{1,3}}\b)?{_MORE}{{0,4}}"
            r"|\b(?:apto?|apartamento)\b\.?[ ]?\d{1,4}[a-z]?,?[ ](?:do[ ]|da[ ])?(?:bloco|bl|torre)\b\.?[ ]?\w{1,2}\b"
            r"|\b(?:bloco|torre)\b[ ]?\w{1,2},?[ ](?:apto?|ap|apartamento)\b\.?[ ]?\d{1,4}\b)"
        ),
    ),
    Form("endereço", _re(_LIVES_AT), digits=False),
    Form("endereço", _re(_NUMBER_FIRST)),
    Form(
        "telefone",
        _re(
            r"(?<![\w/.,])(?<!\d[ .-])(?P<n>(?P<land>\+[ ]?55[ .-]{0,2}|\b55[ .-](?=\(?\d\d\)?[ .-]?9)|\b55(?=\d\d9\d{8}(?!\d)))?(?:\b55(?=\d{10}(?!\d)))?"
            r"(?P<area>\([ ]?(?:0?xx|0?\*\*|0)?[ ]?\d{2}[ ]?\)[ .-]{0,2}|0\d{2}[ ]\d{2}[ ]|(?:0?xx|0?\*\*|0)?\d{2}(?:[ ]?[.\-/][ ]?|[ ]{1,2})?)?"
            r"(?P<local>9[ .-]?\d{4}[ .-]{0,3}\d{4}|[1-8]\d{3}[ .-]{0,3}\d{4}|9\d{3}[ .-]{0,3}\d{4}))(?!\d|[ .-]?\d{3,}|/\d|[.,]\d)"
        ),
        _is_phone,
    ),
    Form("CEP", _re(r"(?<![\d.,/-])(?P<n>\d{2}\.?\d{3}-\d{3})(?![\d/]|[.-]\d)")),
)
