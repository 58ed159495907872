"""backend.evaluation.compare against hand-computed cases and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from backend.evaluation.compare import (
    MOST_GAIN,
    MOST_LOSE,
    ComparisonSettings,
    TaskComparison,
    compare,
    keeps_sign,
    verdict_of,
)
from backend.evaluation.paired import holm, intervals, mean_interval, mean_p, mean_test, rank_biserial, wilcoxon
from backend.evaluation.power import unseen
from backend.evaluation.words import balanced_words, not_worse_words, odds_words, summary_sentence
from benchmarks.coverage.comparison import SHAPES, false_verdicts, verdicts
from tests.seed_table import REPORT, seed_table


def paired(task_differences: dict[str, list[float]], base: float = 0.5) -> pd.DataFrame:
    rows = [(task, base, base + d) for task, ds in task_differences.items() for d in ds]
    return pd.DataFrame(rows, columns=["task", "base", "tuned"])


def test_six_gains_of_different_size_have_the_exact_p_of_one_in_64() -> None:
    better, worse, two = wilcoxon(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    assert better == pytest.approx(1 / 64)
    assert worse == pytest.approx(1.0)
    assert two == pytest.approx(2 / 64)


def test_exact_p_is_scipys() -> None:
    d = np.random.default_rng(1).normal(0.1, 0.3, 20)
    better, worse, two = wilcoxon(d)
    assert better == pytest.approx(stats.wilcoxon(d, alternative="greater", method="exact").pvalue)
    assert worse == pytest.approx(stats.wilcoxon(d, alternative="less", method="exact").pvalue)
    assert two == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)


def test_ties_and_zeros_go_to_the_permutation_test_and_agree_with_the_full_enumeration() -> None:
    d = np.array([0.1, 0.1, 0.2, 0.2, 0.0, 0.0, -0.1, 0.3, 0.3, 0.4])
    nonzero = d[d != 0]
    ranks = stats.rankdata(np.abs(nonzero))
    sums = [ranks[np.array([(i >> k) & 1 for k in range(len(ranks))]) == 1].sum() for i in range(2 ** len(ranks))]
    exact = np.mean(np.array(sums) >= ranks[nonzero > 0].sum() - 1e-9)
    assert wilcoxon(d)[0] == pytest.approx(exact, abs=0.01)


def test_one_sided_096_for_better_is_evidence_for_worse() -> None:
    """The seeds call this "random noise" (final report §8, lesson 10)."""
    rng = np.random.default_rng(0)
    for _ in range(500):
        d = rng.normal(-0.09, 0.22, 20)
        better, worse, two = wilcoxon(d)
        if 0.955 < better < 0.965:
            break
    assert worse == pytest.approx(1 - better, abs=0.01)
    assert verdict_of(20, better, worse, two, follows=False, alpha=0.05, mean=-0.09) == "possibly worse"


def test_no_change_at_all() -> None:
    (task, overall) = compare(paired({"push": [0.0] * 15}))
    assert (task.p_two_sided, task.effect, task.ties, task.verdict) == (1.0, 0.0, 15, "not enough data")
    assert overall.task == "overall"
    assert "not enough data (0 of 15 prompts changed)" in str(summary_sentence([task, overall]))


def test_five_pairs_are_not_enough() -> None:
    assert compare(paired({"push": [0.1, 0.2, 0.3, 0.4, 0.5]}))[0].verdict == "not enough data"


def test_verdicts_are_corrected_over_the_tasks() -> None:
    gain = list(np.linspace(0.05, 0.4, 15))
    noise = [0.1, -0.1] * 7 + [0.05]
    result = {c.task: c for c in compare(paired({"a": gain, "b": noise, "c": noise, "d": [-g for g in gain]}))}
    assert result["a"].verdict == "improved"
    assert result["d"].verdict == "regressed"
    assert result["b"].verdict == "no detectable change"
    assert result["a"].p_holm == pytest.approx(min(1, 4 * result["a"].p_two_sided))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_holm_is_statsmodels() -> None:
    p = np.random.default_rng(0).uniform(0, 0.3, 9).tolist()
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_rank_biserial_by_hand() -> None:
    assert rank_biserial(np.array([1.0, 2.0, 3.0, -4.0])) == pytest.approx((6 - 4) / 10)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        compare(paired({"push": [0.1, bad, 0.2]}))


def test_nothing_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="share no prompt"):
        compare(pd.DataFrame(columns=["task", "base", "tuned"]))


def test_a_verdict_goes_where_its_test_goes_not_where_the_mean_goes() -> None:
    """Most prompts gain a little and few lose much: the ranks say better, the mean says nothing for sure."""
    few_lose = [0.02 + 0.001 * i for i in range(18)] + [-0.35, -0.4]
    table = {c.task: c for c in compare(paired({"a": few_lose, "b": [-d for d in few_lose]}))}
    assert table["a"].delta < 0 and table["a"].p_holm < 0.05 and table["a"].p_better < table["a"].p_worse
    assert (table["a"].verdict, table["b"].verdict) == (MOST_GAIN, MOST_LOSE)
    assert table["a"].p_mean_holm > 0.3
    words = summary_sentence(list(table.values()))
    assert f"{MOST_GAIN}; the mean moved by −0.01" in words.en
    assert "a maioria ganha, poucos podem perder muito; a média mudou −0,01" in words.pt


def test_a_gain_must_outweigh_the_losses_that_the_prompts_can_have_missed() -> None:
    """Fifteen small gains beside a task in which a prompt lost 0.8: fifteen prompts can miss five of that kind."""
    small, large = list(np.linspace(0.04, 0.06, 15)), list(np.linspace(0.4, 0.6, 15))
    calm, wild = [0.01, -0.01] * 7 + [0.005], [0.1] * 14 + [-0.8]
    assert compare(paired({"a": small, "b": calm}))[0].verdict == "improved"
    assert compare(paired({"a": small, "b": wild}))[0].verdict == MOST_GAIN
    assert compare(paired({"a": large, "b": wild}))[0].verdict == "improved"
    assert compare(paired({"a": [-d for d in small], "b": [-d for d in wild]}))[0].verdict == MOST_LOSE


def test_a_mean_keeps_its_sign_against_as_many_prompts_as_can_be_missed() -> None:
    d = np.full(15, 0.1)
    more = unseen(4)
    assert more == pytest.approx(np.log(160)) and (1 - more / 1000) ** 1000 < 0.05 / 8
    just = 0.1 * (15 + more) / more
    assert keeps_sign(d, (-0.99 * just, 9.0), 4) and not keeps_sign(d, (-1.01 * just, 9.0), 4)
    assert keeps_sign(-d, (-9.0, 0.99 * just), 4) and not keeps_sign(-d, (-9.0, 1.01 * just), 4)


@pytest.mark.parametrize("shape", ["normal", "gamma 1", "rare losses"])
def test_the_p_of_a_mean_is_where_its_interval_touches_0(shape: str) -> None:
    d = SHAPES[shape](np.random.default_rng(4), (20,)) + 0.05
    better, worse = mean_p([d])
    assert better > 0.5 or mean_interval([d], level=1 - 2 * better)[0] == pytest.approx(0, abs=1e-9)
    assert worse > 0.5 or mean_interval([d], level=1 - 2 * worse)[1] == pytest.approx(0, abs=1e-9)
    table = compare(paired({"a": d.tolist()}, base=0.0))[0]
    assert table.p_both == pytest.approx(
        max(table.p_two_sided, 2 * better if table.p_better < table.p_worse else 2 * worse)
    )


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["laplace", "zeros", "gamma 0.5", "rare losses"])
def test_without_an_effect_few_tables_name_one(shape: str) -> None:
    """A slice of docs/coverage.md: 150 tables of four tasks with 20 prompts; at most 5 % of the tables, and chance."""
    assert false_verdicts([shape] * 4, 20, tables=150)[0] <= 0.06


def test_the_simulation_judges_as_compare_does() -> None:
    rng = np.random.default_rng(5)
    for shape in SHAPES:
        strata = [np.round(SHAPES[shape](rng, (20,)) + shift, 9) for shift in (0.0, 0.2)]
        table = compare(paired({str(i): d.tolist() for i, d in enumerate(strata)}, base=0.0))
        assert verdicts(strata) == [c.verdict for c in table]


@pytest.mark.parametrize("n", [15, 20, 65])
@pytest.mark.parametrize("shape", ["normal", "tied", "zeros", "gamma 1", "gamma 0.5"])
def test_the_interval_of_a_mean_difference_covers_it(shape: str, n: int) -> None:
    """2,000 samples of differences: 93 to 98 % of the intervals hold their mean, skewed or not."""
    low, high = intervals(SHAPES[shape](np.random.default_rng(n), (2000, n)))
    assert 0.93 <= np.mean((low <= 0) & (high >= 0)) <= 0.98


def test_the_interval_is_students_t_where_nothing_is_skewed_and_reaches_further_on_a_long_tails_side() -> None:
    even = np.array([-0.3, -0.1, 0.1, 0.3, 0.5])
    expected = stats.t.interval(0.95, 4, even.mean(), stats.sem(even))
    assert mean_interval([even]) == pytest.approx(expected)
    tail = np.array([0.0, 0.0, 0.01, 0.02, 0.5])
    low, high = stats.t.interval(0.95, 4, tail.mean(), stats.sem(tail))
    assert mean_interval([tail])[0] == pytest.approx(low) and mean_interval([tail])[1] > high + 0.1


def test_the_interval_of_many_samples_is_that_of_each() -> None:
    d = np.random.default_rng(2).gamma(1, 1, (4, 12))
    low, high = intervals(d)
    for i, sample in enumerate(d):
        assert mean_interval([sample]) == pytest.approx((low[i], high[i]))


@pytest.mark.parametrize("d", [[0.1] * 15, [0.0] * 15, [0.2], [0.1, 0.3], [0.1, 0.1], [0.0] * 14 + [1.0]])
def test_degenerate_differences_are_compared(d: list[float]) -> None:
    for c in compare(paired({"a": d, "b": [0.1, -0.1, 0.2]})):
        assert not c.low > c.delta + 1e-9 and not c.high < c.delta - 1e-9
        assert c.non_inferior == (c.low > -0.05)


def test_one_prompt_has_no_interval() -> None:
    c = compare(paired({"a": [0.2]}))[0]
    assert np.isnan([c.low, c.high, c.detectable]).all() and not c.non_inferior
    *_, overall = compare(paired({"a": [0.2], "b": [0.1, 0.2, 0.3]}))
    assert overall.low < overall.delta < overall.high and np.isnan(overall.balanced[1])


def test_the_mean_is_tested_by_flips_of_the_signs() -> None:
    d = np.array([0.3, -0.1, 0.2, 0.25, 0.0, 0.15, -0.05, 0.4])
    nonzero = d[d != 0]
    sums = np.array([[1 - 2 * (i >> k & 1) for k in range(len(nonzero))] for i in range(2 ** len(nonzero))]) @ np.abs(
        nonzero
    )
    exact = np.mean(np.abs(sums) >= abs(d.sum()) - 1e-9)
    assert mean_test(d) == pytest.approx(exact, abs=0.01)
    table = compare(paired({"a": d.tolist(), "b": [0.01, -0.02, 0.03] * 4}, base=0.0))
    assert table[0].p_mean == pytest.approx(exact, abs=0.01)
    assert table[0].p_mean_holm == holm([table[0].p_mean, table[1].p_mean])[0]


def test_overall_is_stratified_and_stands_beside_the_mean_in_which_each_task_counts_the_same() -> None:
    """Two tasks that differ in their means, not within: the mix is fixed, so the difference is no uncertainty."""
    d = {"a": [0.40, 0.42, 0.44], "b": [0.0, 0.02] * 6}
    *_, overall = compare(paired(d))
    assert overall.task == "overall" and overall.delta == pytest.approx((3 * 0.42 + 12 * 0.01) / 15)
    assert overall.high - overall.low < 0.02
    delta, low, high = overall.balanced
    assert delta == pytest.approx((0.42 + 0.01) / 2) and low < delta < high
    assert compare(paired(d))[0].balanced is None
    assert "Each task counting the same: +0.2" in balanced_words(compare(paired(d))).en
    assert balanced_words(compare(paired({"a": d["a"]}))) is None


def test_settings_fix_alpha_and_the_margin() -> None:
    slight = paired({"a": [-0.02, -0.01, 0.0, 0.01] * 5, "b": [0.02, 0.03, 0.05] * 5})
    assert [c.non_inferior for c in compare(slight)] == [True, True, True]
    strict = ComparisonSettings(margin=0.005)
    assert [c.non_inferior for c in compare(slight, strict)] == [False, True, True]
    assert "by 0.01 or more" in not_worse_words(compare(slight, strict), ComparisonSettings(margin=0.01)).en
    gain = paired({"a": list(np.linspace(-0.05, 0.3, 15))})
    assert compare(gain)[0].verdict == "improved"
    assert compare(gain, ComparisonSettings(alpha=0.0001))[0].verdict == "no detectable change"
    assert ComparisonSettings.model_validate("alpha=0.01,margin=0.02") == ComparisonSettings(alpha=0.01, margin=0.02)


def test_a_possibly_is_said_with_its_odds() -> None:
    assert "34 of 100" in odds_words(4).en and "10 em cada 100" in odds_words(1).pt
    doubtful = compare(seed_table())
    assert odds_words(4).en in summary_sentence(doubtful).en
    assert "chance" not in summary_sentence([c for c in doubtful if c.verdict == "improved"]).en


def test_a_comparison_that_was_kept_before_there_were_newer_fields_is_read() -> None:
    kept = compare(paired({"a": [0.1, 0.2, 0.3]}))[0].as_dict()
    newer = ("p_mean", "p_mean_holm", "p_both", "non_inferior", "balanced")
    old = TaskComparison(**{name: value for name, value in kept.items() if name not in newer})
    assert old.delta == pytest.approx(0.2) and np.isnan(old.p_mean)


def test_the_seeds_final_table_is_read_where_its_report_misreads_it() -> None:
    """Same means as the report (§4); its "random noise" on SQL (one-sided p = 0.96) is weak evidence of a fall."""
    result = {c.task: c for c in compare(seed_table())}
    for task, (n, base, tuned, p) in REPORT.items():
        c = result[task]
        assert (c.n, round(c.base, 3), round(c.tuned, 3)) == (n, base, tuned)
        assert c.p_better == pytest.approx(p, abs=0.01)
    assert result["extraction"].verdict == result["insights"].verdict == "improved"
    assert result["sql_qa"].verdict == "possibly worse" and result["sql_qa"].p_worse == pytest.approx(0.04, abs=0.011)
    assert result["push"].verdict == "no detectable change"
    assert result["overall"].delta == pytest.approx(0.075, abs=0.01) and result["overall"].verdict == "improved"
    words = summary_sentence(compare(seed_table()))
    assert "SQL Q&A possibly worse, by 0.08 (from 0.52 to 0.44)" in words.en
    assert "SQL Q&A talvez pior, em 0,08 (de 0,52 para 0,44)" in words.pt


@pytest.mark.slow
def test_the_order_of_prompts_and_the_side_called_base_change_no_verdict() -> None:
    rng = np.random.default_rng(17)
    for n in (6, 8, 11, 15, 40):
        for _ in range(20):
            d = np.round(rng.normal(0.05, 0.1, n), 2)
            one, mirrored = table([d.tolist()]), table([(-d).tolist()])
            shuffled = table([rng.permutation(d).tolist()])
            assert (one.p_better, one.p_worse, one.p_mean, one.verdict) == (
                shuffled.p_better, shuffled.p_worse, shuffled.p_mean, shuffled.verdict,
            )  # fmt: skip
            assert one.p_better == pytest.approx(mirrored.p_worse) and one.p_mean == pytest.approx(mirrored.p_mean)
            exact = stats.permutation_test(
                (d[d != 0],), lambda x: stats.rankdata(np.abs(x)) @ (x > 0), permutation_type="samples",
                alternative="greater", n_resamples=20_000,
            ).pvalue if np.count_nonzero(d) <= 11 else None  # fmt: skip
            assert exact is None or one.p_better == pytest.approx(exact)


def table(differences: list[list[float]]):
    """The first task's row of a table of these differences."""
    rows = [(f"t{i}", 0.5, 0.5 + d) for i, of in enumerate(differences) for d in of]
    return compare(pd.DataFrame(rows, columns=["task", "base", "tuned"]))[0]


