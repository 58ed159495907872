"""Save a rater's score of one criterion, change it, or take it back."""

from collections.abc import Sequence

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.rating.queue import is_repeat
from backend.store.engine import in_turn, insert_or
from backend.store.ratings import check_own_rater, get_rater
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
    if value is not None:
        _keep(session, [(completion_id, rater_id, criterion, value)])
        return
    mine = (CriterionScore.completion_id == completion_id, CriterionScore.rater_id == rater_id)
    session.execute(delete(CriterionScore).where(*mine, CriterionScore.criterion == criterion))


@needs("engineer")
def import_criteria(session: Session, scores: Sequence[tuple[int, str, str, int]]) -> None:
    """Take scores that were given elsewhere: (completion id, rater's name, criterion, value) of each. Earlier ones are replaced."""
    in_turn(session, "raters")
    raters = {name: get_rater(session, name).id for name in dict.fromkeys(rater for _, rater, _, _ in scores)}
    latest = {(completion_id, raters[rater], criterion): value for completion_id, rater, criterion, value in scores}
    _keep(session, [(*key, value) for key, value in latest.items()])


def _keep(session: Session, scores: Sequence[tuple[int, int, str, int]]) -> None:
    """Store (completion id, rater id, criterion, value) of each, in place of what is there."""
    if not scores:
        return
    insert = insert_or(session, CriterionScore)
    keys, now = ("completion_id", "rater_id", "criterion"), utc_now()
    given = {"value": insert.excluded.value, "created_at": insert.excluded.created_at}
    rows = [dict(zip((*keys, "value"), score, strict=True), created_at=now) for score in scores]
    session.execute(insert.on_conflict_do_update(index_elements=keys, set_=given), rows)


def criteria_of(session: Session, completion_id: int, rater_id: int) -> dict[str, int]:
    """criterion -> the rater's score of this completion; empty while it is a hidden repeat."""
    if is_repeat(session, completion_id, rater_id):
        return {}
    mine = (CriterionScore.completion_id == completion_id, CriterionScore.rater_id == rater_id)
    return dict(session.execute(select(CriterionScore.criterion, CriterionScore.value).where(*mine)).tuples().all())


def _task_of(completion_id: int) -> Select[str]:
    return select(Prompt.task).join(Completion, Completion.prompt_id == Prompt.id).where(Completion.id == completion_id)
