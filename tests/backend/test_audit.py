"""backend.audit: rho, its interval and p against scipy; the gate's words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from backend.audit.correlation import Correlation, correlate, ranks_under, spread
from backend.audit.gate import decide, outlook
from backend.audit.severity import adjusted_correlation
from backend.audit.table import audit_table, disagreements
from backend.charts.audit import correlation_chart, heat_map, scatter_chart


def test_rho_is_scipys_with_ties() -> None:
    rng = np.random.default_rng(0)
    human = rng.integers(1, 6, 40).astype(float)
    rewards = np.column_stack([human + rng.normal(0, 1, 40), rng.integers(0, 3, 40)])
    for j, c in enumerate(correlate(human, rewards, range(40))):
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
        (c,) = correlate(rows["human"], rows[["metric"]], range(len(rows)))
        found[which] = c.rho
        assert c.low is not None and c.rho is not None and c.low < c.rho < c.high
    assert found == {which: pytest.approx(rho, abs=5e-7) for which, rho in UNIEVAL.items()}


def test_ranks_under_weights_are_scipys_of_as_many_copies() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 4, 12).astype(float)
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=50)
    ours = ranks_under(values, counts.astype(float))
    for b in range(50):
        drawn = np.repeat(np.arange(12), counts[b])
        ranks = stats.rankdata(values[drawn]) - 6.5
        for item, rank in zip(drawn, ranks, strict=True):
            assert ours[b, item] == pytest.approx(rank)


def test_the_jackknife_of_a_mean_is_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(6).normal(1, 2, 25)
    found = spread([values.mean(), *((values.sum() - values) / 24)])
    assert found.error == pytest.approx(stats.sem(values))
    low, high = stats.t.interval(0.95, 24, values.mean(), stats.sem(values))
    assert found.high - found.low == pytest.approx(
        high - low, rel=0.1
    )  # the quantile's degrees of freedom are estimated


def test_p_is_near_scipys_and_agrees_with_the_interval() -> None:
    rng = np.random.default_rng(2)
    human = rng.integers(1, 6, 30).astype(float)
    for noise in (2.0, 3.0, 5.0, 8.0):
        reward = human + rng.normal(0, noise, 30)
        (c,) = correlate(human, reward[:, None], range(30))
        assert c.p == pytest.approx(stats.spearmanr(human, reward).pvalue, abs=0.06)
        assert (c.p < 0.05) == (not c.low <= 0 <= c.high)


def test_a_constant_reward_has_no_rho_and_fails_the_gate() -> None:
    (c,) = correlate(np.arange(40.0), np.full((40, 1), 0.5), range(40))
    assert c.rho is None and c.constant
    assert decide(c).verdict == "fail"


def test_fewer_than_three_items_have_no_rho() -> None:
    (c,) = correlate([1.0, 5.0], [[0.1], [0.9]], ["a", "b"])
    assert (c.n, c.rho) == (2, None)


def test_bad_shapes_and_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="need"):
        correlate(np.arange(3.0), np.arange(3.0), range(3))
    with pytest.raises(ValueError, match="finite"):
        correlate(np.arange(3.0), [[1.0], [np.nan], [2.0]], range(3))


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
    gate = decide(Correlation(n, rho, low, high, 0.01, prompts=n, error=0.2))
    assert gate.verdict == verdict
    assert all(gate.reason)


def test_few_prompts_decide_nothing_however_many_completions() -> None:
    human = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 18)
    (c,) = correlate(human, human[:, None], np.repeat(np.arange(9), 10))
    assert (c.rho, c.low, c.p) == (pytest.approx(1.0), None, None)
    gate = decide(c)
    assert gate.verdict == "more ratings needed" and "90 rated completions of 9 prompts" in gate.reason.en


WIDE = Correlation(60, 0.75, 0.6, 0.85, 0.0, prompts=30, error=0.13)


@pytest.mark.parametrize(
    ("within", "verdict", "says"),
    [
        (Correlation(12, 0.5, 0.2, 0.8, 0.01, prompts=12, error=0.1), "pass", ""),
        (Correlation(12, 0.1, -0.2, 0.4, 0.5, prompts=12, error=0.1), "more ratings needed", "not shown yet"),
        (Correlation(12, -0.5, -0.8, -0.2, 0.01, prompts=12, error=0.1), "fail", "against people"),
        (Correlation(4, 0.9, None, None, None, prompts=12), "more ratings needed", "the same score in all but 4 of 12"),
        (Correlation(9, 0.1, -0.2, 0.4, 0.5, prompts=9), "pass", "not known (9 prompts"),
    ],
)
def test_a_pass_needs_the_ranking_inside_prompts_where_there_are_ten_to_see_it(
    within: Correlation, verdict: str, says: str
) -> None:
    gate = decide(WIDE, within=within)
    assert gate.verdict == verdict and says in gate.reason.en


def test_what_more_ratings_bring_is_a_probability_and_never_a_promise() -> None:
    c = Correlation(30, 0.62, 0.28, 0.82, 0.001, prompts=30, error=0.19)
    ahead = outlook(c)
    assert ahead is not None and 0.8 <= ahead.passes + ahead.fails <= 1 and ahead.passes > ahead.fails
    assert "decide with probability" in decide(c).reason.en
    low = Correlation(60, 0.45, 0.2, 0.64, 0.001, prompts=60, error=0.135)
    assert "if its true ρ is 0.45, no number of ratings passes it" in decide(low).reason.en
    assert "se o ρ verdadeiro é 0,45, nenhum número de avaliações a aprova" in decide(low).reason.pt


@pytest.mark.parametrize("true", [0.45, 0.6, 0.75])
def test_the_outlook_is_what_happens(true: float) -> None:
    """From a flat prior on Fisher's scale: among audits that see the same estimate, the stated share decides."""
    rng = np.random.default_rng(7)
    n, error = 40, 0.17
    c = Correlation(n, true, 0, 0.9, 0.0, prompts=n, error=error)
    ahead = outlook(c)
    assert ahead is not None
    truth = rng.normal(np.arctanh(true), error, 20_000)
    new = rng.normal(truth, error * np.sqrt(n / ahead.more))
    z = (n * np.arctanh(true) + ahead.more * new) / (n + ahead.more)
    half = 1.96 * error * np.sqrt(n / (n + ahead.more))
    passes = (np.tanh(z) >= 0.6) & (np.tanh(z - half) > 0.3)
    assert ahead.passes == pytest.approx(passes.mean(), abs=0.02)
    assert ahead.fails == pytest.approx((np.tanh(z + half) < 0.6).mean(), abs=0.02)


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
    assert str(table.set_index("reward").loc["length", "reason"]) == "constant"
    assert table.set_index("reward").loc["total", "verdict"] == "more ratings needed"


