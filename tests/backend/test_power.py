"""What a comparison could have seen: the stated power is the power of what compare does."""

import numpy as np
import pandas as pd
import pytest

from backend.evaluation.compare import compare
from backend.evaluation.power import detectable, detectable_from_spread, prompts_needed
from benchmarks.coverage.comparison import verdicts


@pytest.mark.slow
@pytest.mark.parametrize("tasks", [1, 4])
def test_a_change_that_could_have_been_seen_is_found_with_about_80_percent_power(tasks: int) -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(60):
        table = [rng.normal(0, 0.2, 20) for _ in range(tasks)]
        centred = np.concatenate([d - d.mean() for d in table])
        change = detectable(table[0], tasks, centred.min(), centred.max())
        for _ in range(4):
            again = [np.round(rng.normal(change * (i == 0), 0.2, 20), 9) for i in range(tasks)]
            found.append(verdicts(again)[0] == "improved")
    assert 0.70 < np.mean(found) < 0.88


def test_more_tasks_and_a_stray_prompt_elsewhere_hide_more() -> None:
    d = np.random.default_rng(0).normal(0, 0.1, 30)
    assert detectable(d) < detectable(d, tasks=4) < detectable(d, tasks=4, fall=-0.9, rise=0.9)


def test_the_comparison_shows_it() -> None:
    d = np.random.default_rng(1).normal(0, 0.1, (2, 20))
    table = compare(pd.DataFrame({"task": np.repeat(["a", "b"], 20), "base": 0.5, "tuned": 0.5 + d.ravel()}))
    centred = d - d.mean(axis=1, keepdims=True)
    assert table[0].detectable == pytest.approx(detectable(d[0], 2, centred.min(), centred.max()), rel=1e-6)


def test_too_few_prompts_for_so_many_tasks_see_nothing() -> None:
    assert np.isnan(detectable(np.array([0.1, -0.1, 0.2, 0.3, 0.0])))
    seven = np.linspace(-0.3, 0.3, 7)
    assert np.isnan(detectable(seven, tasks=4)) and detectable(seven) > 0


def test_planned_power_is_that_of_normal_differences() -> None:
    measured = [detectable(np.random.default_rng(seed).normal(0, 0.2, 40)) for seed in range(20)]
    assert detectable_from_spread(0.2, 40) == pytest.approx(np.mean(measured), rel=0.08)
    assert detectable_from_spread(0.4, 40, tasks=3) == pytest.approx(2 * detectable_from_spread(0.2, 40, tasks=3))


def test_prompts_needed_are_the_fewest_that_see_the_change() -> None:
    n = prompts_needed(0.2, 0.1, tasks=4)
    assert detectable_from_spread(0.2, n, tasks=4) <= 0.1 < detectable_from_spread(0.2, n - 1, tasks=4)
    assert prompts_needed(0.2, 0.02) > 8 * prompts_needed(0.2, 0.06)
    with pytest.raises(ValueError, match="above 0"):
        prompts_needed(0.2, 0.0)
