"""Gate decisions in the store. A decision holds for one fingerprint and one set of ratings; later it is stale."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.audit.correlation import spearman
from backend.audit.gate import Gate, Verdict
from backend.audit.robustness import visible
from backend.audit.table import People, audit_table, people_of
from backend.store.completions import all_ratings, ensure_scores, gap_counts, human_scores, rated_scores
from backend.store.events import record
from backend.store.ratings import scored_ratings, self_agreement
from backend.store.suite_versions import keep_version, versions
from backend.store.tables import GateDecision, Prompt, Rating, SuiteVersion, made_by_attack
from backend.suites import GateSettings, find_task, fingerprint, suite_of
from backend.wording import Text, fill


@dataclass(frozen=True)
class Audited:
    """The audit of what people have rated.

    Attributes:
        rated: rows of ``rated_scores``, of the tasks that a suite has.
        people: what is known of each task's raters.
        table: of ``audit_table``.
    """

    rated: pd.DataFrame
    people: dict[str, People]
    table: pd.DataFrame


def audit_rated(
    session: Session, profile: str, settings: GateSettings | None = None, only: Collection[int] | None = None
) -> Audited:
    """Score and audit what people have rated, now.

    Args:
        session: a writing session, because scores that are missing are stored.
        profile: the reward rules.
        settings: thresholds to use in place of each suite's own.
        only: these completions; all when left out.
    """
    ensure_scores(session, profile)
    rated = rated_scores(session, profile, None if only is None else human_scores(session, only=only))
    known = rated[rated["task"].map(lambda task: find_task(task) is not None).astype(bool)]
    people = people_of(all_ratings(session, None if only is None else list(only)), self_agreement(session))
    return Audited(known, people, audit_table(known, people, settings, gap_counts(session, profile, only)))


def rates_more(session: Session, only: Collection[int]) -> bool:
    """Whether people have rated other completions of these completions' tasks too."""
    query = scored_ratings(Rating.completion_id, Prompt.task).where(~made_by_attack()).distinct()
    rated = list(session.execute(query).tuples())
    tasks = {task for completion_id, task in rated if completion_id in only}
    return any(task in tasks and completion_id not in only for completion_id, task in rated)


@needs("engineer")
def decide_gates(
    session: Session,
    profile: str,
    decided_by: str,
    settings: GateSettings | None = None,
    audited: Audited | None = None,
) -> list[GateDecision]:
    """Decide on the reward of every rated task now, and store the decisions; returns them.

    Args:
        session: a writing session.
        profile: the reward rules.
        decided_by: who asked for it.
        settings: thresholds to use in place of each suite's own; they are stored with the decisions.
        audited: ``audit_rated`` of this moment, from a caller that has it.
    """
    audited = audited or audit_rated(session, profile, settings)
    rated, hashes, decisions = audited.rated, ratings_hashes(session), []
    audit = audited.table
    for row in audit[audit["reward"] == "total"].itertuples():
        task = str(row.task)
        numbers = {"n": row.n, **{k: _number(getattr(row, k)) for k in ("rho", "low", "high", "p")}}
        inside = {
            "n": row.within_n,
            "rho": _number(row.within),
            "low": _number(row.within_low),
            "high": _number(row.within_high),
        }
        decisions.append(
            GateDecision(
                task=task,
                profile=profile,
                fingerprint=fingerprint(task, profile),
                ratings=hashes[task],
                verdict=row.verdict,
                reason=str(row.reason),
                numbers={
                    "total": numbers,
                    "within": inside,
                    "visible": _visible(rated[rated["task"] == task]),
                    "policies": _policies(rated[rated["task"] == task]),
                    "reason": row.reason._asdict(),
                },
                settings=(settings or suite_of(task).gate).model_dump(),
                decided_by=decided_by,
            )
        )
        record(session, "decided", task, profile=profile, verdict=row.verdict)
        if (scorer := suite_of(task).scorer) is not None:
            keep_version(session, task, fingerprint(task, profile), suite_of(task).name, scorer.source())
    session.add_all(decisions)
    session.flush()
    return decisions


