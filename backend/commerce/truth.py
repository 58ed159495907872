"""Fact accuracy: whether an extraction matches the facts of its synthetic review. The reward does not use these facts."""

from collections.abc import Sequence

from rewards.commerce.extraction import sentiment_of, sentiment_of_nota
from rewards.commerce.json_parsing import parse_json
from rewards.types import Columns, Text, Truth

_FLAGS = ("delivery_issue", "product_issue", "seller_issue")


def facts_right(completion: str, columns: Columns) -> Sequence[bool] | None:
    """For each of five facts (three issue flags, category, sentiment against nota), whether the completion got it right.

    None if the columns have no facts: reviews of a real shop have none.
    """
    if "complaint_category" not in columns:
        return None
    data = parse_json(completion).value or {}
    right = [data.get(name) is columns[name] for name in _FLAGS]
    right.append(data.get("complaint_category") == columns["complaint_category"])
    right.append(sentiment_of(data.get("sentiment")) == sentiment_of_nota(columns["nota"]))
    return right


FACTS = Truth(
    "fact_accuracy",
    Text("Facts right", "Fatos certos"),
    Text(
        "Extraction, measured against the truth behind the prompts, which the reward does not know.",
        "Extração, medida contra a verdade por trás dos prompts, que a recompensa não conhece.",
    ),
    facts_right,
)
