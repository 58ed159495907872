"""What says the opposite of what is meant: patterns of folded text.

A notification may not take back what it announces: ``NOT_SO`` holds whatever that is, ``NOT_SO_OF`` names a word of the brief and what
says the opposite of it. An analysis may not value a figure against what it says (``OPPOSITE``, ``PRAISES``, ``BLAMES``), tell of a change
that nobody gave (``TREND``), or advise what no shop can want (``HARMFUL``).
"""

import re

NOT_SO = re.compile(
    "|".join(
        (
            r"(?<!voce )(?<!que )(?<!ainda )(?<!se )\b(?:nao|nunca|jamais|nem)\s+(?:se |te |lhe |mais |a |o |esta |estao |tem |ha |foi |e |eh )*"
            r"(?:vale\w*|tem|temos|ha|cheg\w+|sai\w*|volt\w+|caiu|caem|pront\w+|disponive\w+|gratis|entreg\w+|venha|compre|use|aproveite|avalie|finalize|"
            r"pedimos|sentimos|atras\w+|ganh\w+|receb\w+|verdade|frete|cupom|desconto|cashback|seu|sua)\b",
            r"\bsem (?:\d+\s?%? (?:de )?)?(?:o |a )?(?:desconto|frete|cupom|cashback|novidade\w*|festa|presente|desculpa|parcel\w+|voltar)\b(?! alto| caro)",
            r"\bdeix(?:ou|aram) de\b|\bmenos (?:barat\w+|n[oa]s?)\b|\bmais car[oa]s?\b|\b(?:preco|valor) (?:\w+ ){0,3}(?:subiu|dobrou|aumentou)\b|: subiu\b",
            r"\b(?:ja|foi|foram|esta|estao|com) (?:foi |foram )?(?:cancelad|vendid|jogad|roubad|esgotad|defeit|estragad|quebrad|usad)\w+",
            r"\b(?:e|eh) (?:mentira|falso)\b|\bso que nao\b|\bou nao[.!]?$|\bpague (?:\S+ )?(?:a )?mais\b|\ba mais na\b|\bque bom que voce sumiu\b",
            r"(?<!nao )(?<!nem )(?<!nunca )\bperca (?!de )(?:\d+|o|a|os|as|tudo|sua|seu)\b|\bpara (?:os outros|outro cliente)|\bou (?:sua|perca)\b",
            r"\bpeca desculpas|\bpare de\b|\bninguem quer\b|\bculpa (?:\w+ ){0,3}(?:sua|do cliente)\b|\bcusta mais\b|\bnao deixe nada\b",
        )
    )
)
"""What takes back the thing announced, or turns the customer away: "não vale hoje", "com defeito", "para os outros". A "não" of the
customer's ("você não finalizou") is none."""
NOT_SO_OF = {
    "vence": re.compile(r"\b(?:amanha|ontem|venceu|semana que vem|mes que vem|fim do mes|sem pressa|quando quiser)\b"),
    "juros": re.compile(r"\b(?:com|mais|pague|paga|cobramos) (?:\w+ )?juros\b"),
    "colecao": re.compile(r"\b(?:velha|antiga|usada|feia)\b"),
    "voltou": re.compile(r"\bsumiu|esgotou\b"),
    "unidades": re.compile(r"\bestoque cheio|sobra\w*|mais de \d+ unidades\b"),
    "queda": re.compile(r"\bsubiu|aumentou\b"),
    "black": re.compile(r"\bsubiu|aumentou\b"),
}

OPPOSITE = {
    "atraso": re.compile(
        r"\b(?:antes do prazo|(?<!fora )(?:dentro do|no) prazo|pontua(?:l|is|lidade)|adiantad\w+|nao (?:se )?atras\w+|sem atraso\w*)\b"
    ),
    "negativa": re.compile(r"\b(?:positiv\w+|elogi\w+)\b"),
}
"""Kind of figure -> what it cannot be of."""
_UNLESS = r"(?<!nao )(?<!nem )(?<!nao eh )(?<!nao e )(?<!longe de )(?<!deixa de ser )"
PRAISES = re.compile(
    _UNLESS
    + r"\b(?:excelent\w+|otim[oa]s?|exemplar\w*|muito satisfeit\w+|saudave\w+|maior do|melhor do|perfeit\w+|satisfeit[oa]s|irrelevante\w*|baixissim\w+)\b"
)
BLAMES = re.compile(
    _UNLESS
    + r"\b(?:pessim\w+|horrive\w+|grav\w+|critic[oa]s?|alarmant\w+|altissim\w+|insatisfeit[oa]s|desastr\w+|ruim|ruins)\b"
)
TREND = re.compile(
    r"\b(?:dobr(?:ou|aram)|triplic(?:ou|aram)|despenc(?:ou|aram))\b|\b(?:ano|mes|trimestre|periodo) (?:passado|anterior)\b|\bultim[oa]s? (?:ano|anos)\b"
)
HARMFUL = re.compile(
    r"\b(?:retir|apag|remov|exclu|ocult|escond|compr|invent|falsific|frauda?)\w* (?:\S+ ){0,4}avaliac\w+"
    r"|\b(?:multa|multar|punir|processar|punicao) (?:\S+ ){0,4}client\w+|\bcobr\w+ (?:\S+ ){0,3}(?:duas vezes|em dobro|multa d[eo]s? (?:cada )?client\w+)"
    r"|\b(?:suspend|encerr|cancel|interromp)\w+ (?:\S+ ){0,2}(?:entregas|o atendimento|atendimento|as trocas|trocas)\b"
    r"|\bignor\w+ (?:\S+ ){0,2}(?:reclam|client|avalia|atras|instruc)\w*|\bcom prejuizo\b|\bde madrugada\b|\bnota maxima\b|\bmentir\w*\b"
    r"|\b(?:nao|nunca|jamais) (?:renegoci|respond|oferec|acompanh|monitor|med|troc|corrig|avis)\w+|\bparar de (?:med|respond|acompanh|avis)\w+"
)
