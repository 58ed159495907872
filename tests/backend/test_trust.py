"""Agreement, the views of a ρ, profiles, stored gates and regression cases."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from backend.audit.agreement import agreed, agreement, alphas, ordinal_alpha, pairwise_kappa
from backend.audit.correlation import correlate, rho_difference, spearman, within_prompt
from backend.audit.gate import decide
from backend.audit.gates import decide_gates, standing_gates
from backend.audit.regressions import keep_case, read_cases, violation
from backend.audit.robustness import (
    is_held_out,
    leave_one_out,
    lifted,
    profile_differences,
    views,
)
from backend.audit.table import length_note
from backend.errors import UserError
from backend.rating.ratings import save_rating
from backend.settings import get_settings
from backend.store.completions import human_scores, rated_scores
from backend.store.engine import reading, writing
from backend.store.ratings import get_rater
from backend.store.tables import GateDecision

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section E: four observers, twelve units.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
        [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
    ]
)


def as_ratings(matrix: np.ndarray) -> pd.DataFrame:
    rows = [
        (unit, f"p{unit}", f"r{observer}", int(matrix[observer, unit]))
        for observer in range(matrix.shape[0])
        for unit in range(matrix.shape[1])
        if not np.isnan(matrix[observer, unit])
    ]
    return pd.DataFrame(rows, columns=["completion_id", "prompt_id", "rater", "score"])


def test_alpha_is_krippendorffs_published_ordinal_value() -> None:
    assert ordinal_alpha(KRIPPENDORFF) == pytest.approx(0.815, abs=5e-4)
    found = agreement(as_ratings(KRIPPENDORFF))
    assert found.completions == 11  # the last but one unit has two values, the last only one
    assert found.alpha == pytest.approx(0.815, abs=5e-4)
    assert found.low < found.alpha <= found.high
    assert 0.7 < found.ceiling <= 1


def test_alphas_under_weights_are_the_packages() -> None:
    """The sum over coincidences, held against krippendorff.alpha on as many copies of the completions."""
    rng = np.random.default_rng(1)
    matrix = rng.integers(1, 6, (3, 40)).astype(float)
    matrix[2, ::3] = np.nan
    drawn = rng.multinomial(40, np.full(40, 1 / 40), size=10)
    ours = alphas(matrix, drawn.astype(float))
    for i in range(10):
        assert ours[i] == pytest.approx(ordinal_alpha(np.repeat(matrix, drawn[i], axis=1)))
    assert np.isnan(alphas(np.full((2, 5), 3.0), np.ones((1, 5)))).all()


def test_spearmans_published_example() -> None:
    """IQ against hours of television (the worked example of the rho article): rho = -29/165."""
    iq = np.array([106, 100, 86, 101, 99, 103, 97, 113, 112, 110.0])
    hours = np.array([7, 27, 2, 50, 28, 29, 20, 12, 6, 17.0])
    (c,) = correlate(iq, hours[:, None], range(10))
    assert c.rho == pytest.approx(-29 / 165)


def test_kappa_is_one_when_alike_and_undefined_without_variety() -> None:
    alike = as_ratings(np.array([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]], float))
    assert pairwise_kappa(alike)["kappa"].tolist() == [pytest.approx(1.0)]
    flat = as_ratings(np.array([[3, 3, 3], [3, 3, 3]], float))
    assert np.isnan(pairwise_kappa(flat)["kappa"].iloc[0])
    assert agreement(flat).alpha is None


def test_agreed_is_about_completions_of_two_raters() -> None:
    ratings = as_ratings(np.array([[1, 2, 5], [2, 4, np.nan]]))
    assert agreed(ratings).to_dict() == {0: True, 1: False}


def test_many_prompts_are_left_out_in_groups() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=1500)
    y = 0.5 * x + rng.normal(size=1500)
    (large,) = correlate(x, y[:, None], range(1500))
    assert large.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    (small,) = correlate(x[:190], y[:190, None], range(190))
    assert (large.high - large.low) == pytest.approx((small.high - small.low) * np.sqrt(190 / 1500), rel=0.25)
    assert large.p < 1e-10


def test_within_prompt_sees_what_pooling_hides() -> None:
    """Easy prompts score high on both sides, while inside every prompt the reward ranks backwards."""
    prompts = [f"p{i // 2}" for i in range(40)]
    ease = np.repeat(np.arange(20.0), 2)
    human = ease + np.tile([0.0, 0.4], 20)
    reward = ease + np.tile([0.4, 0.0], 20)
    (pooled,) = correlate(human, reward[:, None], prompts)
    inside = within_prompt(human, reward, prompts)
    assert pooled.rho > 0.9 and inside.rho == pytest.approx(-1.0) and inside.n == 20
    gate = decide(pooled, within=inside)
    assert gate.verdict == "fail" and "inside prompts" in gate.reason.en
    assert decide(pooled).verdict == "pass"


def test_prompts_that_people_score_alike_say_nothing() -> None:
    human, reward = np.array([3, 3, 1, 5, 2, 4, 1, 2.0]), np.array([0.1, 0.9, 0.2, 0.2, 0.1, 0.9, 0.5, 0.6])
    found = within_prompt(human, reward, ["a", "a", "b", "b", "c", "c", "d", "d"])
    assert found.n == 3 and found.rho == pytest.approx((0 + 1 + 1) / 3)


def test_a_weighted_rho_is_the_rho_of_as_many_copies() -> None:
    rng = np.random.default_rng(2)
    human, weights = rng.integers(1, 6, 30).astype(float), rng.integers(1, 5, 30)
    reward = human + rng.normal(0, 1, 30)
    copies = stats.spearmanr(np.repeat(human, weights), np.repeat(reward, weights)).statistic
    assert spearman(human, reward, weights) == pytest.approx(copies)


def test_what_people_dislike_and_the_reward_likes_is_named_by_what_lifted_it() -> None:
    rows = rated()
    assert lifted(rows).empty
    spam = rows["completion_id"].isin([3, 4]) & rows["component"].isin(["noise", "total"])
    rows.loc[spam, "value"] = 0.9
    rows.loc[rows["completion_id"].isin([3, 4]), "human"] = 1.0
    (found,) = lifted(rows).to_dict("records")
    assert (found["component"], found["completions"], found["human"]) == ("noise", 2, 1.0)


def test_rho_difference_is_paired() -> None:
    rng = np.random.default_rng(5)
    human = rng.integers(1, 6, 60).astype(float)
    good = human + rng.normal(0, 0.5, 60)
    bad = rng.normal(size=60)
    d = rho_difference(human, bad, good, range(60))
    assert d.delta == pytest.approx(stats.spearmanr(human, good).statistic - stats.spearmanr(human, bad).statistic)
    assert 0 < d.low < d.delta < d.high
    same = rho_difference(human, good, good, range(60))
    assert same.delta == same.low == same.high == 0


def rated(n: int = 40) -> pd.DataFrame:
    """One task's rows: ``good`` follows people, ``noise`` does not, ``length`` is the completion's."""
    rng = np.random.default_rng(1)
    rows = []
    for i in range(n):
        human = float(rng.integers(1, 6))
        good, noise = human / 10, float(rng.uniform(0, 0.4))
        for name, value in (("good", good), ("noise", noise), ("total", good + noise)):
            rows.append((i, f"p{i // 2}", "push", name, value, human, 2, int(human * 10), 1.0 + i % 3))
    return pd.DataFrame(
        rows,
        columns=["completion_id", "prompt_id", "task", "component", "value", "human", "raters", "length", "weight"],
    )


def test_leave_one_out_names_the_component_that_harms() -> None:
    frame = leave_one_out(rated())
    assert frame["component"].tolist() == ["noise", "good"]
    assert frame["adds"].iloc[0] < 0 < frame["adds"].iloc[1]
    assert frame.set_index("component").loc["good", "rho"] == pytest.approx(1.0)


def test_the_views_split_stably_and_name_a_reward_no_better_than_length() -> None:
    totals = rated().query("component == 'total'")
    seen = views(totals, pd.Series({i: i % 2 == 0 for i in range(20)}))
    n = {v.name: v.n for v in seen}
    assert n["visible half"] + n["held-out half"] == n["pooled"] == 40
    assert n["raters agree"] == n["raters differ"] == 10
    assert is_held_out("p1") == is_held_out("p1")
    assert {v.name: v.rho for v in seen}["length alone"] == pytest.approx(1.0)  # here length is the human score itself


def test_profiles_on_the_same_ratings() -> None:
    before = rated()
    after = before.assign(value=before["value"].where(before["component"] != "total", before["human"] / 5))
    frame = profile_differences(before, after)
    row = frame.iloc[0]
    assert row["after"] == pytest.approx(1.0) and row["delta"] == pytest.approx(1 - row["before"]) and row["low"] > 0


def test_a_gate_is_stored_and_goes_stale_with_the_ratings_and_the_rules(
    example_workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading() as session:
        first = standing_gates(session, "v4.2.1")
        assert set(first) == {"extraction", "sql_qa", "insights", "push"}
        assert "stale" not in {g.verdict for g in first.values()}
        decision = session.query(GateDecision).filter_by(task="push").one()
        assert decision.numbers["total"]["n"] >= 20 and decision.settings["least_rho"] == 0.6
        people = human_scores(session)
        assert standing_gates(session, "v4.3") == {}
    item = int(people[people["task"] == "push"]["completion_id"].iloc[0])
    with writing() as session:
        save_rating(session, item, get_rater(session, "Ana").id, score=1, imported=True)
    with reading() as session:
        now = standing_gates(session, "v4.2.1")
    assert now["push"].verdict == "stale" and "ratings have been given" in now["push"].reason.en
    assert now["insights"] == first["insights"]
    with writing() as session:
        decide_gates(session, "v4.2.1", "Ana")
    monkeypatch.setattr("backend.audit.gates.fingerprint", lambda task, profile: "another")
    with reading() as session:
        assert {g.verdict for g in standing_gates(session, "v4.2.1").values()} == {"stale"}


def test_the_mean_counts_however_far_raters_are_apart(example_workbench: Path) -> None:
    """A median of three would throw away the one who saw what the others missed, and the tie that the mean breaks."""
    with reading() as session:
        people = human_scores(session).set_index("completion_id")
    item = int(people.index[0])
    before, raters = people.loc[item, ["human", "raters"]]
    scores = [1, 1] if before >= 3 else [5, 5]
    with writing() as session:
        for name, score in zip(("Bia", "Caio"), scores, strict=True):
            save_rating(session, item, get_rater(session, name).id, score=score, imported=True)
    with reading() as session:
        mean = (before * raters + sum(scores)) / (raters + 2)
        assert human_scores(session).set_index("completion_id").loc[item, "human"] == pytest.approx(mean)
        assert {"length", "human"} <= set(rated_scores(session, "v4.2.1"))


def test_a_gate_decided_before_each_task_had_a_fingerprint_holds_while_the_rules_are_the_same(
    example_workbench: Path,
) -> None:
    with writing() as session:
        session.query(GateDecision).update({"fingerprint": "ddb3648b8ddf"})  # v4.2.1's, of all four tasks together
    with reading() as session:
        assert "stale" not in {g.verdict for g in standing_gates(session, "v4.2.1").values()}
    with writing() as session:
        session.query(GateDecision).update({"fingerprint": "af1ef441c8c9"})  # v4.3's
    with reading() as session:
        assert {g.verdict for g in standing_gates(session, "v4.2.1").values()} == {"stale"}


@pytest.mark.slow
def test_a_regression_case_fails_while_the_reward_contradicts_people(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WORKBENCH_REGRESSIONS", str(tmp_path / "regressions.jsonl"))
    get_settings.cache_clear()
    good = "🎁 Só hoje: frete grátis em beleza! Aproveite já."
    assert keep_case("push", "Crie um push", good, 1.0, "spam")  # people disliked what the reward loves
    assert not keep_case("push", "Crie um push", good, 1.0)
    assert keep_case("push", "Crie um push", "x" * 500, 1.5)
    with pytest.raises(UserError, match="only a completion"):
        keep_case("push", "Crie um push", "meh", 3.0)
    cases = read_cases()
    assert [violation(c) is None for c in cases] == [False, True]
    assert "it must be at most 0.5" in str(violation(cases[0]))
    done = _pytest(tmp_path / "regressions.jsonl")
    assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout
    (tmp_path / "regressions.jsonl").write_text(json.dumps(cases[1]) + "\n")
    assert _pytest(tmp_path / "regressions.jsonl").returncode == 0
    get_settings.cache_clear()


def _pytest(cases: Path):
    import os
    import subprocess
    import sys

    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--no-header", "tests/rewards/test_regressions.py"],
        env={**os.environ, "WORKBENCH_REGRESSIONS": str(cases), "PYTEST_ADDOPTS": "-o addopts="},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_a_reward_no_better_than_length_is_told_which_length_people_prefer() -> None:
    rng = np.random.default_rng(5)
    human = rng.normal(size=40)
    (weak,) = correlate(human, human[:, None] + rng.normal(0, 2, (40, 1)), np.arange(40))
    assert weak.rho is not None and 0.1 < weak.rho < 0.9
    (shorter,), (longer,) = length_note(weak, -0.9), length_note(weak, 0.9)
    assert str(shorter) == "it ranks no better than length alone, the shortest first (ρ = 0.90)"
    assert "the longest first (ρ = 0.90)" in longer.en
    assert length_note(weak, -0.05) == []
