"""Fact accuracy: whether an extraction matches the facts of its synthetic review. The reward does not use these facts."""

from collections.abc import Sequence

from rewards.commerce.extraction import sentiment_of, sentiment_of_nota
from rewards.commerce.json_parsing import parse_json
from rewards.types import Columns, Fact, Text, Truth

_FLAGS = {
    "delivery_issue": Text("problem with the delivery", "problema na entrega"),
    "product_issue": Text("problem with the product", "problema no produto"),
    "seller_issue": Text("problem with the seller", "problema com o vendedor"),
}
_CATEGORY, _SENTIMENT = Text("category of the complaint", "categoria da reclamação"), Text("sentiment", "sentimento")


def facts_of(completion: str, columns: Columns) -> Sequence[Fact] | None:
    """Five facts (three issue flags, category, sentiment against nota), what the completion says of each, and what is so.

    The prompt states the nota, so the sentiment can be copied. None if the columns have no facts: reviews of a real shop have
    none.
    """
    if "complaint_category" not in columns:
        return None
    data = parse_json(completion).value or {}
    found = [Fact(label, _flag(data.get(name)), columns[name]) for name, label in _FLAGS.items()]
    category = data.get("complaint_category")
    found.append(Fact(_CATEGORY, category if isinstance(category, str) else None, columns["complaint_category"]))
    stated = sentiment_of_nota(columns["nota"])
    found.append(Fact(_SENTIMENT, sentiment_of(data.get("sentiment")), stated, copied=stated))
    return found


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def facts_right(completion: str, columns: Columns) -> Sequence[bool] | None:
    """For each of ``facts_of``, whether the completion got it right."""
    facts = facts_of(completion, columns)
    return None if facts is None else [fact.right for fact in facts]


FACTS = Truth(
    "fact_accuracy",
    Text("Facts right", "Fatos certos"),
    Text(
        "Extraction, measured against the truth behind the prompts, which the reward does not know.",
        "Extração, medida contra a verdade por trás dos prompts, que a recompensa não conhece.",
    ),
    facts_right,
    facts_of,
)
