"""A store of any size, generated: completions with scores, ratings and a queue, and runs with their logs and evaluations.

Every row is made inside the database, on SQLite and on PostgreSQL alike, so that a million of them take seconds. What looks
like chance is a fixed function of the row's number: the same size is the same store.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, String, cast, func, insert, literal, select, text
from sqlalchemy.orm import Session

from backend.commerce.prompts import build_prompts
from backend.commerce.shop import shop_path
from backend.commerce.synthetic import build_commerce_db
from backend.rating.queue import _PLACES
from backend.runs.handle import LOCAL, Handle
from backend.store.completions import ensure_scores
from backend.store.engine import writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import (
    Completion,
    Evaluation,
    Metric,
    Prompt,
    QueueItem,
    Rating,
    RatingEvent,
    Run,
    Score,
    Stratum,
    scattered,
    utc_now,
)
from backend.suites import default_profile, fingerprint
from backend.training.config import get_preset

RATINGS_EACH = 2
RATERS = 100
CURVES = ("task_reward/mean", "entropy", "zero_variance/mean", "completions/mean_length", "grad_norm", "loss",
          "eval/extraction", "eval/sql_qa", "eval/insights", "eval/push")  # fmt: skip
EVALUATIONS = (("base", 0, "test"), ("step", 0, "eval"), ("step", 30, "eval"), ("step", 60, "eval"),
               ("tuned", 60, "test"))  # fmt: skip
PROMPTS_EACH = 5
"""On how many prompts of each task a run is evaluated."""
_NOWHERE = "/nowhere/"
_MADE = Run.folder.startswith(_NOWHERE)
_SPAN = 4_294_967_291
"""What ``scattered`` stays below."""
_REALLY_SCORED = 400
"""So many completions are scored by the rewards themselves; the others get numbers for the same components."""


def fill_completions(session: Session, completions: int, ratings: int) -> None:
    """Completions of the built-in tasks' prompts in the queue; the first of them rated twice each and scored.

    Args:
        session: a writing session on an empty store.
        completions: how many.
        ratings: how many ratings there are, by ``RATERS`` raters who agree so-so with each other and with the reward.
    """
    save_prompts(session, build_prompts(build_commerce_db(shop_path())))
    rated = ratings // RATINGS_EACH
    place = func.row_number().over(order_by=Prompt.id) - 1
    prompts = select(Prompt.id, Prompt.task, place.label("place")).subquery()
    count = session.scalar(select(func.count()).select_from(prompts)) or 0
    i = _numbers(completions)
    _put(session, Completion, select(i, prompts.c.id).join(prompts, prompts.c.place == i % count), id=i + 1,
         prompt_id=prompts.c.id, text=literal("Aproveite hoje frete grátis em beleza com desconto ") + cast(i, String),
         tokens=20, truncated=False, policy="nano", generation={}, sample=0)  # fmt: skip
    _after_own_ids(session, "completions")
    c, is_rated = Completion, Completion.id <= rated
    queued = select(c.id).join(Prompt, Prompt.id == c.prompt_id)
    _put(session, QueueItem, queued, completion_id=c.id, stratum=Prompt.task + "/" + cast(c.id % 4, String),
         rated=RATINGS_EACH * cast(is_rated, Integer), wanted=RATINGS_EACH, is_open=~is_rated,
         shuffle=scattered(c.id) % _PLACES)  # fmt: skip
    _fill_ratings(session, rated)
    _fill_scores(session, rated)


def _fill_ratings(session: Session, rated: int) -> None:
    raters = [get_rater(session, f"rater {i}").id for i in range(RATERS)]
    c = Completion
    for turn in range(RATINGS_EACH):  # the second rater is another one, from a distance that differs by completion
        away = turn * (1 + scattered(c.id) // RATERS % (RATERS - 1))
        given: dict[str, Any] = {
            "completion_id": c.id, "rater_id": raters[0] + (scattered(c.id) + away) % RATERS,
            "score": 1 + _mixed(c.id, 5 + turn, 5),
        }  # fmt: skip
        source = select(c.id).where(c.id <= rated)
        _put(session, Rating, source, **given, seconds=4 + c.id % 9, comment="", flags=[])
        _put(session, RatingEvent, source, **given, action="rate")
    repeats = select(RatingEvent.id).where(
        RatingEvent.action == "rate", RatingEvent.id % 20 == 0
    )  # as the share of repeats
    of = RatingEvent
    _put(session, of, repeats, completion_id=of.completion_id, rater_id=of.rater_id, score=of.score, action="repeat")
    session.execute(
        text(
            "UPDATE queue SET human = found.human FROM (SELECT completion_id, AVG(score) AS human FROM ratings "
            "GROUP BY completion_id) AS found WHERE found.completion_id = queue.completion_id"
        )
    )
    q = QueueItem
    _put(session, Stratum, select(q.stratum).group_by(q.stratum), name=q.stratum, items=func.count(),
         open=func.sum(cast(q.is_open, Integer)), rated=func.count(q.human), total=func.coalesce(func.sum(q.human), 0),
         squares=func.coalesce(func.sum(q.human * q.human), 0))  # fmt: skip


def _fill_scores(session: Session, rated: int) -> None:
    profile = default_profile()
    ensure_scores(session, profile, list(range(1, min(rated, _REALLY_SCORED) + 1)))
    c = Completion
    scored = select(Prompt.task, Score.component).select_from(Score).join(c).join(Prompt).distinct()
    for number, (task, component) in enumerate(session.execute(scored).tuples().all()):
        source = select(c.id).join(Prompt).where(Prompt.task == task, c.id > _REALLY_SCORED, c.id <= rated)
        _put(session, Score, source, completion_id=c.id, profile=profile, component=component,
             value=_mixed(c.id, 20 + number, 100) / 100.0, fingerprint=fingerprint(task, profile))  # fmt: skip


def fill_runs(session: Session, runs: int, steps: int = 60, live: int = 0, waiting: int = 0) -> None:
    """Finished runs, each with its logged numbers and evaluated base, on the way and tuned; and some that are under way.

    Those under way and those that wait are another machine's, so that nothing here judges or starts them.

    Args:
        session: a writing session; the store has the prompts.
        runs: how many in all.
        steps: logged steps of each, with ten numbers a step.
        live, waiting: how many of them are running and in the queue.
    """
    ids = _of_every_task(session)
    config = get_preset("nano").model_copy(update={"max_steps": steps}).model_dump(mode="json")
    now, elsewhere = utc_now(), Handle(LOCAL, "another machine", {"pid": 1, "started": 1.0}).as_dict()
    rows = []
    for n in range(runs):
        made = now - timedelta(minutes=runs - n)
        waits, lives = n >= runs - waiting, runs - waiting > n >= runs - waiting - live
        rows.append({
            "id": f"r{n:05}", "name": f"run {n}", "preset": "nano", "config": config, "seed": n, "folder": f"{_NOWHERE}r{n:05}",
            "status": "queued" if waits else "running" if lives else "finished", "profile": default_profile(),
            "fingerprint": "x", "created_at": made, "started_at": None if waits else made,
            "heartbeat_at": now if lives else None, "ended_at": None if waits or lives else made,
            "handle": elsewhere | {"job": None} if waits else elsewhere, "place": float(n) if waits else None,
        })  # fmt: skip
    session.execute(insert(Run), rows)
    begun = _MADE & (Run.status != "queued")
    step = _numbers(steps)
    for number, name in enumerate(CURVES):
        source = select(Run.id, step).select_from(Run).join(step.table, literal(True)).where(begun)
        _put(session, Metric, source, run_id=Run.id, name=name, step=step + 1,
             value=_mixed(step + 1 + Run.seed * 64, number, 100) / 100.0)  # fmt: skip
    for label, at, split in EVALUATIONS:
        evaluated = select(Run.id).where(begun, (Run.status == "finished") | (label != "tuned"))
        _put(session, Evaluation, evaluated, id=Run.id + literal(f":{label}-{at}"), run_id=Run.id, label=label, split=split,
             step=at, policy="nano", profile=default_profile())  # fmt: skip
    _fill_evaluated(session, ids)


def _of_every_task(session: Session) -> list[str]:
    place = func.row_number().over(partition_by=Prompt.task, order_by=Prompt.id).label("place")
    placed = select(Prompt.id, place).subquery()
    return list(session.scalars(select(placed.c.id).where(placed.c.place <= PROMPTS_EACH)))


def _fill_evaluated(session: Session, prompt_ids: list[str]) -> None:
    """What the evaluations' policies wrote, with scores."""
    c, profile = Completion, default_profile()
    made = select(Evaluation.id).join(Run).where(_MADE)
    source = select(Evaluation.id).join(Prompt, Prompt.id.in_(prompt_ids)).where(Evaluation.id.in_(made))
    _put(session, c, source, evaluation_id=Evaluation.id, prompt_id=Prompt.id, tokens=20, truncated=False, policy="nano",
         text=literal("Aproveite hoje ") + Evaluation.id, generation={}, sample=0)  # fmt: skip
    for number, component in enumerate(("total", "first", "second", "third")):
        mine = select(c.id).where(c.evaluation_id.in_(made))
        _put(session, Score, mine, completion_id=c.id, profile=profile, component=component,
             value=_mixed(c.id, 40 + number, 100) / 100.0, fingerprint="x")  # fmt: skip


