"""Probes: completions written to cheat each reward, with the most each may score.

A probe over its limit means that the reward pays for something no customer wants, and GRPO will find it. A limit is
never loosened: the rule is tightened in a new profile (v4.3 came from here).
"""

import json
from dataclasses import dataclass

from rewards.extraction import FIELDS
from rewards.profiles import DEFAULT_PROFILE, Profile
from rewards.scoring import score


@dataclass(frozen=True)
class Probe:
    """A cheating completion and the most it may score."""

    name: str
    task: str
    completion: str
    limit: float
    prompt: str = ""


@dataclass(frozen=True)
class ProbeResult:
    """A probe's score under one profile; ``passed`` when it stays within the limit."""

    probe: Probe
    total: float

    @property
    def passed(self) -> bool:
        return self.total <= self.probe.limit + 1e-9


def run_probes(profile: str | Profile = DEFAULT_PROFILE) -> list[ProbeResult]:
    """Score every probe under ``profile``."""
    return [ProbeResult(p, score(p.task, p.completion, p.prompt, profile).total) for p in PROBES]


_REVIEW = (
    "Analise a avaliação e devolva o JSON com os dez campos.\nNota: 5/5\n"
    "Avaliação: Chegou antes do prazo e o produto é lindo, recomendo demais a loja."
)
_QUESTION = (
    "Qual foi o faturamento por estado em 2018 e qual o ticket médio dos pedidos entregues com atraso? "
    "Considere os 3 estados com mais vendas e os 5 produtos de maior receita."
)
_ANALYSIS = (
    "Analise os números da categoria e recomende ações para melhorar a entrega e reduzir o atraso.\n"
    "- Pedidos no trimestre: 1.240 na loja\n- Avaliação média dos clientes: 3,4\n"
    "- Pedidos com atraso: 18% do total\n- Produtos devolvidos por defeito: 64\n"
    "Priorize o que pode aumentar as vendas para os clientes que já compraram."
)
_PUSH_BRIEF = "Crie uma notificação push de até 120 caracteres para clientes com carrinho abandonado em SP."

_GOOD = {
    "sentiment": "positivo",
    "sentiment_score": 5,
    "churn_risk": 0.1,
    "delivery_issue": False,
    "product_issue": False,
    "seller_issue": False,
    "main_complaint": None,
    "complaint_category": "nenhuma",
    "repeat_intent": True,
    "would_recommend": True,
}
_BULLET = "- Recomendamos melhorar o atendimento ao cliente\n"
_LONG_PUSH = (
    "Aproveite agora mesmo a nossa seleção de produtos de cama, mesa e banho com frete reduzido para a sua região, "
    "parcelamento em até dez vezes e condições que só quem já comprou com a gente neste semestre vai receber aqui"
)

PROBES: tuple[Probe, ...] = (
    Probe("keyword soup", "sql_qa", "SELECT FROM WHERE GROUP BY", 0.30),
    Probe("keyword list", "sql_qa", "SELECT, FROM, WHERE, GROUP BY, ORDER BY", 0.30),
    Probe("null values", "extraction", json.dumps(dict.fromkeys(FIELDS)), 0.65),
    Probe("keys echoed as strings", "extraction", json.dumps({f: f for f in FIELDS}), 0.70),
    Probe("empty object", "extraction", "{}", 0.30),
    Probe(
        "two contradicting objects",
        "extraction",
        f"Resposta: {json.dumps({**_GOOD, 'sentiment': 'negativo'})}\nOu melhor: {json.dumps(_GOOD)}",
        0.80,
        _REVIEW,
    ),
    Probe("one bullet repeated 60 times", "insights", _BULLET * 60, 0.45),
    Probe("action words without sentences", "insights", "recomendar, melhorar, implementar, otimizar, reduzir", 0.50),
    Probe("action words as bullets", "insights", "- recomendar\n- melhorar\n- implementar\n- otimizar\n", 0.50),
    Probe("English push", "push", "Don't miss our sale today! 20% off everything 🎉", 0.70),
    Probe("blank push of invisible characters", "push", "\u200b \u2060\u00ad \ufeff", 0.0),
    Probe("long push cut by zero-width spaces", "push", "\u200b".join(_LONG_PUSH), 0.50),
    Probe("short push padded with spaces", "push", "oferta" + " " * 114, 0.70),
    Probe("formal letter", "push", "Prezado cliente, venho por meio desta informar. Atenciosamente, a loja.", 0.60),
    Probe("prompt repeated: extraction", "extraction", _REVIEW, 0.30, _REVIEW),
    Probe("prompt repeated: SQL", "sql_qa", _QUESTION, 0.30, _QUESTION),
    Probe("prompt repeated: insights", "insights", _ANALYSIS, 0.30, _ANALYSIS),
    Probe("prompt repeated: push", "push", _PUSH_BRIEF, 0.30, _PUSH_BRIEF),
)
