"""Fifty raters at once for ten minutes on one server with PostgreSQL: time of a save, and a check that none is lost or
doubled.

TEST_POSTGRES_URL=postgresql://postgres@127.0.0.1:5432/postgres python -m benchmarks.load
... python -m benchmarks.load --raters 10 --minutes 1      # smaller

Each rater reads for three to nine seconds before a score, as people do, in a session of Streamlit's own protocol (no
browser: fifty would need more than the server). The time of a save is from the key press to the end of the drawing that
shows the rating as saved, with the next completion. The baseline is a SQLite store, measured in the same way for a tenth
of the time.
"""

import json
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from sqlalchemy import func, select

from backend.settings import ROOT
from backend.store.engine import reading
from backend.store.tables import QueueItem, Rating, RatingEvent
from benchmarks.servers import App
from benchmarks.streamlit_session import Session
from benchmarks.workbenches import ENVIRONMENT, fill, postgres_database, workbench_at

LABELS = ("useless", "poor", "usable", "good", "excellent")


def main(
    raters: Annotated[int, typer.Option(min=1)] = 50,
    minutes: Annotated[float, typer.Option(min=0.1)] = 10,
) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        baseline = measure(None, Path(folder), raters, max(0.2, minutes / 10))
    with tempfile.TemporaryDirectory() as folder, postgres_database() as url:
        found = measure(url, Path(folder), raters, minutes)
    for name, result in (("SQLite", baseline), ("PostgreSQL", found)):
        print(f"{name}: {json.dumps(result)}")
    print(f"p95 of a save, PostgreSQL / SQLite: {found['p95_ms'] / baseline['p95_ms']:.2f}")
    path = ROOT / "benchmarks" / "results" / "load.json"
    path.write_text(json.dumps({"postgresql": found, "sqlite": baseline}, indent=2) + "\n", encoding="utf-8")


def measure(url: str | None, folder: Path, raters: int, minutes: float) -> dict[str, Any]:
    """Run the load on one store (SQLite without a URL); returns counts, milliseconds and the server's memory."""
    with workbench_at(folder, url, **ENVIRONMENT):
        return _measure(raters, minutes)


def _measure(raters: int, minutes: float) -> dict[str, Any]:
    fill(int(raters * minutes * 60 / 6) + 200)
    app = App(ENVIRONMENT)
    try:
        return let_rate(app, raters, minutes)
    finally:
        app.kill()


def let_rate(app: App, raters: int, minutes: float, look: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Let raters work on a server, and check that its store has each of their scores once.

    Args:
        app: the server.
        raters: how many.
        minutes: for how long.
        look: called about once a second meanwhile.

    Returns:
        Counts, milliseconds of a save, and the server's memory.

    Raises:
        SystemExit: a score is missing or there twice, or a rater met an error.
    """
    before = _kept()
    until = time.monotonic() + 60 * minutes + 0.2 * raters  # from when the last has come
    seconds: list[float] = []
    errors: list[str] = []
    threads = [threading.Thread(target=rate, args=(app.port, i, until, seconds, errors)) for i in range(raters)]
    server = psutil.Process(app.pid)
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    memory = []
    while any(thread.is_alive() for thread in threads):
        memory.append(round(server.memory_info().rss / 1e6))
        look()
        time.sleep(1)
    kept, events, counted = (now - then for now, then in zip(_kept(), before, strict=True))
    if errors or not len(seconds) == kept == events == counted:
        raise SystemExit(
            f"confirmed {len(seconds)}, kept {kept}, noted {events}, counted {counted}; errors: {errors[:3]}"
        )
    if not seconds:
        raise SystemExit("nobody got to a score in this time: more minutes, or fewer raters")
    p50, p95, p99 = (round(1000 * q) for q in np.quantile(seconds, (0.5, 0.95, 0.99)))
    third = len(memory) // 3
    return {
        "raters": raters, "minutes": minutes, "confirmed": len(seconds), "kept": kept, "p50_ms": p50, "p95_ms": p95,
        "p99_ms": p99, "memory_mb": {"after_a_third": memory[third], "at_the_end": memory[-1]},
    }  # fmt: skip


def _kept() -> tuple[int, int, int]:
    """Ratings, their events, and what the queue has counted of them."""
    with reading() as session:
        return (
            session.scalar(select(func.count()).select_from(Rating)) or 0,
            session.scalar(select(func.count()).where(RatingEvent.action == "rate")) or 0,
            session.scalar(select(func.sum(QueueItem.rated))) or 0,
        )


def rate(port: int, number: int, until: float, seconds: list[float], errors: list[str]) -> None:
    """One rater: waits as if reading, presses a key, and records how long each confirmed save took."""
    rng = random.Random(number)
    try:
        session = Session(port, "annotate", rater=f"rater {number}", timeout=120)
        while time.monotonic() < until:
            time.sleep(rng.uniform(3, 9))
            took = session.press(rng.choice(LABELS))
            if not any("saved" in text for text in session.texts):
                raise AssertionError(session.texts[:3])
            seconds.append(took)
        session.close()
    except Exception as error:  # the measurement reports it and then fails
        errors.append(f"rater {number}: {error!r}")


if __name__ == "__main__":
    typer.run(main)
