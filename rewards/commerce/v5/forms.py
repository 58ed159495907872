"""What one folded word is: the small words of Portuguese, verbs and their forms, gender and number, numbers, stems.

No dictionary of the language: word lists for what is frequent, endings for the rest. Each question takes time in the word's
length alone.
"""

# ruff: noqa: S105, PLR0911

import re

from rewards.commerce.v5.lexicon import NOUNS, STATES

ARTICLES = frozenset("o a os as um uma uns umas".split())
PREPOSITIONS = frozenset("de em por para com sem sob sobre entre desde contra apos pra".split())
CONTRACTED = frozenset(
    "do da dos das no na nos nas ao aos pelo pela pelos pelas num numa neste nesta nesse nessa deste desta desse dessa".split()
)
JOINING = frozenset("e ou mas nem porque pois".split())
SMALL = (
    ARTICLES
    | PREPOSITIONS
    | CONTRACTED
    | JOINING
    | frozenset(
        "que se como quando onde quem qual quais cujo ate ja nao so mais menos muito muita muitos muitas pouco tambem ainda seu "
        "sua seus suas meu minha nosso nossa nossos nossas este esta esse essa isso isto estes estas esses essas aquele aquela "
        "ele ela eles elas voce voces eu nos lhe me te todo toda todos todas cada outro outra outros outras algum alguma "
        "alguns algumas nenhum nenhuma bem mal aqui la hoje agora depois antes assim entao porem enquanto embora apesar "
        "gente pra pro daquele daquela daqueles daquelas nesses nessas nestes nestas desses dessas destes destas conforme segundo sendo mesmo mesma tao tanto quanto sempre nunca talvez apenas somente quase dele dela".split()
    )
)
FINITE = frozenset(
    "eh sao foi foram era eram estah estao estava tem tinha teve ha vai vao deve devem devemos pode podem podemos precisa precisam "
    "precisamos fica ficou ser estar ter".split()
)
NOMINAL = frozenset("ser estar ter sao".split())  # "do ser", "de S\u00e3o Paulo"
FINITE_ONLY = FINITE - NOMINAL
AFTER_ARTICLE = ARTICLES | PREPOSITIONS | CONTRACTED | JOINING | FINITE_ONLY
_MASCULINE_IN_A = frozenset(
    "ceara parana amapa dia problema sistema programa tema mapa clima cinema pijama guia caixa esquema diagrama sofa cha cada nada para ja la "
    "panorama telegrama drama plasma guarda-roupa".split()
)
_MASCULINE = frozenset(
    "cupom cupons frete fretes fim lazer mes meses celular celulares cashback ticket site time produto pet preco juros".split()
)
_FEMININE = frozenset(
    "saude vez vezes embalagem mensagem mensagens cozinha telefonia informatica moda cama mesa semana casa sala loja".split()
)
_FEMININE_IN_O = frozenset("foto moto video tribo mao".split())
SINGULAR_IN_S = frozenset(
    "mes gas pais tres seis dois mais menos lapis onibus atras apos reves tenis pires sais bus business".split()
)
PLURAL_WITHOUT_S = frozenset("que quais sem com de em 2 3".split())
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
VERBS = frozenset(
    """eh sao foi foram era estah estao dah deh entreh parece parecem pareceu piora pioram agrada agradam tem teve ha vai vao deve devem pode podem precisa precisam fica ficou chega chegou chegam vence
    vencem acaba acabam dura espera esperam resta restam volta volte venha vem mostra mostram indica indicam explica explicam
    significa pesa pesam afeta afetam prejudica prejudicam reduz reduzem aumenta aumentam atrasa atrasam gera geram causa causam
    leva levam caiu cai cresce cresceu vende vendem compra compram compre paga pagam custa custam sugiro recomendo recomenda
    recomendamos proponho garanta aproveite corra corre use usem escolha finalize confira conte avalie veja descubra leve ganhe
    seja sejam tome aceite prepare comemore celebre expira expiram serviu esqueceu passou sumiu mudou deseja desejamos erramos veste pede
    ganha ganhou peca resgate economize conheca experimente renove complete clique toque olha olhe parcele pague troque acompanhe
    receba presenteie retire busque abra responda vale valem falta faltam merece merecem saiu chegue deixe deixou esqueca quer
    querem gostou curte curtiu achou ficam esta-lo desculpe lamentamos sentimos pedimos avisamos temos estamos queremos oferece
    oferecem traz trazem faz fazem diz dizem perde perdem perdemos ve vemos sabe sobe subiu comece negocie revise envie ofereca crie
    monte teste priorize invista foque mantenha contrate avise ligue coloque conserve melhore reduza aumente implemente otimize
    monitore inclua corrija analise identifique separe compare defina meca soma calcula conta filtra mostra retorna traz lidera
    lideram totaliza agrupa ordena considera representa corresponde aparece aparecem explicita alerta alimenta alimentam sustenta
    concentra concentram exige exigem pede pedem tende tendem permite permitem ajuda ajudam compromete derruba puxa puxam
    afasta afastam supera superam equivale passa passam abre cabe comeca depende vamos bate segue seguem""".split()
)
NOUN_TOO = frozenset(
    "leve use conte olha troca compra volta mostra causa conta ajuda vale espera falta busca soma filtra alerta oferta leva passa "
    "resta ganha curtiu segue alimenta foque gosta abre abra renove peca compre custa base".split()
)


def is_number(token: str) -> bool:
    """Whether a token is a number, an amount or a share: 12, r$ 5, 10%, 3x."""
    return token[0].isdigit() or token.startswith("r$")