def test_no_p_is_smaller_than_the_patterns_allow() -> None:
    assert table([[0.1] * 6]).p_two_sided == pytest.approx(2 / 64) and table([[0.1] * 6]).p_mean == pytest.approx(
        2 / 64
    )
    assert table([[0.1]]).p_mean == 1.0 and table([[0, 0.1, 0.2]]).p_mean == pytest.approx(0.5)


def test_possibly_better_is_not_said_of_a_mean_that_fell() -> None:
    d = [*np.round(np.linspace(0.034, 0.046, 61), 4), *np.round(np.linspace(-0.01, -0.6, 19), 4)]
    found = table([d])
    assert found.p_better < 0.05 and found.delta < 0 and found.verdict == "most gain, few may lose much"


def test_many_prompts_are_quick_and_near_the_exact_test() -> None:
    rng = np.random.default_rng(2)
    d = rng.normal(0.02, 0.2, 290)
    near = stats.wilcoxon(d, alternative="greater", method="asymptotic").pvalue
    assert wilcoxon(d)[0] == pytest.approx(near, rel=0.02)
    assert 0 < wilcoxon(rng.normal(0, 1, 5_000))[2] <= 1


def test_tasks_named_by_numbers_stay_together_and_none_is_refused() -> None:
    rows = pd.DataFrame({"task": [1] * 8 + ["1"] * 8, "base": 0.5, "tuned": 0.6})
    assert [c.n for c in compare(rows)] == [16, 16]
    with pytest.raises(ValueError, match="names no task"):
        compare(rows.assign(task=[None] * 16))


def test_a_task_of_one_prompt_does_not_silence_the_whole() -> None:
    rows = [("a", 0.5, 0.6 + 0.001 * i) for i in range(20)] + [("b", 0.5, 0.6)]
    assert compare(pd.DataFrame(rows, columns=["task", "base", "tuned"]))[-1].verdict == "improved"
