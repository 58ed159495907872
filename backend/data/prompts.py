"""commerce.db -> a prompt set: prompts for the four tasks, split into train and eval without overlap.

python -m backend.data prompts --seed 42
"""

import random
import sqlite3
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.data.briefs import make_insight_brief, make_push_brief
from backend.data.questions import make_question
from backend.data.records import Message, PromptRecord, Split
from backend.errors import UserError

# The seeds' mix: 1,480 prompts, 40/40/10/10 (handoff, Change 2); 65 eval prompts, 20/15/15/15 (final report §3).
TRAIN_COUNTS = {"extraction": 592, "sql_qa": 592, "insights": 148, "push": 148}
EVAL_COUNTS = {"extraction": 20, "sql_qa": 15, "insights": 15, "push": 15}

Draft = tuple[str, dict[str, Any]]
"""A user's text and its facts."""


@lru_cache
def system_prompt(task: str) -> str:
    """The task's system prompt: the text of ``system_prompts/<task>.md``, which may be edited."""
    return (Path(__file__).parent / "system_prompts" / f"{task}.md").read_text(encoding="utf-8").strip()


def build_prompts(
    commerce_db: Path,
    train: dict[str, int] | None = None,
    evaluation: dict[str, int] | None = None,
    seed: int = 42,
) -> list[PromptRecord]:
    """Write a prompt set from the shop's data, the same for the same data and seed.

    Args:
        commerce_db: the SQLite file with ``orders_enriched``.
        train, evaluation: prompts per task (default: the seeds' counts).
        seed: of every draw.

    Returns:
        Train prompts then eval prompts; no user text stands twice, in one split or across both.

    Raises:
        UserError: the data cannot give that many different prompts of a task.
    """
    rng = random.Random(f"prompts-{seed}")
    train, evaluation = train or TRAIN_COUNTS, evaluation or EVAL_COUNTS
    prompts: dict[Split, list[PromptRecord]] = {"train": [], "eval": []}
    with sqlite3.connect(f"file:{commerce_db}?mode=ro", uri=True) as db:
        for task, drafts in _SOURCES.items():
            for_eval, for_train = evaluation.get(task, 0), train.get(task, 0)
            for i, (text, facts) in enumerate(_distinct(drafts(rng, db), for_eval + for_train, task)):
                split: Split = "eval" if i < for_eval else "train"
                prompts[split].append(_record(task, text, facts, split))
    return prompts["train"] + prompts["eval"]


def _record(task: str, text: str, facts: dict[str, Any], split: Split) -> PromptRecord:
    messages = (Message(role="system", content=system_prompt(task)), Message(role="user", content=text))
    return PromptRecord(task=task, messages=messages, facts=facts, split=split)


def _distinct(drafts: Iterator[Draft], count: int, task: str) -> Iterator[Draft]:
    """The first ``count`` drafts whose texts differ in more than case and digits of layout."""
    if count == 0:
        return
    seen: set[str] = set()
    for tries, (text, facts) in enumerate(drafts):
        key = " ".join(text.casefold().split())
        if key not in seen:
            seen.add(key)
            yield text, facts
        if len(seen) == count:
            return
        if tries > 50 * count + 1000:
            break
    raise UserError(
        f"the data gives only {len(seen)} different {task} prompts and {count} were asked for; "
        f"ask for fewer, or build commerce.db with more orders"
    )


def _extraction(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    rows = db.execute(
        "SELECT r.order_id, r.score, r.comment, e.product, r.truth_category, r.truth_delivery, r.truth_product, "
        "r.truth_seller FROM reviews r JOIN orders_enriched e USING (order_id) ORDER BY r.review_id"
    ).fetchall()
    rng.shuffle(rows)
    texts: set[str] = set()
    for order_id, nota, comment, product, category, delivery, broken, seller in rows:
        if comment.casefold() in texts:  # the same words about two orders are one review
            continue
        texts.add(comment.casefold())
        facts = {
            "order_id": order_id,
            "nota": nota,
            "complaint_category": category,
            "delivery_issue": bool(delivery),
            "product_issue": bool(broken),
            "seller_issue": bool(seller),
        }
        yield f"Nota: {nota}/5\nProduto: {product}\nAvaliação: {comment}", facts


def _sql_qa(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    asked: set[str] = set()
    for _ in range(100_000):
        question = make_question(rng)
        if question.sql in asked:  # one query, one question: a reworded one would leak from train to eval
            continue
        asked.add(question.sql)
        result = db.execute(question.sql).fetchall()
        if not result or result[0][-1] is None:  # nothing in the data answers it
            continue
        facts = {"gold_sql": question.sql, "gold_result": [list(row) for row in result]}
        yield question.text, {**facts, "difficulty": question.difficulty}


def _insights(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    while True:
        brief = make_insight_brief(rng, db)
        if brief.facts["figures"]["pedidos"] >= 5:
            yield brief.text, brief.facts


def _push(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    while True:
        brief = make_push_brief(rng)
        yield brief.text, brief.facts


_SOURCES: dict[str, Callable[[random.Random, sqlite3.Connection], Iterator[Draft]]] = {
    "extraction": _extraction,
    "sql_qa": _sql_qa,
    "insights": _insights,
    "push": _push,
}
