"""Twenty raters at once, in real sessions against a running server; and a server killed in the middle."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backend.store.engine import reading
from backend.store.tables import QueueItem, Rating, RatingEvent
from benchmarks.streamlit_session import Session
from benchmarks.workbenches import ENVIRONMENT, fill
from tests.warm import WarmApp

ROOT = Path(__file__).parents[2]
RATERS, EACH, PER_ITEM = 20, 6, 2  # benchmarks/load.py has fifty for ten minutes
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("raters")]


@pytest.fixture
def server(any_workbench: Path) -> Iterator[int]:
    fill(RATERS * EACH // PER_ITEM + 40)  # a few more than needed, so that nobody ends early
    app = WarmApp(ENVIRONMENT)
    yield app.port
    app.kill()


def rate(
    port: int, name: str, count: int, confirmed: list[int], errors: list[str], until_it_breaks: bool = False
) -> None:
    """One rater's session: as many scores as asked; each that the page confirmed is noted."""
    try:
        session = Session(port, "annotate", rater=name)
        for i in range(count):
            time.sleep(0.45)  # the page refuses a score for what was not on screen
            session.press(("useless", "poor", "usable", "good", "excellent")[i % 5])
            assert any("saved" in text for text in session.texts), session.texts[:3]
            confirmed.append(i)
        session.close()
    except Exception as error:
        if not until_it_breaks:
            errors.append(f"{name}: {error!r}")


def test_twenty_raters_lose_and_double_nothing(server: int) -> None:
    confirmed: list[list[int]] = [[] for _ in range(RATERS)]
    errors: list[str] = []
    threads = [
        threading.Thread(target=rate, args=(server, f"rater {i}", EACH, confirmed[i], errors)) for i in range(RATERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=400)
    assert not errors
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Rating)) == RATERS * EACH
        assert session.scalar(select(func.count()).where(RatingEvent.action == "rate")) == RATERS * EACH
        per_rater = session.execute(select(func.count()).select_from(Rating).group_by(Rating.rater_id)).scalars().all()
        assert per_rater == [EACH] * RATERS
        scores = (
            select(
                Rating.completion_id,
                func.count().label("n"),
                (func.max(Rating.score) - func.min(Rating.score)).label("apart"),
            )
            .group_by(Rating.completion_id)
            .subquery()
        )
        assert not session.execute(select(scores).where(scores.c.apart < 2, scores.c.n > PER_ITEM)).all()
        assert not session.execute(select(scores).where(scores.c.n > PER_ITEM + 1)).all()  # the third on disagreement
        wrong = session.execute(
            select(QueueItem.completion_id, QueueItem.rated, scores.c.n)
            .join(scores, scores.c.completion_id == QueueItem.completion_id)
            .where(QueueItem.rated != scores.c.n)
        ).all()
        assert not wrong


def test_a_killed_server_loses_nothing_that_was_confirmed(workbench: Path) -> None:
    fill(120)
    app = WarmApp(ENVIRONMENT)
    confirmed: list[list[int]] = [[] for _ in range(4)]
    errors: list[str] = []
    threads = [
        threading.Thread(target=rate, args=(app.port, f"rater {i}", 50, confirmed[i], errors, True)) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 90
    while sum(map(len, confirmed)) < 30 and time.monotonic() < deadline:
        time.sleep(0.05)
    app.kill()
    for thread in threads:
        thread.join(timeout=90)
    said = sum(map(len, confirmed))
    assert said >= 30
    with reading() as session:
        kept = session.scalar(select(func.count()).select_from(Rating))
    assert kept is not None and said <= kept <= said + 4  # at most one per rater was saved and not yet said
    app.start()
    session_of = Session(app.port, "annotate", rater="rater 0")
    assert "usable" in session_of.buttons
    app.kill()
