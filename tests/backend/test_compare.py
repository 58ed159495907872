"""backend.evaluation.compare against hand-computed cases and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from backend.evaluation.compare import (
    bootstrap_mean_interval,
    compare,
    detectable_difference,
    holm,
    rank_biserial,
    verdict_of,
    wilcoxon,
)
from backend.evaluation.words import summary_sentence
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
    assert verdict_of(20, float(d.mean()), two, better, worse) == "possibly worse"


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


def test_detectable_difference_is_found_with_about_80_percent_power() -> None:
    rng = np.random.default_rng(3)
    shift = detectable_difference(rng.normal(0, 0.2, 4000)) * np.sqrt(4000 / 20)
    found = np.mean([wilcoxon(rng.normal(shift, 0.2, 20))[2] < 0.05 for _ in range(400)])
    assert 0.72 < found < 0.88


@pytest.mark.slow
def test_without_an_effect_at_most_five_percent_of_the_tables_name_one() -> None:
    """2,000 tables of four tasks, half of them with the ties and zeros of real rewards: Holm holds over the family."""
    rng = np.random.default_rng(11)
    wrong = 0
    for table in range(2000):
        ds = [rng.normal(0, 0.2, 16) for _ in range(4)]
        if table % 2:
            ds = [np.round(d * 5) / 5 for d in ds]
        tests = [wilcoxon(np.round(d, 9)) for d in ds]
        corrected = holm([two for _, _, two in tests])
        verdicts = [
            verdict_of(int((d != 0).sum()), float(d.mean()), p, better, worse)
            for d, p, (better, worse, _) in zip(ds, corrected, tests, strict=True)
        ]
        wrong += any(v in ("improved", "regressed") for v in verdicts)
    assert wrong / 2000 <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("n", [15, 20, 65])
def test_the_interval_of_a_mean_difference_covers_it(n: int) -> None:
    """2,000 samples of differences with a true mean of 0.1: 93 to 97 % of the intervals hold it."""
    rng = np.random.default_rng(n)
    intervals = [bootstrap_mean_interval(rng.normal(0.1, 0.2, n)) for _ in range(2000)]
    assert 0.93 <= np.mean([low <= 0.1 <= high for low, high in intervals]) <= 0.97


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
