"""The versions of teams' reward files: what each fingerprint was, so that two can be compared and shown as a diff."""

from collections.abc import Mapping
from difflib import unified_diff

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.store.engine import in_turn
from backend.store.tables import SuiteVersion


def keep_version(session: Session, task: str, fingerprint: str, suite: str, source: Mapping[str, str]) -> bool:
    """Keep a task's rules as they are now, unless this fingerprint is known; returns whether it is new."""
    in_turn(session, "suite versions")
    if session.get(SuiteVersion, (fingerprint, task)) is not None:
        return False
    session.add(SuiteVersion(fingerprint=fingerprint, task=task, suite=suite, source=dict(source)))
    session.flush()
    return True


def versions(session: Session, task: str) -> list[SuiteVersion]:
    """A task's versions, newest first."""
    query = select(SuiteVersion).where(SuiteVersion.task == task).order_by(SuiteVersion.created_at.desc())
    return list(session.scalars(query))


def difference(before: SuiteVersion, after: SuiteVersion) -> str:
    """What changed between two versions, as a unified diff; "" where nothing did."""
    names = sorted({*before.source, *after.source})
    parts = [
        unified_diff(
            str(before.source.get(name, "")).splitlines(keepends=True),
            str(after.source.get(name, "")).splitlines(keepends=True),
            f"{name} ({before.fingerprint})",
            f"{name} ({after.fingerprint})",
        )
        for name in names
    ]
    return "".join(line for part in parts for line in part)