def is_word(token: str) -> bool:
    """Whether a token is a word, not a number, an amount or a sign."""
    return token[0].isalpha() and not token.startswith("r$")


def is_verb(token: str) -> bool:
    """Whether a folded word is probably a verb."""
    return token in VERBS or (
        len(token) > 3 and token not in _NO_VERB and token not in SMALL and _VERB_END.search(token) is not None
    )


COMMANDS = frozenset(
    """aproveite compre garanta corra use escolha finalize confira conte avalie veja descubra leve ganhe resgate economize conheca
    experimente renove complete clique parcele pague troque acompanhe receba presenteie retire busque abra venha vem volte corra garantam
    deh entreh tome aceite deixe olhe prepare seja comemore celebre curta lembre espere peca toque aceitem""".split()
)
_INFINITIVE = re.compile(r"\w+[aei]r$")


def is_infinitive(token: str) -> bool:
    """Whether a folded word is probably a verb that no person governs: comprar, vender, abrir."""
    return len(token) > 2 and token not in _NO_VERB and token not in NOUNS and _INFINITIVE.fullmatch(token) is not None


def is_command(token: str) -> bool:
    """Whether a folded word is an infinitive or an imperative, two of which do not stand side by side."""
    return token in COMMANDS or is_infinitive(token)


def is_gerund(token: str) -> bool:
    """Whether a folded word is a verb in -ando, -endo or -indo."""
    return len(token) > 5 and token.endswith(("ando", "endo", "indo")) and token not in _NO_VERB


_FOREIGN = re.compile(
    r"[bcdfghjkpqtvwyn]$|[bcdfghjklmnpqrtvwxyz][bcdfghjklmnpqrtvwxyz]$|[fhjqvz](?![aeiouhlrt])[a-z]|m[cdfghjklqrstvxz]|n[bp]|[bcdfghjklmnpqtvwxyz]{4}|([bcdfghjklmpqtvwxz])\1|[kwy]|sh|th|wh|tion|oo$|ss$|"
    r"^(?!bl|br|cl|cr|dr|fl|fr|gl|gr|pl|pr|tr|vr|ps|pn|ch|lh|nh)[bcdfghjklmnpqrstvwxz]{2}"
)
KNOWN_FOREIGN = frozenset(
    "sac pet pets shop shopping black friday whatsapp app apps tech look looks off chat notebook notebooks smartphone smartphones pix "
    "internet ticket link tablet kit kits top vip hit cashback push web weekend e-mail email sms feedback marketing site swot kpi roi "
    "fashion games gamer skincare setup pc stand show fitness delivery frete-gratis dah deh entreh quem bem sem tem em com um nem".split()
)
_OF_TWO = frozenset(
    "de da do em um os as se ou eu ao na no so ja ha la te me vc tv ir ar ti eh ai oi ex pc ok ei".split()
)


def is_foreign(token: str) -> bool:
    """Whether a folded word is spelt as no Portuguese word is."""
    if len(token) == 2:
        return token not in _OF_TWO and token not in STATES
    return (
        len(token) > 2
        and token.isascii()
        and token not in KNOWN_FOREIGN
        and not token[-1].isdigit()
        and bool(_FOREIGN.search(token))
    )


def is_finite(token: str) -> bool:
    """Whether a word is a verb that no article and no preposition goes before."""
    return (token in VERBS and token not in NOUN_TOO and token not in NOMINAL and len(token) > 2) or (
        len(token) > 5 and token.endswith(("aram", "avam", "emos", "amos", "eu", "iu", "ou")) and token not in _NO_VERB
    )


_NUMERALS = frozenset("dois duas tres quatro cinco seis sete oito nove dez doze quinze vinte cem mil".split())


def ending(article: str) -> str:
    """``o``, ``a``, ``os`` or ``as``: gender and number of an article or a contraction with one."""
    return article[-2:] if article.endswith("s") else article[-1]


def agrees(token: str, following: str) -> float:
    """Whether an article (or a contraction with one) agrees in gender and number with the word after it."""
    if not is_word(following) or following in SMALL or following in _NUMERALS or len(following) < 3:
        return 1.0
    if token == "a" and (following in _A_AS_PREPOSITION or following[-1] in "sr" or _VERB_END.search(following)):
        return 1.0
    plural = token.endswith("s")
    if plural != following.endswith("s") and following not in SINGULAR_IN_S and following not in PLURAL_WITHOUT_S:
        return 0.0
    end = following.rstrip("s")
    feminine = token.rstrip("s").endswith("a")
    if following in (_MASCULINE if feminine else _FEMININE):
        return 0.0
    if feminine and end.endswith("o") and end not in _FEMININE_IN_O:
        return float(end.endswith("ao"))
    if not feminine and end.endswith(("a", "cao", "coe", "dade")):
        return float(end in _MASCULINE_IN_A or end.endswith("ista"))
    return 1.0


NUMBER = re.compile(
    r"(?<![\w.,])\d++(?:\.\d{3}(?!\d))*+(?:[.,]\d++)?(?![\w])|(?<![\w.,])\d++(?:[.,]\d++)?(?=(?:x|h|k|o|a)\b)"
)


def numbers(text: str) -> list[float]:
    """The numbers in ``text``, read as Brazilians write them (1.234,56) and as a program does (1234.56)."""
    return [value_of(match.group()) for match in NUMBER.finditer(text)]


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
    return is_word(token) and token not in SMALL and token not in FINITE and len(token) > 2
