"""Several seeds: intervals for other seeds and other prompts, and how much of the variance is the seed's."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from backend.evaluation.seeds import MeanSquares, compare_seeds
from benchmarks.coverage.comparison import seeds_coverage


def frames(d: np.ndarray, task_of: np.ndarray) -> dict[int, pd.DataFrame]:
    prompts = [f"p{i:03}" for i in range(d.shape[1])]
    return {
        seed: pd.DataFrame({"prompt_id": prompts, "task": task_of, "base": 0.4, "tuned": 0.4 + row})
        for seed, row in enumerate(d)
    }


def drawn(seed: int, seeds: int, prompts: int, between: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, between, (seeds, 1)) + rng.normal(0.1, 0.15, prompts) + rng.normal(0, 0.05, (seeds, prompts))


def test_the_mean_squares_are_those_of_an_analysis_of_variance() -> None:
    d = drawn(0, 3, 12, 0.05)
    long = pd.DataFrame({"d": d.ravel(), "seed": np.repeat(range(3), 12), "prompt": np.tile(range(12), 3)})
    table = anova_lm(ols("d ~ C(seed) + C(prompt)", long).fit())["mean_sq"]
    found = MeanSquares.of(d, np.zeros(12))
    assert (found.between_seeds, found.between_prompts, found.error) == pytest.approx(tuple(table))


@pytest.mark.parametrize(("seeds", "between"), [(2, 0.0), (2, 0.1), (3, 0.05), (5, 0.05)])
@pytest.mark.parametrize("prompts", [(15,), (20, 15, 15, 15)])
def test_the_interval_covers_the_mean_over_other_seeds_and_prompts(
    seeds: int, between: float, prompts: tuple[int, ...]
) -> None:
    """A slice of docs/coverage.md; with two seeds it is wider than it need be."""
    assert 0.93 <= seeds_coverage(seeds, between, prompts, samples=800) <= (0.975 if seeds == 5 else 0.99)


def test_two_seeds_that_agree_by_chance_do_not_make_it_short() -> None:
    alone = MeanSquares.of(drawn(1, 2, 65, 0.0), np.zeros(65)).half_interval()
    apart = MeanSquares.of(drawn(1, 2, 65, 0.1), np.zeros(65)).half_interval()
    assert alone >= 1.96 * 0.15 / np.sqrt(65) * 0.8 and apart > 5 * alone


def test_the_seeds_share_is_unbiased_and_nothing_where_only_prompts_differ() -> None:
    shares = [MeanSquares.of(drawn(i, 5, 65, 0.1), np.zeros(65)).seed_share() for i in range(300)]
    assert np.mean(shares) == pytest.approx(0.1**2 / (0.1**2 + 0.15**2 + 0.05**2), abs=0.03)
    same = np.tile(drawn(0, 1, 20, 0.0), (3, 1))
    assert MeanSquares.of(same, np.zeros(20)).seed_share() == 0.0
    assert MeanSquares.of(np.zeros((3, 20)), np.zeros(20)).seed_share() is None
    assert MeanSquares.of(np.array([[0.1], [0.2]]), np.zeros(1)).seed_share() is None


def test_tasks_that_differ_do_not_widen_the_overall_interval() -> None:
    task_of = np.repeat(["a", "b"], 20)
    d = drawn(3, 3, 40, 0.02)
    apart = d + np.where(task_of == "a", 0.5, 0.0)
    near, far = (compare_seeds(frames(x, task_of))["tasks"][-1] for x in (d, apart))
    assert far["high"] - far["low"] == pytest.approx(near["high"] - near["low"])
    assert far["delta"] == pytest.approx(near["delta"] + 0.25)


def test_the_table_has_no_probability_and_one_prompt_no_interval() -> None:
    found = compare_seeds(frames(drawn(0, 3, 3, 0.05), np.array(["a", "a", "b"])))
    a, b, overall = found["tasks"]
    assert a.keys() == {"task", "deltas", "delta", "low", "high", "seed_share"}
    assert a["low"] < a["delta"] < a["high"] and np.isnan(b["low"]) and overall["low"] < overall["high"]
