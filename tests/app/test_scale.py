"""What is asked of the store does not grow with the number of runs, raters and evaluations in it: statements are counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import delete

from app.pages import PAGES
from backend.audit.raters import check_raters
from backend.store import completions
from backend.store.engine import reading, writing
from backend.store.ratings import get_rater, self_agreement
from backend.store.tables import Rating, RatingEvent, Run
from benchmarks.filled import fill_runs
from benchmarks.queries import counted_queries
from benchmarks.scale import page_of
from benchmarks.workbenches import fill


@pytest.fixture(autouse=True)
def _no_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*(page.name for page in PAGES), "results of two"])
def test_a_page_needs_as_many_queries_for_many_runs_as_for_few(name: str, example_workbench: Path) -> None:
    counts = []
    for more in (10, 30):
        with writing() as session:
            session.execute(delete(Run).where(~Run.is_example))
            fill_runs(session, more, steps=5, live=more // 2 - 1, waiting=more // 5)
        page = page_of(name)
        page.run()  # what is cached until something changes
        with counted_queries() as queries:
            page.run()
        assert not page.exception
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_agreement_with_oneself_is_one_query_for_any_number_of_repeats(workbench: Path) -> None:
    fill(6)
    with writing() as session:
        for name in ("Ana", "Bia"):
            rater = get_rater(session, name).id
            for item in range(1, 7):
                first = {"completion_id": item, "rater_id": rater}
                session.add(Rating(**first, score=3))
                session.add(RatingEvent(**first, action="repeat", score=3 + item % 2))
        session.flush()
        session.add(RatingEvent(completion_id=1, rater_id=rater, action="unrepeat"))
    with reading() as session, counted_queries() as queries:
        found = self_agreement(session).set_index("rater")
    assert len([q for q in queries if "SELECT" in q]) == 1
    assert found["repeats"].to_dict() == {"Ana": 6, "Bia": 5}
    assert found["apart"].to_dict() == {"Ana": 0.5, "Bia": 0.4}


def test_of_many_ratings_raters_are_compared_on_a_sample_with_all_that_the_audit_reads(
    workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(12)
    with writing() as session:
        for name in ("Ana", "Bia"):
            rater = get_rater(session, name).id
            session.add_all(Rating(completion_id=item, rater_id=rater, score=3) for item in range(1, 13))
    monkeypatch.setattr(completions, "MOST_WITH_RATERS", 5)
    with reading() as session:
        sample, read = completions.all_ratings(session), completions.human_scores(session, 3)
        assert len(completions.all_ratings(session, [1, 2])) == 4
    assert len(sample) == 2 * sample["completion_id"].nunique() == 10
    assert set(read["completion_id"]) < set(sample["completion_id"])


def test_the_tables_of_all_ratings_are_gone_through_once_for_any_number_of_raters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng, gone_through = np.random.default_rng(0), []
    select = pd.DataFrame.__getitem__
    monkeypatch.setattr(
        pd.DataFrame, "__getitem__", lambda self, key: (gone_through.append(len(self)), select(self, key))[1]
    )
    counts = []
    for several in (4, 40):
        rows = [(item, f"p{item}", f"r{r}", rng.integers(1, 6), 5.0) for item in range(30) for r in range(several)]
        gone_through.clear()
        check_raters(pd.DataFrame(rows, columns=["completion_id", "prompt_id", "rater", "score", "seconds"]))
        counts.append(sum(size == len(rows) for size in gone_through))
    assert counts[0] == counts[1]


def test_equal_means_of_others_stay_equal() -> None:
    """Means of tenths that come out of a sum by subtraction differ in their last digit; they are ties all the same."""
    rows = [(item, f"p{item}", rater, score, None) for item in range(20)
            for rater, score in (("a", 1 + item % 5), ("b", 3.1), ("c", 3.3 + item % 2 * 0.7))]  # fmt: skip
    (a, *_) = check_raters(
        pd.DataFrame(rows, columns=["completion_id", "prompt_id", "rater", "score", "seconds"]).astype(
            {"seconds": float}
        )
    )
    plain = pd.DataFrame({"a": [1 + i % 5 for i in range(20)], "others": [i % 2 for i in range(20)]}).corr("spearman")
    assert a.agreement.rho == pytest.approx(plain.loc["a", "others"])
