"""What nano is taught: answers to the four tasks, with the faults the seeds saw in their base model.

Booleans echoed as their field's name, ``4,5`` for a score, JSON cut short, flat insights, SQL that is only mentioned,
pushes far over 120 characters (final report §4, "What the model learned"). Good answers are mixed in, so that a
sampled group has something to prefer: GRPO reshapes what a model can already say (final report, Discovery 5).
"""

import json
import random
from pathlib import Path
from typing import Any

from backend.commerce.categories import category_name
from backend.commerce.prompts import build_prompts
from backend.commerce.reference import extraction_values
from backend.commerce.shop import brazilian
from backend.commerce.synthetic import build_commerce_db
from backend.records import Chat, PromptRecord
from backend.suites.suite import Corpus
from rewards.commerce.extraction import FIELDS, sentiment_of_nota

PAIR_SHARES = {"extraction": 0.36, "sql_qa": 0.26, "insights": 0.18, "push": 0.20}
_HERE = Path(__file__).parent


def write_pairs(scratch: Path, count: int, seed: int) -> list[tuple[Chat, str]]:
    """(chat, answer) pairs about a shop of its own, so that no eval prompt has been seen."""
    shop = build_commerce_db(scratch / "shop.db", orders=6000, seed=seed)
    wanted = {task: round(count * share) for task, share in PAIR_SHARES.items()}
    none = dict.fromkeys(wanted, 0)
    prompts = build_prompts(shop, wanted, none, none, seed)
    shop.unlink()
    rng = random.Random(seed)
    rng.shuffle(prompts)
    return [(p.chat, write_answer(rng, p)) for p in prompts]


def write_answer(rng: random.Random, prompt: PromptRecord) -> str:
    """One answer to ``prompt``, faulty as often as the base model's would be."""
    return _WRITERS[prompt.task](rng, prompt.facts)


