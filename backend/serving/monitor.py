"""The monitor: when a day is over, it checks production, opens and closes alarms, and sends them to a webhook.

To avoid too many messages, a task has at most one open alarm of each kind, an alarm closes after two days in a row
without the problem, and all news goes into one message. An alarm about a change keeps the days it was raised against
until somebody accepts the change (``accept_change``), or it is gone. News that could not be sent is sent at the next check.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.serving.checks import problem_of
from backend.serving.config import ServingConfig
from backend.serving.drift import MOST_DAYS, WEEK, Day, Finding, learning, look, together, whole_days
from backend.serving.slow_falls import HISTORY_DAYS
from backend.settings import get_settings
from backend.store.answers import daily_answers
from backend.store.completions import ensure_scores, totals
from backend.store.engine import StoreAway, in_turn, reading, writing
from backend.store.evaluations import evaluation_texts, run_evaluations
from backend.store.events import record
from backend.store.tables import Alarm, Completion, Prompt, utc_now
from backend.suites import get_task, suite_of

_QUIET_DAYS = 2
"""Days in a row without the problem, after which an alarm closes."""
_EVERY_SECONDS = 600
_log = logging.getLogger("workbench.monitor")
Send = Callable[[dict[str, Any]], None]


class Monitor:
    """Runs ``check`` every ten minutes, in a thread of the gateway's process."""

    def __init__(self, config: ServingConfig) -> None:
        self._config, self._ending = config, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._ending.set()

    def _run(self) -> None:
        while True:
            try:
                check(self._config)
            except StoreAway as error:
                _log.warning("%s", error)
            except Exception:  # a check that fails must not end the thread
                _log.exception("production could not be checked; it is tried again")
            if self._ending.wait(_EVERY_SECONDS):
                return


def check(config: ServingConfig, now: datetime | None = None, tell: Send | None = None) -> list[Alarm]:
    """Check every task up to the last complete UTC day; returns the alarms it opened.

    Checking a day again changes nothing.

    Args:
        config: of the gateway whose answers are checked.
        now: used in place of the current time.
        tell: called with the message in place of the webhook.
    """
    end = _midnight(now)
    _score_evaluations(config)
    with reading() as session:
        days = _whole_days(session, config, end)
        history = _whole_days(session, config, end, HISTORY_DAYS)
        found = {
            task: look(
                of_task,
                reference(session, config, task),
                len(config.routes),
                suite_of(task).monitor,
                history[task],
                _frozen(session, task),
            )
            for task, of_task in days.items()
        }
    opened: list[Alarm] = []
    with writing() as session:
        in_turn(session, "alarms")
        for task, findings in found.items():
            for finding in findings:
                opened += _update_alarm(session, task, finding, end)
    _send_news(tell or _webhook, _learning(days))
    return opened


def still_learning(config: ServingConfig, now: datetime | None = None) -> list[str]:
    """What raises no alarm yet because too few days are known, a line per task in English."""
    with reading() as session:
        return _learning(_whole_days(session, config, _midnight(now)))


def _score_evaluations(config: ServingConfig) -> None:
    """Make sure that the evaluations that production is compared with have scores under the gateway's profile."""
    with writing() as session:
        for engine in config.engines.values():
            for evaluation in run_evaluations(session, engine.run) if engine.run else ():
                if evaluation.label == "tuned":
                    ids = evaluation_texts(session, evaluation.id)["completion_id"].tolist()
                    ensure_scores(session, config.profile, ids)


def reference(session: Session, config: ServingConfig, task: str) -> Day | None:
    """The tuned evaluation of the run behind a task's first engine, scored under the gateway's profile; None without one."""
    engine = config.engines.get(config.routes[task][0])
    tuned = [e for e in run_evaluations(session, engine.run) if e.label == "tuned"] if engine and engine.run else []
    if not tuned:
        return None
    last = tuned[-1]
    texts = evaluation_texts(session, last.id)
    wanted = select(Prompt.id).join(Completion).where(Completion.evaluation_id == last.id, Prompt.task == task)
    texts = texts[texts["prompt_id"].isin(set(session.scalars(wanted)))]
    rewards = totals(session, texts["completion_id"].tolist(), config.profile)
    texts = texts[texts["completion_id"].isin(rewards)]
    if texts.empty:
        return None
    unparsable = [problem_of(get_task(task), text) is not None for text in texts["text"]]
    return Day.of(
        texts["completion_id"].map(rewards).to_numpy(float),
        np.array(unparsable, dtype=bool),
        texts["text"].str.len().to_numpy(float),
    )


def _learning(days: Mapping[str, Sequence[Day]]) -> list[str]:
    return [f"{task}, {words.en}" for task, of_task in days.items() if (words := learning(len(of_task)))]


def _midnight(now: datetime | None) -> datetime:
    """The end of the last complete UTC day."""
    return (now or utc_now()).replace(hour=0, minute=0, second=0, microsecond=0)


