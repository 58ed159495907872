"""The raters' queue: strata, claims, third raters, history; and that a long queue is as quick as a short one."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from backend.data.records import Message, PromptRecord
from backend.errors import UserError
from backend.models.generate import Completion as Generated
from backend.models.generate import Sampling
from backend.store.completions import save_completions
from backend.store.engine import reading, writing
from backend.store.prompts import save_prompts
from backend.store.queue import claim_next, draft_of, enqueue, progress, save_draft, stratum_of
from backend.store.ratings import get_rater, ratings_version, save_rating, undo_last
from backend.store.tables import Claim, Completion, QueueItem, Rating, RatingEvent, utc_now


def add(texts: list[str], task: str = "push") -> list[int]:
    records = [
        PromptRecord(task=task, messages=(Message(role="user", content=f"{task} {i}"),)) for i in range(len(texts))
    ]
    with writing() as session:
        save_prompts(session, records)
        return save_completions(
            session, [r.id for r in records], [[Generated(t, 5, False)] for t in texts], "nano", Sampling()
        )


def rater(name: str) -> int:
    with writing() as session:
        return get_rater(session, name).id


def next_for(rater_id: int) -> int | None:
    with writing() as session:
        return claim_next(session, rater_id)


def rate(item: int, rater_id: int, score: int, **more: object) -> None:
    with writing() as session:
        save_rating(session, item, rater_id, score, **more)  # type: ignore[arg-type]


def item(completion_id: int) -> QueueItem:
    with reading() as session:
        return session.get_one(QueueItem, completion_id)


def test_two_raters_at_once_are_given_different_items(any_workbench: Path) -> None:
    add([f"Oferta {i}" for i in range(6)])
    given = [next_for(rater(name)) for name in ("Ana", "Bia", "Caio", "Davi", "Eva", "Fábio")]
    assert len(set(given)) == 6


def test_leaving_and_coming_back_continues_with_the_same_item_and_comment(any_workbench: Path) -> None:
    add(["Oi", "Olá", "Ei"])
    ana = rater("Ana")
    first = next_for(ana)
    with writing() as session:
        save_draft(session, first, ana, "meio escrito")
    assert next_for(ana) == first
    with reading() as session:
        assert draft_of(session, first, ana) == "meio escrito"


def test_an_item_on_enough_screens_is_given_to_nobody_else_until_a_claim_expires(any_workbench: Path) -> None:
    (only,) = add(["Oi"])
    ana, bia, caio = rater("Ana"), rater("Bia"), rater("Caio")
    assert next_for(ana) == next_for(bia) == only
    assert next_for(caio) is None
    with pytest.raises(UserError, match="all the ratings it wants"):
        rate(only, caio, 3)
    with writing() as session:
        session.execute(update(Claim).where(Claim.rater_id == ana).values(expires_at=utc_now() - timedelta(minutes=1)))
    assert next_for(caio) == only
    rate(only, caio, 3)
    rate(only, bia, 3)
    with pytest.raises(UserError, match="all the ratings it wants"):  # Ana was away too long
        rate(only, ana, 3)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Rating)) == 2


def test_scores_two_apart_ask_for_a_third_rater(any_workbench: Path) -> None:
    (only,) = add(["Oi"])
    ana, bia, caio, davi = (rater(name) for name in ("Ana", "Bia", "Caio", "Davi"))
    rate(only, ana, 1)
    rate(only, bia, 4)
    assert (item(only).rated, item(only).wanted, item(only).is_open) == (2, 3, True)
    assert next_for(caio) == only
    rate(only, caio, 4)
    assert not item(only).is_open and next_for(davi) is None
    rate(only, ana, 3)  # Ana changes her mind: two would have been enough
    assert item(only).wanted == 2 and not item(only).is_open


def test_a_skip_is_no_score_and_the_item_goes_to_others(any_workbench: Path) -> None:
    (only,) = add(["Oi"])
    ana, bia = rater("Ana"), rater("Bia")
    with writing() as session:
        save_rating(session, only, ana, skip_reason="unreadable")
    assert item(only).rated == 0 and next_for(ana) is None and next_for(bia) == only


def test_the_history_keeps_what_was_changed_and_taken_back(any_workbench: Path) -> None:
    (only,) = add(["Oi"])
    ana = rater("Ana")
    versions = set()

    def version() -> None:
        with reading() as session:
            versions.add(ratings_version(session))

    for score in (2, 5):
        rate(only, ana, score, flags=["unsafe"], comment="forte")
        version()
    with writing() as session:
        assert undo_last(session, ana) == only
    version()
    assert len(versions) == 3
    with reading() as session:
        events = session.execute(select(RatingEvent.action, RatingEvent.score).order_by(RatingEvent.id)).all()
        assert [tuple(e) for e in events] == [("rate", 2), ("change", 5), ("undo", 5)]
        assert session.scalar(select(func.count()).select_from(Rating)) == 0
    assert item(only).rated == 0 and next_for(ana) == only


def test_an_unknown_flag_is_refused(any_workbench: Path) -> None:
    (only,) = add(["Oi"])
    with pytest.raises(UserError, match="unknown flag 'boring'"):
        rate(only, rater("Ana"), 3, flags=["boring"])


def test_strata_are_offered_alike(any_workbench: Path) -> None:
    good = "🎁 Só hoje: frete grátis em beleza! Aproveite já."
    add([good + "!" * i for i in range(60)])
    with writing() as session:
        records = [
            PromptRecord(task="extraction", messages=(Message(role="user", content=f"Nota {i}"),)) for i in range(6)
        ]
        save_prompts(session, records)
        save_completions(session, [r.id for r in records], [[Generated("nada", 1, False)]] * 6, "nano", Sampling())
    ana, seen = rater("Ana"), Counter()
    for _ in range(10):
        given = next_for(ana)
        assert given is not None
        seen[item(given).stratum] += 1
        rate(given, ana, 3)
    assert len(seen) == 2 and min(seen.values()) >= 1  # 60 to 6 in the queue, yet both come


def test_a_score_at_the_top_of_the_range_is_in_the_last_quarter() -> None:
    assert [stratum_of("push", x) for x in (0.0, 0.24, 0.25, 0.99, 1.0)] == [
        "push/0", "push/0", "push/1", "push/3", "push/3",
    ]  # fmt: skip


def test_enqueuing_again_changes_nothing_and_counts_earlier_ratings(any_workbench: Path) -> None:
    ids = add(["Oi", "Olá"])
    ana = rater("Ana")
    rate(ids[0], ana, 4)
    with writing() as session:
        assert enqueue(session, ids) == 0
        session.delete(session.get_one(QueueItem, ids[0]))
    with writing() as session:
        assert enqueue(session, ids) == 1
    assert item(ids[0]).rated == 1


def test_progress_counts_what_is_open_for_me(any_workbench: Path) -> None:
    ids = add(["a", "b", "c"])
    ana, bia, caio = rater("Ana"), rater("Bia"), rater("Caio")
    for someone in (ana, bia):
        rate(ids[0], someone, 3)
    rate(ids[1], ana, 3)
    with reading() as session:
        assert [progress(session, who) for who in (ana, bia, caio)] == [(2, 1), (1, 2), (0, 2)]


def test_in_a_long_queue_the_next_item_reads_few_rows(workbench: Path) -> None:
    """No clock: the plan of every statement that chooses an item is a search in an index, never a scan of the queue."""
    from sqlalchemy import text

    from backend.store import queue

    add(["Oi"])
    plans = []
    with reading() as session:
        for (_, in_stratum), query in queue._WINDOWS.items():
            values = {"rater": 1, "rated": 0, "place": 5, "size": 64, **({"stratum": "push/1"} if in_stratum else {})}
            compiled = query.compile(session.get_bind(), compile_kwargs={"render_postcompile": True})
            parameters = compiled.construct_params(values)
            rows = session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN {compiled}", tuple(parameters[n] for n in compiled.positiontup or ())
            )
            plans += [r[3] for r in rows]
        plans += [r[3] for r in session.execute(text(f"EXPLAIN QUERY PLAN {queue._FRESH_STRATA.text}"))]
    assert any("queue_fresh" in plan for plan in plans) and any("queue_started" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith("SCAN queue") or plan.startswith("SCAN q")], plans
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Completion)) == 1