def test_the_largest_disagreement_is_the_one_made() -> None:
    worst = disagreements(rated_frame(), "push")
    assert worst.iloc[0]["completion_id"] == 0
    assert worst.iloc[0]["gap"] > 0


def test_no_point_of_the_scatter_hides_another_and_the_chosen_one_is_marked() -> None:
    totals = pd.DataFrame(
        {"completion_id": range(12), "human": [1.0] * 8 + [2.0] * 4, "value": [0.4] * 8 + [0.1, 0.4, 0.4, 0.9]}
    )
    frame = scatter_chart(totals, chosen=5).data
    assert not frame[["x", "value"]].duplicated().any() and (frame["x"] - frame["human"]).abs().max() < 0.5
    assert frame.loc[frame["chosen"], "completion_id"].tolist() == [5]


def test_the_heat_map_has_a_cell_with_rho_and_n_for_every_reward() -> None:
    table = audit_table(rated_frame())
    cells = heat_map(table, "pt").to_dict()["datasets"].values()
    words = [row["words"] for rows in cells for row in rows]
    assert len(words) == len(table) and all(word.endswith(f"({n})") for word, n in zip(words, table["n"], strict=True))


@pytest.mark.parametrize(
    ("best", "verdict"), [(5, "more ratings needed"), (9, "more ratings needed"), (10, "pass"), (15, "pass")]
)
def test_a_perfect_ranking_rests_on_the_answers_that_differ(best: int, verdict: str) -> None:
    """Of sixty answers most have one score and one reward: it is the others that a ranking is seen by."""
    human, reward = np.repeat([1.0, 3.0], [60 - best, best]), np.repeat([0.5, 1.0], [60 - best, best])
    (c,) = correlate(human, reward[:, None], np.arange(60))
    assert c.rho == pytest.approx(1.0) and c.low is not None and c.low < 0.9
    assert decide(c).verdict == verdict
    (even,) = correlate(np.arange(60.0), np.arange(60.0)[:, None], np.arange(60))
    assert even.low is not None and even.low > 0.97, "with no ties all of them differ"


@pytest.mark.parametrize(("n", "good"), [(60, 10), (60, 30), (100, 50), (300, 20)])
def test_one_wrong_answer_costs_a_ranking_little(n: int, good: int) -> None:
    """Without that answer the ranking is perfect, which is infinitely far on Fisher's scale."""
    human = np.repeat([1.0, 0.0], [good, n - good])
    one_wrong = human.copy()
    one_wrong[-1] = 1.0
    (perfect,) = correlate(human, human[:, None], np.arange(n))
    (c,) = correlate(human, one_wrong[:, None], np.arange(n))
    assert perfect.low is not None and c.low is not None and 0.6 < c.low <= perfect.low
    assert decide(c).verdict == "pass"
    (against,) = correlate(human, -one_wrong[:, None], np.arange(n))
    assert (against.low, against.high) == (-c.high, -c.low)


def test_severity_makes_no_more_of_few_good_answers_than_there_is() -> None:
    """Two raters alike, three good answers of sixty: nothing can be told, with their severity adjusted too."""
    human = np.repeat([1.0, 3.0], [57, 3])
    ratings = pd.DataFrame(
        {"completion_id": list(range(60)) * 2, "rater": ["a"] * 60 + ["b"] * 60, "score": [*human, *human]}
    )
    rewards = pd.DataFrame({"value": human, "prompt_id": range(60), "weight": 1.0})
    found = adjusted_correlation(ratings, rewards)
    assert found is not None and found.low is None and found.rare


@pytest.mark.parametrize(("low", "least"), [(0.2, -0.5), (-0.71, -1.0)])
def test_the_chart_of_the_gate_has_room_for_every_interval(low: float, least: float) -> None:
    frame = pd.DataFrame(
        {"task": ["push"], "n": 60, "rho": 0.4, "low": low, "high": 0.8, "verdict": "fail", "least_rho": 0.6}
    )
    chart = correlation_chart(frame).to_dict()
    domains = [
        layer["encoding"]["x"]["scale"]["domain"] for layer in chart["layer"] if "scale" in layer["encoding"]["x"]
    ]
    assert domains == [[least, 1]]
