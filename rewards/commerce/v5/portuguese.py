"""How much a text reads like Portuguese sentences, by rules that a word list or shuffled words break.

No model and no dictionary of the language: what is checked is how its small words join (an article wants its noun, a
preposition its object), whether articles agree with what follows, whether there are verbs, and whether a text repeats itself.
All of it takes time linear in the length of the text.
"""

# ruff: noqa: S105, PLR0911, PLR0912

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from rewards.commerce.v5.lexicon import NOUNS, STATES
from rewards.commerce.v5.small_words import PAIRS
from rewards.text import fold

# The patterns below read folded text: lower case, no accents.
_TOKEN = re.compile(
    r"r\$ ?\d++(?:[.,]\d++)*+|\d++(?:[.,]\d++)*+(?: ?%|[a-z]++)?|[^\W\d_]++(?:['-][^\W\d_]++)*+\d*+|[,()/|\u2013\u2014\"]|:(?=\s)"
)
_BREAK = re.compile(r"(?<=[.!?;])[\s*_\"')]++|\n++")
_MARK = re.compile(r"^[\s>]*+(?:#{1,6}\s|[-*\u2022\u2013]\s|\d{1,3}[.)]\s|\|)*+")

_ARTICLES = frozenset("o a os as um uma uns umas".split())
_PREPOSITIONS = frozenset("de em por para com sem sob sobre entre desde contra apos pra".split())
_CONTRACTED = frozenset(
    "do da dos das no na nos nas ao aos pelo pela pelos pelas num numa neste nesta nesse nessa deste desta desse dessa".split()
)
_JOINING = frozenset("e ou mas nem porque pois".split())
_SMALL = (
    _ARTICLES
    | _PREPOSITIONS
    | _CONTRACTED
    | _JOINING
    | frozenset(
        "que se como quando onde quem qual quais cujo ate ja nao so mais menos muito muita muitos muitas pouco tambem ainda seu "
        "sua seus suas meu minha nosso nossa nossos nossas este esta esse essa isso isto estes estas esses essas aquele aquela "
        "ele ela eles elas voce voces eu nos lhe me te todo toda todos todas cada outro outra outros outras algum alguma "
        "alguns algumas nenhum nenhuma bem mal aqui la hoje agora depois antes assim entao porem enquanto embora apesar "
        "gente pra pro conforme segundo sendo mesmo mesma tao tanto quanto sempre nunca talvez apenas somente quase dele dela".split()
    )
)
_FINITE = frozenset(
    "eh sao foi foram era eram estah estao estava tem tinha teve ha vai vao deve devem devemos pode podem podemos precisa precisam "
    "precisamos fica ficou ser estar ter".split()
)
_NOMINAL = frozenset("ser estar ter sao".split())  # "do ser", "de S\u00e3o Paulo"
_AFTER_ARTICLE = _ARTICLES | _PREPOSITIONS | _CONTRACTED | _JOINING | (_FINITE - _NOMINAL)
_MASCULINE_IN_A = frozenset(
    "ceara parana amapa dia problema sistema programa tema mapa clima cinema pijama guia caixa esquema diagrama sofa cha cada nada para ja la "
    "panorama telegrama drama plasma".split()
)
_MASCULINE = frozenset(
    "cupom cupons frete fretes fim lazer mes meses celular celulares cashback ticket site time produto pet preco juros".split()
)
_FEMININE = frozenset(
    "saude vez vezes embalagem mensagem mensagens cozinha telefonia informatica moda cama mesa semana casa sala loja".split()
)
_FEMININE_IN_O = frozenset("foto moto video tribo mao".split())
_SINGULAR_IN_S = frozenset(
    "mes gas pais tres seis dois mais menos lapis onibus atras apos reves tenis pires sais bus business".split()
)
_PLURAL_WITHOUT_S = frozenset("que quais sem com de em 2 3".split())
_A_AS_PREPOSITION = frozenset(
    "caminho prazo pedido tempo todo todos bordo favor ele eles isso isto fundo gosto custo outro outros longo medio".split()
)
_VERB_END = re.compile(
    r"(?:[aei]r|(?:and|end|ind)o|[aei]mos|a(?:ram|va|vam|ria|riam|ra|rao|sse)|e(?:ram|ria|riam|ra|rao)|i(?:ram|ria|ra|rao)|"
    r"(?:ou|iu|eu)|[bcdfglmnprstvz]am|uem|aem)(?:-\w+)?$"
)
_NO_VERB = frozenset(
    "celular lugar mulher par ar mar dolar qualquer popular similar escolar familiar particular melhor maior pior hora fora agora "
    "embora senhora demora seu meu eu museu quando segundo mundo fundo lindo vindo bando quando ramos termos ouro sou prazer "
    "lar bar poder dever lazer barra seguir auxiliar regular auxilio exemplar bom tambem ontem sem bem quem alem ninguem homem".split()
)
_VERBS = frozenset(
    """eh sao foi foram era estah estao dah parece parecem pareceu piora pioram agrada agradam tem teve ha vai vao deve devem pode podem precisa precisam fica ficou chega chegou chegam vence
    vencem acaba acabam dura espera esperam resta restam volta volte venha vem mostra mostram indica indicam explica explicam
    significa pesa pesam afeta afetam prejudica prejudicam reduz reduzem aumenta aumentam atrasa atrasam gera geram causa causam
    leva levam caiu cai cresce cresceu vende vendem compra compram compre paga pagam custa custam sugiro recomendo recomenda
    recomendamos proponho garanta aproveite corra corre use usem escolha finalize confira conte avalie veja descubra leve ganhe
    seja sejam ganha ganhou peca resgate economize conheca experimente renove complete clique toque olha olhe parcele pague troque acompanhe
    receba presenteie retire busque abra responda vale valem falta faltam merece merecem saiu chegue deixe deixou esqueca quer
    querem gostou curte curtiu achou ficam esta-lo desculpe lamentamos sentimos pedimos avisamos temos estamos queremos oferece
    oferecem traz trazem faz fazem diz dizem perde perdem perdemos ve vemos sabe sobe subiu comece negocie revise envie ofereca crie
    monte teste priorize invista foque mantenha contrate avise ligue coloque conserve melhore reduza aumente implemente otimize
    monitore inclua corrija analise identifique separe compare defina meca soma calcula conta filtra mostra retorna traz lidera
    lideram totaliza agrupa ordena considera representa corresponde aparece aparecem explicita alerta alimenta alimentam sustenta
    concentra concentram exige exigem pede pedem tende tendem permite permitem ajuda ajudam compromete derruba puxa puxam
    afasta afastam supera superam equivale passa passam abre cabe comeca depende vamos bate segue seguem""".split()
)
_RUN_FAULTS = (0.0, 0.0, 0.0, 0.1, 0.7, 1.0)
"""By how many words of content stand side by side, with nothing between them."""


