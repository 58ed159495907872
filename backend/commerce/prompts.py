"""commerce.db -> a prompt set: prompts for the four tasks, split into train, eval and test without a leak.

    python -m backend.data prompts --total 5000 --insights 350

Each task draws from a stream of its own, so that asking for more keeps what was there and adds to it.
"""

import logging
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

from backend.commerce.briefs import make_insight_brief, make_push_brief
from backend.commerce.phrasings import filled, phrasings
from backend.commerce.questions import make_question
from backend.commerce.shop import open_shop, shop_identity, vocabulary
from backend.data.similarity import LEAK, SAME, Neighbours
from backend.data.strata import in_proportion, spread
from backend.errors import UserError
from backend.records import Message, PromptRecord, Split

# The seeds' mix: 1,480 prompts, 40/40/10/10 (handoff, Change 2); 65 eval prompts, 20/15/15/15 (final report §3).
TRAIN_COUNTS = {"extraction": 592, "sql_qa": 592, "insights": 148, "push": 148}
EVAL_COUNTS = {"extraction": 20, "sql_qa": 15, "insights": 15, "push": 15}
TEST = 130
"""Test prompts by default: 40/30/30/30."""
_POOL = 6
_LOG = logging.getLogger(__name__)

Draft = tuple[str, dict[str, Any]]
"""A user's text and its facts; ``facts["difficulty"]`` names the stratum that eval and test prompts are spread over."""


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
    counts = in_proportion(rest, {task: TRAIN_COUNTS[task] for task in open_tasks}) if open_tasks else {}
    return {task: (given | counts)[task] for task in TRAIN_COUNTS}


def counts_for_test(total: int = TEST) -> dict[str, int]:
    """Test prompts per task: ``total`` in the mix of the eval prompts."""
    return in_proportion(total, EVAL_COUNTS)


def build_prompts(
    commerce_db: Path,
    train: dict[str, int] | None = None,
    evaluation: dict[str, int] | None = None,
    test: dict[str, int] | None = None,
    seed: int = 42,
) -> list[PromptRecord]:
    """Write a prompt set from the shop's data, the same for the same data and seed.

    Args:
        commerce_db: the SQLite file with ``orders_enriched``.
        train, evaluation: prompts per task (default: the seeds' counts).
        test: prompts per task (default: ``counts_for_test()``).
        seed: of every draw.

    Returns:
        Train prompts, then eval prompts, then test prompts. No two share an order or a gold query; no two of different splits
        share a slice of figures; no two are near-duplicates (``SAME``), and none is close to a prompt of another split (``LEAK``).
        Eval and test prompts are spread evenly over difficulty.

    A task that the data give no prompt of at all (extraction, where no review has a comment) is left out, with a warning.

    Raises:
        UserError: there is no such shop, or its data cannot give that many different prompts of a task, or none of any.
    """
    train, evaluation, test = train or TRAIN_COUNTS, evaluation or EVAL_COUNTS, test or counts_for_test()
    source, mark = shop_identity(commerce_db)
    wanted = {task: (train.get(task, 0), evaluation.get(task, 0), test.get(task, 0)) for task in _SOURCES}

    def drawn(task: str) -> list[tuple[Split, Draft]]:
        with closing(open_shop(commerce_db)) as db:
            stream = _SOURCES[task](random.Random(f"{task}-{seed}"), db)
            if (first := next(stream, None)) is None:
                _LOG.warning("%s gives no %s prompt at all; the set is made without the task", source, task)
                return []
            return list(_split(chain((first,), stream), *wanted[task], task))

    tasks = [task for task in _SOURCES if any(wanted[task])]
    prompts: dict[Split, list[PromptRecord]] = {"train": [], "eval": [], "test": []}
    with ThreadPoolExecutor(len(_SOURCES)) as threads:  # most of the time is SQLite's, and each thread may take a core
        for task, drafts in zip(tasks, threads.map(drawn, tasks), strict=True):
            for split, (text, facts) in drafts:
                messages = (Message(role="system", content=system_prompt(task)), Message(role="user", content=text))
                facts["shop"] = mark
                prompts[split].append(
                    PromptRecord(task=task, messages=messages, facts=facts, split=split, source=source)
                )
    made = prompts["train"] + prompts["eval"] + prompts["test"]
    if not made:
        raise UserError(f"{commerce_db} ({source}) gives no prompt of any task asked for; import a shop with more data")
    return made


