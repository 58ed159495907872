"""Insights: figures and a question -> a structured analysis with recommendations.

Source: final report §10.
"""

import re

from rewards.commerce.echo import unless_echo
from rewards.commerce.lexicon import ACTION_STEMS, INSIGHT_DOMAIN
from rewards.commerce.profiles import Rules
from rewards.text import fold, starts_word, words
from rewards.types import Components, Guideline, Probe, Reward, Task, Text

MAXIMA = {"action_words": 0.40, "length": 0.30, "structure": 0.20, "domain": 0.10}

_ACTIONS = tuple(stem.split("|") for stem in ACTION_STEMS)
_MARK = re.compile(r"^[ \t]{0,12}(?:#{1,6}[ \t]|[-*•–][ \t]|\d{1,3}[.)][ \t]|\*\*[^*\n]{1,120}\*\*:?[ \t]*$)", re.M)
_DOMAIN = re.compile(r"\b(?:" + "|".join(INSIGHT_DOMAIN) + r")s?\b")


def _components_of(completion: str, prompt: str, profile: Rules) -> Components:
    completion = unless_echo(completion, prompt, profile)
    text = distinct_sentences(completion) if profile.anti_gaming else completion
    folded = fold(text)
    stems = sum(any(starts_word(folded, spelling) for spelling in stem) for stem in _ACTIONS)
    return {
        "action_words": 0.10 * min(4, stems),
        "length": 0.30 * length_share(len(words(folded))),
        "structure": 0.05 * min(4, sum(1 for _ in _MARK.finditer(text))),
        "domain": 0.10 if _DOMAIN.search(folded) else 0.0,
    }


def length_share(n_words: int) -> float:
    """1 from 100 to 800 words, falling linearly to 0 at 20 and at 1,200."""
    if n_words < 100:
        return max(0.0, (n_words - 20) / 80)
    if n_words > 800:
        return max(0.0, (1200 - n_words) / 400)
    return 1.0


_SHORTEST_SENTENCE = 4


def distinct_sentences(text: str) -> str:
    """``text`` without repeated lines and without lines of fewer than four words (v4.3).

    A header of any length is kept, because headers are short; a repeated header still counts once.
    """
    kept: dict[tuple[str, ...], str] = {}
    for line in text.splitlines():
        said = tuple(words(fold(line)))
        if len(said) >= _SHORTEST_SENTENCE or (said and line.lstrip().startswith("#")):
            kept.setdefault(said, line)
    return "\n".join(kept.values())


REWARD = Reward(MAXIMA, _components_of)

_ANALYSIS = (
    "Analise os números da categoria e recomende ações para melhorar a entrega e reduzir o atraso.\n"
    "- Pedidos no trimestre: 1.240 na loja\n- Avaliação média dos clientes: 3,4\n"
    "- Pedidos com atraso: 18% do total\n- Produtos devolvidos por defeito: 64\n"
    "Priorize o que pode aumentar as vendas para os clientes que já compraram."
)
_BULLET = "- Recomendamos melhorar o atendimento ao cliente\n"

TASK = Task(
    "insights",
    REWARD,
    label=Text("Insights", "Insights"),
    guideline=Guideline(
        Text("Could a manager act on this on Monday?", "Um gestor poderia agir com isto na segunda-feira?"),
        Text("Broken, repeated or about nothing.", "Quebrado, repetido ou sobre nada."),
        Text("True remarks, but no clear action.", "Observações verdadeiras, mas sem ação clara."),
        Text(
            "Clear structure, concrete actions that fit the figures.",
            "Estrutura clara, ações concretas que cabem nos números.",
        ),
    ),
    unique=("slice",),
    probes=(
        Probe("one bullet repeated 60 times", _BULLET * 60, 0.45),
        Probe("action words without sentences", "recomendar, melhorar, implementar, otimizar, reduzir", 0.50),
        Probe("action words as bullets", "- recomendar\n- melhorar\n- implementar\n- otimizar\n", 0.50),
        Probe("prompt repeated", _ANALYSIS, 0.30, _ANALYSIS),
    ),
)