@dataclass(frozen=True)
class DecidedVersion:
    """A version of a team's reward file and the latest decision on it; no decision: None, and no verdict.

    ``visible`` is ρ on the half that is not held out, by which two versions are compared; ``visible_n`` its completions.
    """

    version: SuiteVersion
    verdict: str = ""
    n: int = 0
    rho: float | None = None
    low: float | None = None
    high: float | None = None
    visible_n: int = 0
    visible: float | None = None


def decided_versions(session: Session, task: str) -> list[DecidedVersion]:
    """A task's kept versions, newest first, each with the latest decision on it."""
    query = select(GateDecision).where(GateDecision.task == task).order_by(GateDecision.id)
    latest = {decision.fingerprint: decision for decision in session.scalars(query)}
    found = []
    for version in versions(session, task):
        decision = latest.get(version.fingerprint)
        if decision is None:
            found.append(DecidedVersion(version))
        else:
            total = decision.numbers["total"]
            numbers = {name: total.get(name) for name in ("rho", "low", "high")}
            half = decision.numbers.get("visible", {"n": 0, "rho": None})
            seen = {"visible_n": half["n"], "visible": half["rho"]}
            found.append(DecidedVersion(version, decision.verdict, int(total["n"]), **numbers, **seen))
    return found


def _visible(rated: pd.DataFrame) -> dict[str, Any]:
    """n and ρ of the total on the half that is not held out: what two versions of a reward are compared by."""
    seen = visible(rated[rated["component"] == "total"])
    return {"n": len(seen), "rho": spearman(seen["human"], seen["value"])}


def _policies(rated: pd.DataFrame) -> dict[str, int]:
    """Policy -> how many of the rated completions it wrote."""
    counts = rated.drop_duplicates("completion_id")["policy"].value_counts()
    return {str(policy): int(n) for policy, n in counts.items()}


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def standing_gates(
    session: Session, profile: str, hashes: Callable[[], Mapping[str, str]] | None = None
) -> dict[str, Gate]:
    """The latest decision on each task's reward; ``stale`` if the rules or the ratings have changed since.

    Args:
        session: a reading session.
        profile: the reward rules.
        hashes: gives the current ``ratings_hashes``, for a caller that caches them; read from the store when left out, and
            not asked for where no decision is recorded.
    """
    latest = select(func.max(GateDecision.id)).where(GateDecision.profile == profile).group_by(GateDecision.task)
    decisions = session.scalars(select(GateDecision).where(GateDecision.id.in_(latest))).all()
    if not decisions:
        return {}
    now = ratings_hashes(session) if hashes is None else hashes()
    return {d.task: _standing(d, fingerprint(d.task, profile), now.get(d.task)) for d in decisions if find_task(d.task)}


def _standing(decision: GateDecision, rules: str, ratings: str | None) -> Gate:
    reason = Text(**decision.numbers.get("reason", {"en": decision.reason, "pt": decision.reason}))
    said: Verdict = decision.verdict  # type: ignore[assignment]
    was: dict[str, Text | str] = {"verdict": said, "reason": reason}
    if decision.fingerprint != rules and rules not in suite_of(decision.task).former.get(decision.fingerprint, ()):
        return Gate("stale", fill(_CHANGED.en, _CHANGED.pt, **was), said)
    if decision.ratings != ratings:
        return Gate("stale", fill(_RATED.en, _RATED.pt, **was), said)
    return Gate(said, reason)


_CHANGED = Text(
    "the reward has changed since the decision; it was: {verdict} ({reason})",
    "a recompensa mudou desde a decisão; era: {verdict} ({reason})",
)
_RATED = Text(
    "ratings have been given or changed since the decision; it was: {verdict} ({reason})",
    "houve avaliações novas ou mudadas desde a decisão; era: {verdict} ({reason})",
)


def ratings_hashes(session: Session) -> dict[str, str]:
    """task -> hash (twelve hex digits) of the task's ratings: every rater's score of every completion that a policy wrote."""
    rated = scored_ratings(Prompt.task, Rating.completion_id, Rating.rater_id, Rating.score).where(~made_by_attack())
    query = rated.order_by(Rating.completion_id, Rating.rater_id)
    hashes: dict[str, hashlib._Hash] = {}
    for task, completion_id, rater_id, score in session.execute(query):
        hashes.setdefault(task, hashlib.sha256()).update(f"{completion_id} {rater_id} {score:g}\n".encode())
    return {task: found.hexdigest()[:12] for task, found in hashes.items()}
