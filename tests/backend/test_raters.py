"""Who a rater is: one person under one name, who alone writes that rater's ratings."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.ui.item_tokens import item_token
from backend.access import NotAllowed, Person, acting_as
from backend.errors import UserError
from backend.rating.pairs import Shown, save_pair, undo_pair
from backend.rating.queue import claim, claim_next, save_draft
from backend.rating.ratings import save_rating, undo_last
from backend.store.engine import reading, writing
from backend.store.events import latest_events
from backend.store.names import clean_name
from backend.store.ratings import get_rater
from backend.store.tables import Rater, Rating
from benchmarks.workbenches import fill

ANA = Person("ana@example.com", frozenset({"annotator"}))
BIA = Person("bia@example.com", frozenset({"annotator"}))
EVA = Person("eva@example.com", frozenset({"engineer"}))


def test_names_that_look_alike_are_one_rater(any_workbench: Path) -> None:
    same = [
        "Ana",
        "ana",
        " ANA ",
        "Ana\u200b",
        "A\u200dna",
        "Ana\x00",
        "A\ud800na",
        "\uff21na",
        "Ana\ufe0f",
        "Ana\u3164",
        "a\u00adna",
    ]
    with writing() as session:
        ids = {get_rater(session, name).id for name in same}
        assert len(ids) == 1
        assert get_rater(session, "Aná").id not in ids
        assert get_rater(session, "Jose\u0301").id == get_rater(session, "JOSÉ").id
        assert get_rater(session, "Straße").id == get_rater(session, "STRASSE").id
        for empty in ("", "  ", "\u200b", "\x00", "\ud800"):
            with pytest.raises(UserError, match="1 to 120"):
                get_rater(session, empty)
    with reading() as session:
        assert session.scalars(select(Rater.name).order_by(Rater.id)).first() == "Ana"
    assert clean_name("Ana\tMaria\n da\u2003Silva") == "Ana Maria da Silva"


def test_nobody_writes_another_persons_ratings(any_workbench: Path) -> None:
    fill(10)
    with acting_as(ANA), writing() as session:
        ana = get_rater(session, "Ana@Example.com").id
        item = claim_next(session, ana)
        save_rating(session, item, ana, score=4)
    for action in (
        lambda session: get_rater(session, "ana@example.com"),
        lambda session: undo_last(session, ana),
        lambda session: save_rating(session, item, ana, score=1),
        lambda session: claim_next(session, ana),
        lambda session: claim(session, item, ana),
        lambda session: save_draft(session, item, ana, "no"),
        lambda session: undo_last(session, 999),
        lambda session: save_pair(session, ana, Shown(1, 2), 1),
        lambda session: undo_pair(session, ana),
    ):
        with acting_as(BIA), pytest.raises(NotAllowed, match="own"), writing() as session:
            action(session)
    with reading() as session:
        assert session.scalars(select(Rating.score)).all() == [4]
        assert session.scalar(select(func.count()).select_from(Rater)) == 1
    with acting_as(EVA), writing() as session:
        undo_last(session, ana)
    with reading() as session:
        (event, *before) = latest_events(session).to_dict("records")
    assert "rated for" not in [e["what"] for e in before]  # one act, one entry
    assert (event["person"], event["what"], event["about"]) == (EVA.name, "rated for", "rater Ana@Example.com")


def test_an_items_name_on_the_page_says_nothing_of_its_number() -> None:
    tokens = [item_token(1, item) for item in range(500)]
    assert len(set(tokens)) == 500 and tokens != sorted(tokens)
    assert item_token(1, 7) == tokens[7] != item_token(2, 7)
