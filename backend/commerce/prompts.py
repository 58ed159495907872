"""commerce.db -> a prompt set: prompts for the four tasks, split into train and eval without a leak.

    python -m backend.data prompts --total 5000 --insights 350

Each task draws from a stream of its own, so that asking for more keeps what was there and adds to it.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from backend.commerce.briefs import make_insight_brief, make_push_brief
from backend.commerce.phrasings import filled, phrasings
from backend.commerce.questions import make_question
from backend.commerce.shop import open_shop, shop_identity, vocabulary
from backend.data.similarity import LEAK, SAME, Neighbours
from backend.errors import UserError
from backend.records import Message, PromptRecord, Split

# The seeds' mix: 1,480 prompts, 40/40/10/10 (handoff, Change 2); 65 eval prompts, 20/15/15/15 (final report §3).
TRAIN_COUNTS = {"extraction": 592, "sql_qa": 592, "insights": 148, "push": 148}
EVAL_COUNTS = {"extraction": 20, "sql_qa": 15, "insights": 15, "push": 15}
_POOL = 6

Draft = tuple[str, dict[str, Any]]
"""A user's text and its facts; ``facts["difficulty"]`` names the stratum the eval prompts are spread over."""


@lru_cache
def system_prompt(task: str) -> str:
    """The task's system prompt: the text of ``system_prompts/<task>.md``, which may be edited."""
    return (Path(__file__).parent / "system_prompts" / f"{task}.md").read_text(encoding="utf-8").strip()


