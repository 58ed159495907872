"""The verdicts of a gate in both languages; pages, audits and preflight all say them so."""

from rewards.types import Text

GATE_WORDS = {
    "pass": Text("pass", "aprovada"),
    "fail": Text("fail", "reprovada"),
    "more ratings needed": Text("more ratings needed", "faltam avaliações"),
    "stale": Text("stale", "desatualizada"),
    "not decided": Text("not decided", "sem decisão"),
    "not audited": Text("not audited", "não auditada"),
}
