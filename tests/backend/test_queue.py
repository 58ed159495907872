"""The raters' queue: strata, claims, third raters, history; and that a long queue is as quick as a short one."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, func, select, update

from backend.audit.correlation import spearman
from backend.errors import UserError
from backend.rating.design import information, quarter_edges, stratum_of
from backend.rating.queue import (
    REPEAT_AFTER,
    claim_next,
    draft_of,
    enqueue,
    progress,
    save_draft,
    save_for_raters,
)
from backend.rating.ratings import save_rating, undo_last
from backend.records import Completion as Generated
from backend.records import Message, PromptRecord, Sampling
from backend.settings import get_settings
from backend.store.completions import rated_scores
from backend.store.engine import reading, writing
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater, ratings_version, self_agreement
from backend.store.tables import Claim, Completion, QueueItem, Rating, RatingEvent, Stratum, utc_now


def add(texts: list[str], task: str = "push") -> list[int]:
    records = [
        PromptRecord(task=task, messages=(Message(role="user", content=f"{task} {i}"),)) for i in range(len(texts))
    ]
    with writing() as session:
        save_prompts(session, records)
        return save_for_raters(
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
        assert draft_of(session, only, ana) == "forte", "the comment is shown again with the completion"
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
        save_for_raters(session, [r.id for r in records], [[Generated("nada", 1, False)]] * 6, "nano", Sampling())
    ana, seen = rater("Ana"), Counter()
    for _ in range(10):
        given = next_for(ana)
        assert given is not None
        seen[item(given).stratum] += 1
        rate(given, ana, 3)
    assert len(seen) == 2 and min(seen.values()) >= 1  # 60 to 6 in the queue, yet both come


def test_a_score_at_the_top_of_the_range_is_in_the_last_quarter() -> None:
    assert [stratum_of("push", x, quarter_edges((0, 1), ())) for x in (0.0, 0.24, 0.25, 0.99, 1.0)] == [
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

    from backend.rating import queue

    add(["Oi"])
    plans = []
    with reading() as session:
        for (_, in_stratum), query in queue._WINDOWS.items():
            values = {"rater": 1, "rated": 0, "place": 5, "size": 64, "others": 0, "now": "2026-01-01"}
            values |= {"stratum": "push/1"} if in_stratum else {}
            compiled = query.compile(session.get_bind(), compile_kwargs={"render_postcompile": True})
            parameters = compiled.construct_params(values)
            rows = session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN {compiled}", tuple(parameters[n] for n in compiled.positiontup or ())
            )
            plans += [r[3] for r in rows]
    assert any("queue_fresh" in plan for plan in plans) and any("queue_started" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith("SCAN queue") or plan.startswith("SCAN q")], plans
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Completion)) == 1


def test_a_stratum_follows_its_items(any_workbench: Path) -> None:
    items = add(["Oi", "Olá", "Ei", "Ai"])
    ana, bia = rater("Ana"), rater("Bia")
    rate(items[0], ana, 2)
    rate(items[0], bia, 3)
    rate(items[1], ana, 5)
    with writing() as session:
        undo_last(session, bia)  # takes the 3 back
    with reading() as session:
        strata = session.scalars(select(Stratum)).all()
        sums = [sum(getattr(s, name) for s in strata) for name in ("items", "rated", "total", "squares")]
        assert sums == [4, 2, 7.0, 29.0]


def test_raters_are_given_what_tells_most(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People differ on push and are of one mind on insights: once both are known, push is asked for."""
    monkeypatch.setenv("WORKBENCH_RANDOM_SHARE", "0")
    monkeypatch.setenv("WORKBENCH_RATERS_PER_COMPLETION", "1")
    get_settings.cache_clear()
    push, insights = add([f"Oi {i}" for i in range(12)]), add([f"Olá {i}" for i in range(12)], task="insights")
    ana = rater("Ana")
    for i in range(4):
        rate(push[i], ana, 1 + 4 * (i % 2))
        rate(insights[i], ana, 3)
    with reading() as session:
        known = {s.name.split("/")[0]: information(s) for s in session.scalars(select(Stratum))}
    assert known["push"] > 5 * known["insights"]
    assert next_for(ana) in push


def test_a_hidden_repeat_changes_no_rating_and_tells_how_far_a_rater_agrees(
    any_workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_REPEAT_SHARE", "0.5")
    get_settings.cache_clear()
    items = add([f"Oi {i}" for i in range(REPEAT_AFTER + 5)])
    ana = rater("Ana")
    for item_id in items[: REPEAT_AFTER + 1]:
        rate(item_id, ana, 4)
    again = None
    for _ in range(60):  # a coin is tossed each time
        with writing() as session:
            session.execute(delete(Claim))
            again = claim_next(session, ana)
        if again == items[0]:
            break
    assert again == items[0]  # the only one that lies far enough back
    assert next_for(ana) == again  # leaving and coming back continues
    rate(again, ana, 2)
    with reading() as session:
        assert session.scalar(select(Rating.score).where(Rating.completion_id == again)) == 4
        (row,) = self_agreement(session).to_dict("records")
        assert (row["rater"], row["repeats"], row["same"], row["apart"]) == ("Ana", 1, 0.0, 2.0)
        assert progress(session, ana)[0] == REPEAT_AFTER + 2
    with writing() as session:
        assert undo_last(session, ana) == again
    rate(again, ana, 4)
    with reading() as session:
        assert self_agreement(session)["same"].tolist() == [1.0]


def test_what_was_rated_elsewhere_stands_for_itself_also_when_raters_score_it_again(workbench: Path) -> None:
    """Else three scores of sixty that came with a file would count as the whole queue."""
    ids, ana = add([f"oferta {i}" for i in range(20)]), rater("Ana")
    for completion_id in ids[:10]:
        rate(completion_id, ana, 3, imported=True)
    bia = rater("Bia")
    for completion_id in [*ids[:3], *ids[10:15]]:
        rate(completion_id, bia, 4)
    with reading() as session:
        totals = rated_scores(session, "v4.2.1").query("component == 'total'").set_index("completion_id")["weight"]
    strata = {completion_id: item(completion_id).stratum for completion_id in ids}
    assert totals[ids[:10]].isna().all() and len(totals) == 15
    for name in set(strata.values()):
        chosen = [i for i in ids[10:15] if strata[i] == name]
        others = [i for i in ids[10:] if strata[i] == name]
        assert totals[chosen].tolist() == pytest.approx([len(others) / len(chosen)] * len(chosen))


def test_weights_make_the_rho_of_chosen_completions_that_of_the_whole_queue() -> None:
    """Quarters rated alike although some are rare: the plain rho is too high, the weighted one is not."""
    rng = np.random.default_rng(4)
    sizes = (4000, 400, 60, 60)
    quarter = np.repeat(np.arange(4), sizes)
    reward = quarter / 4 + rng.uniform(0, 0.25, len(quarter))
    human = np.clip(np.round(1 + 4 * reward + rng.normal(0, 1, len(reward))), 1, 5)
    whole = spearman(human, reward)
    plain, weighted = [], []
    for _ in range(40):
        chosen = np.concatenate([rng.choice(np.flatnonzero(quarter == q), 50, replace=False) for q in range(4)])
        weight = np.array([sizes[q] / 50 for q in quarter[chosen]])
        plain.append(spearman(human[chosen], reward[chosen]))
        weighted.append(spearman(human[chosen], reward[chosen], weight))
    assert np.mean(plain) > whole + 0.2
    assert np.mean(weighted) == pytest.approx(whole, abs=0.05)
