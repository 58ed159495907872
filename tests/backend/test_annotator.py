"""A judge beside people: kappa, the alternative annotator test and the prediction-powered mean against known answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select
from statsmodels.stats.inter_rater import cohens_kappa

from backend.audit.annotator import alternative_test, beside_people, kappa, most_wrong, powered_mean
from backend.rating.first import put_first
from backend.rating.imported import ImportedScore, import_scores
from backend.rating.queue import claim_next
from backend.store.engine import writing
from backend.store.ratings import get_rater
from backend.store.tables import QueueItem, Stratum
from benchmarks.workbenches import fill


def people(n: int, raters: int, noise: float, seed: int = 5) -> tuple[pd.DataFrame, np.ndarray]:
    """(every rater's score of n completions, two to a prompt; their quality on the scale of 1 to 5)."""
    chance = np.random.default_rng(seed)
    quality = chance.uniform(1, 5, n)
    rows = [
        {"completion_id": i, "prompt_id": f"p{i // 2}", "rater": f"r{r}",
         "score": float(np.clip(round(quality[i] + noise * chance.normal()), 1, 5))}
        for i in range(n) for r in range(raters)
    ]  # fmt: skip
    return pd.DataFrame(rows), quality


def with_judge(scores: pd.DataFrame, judge: np.ndarray) -> pd.DataFrame:
    return scores.assign(judge=judge[scores["completion_id"]])


def test_kappa_is_statsmodels() -> None:
    chance = np.random.default_rng(2)
    a = chance.integers(1, 6, 200)
    b = np.clip(a + chance.integers(-1, 3, 200), 1, 5)
    table = pd.crosstab(pd.Series(a), pd.Series(b)).reindex(index=range(1, 6), columns=range(1, 6), fill_value=0)
    expected = cohens_kappa(table.to_numpy(), wt="quadratic", return_results=False)
    found = kappa(a, b, [i // 2 for i in range(200)])
    assert found.kappa == pytest.approx(expected)
    assert found.low is not None and found.high is not None and found.low < expected < found.high
    assert kappa([3, 3], [3, 3], [1, 2]).kappa is None


def test_a_judge_as_good_as_a_rater_passes_and_one_by_chance_does_not() -> None:
    scores, quality = people(200, 3, 0.6)
    chance = np.random.default_rng(9)
    good = alternative_test(with_judge(scores, quality))
    assert good.passes is True and good.share == 1.0
    assert all(r.n == 200 and r.judge > 0.5 and r.p < 0.05 for r in good.raters)
    bad = alternative_test(with_judge(scores, chance.uniform(1, 5, 200)))
    assert bad.passes is False and bad.share == 0.0
    strict = alternative_test(with_judge(scores, np.clip(quality - 2, 1, 5)))
    assert strict.passes is False, "it ranks well and is not a rater whom one could put in for another"


def test_the_share_is_counted_as_the_paper_counts_it() -> None:
    """Two completions by hand: the judge is closer to the others on one, and exactly as close on the other."""
    rows = [("x", "a", 1, 2), ("x", "b", 3, 2), ("x", "c", 3, 2), ("y", "a", 4, 4), ("y", "b", 4, 4), ("y", "c", 4, 4)]
    scores = pd.DataFrame(
        [
            {"completion_id": f"{c}{i}", "prompt_id": f"{c}{i}", "rater": r, "score": float(s), "judge": float(j)}
            for i in range(20)
            for c, r, s, j in rows
        ]
    )
    found = {r.rater: r for r in alternative_test(scores).raters}
    assert found["a"].judge == 1.0  # x: 1 against 2 away; y: a tie
    assert found["b"].judge == 1.0  # x: mean of 1 and 1 (judge) against 4 and 0 (b)
    assert found["a"].n == 40


def test_too_few_raters_or_completions_tell_nothing() -> None:
    scores, quality = people(80, 2, 0.6)
    found = alternative_test(with_judge(scores, quality))
    assert found.passes is None and "there are 2" in found.why.en and "há 2" in found.why.pt
    few, quality = people(20, 4, 0.6)
    assert alternative_test(with_judge(few, quality)).passes is None


def test_the_powered_mean_covers_the_truth_and_is_shorter_than_people_alone() -> None:
    covered, shorter = 0, 0
    for seed in range(40):
        chance = np.random.default_rng(seed)
        human = np.clip(chance.normal(3, 1, 400), 1, 5)
        value = np.clip(
            (human - 1) / 4 * 0.5 + 0.4 + 0.05 * chance.normal(size=400), 0, 1
        )  # far too kind, but it ranks
        seen = np.where(np.arange(400) < 60, human, np.nan)
        found = powered_mean(pd.DataFrame({"prompt_id": range(400), "value": value, "human": seen, "weight": 1.0}))
        assert found is not None and (found.rated, found.others) == (60, 340)
        covered += found.low <= 3.0 <= found.high
        shorter += found.high - found.low < 0.7 * (found.alone_high - found.alone_low)
    assert covered >= 35 and shorter >= 35


def test_a_judge_that_does_not_pass_gives_no_mean() -> None:
    scores, _ = people(80, 3, 0.6)
    human = scores.groupby("completion_id")["score"].mean()
    judged = pd.DataFrame(
        {"completion_id": range(200), "prompt_id": [f"p{i // 2}" for i in range(200)], "weight": 1.0,
         "value": np.random.default_rng(0).uniform(0, 1, 200), "human": human.reindex(range(200))}
    )  # fmt: skip
    found = beside_people(judged, scores)
    assert found.alternative.passes is False and found.powered is None
    assert found.people_kappa.kappa is not None and found.people_kappa.kappa > 0.6
    assert found.kappa.low is not None and found.kappa.low < 0.2
    worst = most_wrong(judged, 5)
    gaps = (1 + 4 * judged["value"] - judged["human"]).abs()
    assert list(gaps.nlargest(5).index) == list(worst)


def test_what_a_judge_gets_most_wrong_is_the_next_that_a_rater_sees(workbench: Path) -> None:
    fill(30)
    with writing() as session:
        ids = list(session.scalars(select(QueueItem.completion_id).order_by(QueueItem.completion_id)))
        import_scores(session, [ImportedScore(i, name, 4) for i in ids for name in "ab"])
        ana = get_rater(session, "Ana").id
        assert claim_next(session, ana) is None
        assert put_first(session, [ids[7]]) == 1
        assert claim_next(session, ana) == ids[7]
        item = session.get_one(QueueItem, ids[7])
        assert (item.wanted, session.get_one(Stratum, item.stratum).open) == (3, 1)
        import_scores(session, [ImportedScore(ids[8], "c", 4)])
        assert put_first(session, [ids[8]]) == 0, "three people have scored it"
