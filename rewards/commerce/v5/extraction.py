"""Extraction, second edition: the values must follow from the nota and from what the review says.

The review's faults are read by ``evidence``: patterns of complaint about delivery, product, seller, price and service, clause by
clause. Where the review leaves a value open (a one-star "P\u00e9ssimo."), nothing is judged there.
"""

import json
import re
from functools import lru_cache
from typing import Any

from rewards.commerce.extraction import CHECKS, FIELDS, nota_of, sentiment_of, sentiment_of_nota
from rewards.commerce.json_parsing import parse_json_fully, without_thinking
from rewards.commerce.profiles import Rules
from rewards.commerce.v5.clauses import is_known
from rewards.commerce.v5.clauses import parsed as parse
from rewards.commerce.v5.echo import is_echo
from rewards.commerce.v5.forms import is_content, stem
from rewards.commerce.v5.match import listed
from rewards.commerce.v5.portuguese import sentences
from rewards.text import fold
from rewards.types import Components, Reward

MAXIMA = {
    "json_validity": 0.10,
    "schema_completeness": 0.10,
    "value_validity": 0.15,
    "follows_nota": 0.30,
    "follows_review": 0.35,
    "sentiment_mismatch": -0.20,
}
_REPAIRED = 0.3
"""Of ``json_validity``, for an object that strict JSON does not read, or that says a field twice."""
_AMONG_WORDS, _AMONG_OBJECTS = 0.85, 0.5
"""What is left of an object among words that nobody asked for, and of one among scraps of others, which may say the opposite."""
_OWN_FIELDS = 0.95
"""What each field that nobody asked for leaves."""
_FIELDS = frozenset(FIELDS)


def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    parsed = parse_json_fully(completion)
    data = parsed.value
    if data is None or is_echo(completion, prompt):
        return dict.fromkeys(MAXIMA, 0.0)
    nota = nota_of(prompt)
    present = sum(field in data for field in FIELDS)
    passed = sum(field in data and check(data[field]) for field, check in CHECKS.items())
    sentiment = sentiment_of(data.get("sentiment"))
    strict, alone = parsed.strict and not _says_twice(completion), _stands_alone(completion)
    whole = (1.0 if alone and strict else 0.9 if alone else _around(completion)) * _OWN_FIELDS ** len(
        data.keys() - _FIELDS
    )
    opposite = nota is not None and {sentiment_of_nota(nota), sentiment} == {"positivo", "negativo"}
    by_nota, by_review = _mean(nota_judgements(data, nota)), _mean(review_judgements(data, prompt, nota))
    form = whole * (0.4 + 0.6 * (0.30 * by_nota + 0.35 * by_review) / 0.65)
    return {
        "json_validity": 0.10 * form * (1.0 if strict and alone else _REPAIRED),
        "schema_completeness": 0.10 * form * present / max(len(FIELDS), len(data)),
        "value_validity": 0.15 * form * passed / len(CHECKS),
        "follows_nota": 0.30 * whole * by_nota,
        "follows_review": 0.35 * whole * by_review,
        "sentiment_mismatch": -0.20 if opposite else 0.0,
    }


def _stands_alone(completion: str) -> bool:
    """Whether the object begins at the first brace after the thinking, and little but a fence, a lead-in or a sentence stands around it."""
    completion = without_thinking(completion)
    first = completion.find("{")
    before, after = completion[:first], completion[_end_of_object(completion, first) :]
    if re.match(r'\{\s*"', completion[first : first + 40]) is None or re.search(r'["\[\]{}]', before + after):
        return False
    prose = [s for part in (before, after) for s in sentences(_FENCE.sub(" ", part[:_MOST]))]
    said = [w for s in prose for w in s.words]
    reads = all((s.sense >= 0.8 or s.raw.endswith(":")) and parse(s)[0] < 0.5 for s in prose)
    return reads and len(said) <= _ASIDE and all(is_known(w) or w in _SAID for w in said)


def _around(completion: str) -> float:
    """What is left of an object with more around it than a lead-in: little where that holds more brackets, or is long."""
    completion = without_thinking(completion)
    first = completion.find("{")
    rest = _FENCE.sub(" ", completion[:first] + completion[_end_of_object(completion, first) :])
    if re.search(r'["\[\]{}]', rest):
        return _AMONG_OBJECTS
    return _AMONG_WORDS * max(0.5, 1.0 - max(0, rest.count(" ") - _TALK) / 300)


