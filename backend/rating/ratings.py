"""Save a rating, change it, or take it back."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.access import needs
from backend.errors import UserError
from backend.rating.queue import claim_for, lock_items, recount, room_for
from backend.store.engine import in_turn
from backend.store.events import record
from backend.store.ratings import check_own_rater, rating_of
from backend.store.tables import Claim, Rater, Rating, RatingEvent, utc_now

FLAGS = ("wrong task", "unsafe", "unreadable")
SKIP_REASONS = ("not sure", *FLAGS)


@needs("annotator")
def save_rating(
    session: Session,
    completion_id: int,
    rater_id: int,
    score: int | None = None,
    skip_reason: str | None = None,
    comment: str = "",
    seconds: float | None = None,
    flags: Sequence[str] = (),
    imported: bool = False,
) -> None:
    """Store a rating, or change this rater's earlier one; the earlier score stays in the history.

    Args:
        session: a writing session.
        completion_id, rater_id: the completion, and the rater who scored it.
        score: 1 to 5; or None with a ``skip_reason``.
        comment, seconds, flags: what the rater added, and how long it took.
        imported: it was given elsewhere, so the queue's limit on the number of ratings does not apply.

    Raises:
        UserError: the score is not 1 to 5, neither or both of score and skip reason are given, a flag is unknown, the
            completion is gone, or it has (or is about to get) all the ratings it wants.
    """
    if score is not None and (isinstance(score, bool) or score not in (1, 2, 3, 4, 5)):
        raise UserError(f"a rating is a whole number from 1 to 5, not {score!r}")
    if (score is None) == (skip_reason is None):
        raise UserError("give a score or a reason to skip, one of the two")
    if unknown := [flag for flag in flags if flag not in FLAGS]:
        raise UserError(f"unknown flag {unknown[0]!r}; choose from {', '.join(FLAGS)}")
    check_own_rater(session, rater_id)
    in_turn(session, f"rater {rater_id}")
    item = lock_items(session, [completion_id]).get(completion_id)
    if item is None:
        in_turn(session, "ratings")
    existing = rating_of(session, completion_id, rater_id)
    held = session.get(Claim, (completion_id, rater_id))
    if held is not None and held.is_repeat and existing is not None and not imported:
        _keep_repeat(session, held, score, skip_reason)
        return
    adds_score = score is not None and (existing is None or existing.score is None)
    if adds_score and item is not None and not imported and not room_for(session, item, rater_id):
        raise UserError("this completion has all the ratings it wants; the next one is waiting")
    rating = existing or Rating(completion_id=completion_id, rater_id=rater_id)
    rating.score, rating.skip_reason, rating.comment = score, skip_reason, comment
    rating.seconds, rating.flags, rating.created_at = seconds, list(flags), utc_now()
    action = "import" if imported else "change" if existing else "rate" if score is not None else "skip"
    session.add_all([rating, _event(rating, action)])
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError(f"completion {completion_id} cannot be rated: it or the rater is not in the store") from error
    session.execute(delete(Claim).where(Claim.completion_id == completion_id, Claim.rater_id == rater_id))
    if item is not None:
        recount(session, item)


def _keep_repeat(session: Session, held: Claim, score: int | None, skip_reason: str | None) -> None:
    """Store a second score of the same rater in the history only; it measures self-agreement."""
    values = {"completion_id": held.completion_id, "rater_id": held.rater_id}
    session.add(RatingEvent(**values, action="repeat", score=score, skip_reason=skip_reason))
    session.delete(held)
    session.flush()


@needs("annotator")
def undo_last(session: Session, rater_id: int) -> int | None:
    """Undo the rater's latest rating, and claim its completion for the rater again, with its comment; None when there is none."""
    check_own_rater(session, rater_id)
    in_turn(session, f"rater {rater_id}")
    last = session.scalar(
        select(RatingEvent).where(RatingEvent.rater_id == rater_id).order_by(RatingEvent.id.desc()).limit(1)
    )
    if last is not None and last.action == "repeat":
        values = {"completion_id": last.completion_id, "rater_id": rater_id}
        session.add(RatingEvent(**values, action="unrepeat", score=last.score))
        claim_for(session, last.completion_id, rater_id, is_repeat=True)
        return last.completion_id
    rating = session.scalar(
        select(Rating).where(Rating.rater_id == rater_id).order_by(Rating.created_at.desc(), Rating.id.desc()).limit(1)
    )
    if rating is None:
        return None
    completion_id, comment = rating.completion_id, rating.comment
    item = lock_items(session, [completion_id]).get(completion_id)
    session.refresh(rating)
    session.add(_event(rating, "undo"))
    session.delete(rating)
    session.flush()
    if item is not None:
        recount(session, item)
    claim_for(session, completion_id, rater_id)
    session.get_one(Claim, (completion_id, rater_id)).draft = comment
    return completion_id


def _event(rating: Rating, action: str) -> RatingEvent:
    return RatingEvent(
        completion_id=rating.completion_id,
        rater_id=rating.rater_id,
        action=action,
        score=rating.score,
        skip_reason=rating.skip_reason,
    )


@needs("engineer")
def leave_out(session: Session, name: str, reason: str) -> None:
    """Count none of a rater's scores from now on, or count them again where ``reason`` is empty; the log keeps who did it.

    The ratings stay in the store. Completions that lose a score by it go back to the queue.

    Raises:
        UserError: there is no such rater.
    """
    in_turn(session, "ratings")
    rater = session.scalar(select(Rater).where(Rater.name == name))
    if rater is None:
        raise UserError(f"there is no rater {name!r}")
    mine = lock_items(session, session.scalars(select(Rating.completion_id).where(Rating.rater_id == rater.id)))
    rater.left_out = " ".join(reason.split())
    session.flush()
    record(session, "left out" if rater.left_out else "counted again", f"rater {name}", reason=rater.left_out)
    for item in mine.values():
        recount(session, item)
