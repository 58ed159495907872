"""Rating while training: a few completions of every evaluation, and a few rollouts of its step, go before the raters.

They are spread over tasks and quarters of the reward, with more where human scores lie furthest apart, and drawn at random inside
each, so that each one's weight is known. Raters see neither where a completion is from nor its reward.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from backend.data.rollouts import read_rollouts, rollout_steps
from backend.evaluation.step_ratings import quarter
from backend.evaluation.watched import people_beside, shares, stored_rows
from backend.files import storable
from backend.rating.design import allocate, spread_of
from backend.rating.queue import enqueue, withdraw
from backend.store.engine import in_parts, in_turn, reading, writing
from backend.store.ratings import ratings_version
from backend.store.tables import Completion, Evaluation, Prompt, QueueItem, Rating, Run, Stratum
from backend.training.people_file import write_people

_ROLLOUT = "/rollout/"


def offer_for_rating(run_id: str) -> int:
    """Put completions of the run's new evaluations, and as many rollouts, into the raters' queue; returns how many.

    An evaluation with a completion in the queue has been offered already. Nothing happens unless the run's configuration says
    ``rate_per_evaluation``.
    """
    with reading() as session:  # at most looks there is nothing new, and the raters' lock is not needed to see that
        count = int(session.get_one(Run, run_id).config.get("rate_per_evaluation") or 0)
        if not count or not _not_offered(session, run_id):
            return 0
    offered = 0
    with writing() as session:
        in_turn(session, "queue")
        run = session.get_one(Run, run_id)
        evaluations = _not_offered(session, run_id)
        rows = stored_rows(session, run_id) if evaluations else pd.DataFrame()
        for evaluation in evaluations:
            mine = rows[(rows["step"] == evaluation.step) & (rows["sample"] == 0)]
            offered += enqueue(session, _chosen(session, mine, count, evaluation.id)["completion_id"].tolist())
            offered += enqueue(session, _rollouts(session, run, evaluation, count))
    return offered


def _not_offered(session: Session, run_id: str) -> Sequence[Evaluation]:
    """The run's evaluations, in step order, of which no completion is in the queue."""
    queued = select(QueueItem.completion_id).join(Completion, Completion.id == QueueItem.completion_id)
    fresh = select(Evaluation).where(
        Evaluation.run_id == run_id,
        Evaluation.split == "eval",
        Evaluation.label.in_(("base", "step")),
        ~queued.where(Completion.evaluation_id == Evaluation.id).exists(),
    )
    return session.scalars(fresh.order_by(Evaluation.step)).all()


def take_back(session: Session, run_id: str, step: int) -> None:
    """Take what is no more after a rewind to ``step`` out of the queue: completions of evaluations, and rollouts, of later steps.

    An evaluation with a rated completion stays, and so does a rated rollout.
    """
    rated = select(Rating.completion_id)
    kept = select(Completion.evaluation_id).join(Rating).where(Completion.evaluation_id.is_not(None))
    evaluated = (
        select(Completion.id)
        .join(Evaluation, Evaluation.id == Completion.evaluation_id)
        .where(Evaluation.run_id == run_id, (Evaluation.step > step) | (Evaluation.label == "tuned"))
        .where(Evaluation.id.not_in(kept))
    )
    sampled = select(Completion.id).where(
        Completion.key.startswith(run_id + _ROLLOUT, autoescape=True),
        Completion.step > step,
        Completion.id.not_in(rated),
    )
    rollouts = list(session.scalars(sampled))
    withdraw(session, [*session.scalars(evaluated), *rollouts])
    for part in in_parts(rollouts):
        session.execute(delete(Completion).where(Completion.id.in_(part)))


def _chosen(session: Session, rows: pd.DataFrame, count: int, seed: str) -> pd.DataFrame:
    """Up to ``count`` of the rows (task, reward): spread over strata by value, drawn alike inside each."""
    if rows.empty:
        return rows
    strata = rows["task"] + "/" + quarter(shares(rows)).astype(str)
    known = {name: session.get(Stratum, name) for name in strata.unique()}
    spreads = {name: spread_of(stratum) for name, stratum in known.items() if stratum is not None}
    rng = random.Random(seed)
    places: list[int] = []
    for name, wanted in allocate(strata.value_counts().to_dict(), spreads, count).items():
        places += rng.sample([int(i) for i in range(len(rows)) if strata.iloc[i] == name], wanted)
    return rows.iloc[sorted(places)]


def _rollouts(session: Session, run: Run, evaluation: Evaluation, count: int) -> list[int]:
    """Store some completions of the last kept step up to the evaluation's; their ids. None twice, and none before training."""
    folder = Path(run.folder)
    steps = [step for step in rollout_steps(folder) if step <= evaluation.step]
    if not steps:
        return []
    frame = read_rollouts(folder, steps[-1])
    known = set(session.scalars(select(Prompt.id).where(Prompt.id.in_(frame["prompt_id"].unique().tolist()))))
    chosen = _chosen(session, frame[frame["prompt_id"].isin(known)], count, f"{evaluation.id} rollouts")
    keys = {f"{run.id}{_ROLLOUT}{steps[-1]}/{place}": row for place, row in chosen.iterrows()}
    there = set(session.scalars(select(Completion.key).where(Completion.key.in_(keys))))
    rows = [
        {
            "prompt_id": row["prompt_id"], "evaluation_id": None, "text": storable(row["completion"]), "tokens": 0, "truncated": False,
            "policy": evaluation.policy, "generation": {"temperature": run.config.get("temperature")}, "sample": 0,
            "columns": {}, "key": key, "step": steps[-1],
        }
        for key, row in keys.items()
        if key not in there
    ]  # fmt: skip
    if not rows:
        return []
    return list(session.scalars(insert(Completion).returning(Completion.id, sort_by_parameter_order=True), rows))


class PeopleFile:
    """Keeps a run's people.json in step with the store, while its process lives."""

    def __init__(self, run_id: str) -> None:
        self._run_id, self._seen = run_id, ""

    def update(self) -> None:
        """Write the file anew where ratings, or the run's evaluations, have changed."""
        with reading() as session:
            run = session.get_one(Run, self._run_id)
            if not run.config.get("rate_per_evaluation"):
                return
            version = f"{ratings_version(session)} {run.metrics_read}"
            if version == self._seen:
                return
            people = people_beside(stored_rows(session, self._run_id))
        if people is not None:
            write_people(Path(run.folder), people)
        self._seen = version
