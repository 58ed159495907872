"""What a notification may not say: that what it announces is not so. Patterns of folded text.

``NOT_SO`` holds whatever is announced; ``NOT_SO_OF`` names a word of the brief and what says the opposite of it.
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
    "vence": re.compile(r"\b(?:amanha|ontem|venceu|semana que vem|quando quiser)\b"),
    "juros": re.compile(r"(?<!sem )(?<!zero )\bjuros\b"),
    "colecao": re.compile(r"\b(?:velha|antiga|usada|feia)\b"),
    "voltou": re.compile(r"\bsumiu|esgotou\b"),
    "unidades": re.compile(r"\bestoque cheio|sobra\w*|mais de \d+ unidades\b"),
    "queda": re.compile(r"\bsubiu|aumentou\b"),
    "black": re.compile(r"\bsubiu|aumentou\b"),
}