def fill(completions: int, ratings: int, runs: int, steps: int = 60, live: int = 0, waiting: int = 0) -> None:
    """Fill the settings' store, which is empty; see ``fill_completions`` and ``fill_runs``."""
    with writing() as session:
        fill_completions(session, completions, ratings)
        if runs:
            fill_runs(session, runs, steps, live, waiting)
        session.execute(text("ANALYZE"))


def _numbers(count: int) -> ColumnElement[int]:
    """The numbers from 0 up to below ``count``, as a column of a table of their own."""
    found = select(cast(literal(0), BigInteger).label("i")).cte("numbers", recursive=True)
    found = found.union_all(select(found.c.i + 1).where(found.c.i < count - 1))
    return found.c.i


def _mixed(row: Any, number: int, levels: int) -> ColumnElement[int]:
    """(0 to ``levels`` - 1) of a row: seven tenths its quality, which all of its numbers share, and three tenths this one's own."""
    shared, own = scattered(row), scattered(row * (2 * number + 3) + 7919 * number)
    return cast(levels * (7 * shared + 3 * own) // (10 * _SPAN), Integer)


def _put(session: Session, table: Any, source: Any, **columns: Any) -> None:
    """Insert a row of ``columns``, expressions or values, for each row of ``source``."""
    values = [
        value
        if isinstance(value, ColumnElement) or hasattr(value, "property")
        else literal(value, table.__table__.c[name].type)
        for name, value in columns.items()
    ]
    session.execute(
        insert(table).from_select(list(columns), source.with_only_columns(*values, maintain_column_froms=True))
    )


def _after_own_ids(session: Session, table: str) -> None:
    """On PostgreSQL: let the ids that come go on after those that were given."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))"))
