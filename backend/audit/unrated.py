"""What rewards give completions that nobody has rated: a reward that fails, or gives all the same, is seen before people work."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.data.completions import Taken, stratified
from backend.store.completions import ensure_scores
from backend.store.imported import ids_of_keys
from backend.store.tables import Completion, Prompt, Score
from backend.suites import counting_judges

TRIED = 200
"""The most completions of a file that are scored for this; they are spread over the file."""


def try_rewards(
    session: Session, profile: str, taken: Taken, tasks: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """Score some of a file's completions of these tasks, of which none has been rated.

    Args:
        session: a writing session.
        profile: whose rewards.
        taken: the file's completions.
        tasks: those without a rating. One in whose reward a judge counts is left out: asking it can cost money.

    Returns:
        Task -> a row for the total and each reward: ``name``, ``n``, ``mean``, ``low``, ``high`` (the lowest and the highest value).

    Raises:
        UserError: a function failed; the message names it and the row.
    """
    free = [task for task in tasks if not counting_judges(task)]
    keys = stratified(taken, TRIED)
    chosen = select(Completion.id).join(Prompt, Prompt.id == Completion.prompt_id).where(Prompt.task.in_(free))
    ids = sorted(session.scalars(chosen.where(Completion.id.in_(ids_of_keys(session, keys).values()))))
    ensure_scores(session, profile, ids)
    value = Score.value
    query = (
        select(Prompt.task, Score.component, func.count(), func.avg(value), func.min(value), func.max(value))
        .join(Completion, Completion.id == Score.completion_id)
        .join(Prompt, Prompt.id == Completion.prompt_id)
        .where(Score.completion_id.in_(ids), Score.profile == profile)
        .group_by(Prompt.task, Score.component)
        .order_by(Score.component != "total", Score.component)
    )
    found: dict[str, list[dict[str, Any]]] = {task: [] for task in tasks}
    for task, name, n, mean, low, high in session.execute(query).tuples():
        found[task].append({"name": name, "n": n, "mean": mean, "low": low, "high": high})
    return found


def as_lines(tried: Sequence[Mapping[str, Any]]) -> list[str]:
    """The values as aligned text for a terminal; what gives one value for all is said."""
    if not tried:
        return []
    lines = [f"  {'reward, without ratings':<32}{'n':>6}{'mean':>8}  lowest to highest"]
    for r in tried:
        same = "  (the same for all)" if r["n"] > 1 and r["low"] == r["high"] else ""
        lines.append(f"  {r['name']:<32}{r['n']:>6}{r['mean']:>8.2f}  {r['low']:.2f} to {r['high']:.2f}{same}")
    return lines
