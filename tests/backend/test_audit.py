"""backend.audit: rho, its interval and p against scipy; the gate's words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from backend.audit.correlation import Correlation, correlate, ratings_needed, resampled_ranks
from backend.audit.gate import decide
from backend.audit.table import audit_table, disagreements


def test_rho_is_scipys_with_ties() -> None:
    rng = np.random.default_rng(0)
    human = rng.integers(1, 6, 40).astype(float)
    rewards = np.column_stack([human + rng.normal(0, 1, 40), rng.integers(0, 3, 40)])
    for j, c in enumerate(correlate(human, rewards)):
        assert c.rho == pytest.approx(stats.spearmanr(human, rewards[:, j]).statistic)
        assert c.low < c.rho < c.high


UNIEVAL = {  # Spearman's ρ as published with the data (reproduce/README.md there; paper: Tables 2 and 3)
    ("Topical-Chat", "naturalness"): 0.513986,
    ("Topical-Chat", "coherence"): 0.612942,
    ("Topical-Chat", "engagingness"): 0.604739,
    ("Topical-Chat", "groundedness"): 0.574954,
    ("Topical-Chat", "understandability"): 0.467807,
    ("Topical-Chat", "overall"): 0.662583,
    ("QAGS-CNN", "consistency"): 0.662255,
    ("QAGS-XSum", "consistency"): 0.48792,
}


def test_a_published_table_of_a_metric_against_people_comes_out_again() -> None:
    table = pd.read_csv(Path(__file__).parent.parent / "published" / "unieval.csv")
    found = {}
    for which, rows in table.groupby(["benchmark", "dimension"]):
        (c,) = correlate(rows["human"].to_numpy(), rows[["metric"]].to_numpy())
        found[which] = c.rho
        assert c.low is not None and c.rho is not None and c.low < c.rho < c.high
    assert found == {which: pytest.approx(rho, abs=5e-7) for which, rho in UNIEVAL.items()}


def test_ranks_inside_a_resample_are_scipys() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 4, 12).astype(float)
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=50)
    ours = resampled_ranks(values, counts.astype(float))
    for b in range(50):
        drawn = np.repeat(np.arange(12), counts[b])
        ranks = stats.rankdata(values[drawn])
        for item, rank in zip(drawn, ranks, strict=True):
            assert ours[b, item] == pytest.approx(rank)


def test_permutation_p_is_near_scipys() -> None:
    rng = np.random.default_rng(2)
    human = rng.integers(1, 6, 30).astype(float)
    reward = human + rng.normal(0, 3, 30)
    (c,) = correlate(human, reward[:, None])
    assert c.p == pytest.approx(stats.spearmanr(human, reward).pvalue, abs=0.02)


@pytest.mark.slow
def test_interval_covers_the_true_rho() -> None:
    """500 simulated audits of the gate's smallest size; the interval is to hold the true ρ in 93 to 97 % of them."""
    rng = np.random.default_rng(4)
    true = 6 / np.pi * np.arcsin(0.7 / 2)  # Spearman's ρ of a bivariate normal with correlation 0.7
    covered = 0
    for _ in range(500):
        x = rng.normal(size=30)
        y = 0.7 * x + np.sqrt(1 - 0.49) * rng.normal(size=30)
        (c,) = correlate(x, y[:, None])
        covered += c.low <= true <= c.high
    assert 0.93 <= covered / 500 <= 0.97


def test_a_constant_reward_has_no_rho_and_fails_the_gate() -> None:
    (c,) = correlate(np.arange(40.0), np.full((40, 1), 0.5))
    assert c.rho is None and c.constant
    assert decide(c).verdict == "fail"


def test_fewer_than_three_items_have_no_rho() -> None:
    (c,) = correlate(np.array([1.0, 5.0]), np.array([[0.1], [0.9]]))
    assert (c.n, c.rho) == (2, None)


def test_bad_shapes_and_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="need"):
        correlate(np.arange(3.0), np.arange(3.0))
    with pytest.raises(ValueError, match="finite"):
        correlate(np.arange(3.0), np.array([[1.0], [np.nan], [2.0]]))


@pytest.mark.parametrize(
    ("n", "rho", "low", "high", "verdict"),
    [
        (30, 0.70, 0.45, 0.85, "pass"),
        (30, 0.60, 0.31, 0.80, "pass"),
        (30, 0.70, 0.30, 0.90, "more ratings needed"),
        (29, 0.90, 0.80, 0.95, "more ratings needed"),
        (30, 0.30, 0.05, 0.59, "fail"),
        (30, 0.30, 0.05, 0.60, "more ratings needed"),
    ],
)
def test_the_gate(n: int, rho: float, low: float, high: float, verdict: str) -> None:
    gate = decide(Correlation(n, rho, low, high, 0.01))
    assert gate.verdict == verdict
    assert gate.reason


def test_ratings_needed_grows_as_rho_nears_the_threshold() -> None:
    assert ratings_needed(0.35) > ratings_needed(0.5) > ratings_needed(0.8)
    assert ratings_needed(0.30) is None


def rated_frame() -> pd.DataFrame:
    rows = []
    for i in range(12):
        human, total = 1 + i % 5, (i % 5) / 4 if i else 1.0
        for component, value in (("total", total), ("length", 0.5), ("json", total / 2)):
            rows.append((i, "p", "push", component, value, float(human)))
    return pd.DataFrame(rows, columns=["completion_id", "prompt_id", "task", "component", "value", "human"])


def test_the_table_puts_the_total_first_and_names_constants() -> None:
    table = audit_table(rated_frame())
    assert table["reward"].iloc[0] == "total"
    assert table.set_index("reward").loc["length", "reason"] == "constant"
    assert table.set_index("reward").loc["total", "verdict"] == "more ratings needed"


def test_the_largest_disagreement_is_the_one_made() -> None:
    worst = disagreements(rated_frame(), "push")
    assert worst.iloc[0]["completion_id"] == 0
    assert worst.iloc[0]["gap"] > 0