def _frozen(session: Session, task: str) -> dict[str, list[Day]]:
    """Kind -> the days that a task's open alarm of it was raised against."""
    query = select(Alarm).where(Alarm.task == task, Alarm.closed_at.is_(None), Alarm.reference.is_not(None))
    return {
        alarm.kind: [
            Day(answers, np.array(means), np.array(variances)) for answers, means, variances in alarm.reference
        ]
        for alarm in session.scalars(query)
        if alarm.reference
    }


@needs("engineer")
def accept_change(session: Session, task: str) -> int:
    """Close a task's open alarms because the change is the new usual; returns how many. What was before counts no longer.

    Args:
        session: a writing session.
        task: whose answers have changed.
    """
    in_turn(session, "alarms")
    now = utc_now()
    accepted = list(session.scalars(select(Alarm).where(Alarm.task == task, Alarm.closed_at.is_(None))))
    for alarm in accepted:
        alarm.closed_at = alarm.accepted_at = now
        alarm.untold = "" if alarm.untold == "opened" else "closed"
    if accepted:
        record(session, "accepted", f"change of {task}", kinds=[alarm.kind for alarm in accepted])
    return len(accepted)


def _accepted(session: Session) -> dict[str, datetime]:
    """Task -> the first day that counts, where a change was accepted: the week that was looked at then is the new usual."""
    query = select(Alarm.task, func.max(Alarm.accepted_at)).where(Alarm.accepted_at.is_not(None)).group_by(Alarm.task)
    return {task: _midnight(at) - timedelta(days=WEEK) for task, at in session.execute(query)}


def _whole_days(session: Session, config: ServingConfig, end: datetime, most: int = MOST_DAYS) -> dict[str, list[Day]]:
    """The last whole days of each task before ``end``, oldest first."""
    days: dict[str, list[Day]] = {task: [] for task in config.routes}
    first = _accepted(session)
    for row in daily_answers(session, most, end).itertuples():
        if row.task in days and (row.task not in first or row.day.date() >= first[row.task].date()):
            means = np.array([row.reward, row.unparsable, row.characters])
            squares = np.array([row.reward_square, row.unparsable, row.characters_square])
            days[row.task].append(Day(int(row.answers), means, np.maximum(squares - means**2, 0.0)))
    return {
        task: [together(of_task[part]) for part in whole_days([d.answers for d in of_task])]
        for task, of_task in days.items()
    }


def _update_alarm(session: Session, task: str, finding: Finding, day: datetime) -> list[Alarm]:
    """Open, keep or close the alarm of a finding's kind; returns it if it is new."""
    alarm = session.scalar(
        select(Alarm).where(Alarm.task == task, Alarm.kind == finding.kind, Alarm.closed_at.is_(None))
    )
    if alarm is None:
        if not finding.raised:
            return []
        alarm = Alarm(
            task=task,
            kind=finding.kind,
            words=_both(finding),
            last_day=day,
            opened_at=day,
            untold="opened",
            reference=[[d.answers, d.means.tolist(), d.variances.tolist()] for d in finding.reference] or None,
        )
        session.add(alarm)
        return [alarm]
    if alarm.last_day >= day:
        return []
    alarm.last_day = day
    if finding.raised:
        alarm.words = _both(finding)
    alarm.quiet_days = alarm.quiet_days + 1 if finding.over else 0
    if alarm.quiet_days >= _QUIET_DAYS:
        alarm.closed_at = day
        # If the opening has not been sent yet, nothing needs to be sent.
        alarm.untold = "" if alarm.untold == "opened" else "closed"
    return []


def _both(finding: Finding) -> dict[str, str]:
    return {"en": finding.words.en, "pt": finding.words.pt}


def _send_news(send: Send, notes: Sequence[str]) -> None:
    """Send all opened and closed alarms that have not been sent yet in one message; on an error they stay unsent.

    Args:
        send: called with the message.
        notes: further lines, if there is a message.
    """
    with reading() as session:
        news = list(session.scalars(select(Alarm).where(Alarm.untold != "").order_by(Alarm.id)))
    if not news:
        return
    lines = [f"{'Alarm' if a.untold == 'opened' else 'Over'}: {a.task}, {a.kind}: {a.words['en']}" for a in news]
    about = [{"task": a.task, "kind": a.kind, "state": a.untold, "words": a.words["en"]} for a in news]
    try:
        send({"text": "\n".join([*lines, *notes]), "alarms": about})
    except httpx.HTTPError as error:
        _log.warning("%d alarms could not be sent to the webhook (%s); it is tried again", len(news), error)
        return
    with writing() as session:
        for sent in news:
            kept = session.get_one(Alarm, sent.id)
            kept.untold = "" if kept.untold == sent.untold else kept.untold


def _webhook(message: dict[str, Any]) -> None:
    """POST the message to WORKBENCH_WEBHOOK, if it is set; chat services show its ``text``."""
    if url := get_settings().webhook:
        httpx.post(url, json=message, timeout=10).raise_for_status()
