"""Which of the small words of Portuguese (articles, prepositions, pronouns, adverbs, forms of *ser* and *ter*) may stand before which.

All entries are folded; the verb ``é`` is written ``eh``. A pair that is not here is rare enough to count as a fault.
"""

_ART, _OWN = "o a os as um uma uns umas", "seu sua seus suas nosso nossa nossos nossas meu minha"
_DEM = "este esta esse essa isso isto estes estas esses essas aquele aquela"
_QNT = "todo toda todos todas cada outro outra outros outras algum alguma alguns algumas nenhum nenhuma muito muita muitos muitas pouco"
_PRO = "voce voces ele ela eles elas eu gente quem"
_AUX = "eh sao foi foram era eram estah estao estava tem tinha teve ha vai vao deve devem devemos pode podem podemos precisa precisam precisamos fica ficou"
_PREP = "de em por para com sem sob sobre entre desde contra apos pra ate"
_CONTR = (
    "do da dos das no na nos nas ao aos pelo pela pelos pelas num numa neste nesta nesse nessa deste desta desse dessa"
)
_NAMED = f"{_ART} {_OWN} {_DEM} {_QNT} {_PRO}"
_ADVERBS = "ja so hoje agora ainda tambem aqui la assim sempre quase apenas somente"
_AFTER_VERB = f"{_ART} {_PREP} {_CONTR} {_OWN} {_DEM} {_QNT} mais menos nao ja so tambem bem muito sempre ainda aqui que como quase apenas quando hoje agora"
_OPEN = f"{_NAMED} {_PREP} {_CONTR} {_AUX} {_ADVERBS} se que nao mais menos depois antes quando como onde qual quais porque enquanto muito bem mesmo"

_RULES = (
    ("de", f"um uma uns umas {_OWN} {_QNT} voce voces quem mais menos que nao ate hoje agora la aqui qual quais tanto ser ter estar"),
    ("em", f"um uma uns umas {_OWN} {_QNT} que ate voce mais menos quem qual quais"),
    ("por", f"um uma {_OWN} {_QNT} que voce ele ela isso isto aqui mais menos tao ate quem ser ter estar nao"),
    ("para pra", f"{_NAMED} que mais menos nao se la hoje agora ja sempre depois qual ser ter estar ate"),
    ("com", f"{_NAMED} que mais menos ate tanto apenas tao qual so"),
    ("sem", f"{_ART} {_OWN} {_DEM} {_QNT} voce mais que se ter ser"),
    ("sobre entre contra apos sob desde", f"{_NAMED} como que"),
    ("ate", f"{_ART} {_OWN} {_DEM} {_QNT} que hoje agora la aqui quando mesmo mais em por ao aos"),
    (_CONTR, f"{_OWN} que qual quais mesmo mesma outro outra outros outras mais menos gente"),
    (_ART, f"{_OWN} que qual quais mesmo mesma outro outra outros outras mais menos gente quanto pouco cada todo todos quem voce ele isso tanto so"),
    ("e ou mas nem pois porque entao", _OPEN),
    ("que", f"{_OPEN} tal"),
    ("se quando como onde enquanto embora conforme porem", f"{_NAMED} {_AUX} nao ja so ainda se"),
    ("voce voces ele ela eles elas eu gente quem", f"{_AUX} nao ja so ainda tambem que sempre mesmo e ou se me te lhe em com na no"),
    (_OWN, "mais outro outra antes hoje ja agora aqui"),
    ("um uma", "em de dos das do da para com por a"),
    (_DEM, f"mesmo mesma {_AUX} que nao e em no na nos nas a o de com por para mais muito um uma sendo"),
    (_AUX, f"{_AFTER_VERB} ser ter estar voce se ele ela te lhe nos"),
    ("quem", "voce eu a o ja mais"),
    ("ser ter estar", f"{_AFTER_VERB} e ou"),
    ("nao", f"{_AUX} se so mais menos me te lhe apenas ter ser estar e ou ainda ao a o em para"),
    (_ADVERBS, f"{_ART} {_PREP} {_CONTR} {_DEM} {_OWN} {_QNT} {_AUX} que hoje nao mesmo mais menos e ou se voce agora sempre quem"),
    ("antes depois", "de do da dos das que disso e"),
    ("apesar alem", "de do da dos das disso"),
    ("mais menos", f"{_PREP} {_CONTR} que um uma e ou ainda a o nao"),
    ("muito bem mal tao tanto", "mais menos bem e que em no na para com de quanto muito"),
    ("todo toda todos todos todas cada outro outra outros outras algum alguma alguns algumas nenhum nenhuma muita muitos muitas pouco",
     f"{_ART} {_OWN} {_DEM} {_AUX} que e ou de do da dos das em no na para com nao mais"),
    ("qual quais quanto cujo", f"{_ART} {_OWN} {_AUX} e que de do da dos das nao mais"),
    ("mesmo mesma sendo", f"{_PREP} {_CONTR} {_ART} que e nao assim {_OWN} {_AUX}"),
    ("isso isto", f"{_AUX} e que nao mesmo tambem em no na {_PREP} a o ja se mostra"),
    ("me te lhe", _AUX),
    ("depois", "de do da dos das"),
)  # fmt: skip
PAIRS: dict[str, frozenset[str]] = {}
for _left, _right in _RULES:
    for _word in _left.split():
        PAIRS[_word] = PAIRS.get(_word, frozenset()) | frozenset(_right.split())
"""A small word -> the small words that may follow it."""

MAY = frozenset(
    {
        ("para", "com"),
        ("por", "entre"),
        ("a", "de"),
        ("o", "de"),
        ("os", "de"),
        ("as", "de"),
        ("a", "com"),
        ("a", "por"),
    }
    | {("de", "nos"), ("com", "nos"), ("a", "para")}
)
"""Pairs of an article or a preposition and a small word that stand together all the same: "com nos"."""