@dataclass(frozen=True)
class Sentence:
    """A sentence, a bullet or a row of a table.

    Attributes:
        raw: as it stands, without its list mark.
        tokens: folded words, numbers (with their unit) and commas.
        sense: from 0 to 1, how much it reads like Portuguese.
    """

    raw: str
    tokens: tuple[str, ...]
    sense: float

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens that are words."""
        return tuple(t for t in self.tokens if t[0].isalpha() and not t.startswith("r$"))


def sentences(text: str) -> list[Sentence]:
    """The sentences of ``text``, in order; bullets and lines (rows of a table) count as sentences of their own."""
    found = []
    for piece in _BREAK.split(text):
        raw = piece[_MARK.match(piece).end() :].strip(" \t*_|")  # type: ignore[union-attr]
        tokens = tuple(_TOKEN.findall(_folded(raw)))
        if tokens:
            found.append(Sentence(raw, tokens, sense_of(tokens, _strange_capitals(raw))))
    return found


_CAPITAL = re.compile(
    r"([a-z\u00e0-\u00fa0-9%,]+|\b(?:\u00c9|[OA]s?|S\u00f3|Em|N[oa]s?|Seus?|Suas?|Que|Para|De)) ([A-Z\u00c0-\u00da][a-z\u00e0-\u00fa]*+)(?![\w$])"
)
_NAMES = re.compile(
    r"WhatsApp|iPhone|YouTube|E-mail|\bPix\b|Black Friday|Cyber Monday|Ano Novo|Volta às Aulas"
    r"|(?:\b[Dd]ia|\b[Ss]emana|\b[Mm]\u00eas) d[aeo]s? [A-Z\u00c0-\u00da][a-z\u00e0-\u00fa]+"
)
"""Names that are no places, and named days: Dia das Mães, Semana do Consumidor."""
_BEFORE_NAME = frozenset("para de em do da no na com por pelo pela ao entre".split())


def _strange_capitals(raw: str) -> int:
    """Words with a capital in the middle of a sentence that name no place, and signs that sentences do not hold."""
    raw = _NAMES.sub("nome", raw)
    capitals = (m for m in _CAPITAL.finditer(raw) if fold(m[2]) not in _PLACES or m[2] == "Para")
    lost = sum(not (m[1] in _BEFORE_NAME and len(m[2]) > 3 and fold(m[2]) not in NOUNS | _SMALL) for m in capitals)
    return lost + sum(1 for _ in _ODD.finditer(raw))


def _folded(text: str) -> str:
    """Folded text in which words that only an accent tells apart stay apart (``é``, ``está``, ``à``), and São Paulo is one word."""
    return fold(_SAINT.sub("Sao-", _TOLD_APART.sub(lambda m: _APART[m.group().lower()], text)))


_APART = {"é": "eh", "está": "estah", "dá": "dah", "dê": "veja", "à": "na", "às": "nas"}
_TOLD_APART = re.compile(r"\b(?:" + "|".join(_APART) + r")\b", re.I)
_SAINT = re.compile(r"\bSão (?=[A-ZÀ-Ú])")


_PLACES = frozenset(
    {part for name in STATES.values() for part in name.split()}
    | set(
        "brasil luis nordeste sul sudeste norte black friday whatsapp sac swot google instagram correios natal pix sedex".split()
    )
)
_STATE_WORDS = frozenset(name for name in STATES.values() if " " not in name) - {"para"}


def sense_of(tokens: tuple[str, ...], strange: int = 0) -> float:
    """How much a sentence's tokens read like Portuguese, from 0 to 1.

    Args:
        tokens: folded.
        strange: faults that are seen only in the text as it was written (capitals in the middle).
    """
    faults, run, known, finite = float(strange), 0, 0, 0
    before, acted, subordinate = "", False, False
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        faults += _fault(token, following)
        if not (subordinate and _is_infinitive(token)):
            faults += _misplaced(token, before, following)
        faults += _misjoined(before, token, following, acted)
        acted = acted or is_verb(token) or token in _FINITE or (i == 0 and _MAYBE_VERB.search(token) is not None)
        subordinate = subordinate or token in _SUBORDINATES
        if token in _LINKS or not token[0].isalnum():
            finite = 0
        elif token in _VERBS and token not in _FINITE | _NOUN_TOO and before not in _DETERMINES:
            faults += 0.7 * (finite > 0)
            finite += 1
        before = token
        if token in _SMALL or token in _VERBS or not token[0].isalnum():
            known += token[0].isalnum()
            run = 0
        else:
            run = 1 if is_command(token) else run + 1
            faults += _RUN_FAULTS[min(run, len(_RUN_FAULTS) - 1)]
    words = sum(t[0].isalpha() and not t.startswith("r$") for t in tokens)
    if words >= 7 and known < 0.2 * words:
        faults += words / 6
    if words < 3 and len(tokens) > words + 3:
        faults += 2
    faults += 0.7 * max(0, tokens.count(":") - 1) + _lost_clauses(tokens)
    faults += 0.6 * (len(tokens) > 3 and tokens[-2] == ":" and tokens[-1][0].isalpha())
    faults += tokens[-1].isdigit() and len(tokens) > 2 and not _MEASURED.match(tokens[-2])
    return max(0.0, 1.0 - 4.0 * faults / (len(tokens) + 3))


_ODD = re.compile(
    r"(?<=\S) [-*#]+ (?=\S)|[^\W\d_]:[^\W\d_]|[:;,] ?[.:;,!?]|[.!?] ?[:;,]|(?<=[a-z\u00e0-\u00fa] )(?!SAC|SWOT|SMS|PIX|KPI|ROI|UF|SP|RJ|MG)[A-Z]{3,}|[a-z\u00e0-\u00fa][.!?;,][A-Z\u00c0-\u00da]|[\[\]{}\\^<>=~\ufffd]|[a-z][A-Z]|[^\W\d_][%$;][^\W\d_]"
)
"""What sentences do not hold; names such as iPhone and WhatsApp cost a little."""


_MEASURED = re.compile(r"nota|media|top|ate|de|para|[:,(]|e|score|mais|menos|abaixo|acima|so|pedido|foi|foram|eh|sao")


def _lost_clauses(tokens: tuple[str, ...]) -> float:
    """Clauses with "que" in which no verb follows."""
    lost, waiting, before = 0.0, False, ""
    for token in tokens:
        if waiting and (
            is_verb(token)
            or token in _FINITE
            or (token not in NOUNS and token not in _SMALL and _MAYBE_VERB.search(token))
        ):
            waiting = False
        elif waiting and not token[0].isalnum() and token not in ('"', "("):
            lost, waiting = lost + 0.8, False
        waiting = waiting or (token == "que" and before not in _COMPARES)
        before = token
    return lost + 0.8 * waiting


_COMPARES = frozenset("menor maior mais menos melhor pior".split())
_MAYBE_VERB = re.compile(r"^(?!.*(?:dade|coes|ncia)$)\w{3,}(?:[aeo]|[ae]m|i|se)$")


def _misjoined(before: str, token: str, following: str, acted: bool) -> float:
    """What is wrong with an "e" or "ou": it joins a noun to a verb, or follows a colon; ``acted``: a verb stands before."""
    if token not in ("e", "ou") or not following:
        return 0.0
    if before == ":":
        return 0.6
    if is_command(following) or (is_verb(following) and following not in NOUNS and following not in _NOUN_TOO):
        return 0.0 if acted or not before else 0.8
    is_noun = is_content(following) and not is_verb(following) and following not in _FINITE
    return (
        0.7
        if is_noun and (before in _COMMANDS - _NOUN_TOO or before in _STRICT_AUX or before in _PREPOSITIONS)
        else 0.0
    )


def _misplaced(token: str, before: str, following: str) -> float:
    """What is wrong with a word where it stands: an infinitive that nothing governs, a command in the middle of a clause, an
    amount that runs into the next word."""
    if (
        token.endswith("%")
        and before
        and before not in _BEFORE_SHARE
        and following not in _AFTER_SHARE
        and not _is_aux(before)
    ):
        return 0.6
    if (
        (token.endswith("%") or token.startswith("r$"))
        and following
        and is_content(following)
        and not is_verb(following)
    ):
        return float(following not in _AFTER_AMOUNT and (following in NOUNS or not _MAYBE_VERB.search(following)))
    at_end = not following or not following[0].isalnum()
    if token[0].isalpha() and token not in _FINITE and token != "dah" and _is_foreign(token):
        return 0.6
    if (
        token in _DANGLING
        and before not in _ARTICLES
        and (at_end or (token in _OWNERS and following in _AFTER_ARTICLE))
    ):
        return 1.0
    if len(token) == 1 and token.isalpha() and token not in "aoe":
        return 1.0
    if not before or not before[0].isalnum():
        return 0.0
    if token[0].isdigit() and following == ":" and before not in _NUMBERED:
        return 0.6
    if (
        token.startswith("r$")
        and is_content(before)
        and not is_verb(before)
        and not before.endswith(("io", "ia", "al"))
    ):
        return 0.6
    if token in _COMMANDS and token not in _NOUN_TOO:
        return 0.0 if before in _BEFORE_COMMAND else 0.8
    if _is_infinitive(token):
        governed = (
            before in _PREPOSITIONS or before in _GOVERNS or before in _SMALL or is_verb(before) or before in _JOINING
        )
        return 0.0 if governed else 0.8
    return 0.0


_SUBORDINATES = frozenset("quando se ate que assim caso onde quem".split())
_LINKS = frozenset(
    "que e ou mas porque pois se quando como onde quem quanto quantos enquanto embora porem qual quais cujo para".split()
)
_DETERMINES = frozenset(
    "seu sua seus suas nosso nossa este esta esse essa cada toda todo mais menos alguma nenhuma".split()
) | (_ARTICLES | _PREPOSITIONS | _CONTRACTED)
_AFTER_AMOUNT = frozenset(
    "atuais atual mil milhoes milhao reais negativas negativos negativa positivas atrasadas atrasados insatisfeitos acima abaixo mensais off "
    "maior maiores menor menores cashback mensal atraso anual melhor".split()
)
_GOVERNS = frozenset(
    "importante preciso necessario possivel essencial melhor facil dificil vale hora tal prioridade objetivo".split()
)
_BEFORE_COMMAND = frozenset("e ou mas que nao ja agora entao hoje so voce depois antes tambem sempre aqui".split())
_NOUN_TOO = frozenset(
    "leve use conte olha troca compra volta mostra causa conta ajuda vale espera falta busca soma filtra alerta oferta leva passa "
    "resta ganha curtiu segue alimenta foque gosta abre abra renove peca compre custa pesa base".split()
)


_BEFORE_SHARE = frozenset(
    "de com ate por em os as nos nas dos das a e ou ganhe leve tem mais menos so apenas pelos cerca para nota".split()
)
_AFTER_SHARE = frozenset("de do da dos das off no na nos nas em a e ) ,".split())


def _is_aux(token: str) -> bool:
    return token in _FINITE or is_verb(token) or not token[0].isalnum()


def _is_gerund(token: str) -> bool:
    return len(token) > 5 and token.endswith(("ando", "endo", "indo")) and token not in _NO_VERB


_FOREIGN = re.compile(
    r"[bcdfghjkpqtvwyn]$|[bcdfghjklmnpqtvwxyz]{4}|([bcdfghjklmpqtvwxz])\1|[kwy]|sh|th|wh|tion|oo$|ss$|"
    r"^(?!bl|br|cl|cr|dr|fl|fr|gl|gr|pl|pr|tr|vr|ps|pn|ch|lh|nh)[bcdfghjklmnpqrstvwxz]{2}"
)
_KNOWN_FOREIGN = frozenset(
    "sac pet pets shop shopping black friday whatsapp app apps tech look looks off chat notebook notebooks smartphone smartphones pix "
    "internet ticket link tablet kit kits top vip hit cashback push web weekend e-mail email sms feedback marketing site swot kpi roi "
    "fashion games gamer skincare setup pc stand show fitness delivery frete-gratis quem bem sem tem em com um nem".split()
)


_OF_TWO = frozenset(
    "de da do em um os as se ou eu ao na no so ja ha la te me vc tv ir ar ti eh ai oi ex pc ok ei".split()
)


def _is_foreign(token: str) -> bool:
    """Whether a folded word is spelt as no Portuguese word is."""
    if len(token) == 2:
        return token not in _OF_TWO and token not in STATES
    return (
        len(token) > 2
        and token.isascii()
        and token not in _KNOWN_FOREIGN
        and not token[-1].isdigit()
        and bool(_FOREIGN.search(token))
    )


def _is_finite(token: str) -> bool:
    """Whether a word is a verb that no article and no preposition goes before."""
    return (token in _VERBS and token not in _NOUN_TOO and token not in _NOMINAL and len(token) > 2) or (
        len(token) > 5 and token.endswith(("aram", "avam", "emos", "amos", "eu", "iu", "ou")) and token not in _NO_VERB
    )


def _fault(token: str, following: str) -> float:
    """What is wrong with a word and the one after it; ``following`` is empty at the end."""
    if token == following and token[0].isalnum():
        return 1.5
    at_end = not following or not following[0].isalnum()
    if token in PAIRS and following in PAIRS and following not in PAIRS[token] and (token, following) not in _MAY:
        return 0.9
    if following in _ARTICLE_OF and (token in _ARTICLES or token in _CONTRACTED) and not token.startswith("de"):
        return float(_ending(token) != _ending(_ARTICLE_OF[following]))
    if token in _SINGULAR and _MANY.match(following):
        return 1.0
    if token in _ARTICLES or token in _CONTRACTED:
        if at_end or (following in _AFTER_ARTICLE and (token, following) not in _MAY):
            return float(token not in ("um", "uma"))
        if _is_finite(following) and token != "a":
            return 1.0
        if _is_gerund(following):
            return 1.0
        if token in _CONTRACTED and (
            following in _NOT_AFTER_CONTRACTED or (token not in ("ao", "no") and _is_infinitive(following))
        ):
            return 1.0
        return 0.0 if token in ("nos", "neste", "nesse") else 1.0 - _agrees(token, following)
    if token in _PREPOSITIONS:
        if at_end:
            return 1.0
        if (
            following in _CONTRACTED
            or following in _PREPOSITIONS
            or following in _JOINING
            or following in _FINITE - _NOMINAL
        ):
            return 0.0 if (token, following) in _MAY else 1.0
        if _is_finite(following) or _is_gerund(following) or (token not in _BEFORE_ADVERB and following in _ADVERBS):
            return 1.0
        return float(
            (token in ("de", "em", "por") and following in ("o", "a", "os", "as")) or (token, following) in _NEVER
        )
    if token in _JOINING:
        return 1.0 if not following or following in _JOINING else 0.0
    if token[0].isdigit() or token.startswith("r$"):
        return float(bool(following) and (following[0].isdigit() or following.startswith("r$")))
    if token in _FINITE and following in _FINITE - _NOMINAL:
        return 1.0
    if token in ("antes", "depois") and is_content(following or ".") and not at_end:
        return 0.8
    if token in _STRICT_AUX and (at_end or following in _JOINING):
        return 1.0
    if token in _OWNERS and not at_end:
        return (
            1.0 - _agrees(_ARTICLE_OF.get(token, ""), following)
            if following not in _SMALL and not _is_finite(following)
            else float(following not in PAIRS["seu"])
        )
    if token in ("estah", "estao") and following in NOUNS:
        return 0.8
    if (
        following in NOUNS
        and token[-1] in "osl"
        and is_content(token)
        and token not in _BEFORE_NOUN
        and not is_verb(token)
    ):
        return 0.8 if token in NOUNS else 0.5
    if token in NOUNS and not at_end:
        if following in _OWNERS:
            return 0.6
        return float(
            following in NOUNS
            or following in _NOT_AFTER_NOUN
            or following in _STATE_WORDS
            or (following[0].isdigit() and token not in _NUMBERED)
        )
    return float(is_command(token) and is_command(following) and token not in _OPENING)


_OWNERS = frozenset("seu sua seus suas nosso nossa nossos nossas meu minha este esse".split())
_DANGLING = _OWNERS | frozenset("que se como quando onde so".split())
_SINGULAR = frozenset("o do da no na ao pelo pela".split())
_MANY = re.compile(r"(?!1(?:\D|$))\d[\d.,]*%?$")
_NUMBERED = frozenset(
    "nota notas item itens vendedor dia dias semana mes lista plano top parcela parcelas categoria".split()
)
_STRICT_AUX = frozenset("eh foi sao era foram deve devem pode podem vai vao ha tem estah estao".split())
_ARTICLE_OF = {
    **dict.fromkeys(("seu", "nosso", "meu"), "do"),
    **dict.fromkeys(("sua", "nossa", "minha"), "da"),
    **dict.fromkeys(("seus", "nossos", "meus"), "dos"),
    **dict.fromkeys(("suas", "nossas", "minhas"), "das"),
}
_ADVERBS = frozenset("hoje ja so agora antes depois tambem ainda nao aqui sempre".split())
_BEFORE_ADVERB = frozenset("de para pra ate desde por entre".split())
_BEFORE_NOUN = frozenset(
    "novo novos bom bons otimo otimos ultimo ultimos primeiro primeiros proximo proximos pequeno pequenos alto altos baixo baixos "
    "boa boas nova novas otima otimas ultima ultimas primeira primeiras proxima proximas altas baixas varias muitas poucas outras mesmas todas "
    "algumas duas quatro cinco sete oito nove dez principal atual atuais real super minhas suas nossas varios muitos poucos outro outros certo certos mesmo mesmos todos alguns segundo terceiro mil dois tres seis menos mais seus "
    "nossos meus tantos quantos total excelentes melhores maiores menores grandes principais demais mais-vendidos possivel".split()
)
_NEVER = frozenset({("em", "antes"), ("em", "domingo"), ("em", "sabado"), ("em", "semana"), ("em", "fim")})
_NOT_AFTER_NOUN = frozenset("o os um uma uns umas voce voces ele ela eles elas eu gente".split())
_NOT_AFTER_CONTRACTED = frozenset(
    "hoje ja nao voce voces ele ela aqui la agora depois se como quando tambem ainda assim entao porem enquanto sempre nunca talvez "
    "apenas somente quase lhe me te eu cada porque".split()
)
_OPENING = frozenset("vem venha volte corre corra quer olha veja vamos".split())
_MAY = frozenset(
    {
        ("entre", "em"),
        ("para", "com"),
        ("por", "entre"),
        ("a", "de"),
        ("o", "de"),
        ("os", "de"),
        ("as", "de"),
        ("a", "com"),
        ("a", "por"),
    }
    | {("de", "para"), ("de", "entre"), ("de", "nos"), ("com", "nos"), ("a", "para")}
)


_NUMERALS = frozenset("dois duas tres quatro cinco seis sete oito nove dez doze quinze vinte cem mil".split())


def _ending(article: str) -> str:
    """``o``, ``a``, ``os`` or ``as``: gender and number of an article or a contraction with one."""
    return article[-2:] if article.endswith("s") else article[-1]


def _agrees(token: str, following: str) -> float:
    """Whether an article (or a contraction with one) agrees in gender and number with the word after it."""
    if (
        not following[0].isalpha()
        or following in _SMALL | _NUMERALS
        or len(following) < 3
        or following.startswith("r$")
    ):
        return 1.0
    if token == "a" and (following in _A_AS_PREPOSITION or following[-1] in "sr" or _VERB_END.search(following)):
        return 1.0
    plural = token.endswith("s")
    if plural != following.endswith("s") and following not in _SINGULAR_IN_S and following not in _PLURAL_WITHOUT_S:
        return 0.0
    end = following.rstrip("s")
    feminine = token.rstrip("s").endswith("a")
    if following in (_MASCULINE if feminine else _FEMININE):
        return 0.0
    if (
        feminine
        and end.endswith("o")
        and end not in _FEMININE_IN_O
        and not end.endswith("cao")
        and not end.endswith("sao")
    ):
        return 0.0 if not end.endswith("ao") else 1.0
    if not feminine and (end.endswith("a") or end.endswith("cao") or end.endswith("coe") or end.endswith("dade")):
        return float(end in _MASCULINE_IN_A or end.endswith("ista"))
    return 1.0


def is_verb(token: str) -> bool:
    """Whether a folded word is probably a verb."""
    return token in _VERBS or (
        len(token) > 3 and token not in _NO_VERB and token not in _SMALL and _VERB_END.search(token) is not None
    )


_COMMANDS = frozenset(
    """aproveite compre garanta corra use escolha finalize confira conte avalie veja descubra leve ganhe resgate economize conheca
    experimente renove complete clique parcele pague troque acompanhe receba presenteie retire busque abra venha vem volte corra garantam""".split()
)
_INFINITIVE = re.compile(r"\w+[aei]r$")


def _is_infinitive(token: str) -> bool:
    return len(token) > 2 and token not in _NO_VERB and token not in NOUNS and _INFINITIVE.fullmatch(token) is not None


def is_command(token: str) -> bool:
    """Whether a folded word is an infinitive or an imperative, two of which do not stand side by side."""
    return token in _COMMANDS or _is_infinitive(token)


def sense(found: Iterable[Sentence]) -> float:
    """How much sentences read like Portuguese together, each weighted by its tokens; 0 for none."""
    found = list(found)
    total = sum(len(s.tokens) for s in found)
    return sum(s.sense * len(s.tokens) for s in found) / total if total else 0.0


def novelty(found: Iterable[Sentence]) -> list[float]:
    """For each sentence, the share of its three-token sequences that no sentence before it has; numbers count as one token."""
    seen: set[tuple[str, ...]] = set()
    shares = []
    for sentence in found:
        tokens = ["#" if t[0].isdigit() or t.startswith("r$") else t for t in sentence.tokens]
        runs: list[tuple[str, ...]] = [*zip(tokens, tokens[1:], tokens[2:], strict=False)] or [tuple(tokens)]
        shares.append(len({r for r in runs if r not in seen}) / len(runs))
        seen.update(runs)
    return shares


def variety(text: str) -> float:
    """1 for text that compresses as prose does, falling to 0 for text that is repetition; short texts are always 1."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) < 200:
        return 1.0
    ratio = len(zlib.compress(data, 6)) / len(data) * min(1.0, (len(data) / 4_000) ** 0.15 + 0.25)
    return min(1.0, max(0.0, (ratio - 0.16) / 0.14))