_TALK = 40
"""Words that a model may say before and after the object."""


def _says_twice(completion: str) -> bool:
    """Whether the object gives a field more than once, with different values."""
    completion, twice = without_thinking(completion), False

    def seen(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        found: dict[str, Any] = {}
        for name, value in pairs:
            twice = twice or (name in found and found[name] != value)
            found[name] = value
        return found

    try:
        json.JSONDecoder(object_pairs_hook=seen).raw_decode(completion, completion.find("{"))
    except (ValueError, RecursionError):
        return False
    return twice


def _end_of_object(completion: str, first: int) -> int:
    """Where the object that begins at ``first`` ends; the last brace where strict JSON does not read it."""
    try:
        return json.JSONDecoder().raw_decode(completion, first)[1]
    except (ValueError, RecursionError):
        return completion.rfind("}") + 1


_FENCE = re.compile(r"```(?:json)?", re.I)
_SAID = frozenset(
    "json segue objeto registro resposta dados extraidos extracao campos formato solicitado abaixo conforme".split()
)
_ASIDE = 20
"""Words of a sentence around the object."""


Judgement = tuple[float, float]
"""(how right a value is, from 0 to 1; its weight)."""


def _mean(judged: list[Judgement]) -> float:
    """The weighted mean, less up to half of it for the worst: a record is right where every value is."""
    weight = sum(w for _, w in judged)
    mean = sum(right * w for right, w in judged) / weight if weight else 0.0
    return mean * (0.5 + 0.5 * min((right for right, _ in judged), default=0.0))


# --- the nota ---------------------------------------------------------------------------------------------------
_CHURN = {1: (0.65, 1.0), 2: (0.5, 1.0), 3: (0.3, 0.7), 4: (0.0, 0.4), 5: (0.0, 0.25)}
"""By nota: between which values ``churn_risk`` is right."""


def nota_judgements(data: dict[str, Any], nota: float | None) -> list[Judgement]:
    """What follows from the customer's grade: sentiment, score, risk, and whether they come back and recommend."""
    if nota is None:
        return [(float(sentiment_of(data.get("sentiment")) is not None), 1.0)]
    score, churn = data.get("sentiment_score"), data.get("churn_risk")
    near = abs(score - nota) if CHECKS["sentiment_score"](score) else 4.0  # type: ignore[operator]
    judged = [
        (_sentiment_right(sentiment_of(data.get("sentiment")), nota), 1.0),
        (1.0 if near < 1 else 0.2 if near < 2 else 0.0, 1.0),
        (_within(churn, _CHURN[min(5, max(1, round(nota)))]), 1.0),
    ]
    if nota >= 4 or nota <= 2:
        judged += [(float(data.get(name) is (nota >= 4)), 1.0) for name in ("repeat_intent", "would_recommend")]
    else:
        judged += [(float(isinstance(data.get(name), bool)), 0.5) for name in ("repeat_intent", "would_recommend")]
    return judged


def _sentiment_right(said: str | None, nota: float) -> float:
    wanted = sentiment_of_nota(nota)
    if said is None or {said, wanted} == {"positivo", "negativo"}:
        return 0.0
    return 1.0 if said == wanted else 0.4


def _within(value: Any, band: tuple[float, float]) -> float:
    """1 inside the band, falling to 0 a quarter of the scale away from it."""
    if not CHECKS["churn_risk"](value):
        return 0.0
    return max(0.0, 1.0 - 4.0 * max(0.0, band[0] - value, value - band[1]))


# --- the review -------------------------------------------------------------------------------------------------
_FAULTS = {
    "entrega": r"atras\w+|demor\w+|extravi\w+|amassad\w+|rastre\w+.{0,30}parad|transportadora|correios?|fora do prazo|"
    r"prazo (?:nao|estourou|venceu)|nao (?:foi )?(?:cumpr\w+|respeit\w+) o prazo|marc\w+ como entregue|portaria errada|"
    r"(?:nao|nunca|nem) (?:me |foi |tinha |havia )?(?:cheg\w+|receb\w+|entreg\w+)|(?:ainda|ate (?:hoje|agora)) (?:nao|nada|aguard\w+)|"
    r"ate (?:hoje|agora) (?:e )?nada|(?:ainda )?(?:aguardando|esperando) (?:a entrega|chegar|o produto|receber)|"
    r"entreg\w+ (?:em|no) (?:endereco|lugar|local) errad|quase desisti",
    "produto": r"defeit\w+|quebr(?:ou|ad\w+)|trinc\w+|rachad\w+|(?:nao|parou de) (?:esta )?(?:funcion|lig|carreg)\w+|desbot\w+|rasg\w+|"
    r"fragil|fragei?s|(?:produto|cor|modelo|tamanho|item) errad\w+|veio (?:na )?(?:cor |outra )?(?:errad|outr|rosa|trocad|sem )\w*|diferente d\w+|"
    r"falt(?:ando|ou|am|a) (?:\w+ )?(?:peca|parte|item|itens|produto|um|uma|o|a)\b|manchad\w+|descol\w+|descostur\w+|arranhad\w+|danificad\w+|"
    r"estragad\w+|vencid\w+|falsific\w+|nao (?:e|era|eh) (?:o |a )?(?:original|mesm|que)|nao serv\w+|(?:qualidade|material|acabamento|tecido|produto) "
    r"(?:\w+ ){0,3}(?:ruim|pessim\w+|inferior|baix\w+|fraco|horrivel)|(?:pessim|ma|baix)\w* qualidade|bem inferior|nao vale|usado|"
    r"tamanho (?:menor|maior|diferente)|enganos\w+|propaganda enganosa|problema no produto|veio com (?:problema|risco|furo)|mud[oa]\b|chiad\w+|sem som|queim(?:ou|ad\w+)|explod\w+|vazando|vazou|"
    r"mofad\w+|mofo|cheiro ruim|furad\w+|encolh\w+|solt(?:ou|ando)\b|incomplet\w+|trava(?:ndo)?\b|esquent\w+|bateria (?:\w+ ){0,2}(?:acab|descarreg)\w+|"
    r"nao (?:conect|segur|par(?:ou|a)\b|dur(?:ou|a)\b)\w*",
    "vendedor": r"vendedor\w* (?:\w+ ){0,3}(?:nao|nunca|ignor|mal|pessim|disse|recus)\w*|nao respond\w+|sem resposta|ninguem respond\w+|"
    r"(?:loja|vendedor\w*) (?:\w+ ){0,2}(?:ignor|nao|nunca|sumiu|recus)\w*|mal educad\w+|nota fiscal|reembols\w+|(?:nao|recus\w+) (?:\w+ ){0,2}troc\w+|"
    r"prometer?am|pedido de troca",
    "preco": r"\bcaro|mais barat\w+|frete (?:\w+ ){0,3}(?:caro|alto|abusivo)|preco (?:\w+ ){0,2}(?:alto|abusivo|salgad\w*|subiu|elevado)|cobr\w+ a mais",
    "atendimento": r"\bsac\b|suporte|\bchat\b|resposta automatica|liguei|atendimento (?:\w+ ){0,3}(?:pessim|ruim|horriv|demor|lent)\w*|"
    r"(?:pessim|mau|ruim)\w* atendimento|(?:call ?center|central) ",
}
_PATTERNS = {name: re.compile(r"\b(?:" + pattern + r")") for name, pattern in _FAULTS.items()}
_CLAUSE = re.compile(r"[.!?;\n]++|,| mas | porem | alem disso |\be\b")
_DENIED = re.compile(
    r"\b(?:sem|nem (?:atras\w+|demor\w+)|nao (?:teve|houve|tem|tive|atras\w+|demor\w+|veio com)|nenhum\w*|zero)\b"
)
_OWED = re.compile(r"\b(?:reembols\w*|estorn\w*|troc\w*|devolu\w*|respost\w*|dinheiro)\b")
_FLAGS = {"delivery_issue": "entrega", "product_issue": "produto", "seller_issue": "vendedor"}
_ON_THE_WAY = re.compile(
    r"\b(?:quebr|trinc|amass|rasg|danific|vaz|rachad)\w+.{0,40}\b(?:caixa|embalagem|transporte)\b|\b(?:caixa|embalagem)\b.{0,30}\b(?:quebr|trinc|amass|rasg|danific|vaz|rachad)"
)
"""Damage that may have been done on the way."""
_FRAME = re.compile(r"(?:^|\|)\s*(?:produto|nota|formato|saida)\s?:[^|\n]*", re.M)


@lru_cache(maxsize=1024)
def evidence(prompt: str) -> dict[str, set[str]]:
    """What the review complains about: each fault that is named, with the stems of the words around it.

    A clause counts unless it denies the fault ("sem defeito").
    """
    text = _review_of(prompt)
    found: dict[str, set[str]] = {}
    before = ""
    for clause in _CLAUSE.split(text):
        owed, before = _OWED.search(before) is not None, clause
        for name, pattern in _PATTERNS.items():
            match = pattern.search(clause)
            if match and owed and match.group().startswith(("ate", "ainda")):
                continue  # "prometeram reembolso e até agora nada": not the delivery
            if match and (
                match.group().startswith(("nao", "nem", "nunca")) or not _DENIED.search(clause[: match.start() + 12])
            ):
                found.setdefault(name, set()).update(_stems(clause))
    return found


_MOST = 4_000


def _review_of(prompt: str) -> str:
    """The prompt, folded, without the lines that frame the review."""
    return _FRAME.sub(" ", fold(prompt[:_MOST]))


def _stems(text: str) -> set[str]:
    return {stem(t) for s in sentences(text) for t in s.tokens if is_content(t)}


_stems_of_prompt = lru_cache(maxsize=256)(_stems)


def review_judgements(data: dict[str, Any], prompt: str, nota: float | None) -> list[Judgement]:
    """What follows from the review's words: the three flags, the category and the complaint."""
    faults = evidence(prompt)
    if not faults and nota is not None and (nota <= 2 or (nota <= 4 and _BUT_READ.search(_review_of(prompt)))):
        return _open_judgements(data, prompt)
    judged: list[Judgement] = []
    for name, fault in _FLAGS.items():
        open_question = fault not in faults and (
            (fault == "vendedor" and "atendimento" in faults)
            or (fault == "entrega" and "produto" in faults and _ON_THE_WAY.search(_review_of(prompt)) is not None)
        )
        if not open_question:
            judged.append((float(data.get(name) is (fault in faults)), 1.0))
    category = data.get("complaint_category")
    category = fold(category.strip()) if isinstance(category, str) else None
    judged.append((_category_right(category, faults), 2.0))
    judged.append((_complaint_right(data, category, faults, prompt), 2.0))
    return judged


def _open_judgements(data: dict[str, Any], prompt: str) -> list[Judgement]:
    """A low nota, or a "but", without a reason that can be read: any consistent answer that speaks of the review may be right."""
    flags = [data.get(name) for name in _FLAGS]
    consistent = all(isinstance(flag, bool) for flag in flags) and sum(flag is True for flag in flags) <= 2
    category, complaint = data.get("complaint_category"), data.get("main_complaint")
    said = _stems(complaint[:400]) if isinstance(complaint, str) else set()
    spoken = (
        0.85
        if complaint is None
        else 1.0
        if said & _stems_of_prompt(_review_of(prompt))
        else 0.5
        if said & _KNOWN
        else 0.2
    )
    return [
        (float(consistent), 1.0),
        (float(CHECKS["complaint_category"](category)), 1.0),
        (spoken if "main_complaint" in data else 0.0, 1.0),
    ]


_BUT_READ = re.compile(r"\b(?:mas|porem|so que|poderia|esperava|apesar|embora|unico|tudo ok, so|pena que)\b")


def _category_right(category: str | None, faults: dict[str, set[str]]) -> float:
    if category is None:
        return 0.0
    if not faults:
        return float(category == "nenhuma")
    if category in faults:
        return 1.0
    near = {"vendedor", "atendimento"}
    return 0.6 if category in near and near & faults.keys() else 0.3 if category == "outro" else 0.0


def _complaint_right(data: dict[str, Any], category: str | None, faults: dict[str, set[str]], prompt: str) -> float:
    """Whether ``main_complaint`` says, in a few words that read like Portuguese, what the review complains about."""
    complaint = data.get("main_complaint")
    if "main_complaint" not in data:
        return 0.0
    if complaint is None or (isinstance(complaint, str) and fold(complaint).strip(" .") in _NO_COMPLAINT):
        return float(not faults) * (1.0 if complaint is None else 0.9)
    if not isinstance(complaint, str):
        return 0.0
    said, elsewhere = _stems(complaint[:400]), evidence(complaint).keys() - faults.keys()
    if not faults or len(complaint) > 300 or not said or _is_no_complaint(complaint):
        return 0.0
    about = set().union(*faults.values())
    named = _stems(" ".join(_NAMES[name] for name in faults))
    review = _stems_of_prompt(prompt[:_MOST])
    close = len(said & review) >= max(2, len(said) / 2)
    strange = len(said - review - named - _KNOWN) / len(said)
    found = sentences(complaint)
    sense = min((s.sense for s in found), default=0.0) * 0.7 ** (sum(parse(s)[0] for s in found) + len(found) - 1)
    if not (said & (about | named) or close):
        return 0.0
    untrue = 0.3 if elsewhere - _OF_PEOPLE or (elsewhere and not _OF_PEOPLE & faults.keys()) else 1.0
    untrue *= 0.3 if _lists_everything(complaint, faults) else 1.0
    untrue *= 0.5 if set(_NUMBER.findall(complaint)) - set(_NUMBER.findall(prompt[:_MOST])) else 1.0
    return (1.0 if said & about else 0.7) * (1.0 - strange**2) * min(1.0, 0.15 + sense) * untrue


_OF_PEOPLE = frozenset(("atendimento", "vendedor"))
_NUMBER = re.compile(r"\d+")
_NO_COMPLAINT = frozenset(
    ("", "nenhum", "nenhuma", "nenhuma reclamacao", "sem reclamacao", "sem reclamacoes", "nao ha", "nao houve", "null")
)
_PRAISE = re.compile(
    r"\b(?:otim\w+|excelente\w*|perfeit\w+|maravilh\w+|rapid\w+|antes do prazo|dentro do prazo|no prazo|sem (?:nenhum )?(?:defeito|problema|atraso)\w*|"
    r"(?:nao|nunca) (?:houve|teve|atras\w+|demor\w+|e verdade)|bem embalad\w+|ment\w+|ignor\w+ (?:o|a|os|as|isto|isso|tudo)\b)"
)
_BUT = re.compile(r"\b(?:mas|porem|embora|apesar|nao|nem|sem|falt\w+)\b")


def _is_no_complaint(complaint: str) -> bool:
    """Whether it praises, or denies that anything was wrong, and names no fault beside that."""
    text = fold(complaint)
    praise = _PRAISE.search(text)
    if praise is None:
        return False
    rest = text[: praise.start()] + " " + text[praise.end() :]
    return not (_BUT.search(text[: praise.start()]) or re.search(r"\b(?:mas|porem|embora|apesar)\b", rest))


def _lists_everything(complaint: str, faults: dict[str, set[str]]) -> bool:
    """Whether it names two or more areas of which the review says nothing: "a entrega, o produto ou o vendedor"."""
    named = {area for area, words in _AREAS.items() if words.any(fold(complaint).replace(",", " ").split())}
    return len(named) > 2 and len(named - faults.keys()) > 1


_AREAS = {
    "entrega": listed("entrega entregas"),
    "produto": listed("produto produtos"),
    "vendedor": listed("vendedor vendedora loja"),
    "preco": listed("preco precos"),
    "atendimento": listed("atendimento"),
}


_NAMES = {
    "entrega": "entrega atraso atrasada demora prazo transportadora recebido chegou",
    "produto": "produto defeito quebrado qualidade errado",
    "vendedor": "vendedor loja resposta troca reembolso",
    "preco": "preco caro valor frete",
    "atendimento": "atendimento suporte sac",
}
_KNOWN = _stems(
    "problema reclamacao cliente falta ruim insatisfacao demora atraso atrasado entregue recebeu recebido danificado quebrado "
    "errado negativa recusa resposta responde resolve resolvido alto elevado baixo baixa insatisfeito diferente produto loja "
    "informacoes atendimento estorno reembolso troca trocou trocar assume funciona veio chegou atrasou"
)

REWARD = Reward(MAXIMA, _components_of)