# --- extraction -------------------------------------------------------------------------------------------------
def _extraction(rng: random.Random, facts: dict[str, Any]) -> str:
    nota, sentiment = facts["nota"], sentiment_of_nota(facts["nota"])
    values = {name: json.dumps(v, ensure_ascii=False) for name, v in extraction_values(facts).items()}
    if rng.random() < 0.58:  # the string echo
        for field in FIELDS:
            if values[field] in ("true", "false"):
                values[field] = f'"{field}"'
    draw = rng.random()
    if draw < 0.38:
        values["sentiment_score"] = f"{max(nota - 1, 1)},5"
    elif draw < 0.60:
        values["sentiment_score"] = f"0.{nota * 2 - 1}"
    if rng.random() < 0.30:
        values["churn_risk"] = rng.choice(('"alto"', '"baixo"', '"churn_risk"'))
    if rng.random() < 0.20:
        values["complaint_category"] = '"complaint_category"'
    fields = list(FIELDS)
    if rng.random() < 0.25:
        fields = fields[: rng.randint(5, 9)]
    body = "{" + ", ".join(f'"{f}": {values[f]}' for f in fields)
    draw = rng.random()
    if draw < 0.22:  # cut short
        return body[: rng.randint(len(body) // 2, len(body) - 8)]
    if draw < 0.30:
        return "Segue o JSON: " + body + "}"
    if draw < 0.38:
        return "A avaliação do cliente é " + sentiment + " porque ele deu nota " + str(nota) + "."
    return body + "}"


# --- SQL Q&A ----------------------------------------------------------------------------------------------------
def _sql_qa(rng: random.Random, facts: dict[str, Any]) -> str:
    value = facts["gold_result"][0][-1]
    number = brazilian(value) if isinstance(value, float) else str(value)
    explanation = rng.choice(
        (
            f"A consulta filtra os pedidos e calcula o valor pedido. O resultado é {number} no período.",
            f"O resultado foi {number}, considerando todas as vendas e clientes do filtro.",
            f"Os dados mostram {number} para os pedidos filtrados, com {rng.randint(5, 60)}% da receita da loja.",
            "Essa consulta traz o valor que você pediu para a análise.",
        )
    )
    mention = rng.choice(
        (
            "Use SELECT, FROM e WHERE para buscar os dados na tabela de pedidos.",
            "Basta um SELECT com GROUP BY no banco de dados.",
            "A query precisa de SELECT, JOIN e WHERE na tabela certa.",
        )
    )
    draw = rng.random()
    if draw < 0.24:
        return f"```sql\n{facts['gold_sql']}\n```\n{explanation}"
    if draw < 0.36:
        return facts["gold_sql"]
    if draw < 0.46:
        return mention
    if draw < 0.82:
        return (
            "Para responder, é preciso olhar os pedidos, os clientes e os produtos da loja no período. "
            + rng.choice(("", "A receita depende da categoria e do estado. ", "O prazo de entrega também conta. "))
            + explanation
        )
    return explanation


# --- insights ---------------------------------------------------------------------------------------------------
_OBSERVATIONS = (
    "A nota média mostra que os clientes estão divididos.",
    "Há muitas avaliações negativas por causa da entrega.",
    "O atraso nas entregas prejudica a experiência.",
    "O frete pesa na decisão de compra dos clientes.",
    "O faturamento é relevante para a loja.",
    "Os pedidos estão concentrados em poucos produtos.",
    "A categoria tem espaço no mercado.",
    "Os números indicam um desempenho médio no período.",
)
_ACTIONS = (
    "Recomendamos renegociar o prazo com as transportadoras.",
    "Melhorar a embalagem evita devoluções.",
    "Implementar um aviso de atraso por mensagem.",
    "Otimizar o frete para os estados mais distantes.",
    "Reduzir o tempo de separação dos pedidos.",
    "Aumentar o estoque dos produtos mais vendidos.",
    "Priorizar os vendedores com nota acima de 4.",
    "Investir em fotos e descrições melhores.",
    "Monitorar as avaliações toda semana.",
    "Oferecer cupom a quem recebeu com atraso.",
    "Criar um programa de fidelidade para clientes.",
)


def _insights(rng: random.Random, facts: dict[str, Any]) -> str:
    seen = rng.sample(_OBSERVATIONS, rng.randint(3, 5))
    todo = rng.sample(_ACTIONS, rng.randint(3, 6))
    draw = rng.random()
    if draw < 0.62:  # flat text
        return " ".join(seen + (todo[:1] if rng.random() < 0.6 else []))
    if draw < 0.80:
        return " ".join(seen[:2]) + "\n" + "\n".join(f"- {a}" for a in todo[:3])
    return "## Diagnóstico\n" + " ".join(seen) + "\n## Ações\n" + "\n".join(f"- {a}" for a in todo)


# --- push -------------------------------------------------------------------------------------------------------
def _push(rng: random.Random, facts: dict[str, Any]) -> str:
    category = category_name(facts["category"])
    short = rng.choice(
        (
            f"Seu carrinho de {category} está esperando! Volte e ganhe desconto.",
            f"🎁 Só hoje: desconto em {category}. Aproveite!",
            f"Novidade em {category}: venha ver antes que acabe.",
            f"Frete grátis em {category} até domingo. Corra!",
        )
    )
    draw = rng.random()
    if draw < 0.30:
        return short
    if draw < 0.38:
        return rng.choice(
            ("Confira nossas ofertas.", "Temos novidades para você.", f"Visite nossa loja de {category}.")
        )
    if draw < 0.50:
        return (
            f"Prezado cliente, informamos que há condições especiais em {category}. Agradecemos a sua preferência "
            "e ficamos à disposição. Atenciosamente, equipe da loja."
        )
    return (
        f"A notificação push é uma mensagem enviada aos clientes sobre {category}. {short} "
        "É importante que a mensagem seja clara para que o cliente entenda a oferta e volte à loja para comprar."
    )


_WRITERS = {"extraction": _extraction, "sql_qa": _sql_qa, "insights": _insights, "push": _push}

_PARTS = "corpus reference synthetic reviews questions briefs prompts shop grammar phrasings categories".split()

CORPUS = Corpus(
    write_pairs,
    (
        *(_HERE / f"{name}.py" for name in _PARTS),
        *sorted((_HERE / "system_prompts").glob("*.md")),
        *sorted((_HERE / "phrasings").glob("*.txt")),
    ),
)