_NUMBER = re.compile(
    r"(?<![\w.,])\d++(?:\.\d{3}(?!\d))*+(?:[.,]\d++)?(?![\w])|(?<![\w.,])\d++(?:[.,]\d++)?(?=(?:x|h|k|o|a)\b)"
)


def numbers(text: str) -> list[float]:
    """The numbers in ``text``, read as Brazilians write them (1.234,56) and as a program does (1234.56)."""
    return [value_of(match.group()) for match in _NUMBER.finditer(text)]


def value_of(written: str) -> float:
    """``1.234,56``, ``1234.56``, ``1.234`` (a thousand), ``3,4`` as a number."""
    if "," in written:
        written = written.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3})+", written):
        written = written.replace(".", "")
    if written.count(".") > 1:
        written = written.replace(".", "")
    return float(written) if len(written) < 40 else float("inf")


def stem(word: str) -> str:
    """A folded word without its ending, so that forms of one word agree: its first letters, up to five."""
    word = word.removesuffix("s") if len(word) > 3 else word
    if word.endswith(("coe", "cao", "ao", "oe")):
        word = re.sub(r"(?:coe|cao|ao|oe)$", "", word)
    elif len(word) > 4 and word[-1] in "aoe":
        word = word[:-1]
    return word[:5]


def is_content(token: str) -> bool:
    """Whether a token is a word that carries meaning."""
    return (
        token[0].isalpha()
        and token not in _SMALL
        and token not in _FINITE
        and len(token) > 2
        and not token.startswith("r$")
    )