def _split(drafts: Iterator[Draft], train: int, evaluation: int, test: int, task: str) -> Iterator[tuple[Split, Draft]]:
    """Eval drafts from the first of the stream, then the usual number of train drafts, then test drafts, then more train drafts.

    So the test drafts are the same however many train drafts are asked for, and the train drafts are the same whether or not
    there are test drafts. Only where the data end before, test drafts are taken from train drafts that were not asked for.
    """
    different = _different(drafts)
    chosen, left = _drawn(list(islice(different, _POOL * evaluation)), evaluation)
    held_out = _Apart(chosen)
    far = (draft for draft in chain(left, different) if held_out.allows(draft))
    usual = list(islice(far, TRAIN_COUNTS[task] if test else min(train, TRAIN_COUNTS[task])))
    learned_from, spare = usual[:train], usual[train:]
    ahead = list(islice(far, _POOL * test))
    tested, _ = _drawn(_far_from(usual, ahead), test)
    if len(tested) < test:
        tested, _ = _drawn(_far_from(learned_from, [*spare, *ahead]), test)
    for draft in tested:
        held_out.add(draft)
    more = (draft for draft in chain(ahead, far) if held_out.allows(draft))
    learned_from += islice(more, train - len(learned_from))
    yield from (("eval", draft) for draft in chosen)
    yield from (("train", draft) for draft in learned_from)
    yield from (("test", draft) for draft in tested)
    got, wanted = len(chosen) + len(learned_from) + len(tested), train + evaluation + test
    if got < wanted:
        raise UserError(
            f"the data give only {got} different {task} prompts and {wanted} were asked for; ask for fewer, or give a shop "
            "with more orders"
        )


def _far_from(others: list[Draft], drafts: list[Draft]) -> list[Draft]:
    apart = _Apart(others)
    return [draft for draft in drafts if apart.allows(draft)]


class _Apart:
    """Drafts of one split, and whether another draft may stand in another split.

    It may not if it is close to one of them, or gives the figures of the same slice (``facts["slice"]``).
    """

    def __init__(self, drafts: Iterable[Draft]) -> None:
        self._texts, self._slices = Neighbours(), set[str]()
        for draft in drafts:
            self.add(draft)

    def add(self, draft: Draft) -> None:
        self._texts.add(draft[0])
        if "slice" in draft[1]:
            self._slices.add(draft[1]["slice"])

    def allows(self, draft: Draft) -> bool:
        return draft[1].get("slice") not in self._slices and self._texts.nearest(draft[0])[0] < LEAK


def _drawn(pool: list[Draft], count: int) -> tuple[list[Draft], list[Draft]]:
    """(``count`` drafts spread over difficulty, the others)."""
    chosen = set(spread([facts.get("difficulty", "") for _, facts in pool], count))
    return [d for i, d in enumerate(pool) if i in chosen], [d for i, d in enumerate(pool) if i not in chosen]


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


def _extraction(rng: random.Random, db: sqlite3.Connection) -> Iterator[Draft]:
    rows = db.execute(
        "SELECT r.order_id, r.score, r.comment, e.product, r.truth_category, r.truth_delivery, r.truth_product, "
        "r.truth_seller, MIN(e.rowid) FROM reviews r JOIN orders_enriched e USING (order_id) WHERE LENGTH(r.comment) > 9 "
        "GROUP BY r.review_id ORDER BY r.review_id"  # the first item of the order is the one reviewed
    ).fetchall()
    rng.shuffle(rows)
    texts: set[str] = set()
    for order_id, nota, comment, product, category, delivery, broken, seller, _ in rows:
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
        rows = db.execute(question.check or question.sql).fetchall()
        result = rows[: question.rows]
        if not result or result[0][-1] is None:  # nothing in the data answers it
            continue
        if question.check and not _is_clear(rows, question.rows):
            continue
        facts = {"gold_sql": question.sql, "gold_result": [list(row) for row in result]}
        yield question.text, {**facts, "difficulty": question.difficulty}


def _is_clear(rows: list[tuple[Any, ...]], asked: int) -> bool:
    """Whether a ranking has as many rows as asked for, and no two with the same value, whose order would be chance.

    ``rows`` holds one more than asked for, where there are more.
    """
    values = [row[-1] for row in rows]
    return len(rows) >= asked and None not in values and len(set(values)) == len(values)


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
