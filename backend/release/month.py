"""The example's month of production. It is composed: no gateway gave these answers.

Every day deals out what the example's tuned model answered when it was evaluated. For four days one task, of those whose
truth can be measured the one that training raised most, gets the base model's answers, as if the adapter had not been
loaded. The texts and scores are the evaluations' own, the alarms are what the monitor says of these days, and the answers
that went to raters are completions of the base model that the example's raters have scored. It is the same month at every
load, up to the day on which it ends.
"""

from datetime import datetime, timedelta
from random import Random
from statistics import mean
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from backend.serving.checks import problem_of
from backend.serving.config import Engine, ServingConfig
from backend.serving.monitor import check
from backend.store.answers import EXAMPLE
from backend.store.completions import ensure_scores
from backend.store.engine import in_turn, reading, writing
from backend.store.evaluations import run_evaluations
from backend.store.ratings import scored_ratings
from backend.store.tables import Alarm, Answer, Completion, Event, Prompt, Score, utc_now
from backend.suites import default_profile, get_task, task_names

_DAYS, _DRIFT = 30, range(14, 18)
"""Two usual weeks, so that changes are tested; and enough days after the drift for its alarms to close."""
_DAILY = (32, 40)
"""Answers of a task a day, from and to; fewer than thirty would be no whole day."""
_SENT = 12
"""The most answers of the drift that went to the raters."""
_Pool = dict[str, list[dict[str, Any]]]


def compose_month(run_id: str, person: str, now: datetime | None = None) -> None:
    """Put the month before today into a store without production, and let the monitor look at its days.

    Args:
        run_id: the example's run; without its base and tuned evaluations nothing is done.
        person: who did in the log what was done in that month.
        now: used in place of the current time.
    """
    end = (now or utc_now()).replace(hour=0, minute=0, second=0, microsecond=0)
    first = end - timedelta(days=_DAYS)
    with writing() as session:
        in_turn(session, "production")
        if session.scalar(select(Answer.id).limit(1)) or session.scalar(select(Alarm.id).limit(1)):
            return
        evaluations = {e.label: e.id for e in run_evaluations(session, run_id)}
        if not {"base", "tuned"} <= set(evaluations):
            return
        tuned, base = (_evaluated(session, evaluations[label]) for label in ("tuned", "base"))
        # Where truth is known, base is worse, and not only by the reward.
        known = [task for task in tuned if get_task(task).truth is not None]
        drifting = max(known or tuned, key=lambda task: _reward(tuned[task]) - _reward(base[task]))
        sent = _rated(session, drifting, evaluations["base"])[:_SENT]
        for task in tuned:
            for day in range(_DAYS):
                drifts = task == drifting and day in _DRIFT
                chance = Random(f"{task} {day}")
                dealt = chance.choices((base if drifts else tuned)[task], k=chance.randint(*_DAILY))
                dealt = [{**answer, "completion_id": None} for answer in dealt]
                if drifts and day == _DRIFT.start:
                    dealt[: len(sent)] = sent
                session.execute(insert(Answer), _on(first + timedelta(days=day), dealt, with_text=drifts))
    engine = Engine(url="http://127.0.0.1/v1", model=run_id, run=run_id)
    config = ServingConfig(engines={EXAMPLE: engine}, routes=dict.fromkeys(task_names(), (EXAMPLE,)))
    for day in range(_DRIFT.start, _DAYS):
        check(config, first + timedelta(days=day + 1), tell=lambda _: None)
        if day >= _DRIFT.stop and not _is_open():
            break
    with writing() as session:
        opened = session.scalar(select(func.min(Alarm.opened_at)))
        _log(session, person, first + timedelta(hours=8), "exported a model", run_id)
        if opened is not None and sent:
            _log(session, person, opened + timedelta(hours=9), "sent to raters", f"{len(sent)} answers of production")


def _is_open() -> bool:
    with reading() as session:
        return session.scalar(select(Alarm.id).where(Alarm.closed_at.is_(None)).limit(1)) is not None


def _evaluated(session: Session, evaluation: str) -> _Pool:
    return _answers(session, list(session.scalars(select(Completion.id).where(Completion.evaluation_id == evaluation))))


def _answers(session: Session, ids: list[int]) -> _Pool:
    """Task -> answers, as columns of ``Answer``, made of these completions and their scores."""
    profile = default_profile()
    ensure_scores(session, profile, ids)
    scores: dict[int, dict[str, float]] = {}
    of_profile = select(Score).where(Score.completion_id.in_(ids), Score.profile == profile)
    for score in session.scalars(of_profile):
        scores.setdefault(score.completion_id, {})[score.component] = score.value
    found: _Pool = {}
    query = select(Completion, Prompt).join(Prompt, Prompt.id == Completion.prompt_id)
    for completion, prompt in session.execute(query.where(Completion.id.in_(scores)).order_by(Completion.id)).tuples():
        components = scores[completion.id]
        if (reward := components.pop("total", None)) is not None:
            answer = {
                "task": prompt.task, "engine": EXAMPLE, "profile": profile, "reward": reward, "components": components,
                "unparsable": problem_of(get_task(prompt.task), completion.text) is not None,
                "characters": len(completion.text), "retries": 0, "milliseconds": 0.0, "text": completion.text,
                "messages": prompt.messages, "completion_id": completion.id,
            }  # fmt: skip
            found.setdefault(prompt.task, []).append(answer)
    return found


def _rated(session: Session, task: str, base: str) -> list[dict[str, Any]]:
    """What the base model answered to a task, and people have scored: the lowest rewards, with their completions."""
    scored = (
        scored_ratings(Completion.id)
        .where(Completion.is_example, Prompt.task == task)
        .where(Completion.evaluation_id.is_(None) | (Completion.evaluation_id == base))
        .distinct()
    )
    found = _answers(session, list(session.scalars(scored))).get(task, [])
    return sorted(found, key=lambda answer: answer["reward"])


def _reward(answers: list[dict[str, Any]]) -> float:
    return mean(answer["reward"] for answer in answers)


def _on(day: datetime, dealt: list[dict[str, Any]], with_text: bool) -> list[dict[str, Any]]:
    """The answers spread over a day; their texts only where somebody will want to read them, to keep the store small."""
    without = {} if with_text else {"text": None, "messages": None}
    step = timedelta(days=1) / len(dealt)
    return [{**answer, **without, "at": day + i * step} for i, answer in enumerate(dealt)]


def _log(session: Session, person: str, at: datetime, what: str, about: str) -> None:
    session.add(Event(at=at, person=person, what=what, about=about, detail={"composed": True}))
