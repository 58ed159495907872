"""Save a rater's score of one criterion, change it, or take it back."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.rating.queue import is_repeat
from backend.store.engine import in_turn
from backend.store.ratings import check_own_rater
from backend.store.tables import Completion, CriterionScore, Prompt, utc_now
from backend.suites import find_task

VALUES = (0, 1, 2)
"""Not met, met in part, met."""


@needs("annotator")
def save_criterion(session: Session, completion_id: int, rater_id: int, criterion: str, value: int | None) -> None:
    """Store how far a completion meets a criterion, or take it back where ``value`` is None.

    While a completion is shown to its rater again without a word (a hidden repeat), nothing changes: the first scores count.

    Raises:
        UserError: the completion is gone, its task has no such criterion, or the value is none of ``VALUES``.
    """
    check_own_rater(session, rater_id)
    task = find_task(str(session.scalar(_task_of(completion_id))))
    if task is None or criterion not in [known.key for known in task.criteria]:
        raise UserError(f"completion {completion_id} has no criterion {criterion!r}")
    if value is not None and (isinstance(value, bool) or value not in VALUES):
        raise UserError(f"a criterion's score is 0, 1 or 2, not {value!r}")
    in_turn(session, f"rater {rater_id}")
    if is_repeat(session, completion_id, rater_id):
        return
    row = session.get(CriterionScore, (completion_id, rater_id, criterion))
    if value is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = CriterionScore(completion_id=completion_id, rater_id=rater_id, criterion=criterion)
        session.add(row)
    row.value, row.created_at = value, utc_now()


def criteria_of(session: Session, completion_id: int, rater_id: int) -> dict[str, int]:
    """criterion -> the rater's score of this completion; empty while it is a hidden repeat."""
    if is_repeat(session, completion_id, rater_id):
        return {}
    mine = (CriterionScore.completion_id == completion_id, CriterionScore.rater_id == rater_id)
    return dict(session.execute(select(CriterionScore.criterion, CriterionScore.value).where(*mine)).tuples().all())


def _task_of(completion_id: int) -> Select[str]:
    return select(Prompt.task).join(Completion, Completion.prompt_id == Prompt.id).where(Completion.id == completion_id)