def counts_for(total: int | None = None, **exactly: int | None) -> dict[str, int]:
    """Train prompts per task: ``total`` in the seeds' mix; some tasks' counts may be given, the others share the rest.

    Raises:
        UserError: a count is negative or names no task, or the counts given are more than the total.
    """
    given = {task: n for task, n in exactly.items() if n is not None}
    if bad := [f"{task}={n}" for task, n in given.items() if n < 0 or task not in TRAIN_COUNTS]:
        raise UserError(f"{', '.join(bad)}: counts are 0 or more, for {', '.join(TRAIN_COUNTS)}")
    if total is None:
        return TRAIN_COUNTS | given
    rest, open_tasks = total - sum(given.values()), [task for task in TRAIN_COUNTS if task not in given]
    if rest < 0 or (rest and not open_tasks):
        raise UserError(f"the counts given make {total - rest}, not the {total} asked for; leave one of them out")
    shares = sum(TRAIN_COUNTS[task] for task in open_tasks)
    counts = {task: rest * TRAIN_COUNTS[task] // shares for task in open_tasks}
    for task in open_tasks[: rest - sum(counts.values())]:  # what rounding left over
        counts[task] += 1
    return {task: (given | counts)[task] for task in TRAIN_COUNTS}


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
        Train prompts then eval prompts. No two share an order or a gold query; no two are near-duplicates (``SAME``),
        and no train prompt is close to an eval prompt (``LEAK``). Eval prompts are spread evenly over difficulty.

    Raises:
        UserError: there is no such shop, or its data cannot give that many different prompts of a task.
    """
    train, evaluation = train or TRAIN_COUNTS, evaluation or EVAL_COUNTS
    source, mark = shop_identity(commerce_db)
    prompts: dict[Split, list[PromptRecord]] = {"train": [], "eval": []}
    with closing(open_shop(commerce_db)) as db:
        for task, drafts in _SOURCES.items():
            wanted = train.get(task, 0), evaluation.get(task, 0)
            if not any(wanted):
                continue
            for split, (text, facts) in _split(drafts(random.Random(f"{task}-{seed}"), db), *wanted, task):
                messages = (Message(role="system", content=system_prompt(task)), Message(role="user", content=text))
                facts["shop"] = mark
                prompts[split].append(
                    PromptRecord(task=task, messages=messages, facts=facts, split=split, source=source)
                )
    return prompts["train"] + prompts["eval"]


def _split(drafts: Iterator[Draft], train: int, evaluation: int, task: str) -> Iterator[tuple[Split, Draft]]:
    """Eval drafts from the first of the stream, spread over difficulty; then train drafts that are not near them."""
    different = _different(drafts)
    pool = list(islice(different, _POOL * evaluation)) if evaluation else []
    chosen = _spread(pool, evaluation)
    held_out = Neighbours(pool[i][0] for i in chosen)
    given = 0
    yield from (("eval", pool[i]) for i in chosen)
    if train:
        for draft in _chain([d for i, d in enumerate(pool) if i not in set(chosen)], different):
            if held_out.nearest(draft[0])[0] < LEAK:
                given += 1
                yield "train", draft
                if given == train:
                    return
    if given < train or len(chosen) < evaluation:
        raise UserError(
            f"the data give only {given + len(chosen)} different {task} prompts and {train + evaluation} were asked "
            "for; ask for fewer, or give a shop with more orders"
        )


def _chain(first: list[Draft], then: Iterator[Draft]) -> Iterator[Draft]:
    yield from first
    yield from then


def _different(drafts: Iterator[Draft]) -> Iterator[Draft]:
    """The drafts without near-duplicates of an earlier one; ends when a thousand in a row bring nothing new."""
    seen, fruitless = Neighbours(), 0
    for draft in drafts:
        if seen.nearest(draft[0])[0] >= SAME:
            fruitless += 1
            if fruitless == 1000:
                return
            continue
        fruitless = 0
        seen.add(draft[0])
        yield draft


def _spread(pool: list[Draft], count: int) -> list[int]:
    """Indices of ``count`` drafts: in turn one of each difficulty, the earliest first."""
    strata: dict[str, list[int]] = {}
    for i, (_, facts) in enumerate(pool):
        strata.setdefault(facts.get("difficulty", ""), []).append(i)
    turns = [i for turn in range(len(pool)) for s in sorted(strata) for i in strata[s][turn : turn + 1]]
    return sorted(turns[:count])


def _extraction(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    rows = db.execute(
        "SELECT r.order_id, r.score, r.comment, MIN(e.product), r.truth_category, r.truth_delivery, r.truth_product, "
        "r.truth_seller FROM reviews r JOIN orders_enriched e USING (order_id) WHERE LENGTH(r.comment) > 9 "
        "GROUP BY r.review_id ORDER BY r.review_id"
    ).fetchall()
    rng.shuffle(rows)
    texts: set[str] = set()
    for order_id, nota, comment, product, category, delivery, broken, seller in rows:
        if comment.casefold() in texts:  # the same words about two orders are one review
            continue
        texts.add(comment.casefold())
        facts = {"order_id": order_id, "nota": nota, "difficulty": f"nota {nota}"}
        if category is not None:  # the truth behind a synthetic review
            facts |= {
                "complaint_category": category,
                "delivery_issue": bool(delivery),
                "product_issue": bool(broken),
                "seller_issue": bool(seller),
            }
        templates = [t for t in phrasings("extraction") if product or "{produto}" not in t]
        yield filled(rng.choice(templates), nota=str(nota), produto=product or "", texto=comment), facts


def _sql_qa(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    words = vocabulary(db)
    asked: set[str] = set()
    for _ in range(100_000):
        question = make_question(rng, words)
        if question.sql in asked:  # one query, one question: a reworded one would leak from train to eval
            continue
        asked.add(question.sql)
        result = db.execute(question.sql).fetchall()
        if not result or result[0][-1] is None:  # nothing in the data answers it
            continue
        facts = {"gold_sql": question.sql, "gold_result": [list(row) for row in result]}
        yield question.text, {**facts, "difficulty": question.difficulty}


def _insights(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    words = vocabulary(db)
    for _ in range(100_000):
        brief = make_insight_brief(rng, db, words)
        if brief is not None:
            yield brief.text, brief.facts


def _push(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    words = vocabulary(db)
    if not (words.categories and words.states):
        return
    while True:
        brief = make_push_brief(rng, words)
        yield brief.text, brief.facts


_SOURCES: dict[str, Callable[[random.Random, sqlite3.Connection], Iterator[Draft]]] = {
    "extraction": _extraction,
    "sql_qa": _sql_qa,
    "insights": _insights,
    "push": _push,
}
