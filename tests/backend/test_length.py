"""The gain at equal length."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS, add_constant

from backend.evaluation.length import at_equal_length
from backend.evaluation.words import length_words


def paired(d: np.ndarray, longer: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {"task": "push", "base": 0.4, "tuned": 0.4 + d, "base_length": 100.0, "tuned_length": 100.0 + longer}
    )


def test_a_gain_that_length_bought_is_gone_at_equal_length() -> None:
    rng = np.random.default_rng(0)
    longer = rng.normal(80, 60, 40)
    found = at_equal_length(paired(0.002 * longer + rng.normal(0, 0.05, 40), longer))[0]
    assert found.low < 0 < found.high and abs(found.delta) < 0.05
    assert found.longer == pytest.approx(longer.mean()) and not found.outside


def test_it_is_the_intercept_with_robust_errors() -> None:
    rng = np.random.default_rng(1)
    longer, d = rng.normal(0, 50, 25), rng.normal(0.1, 0.1, 25)
    fit = OLS(d, add_constant(longer)).fit(cov_type="HC3", use_t=True)
    found = at_equal_length(paired(d, longer))[0]
    assert found.delta == pytest.approx(fit.params[0])
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))


def test_where_it_cannot_be_told_it_is_not() -> None:
    d = np.linspace(0, 0.3, 8)
    assert np.isnan(at_equal_length(paired(d, np.full(8, 5.0)))[0].delta)
    assert np.isnan(at_equal_length(paired(d[:5], np.arange(5.0)))[0].delta)
    assert at_equal_length(paired(d, np.zeros(8)))[0].delta == pytest.approx(d.mean())
    assert length_words(paired(d, np.full(8, 5.0))) == []


def test_in_words_with_a_warning_where_no_answer_kept_its_length() -> None:
    d, longer = np.linspace(0.1, 0.3, 9), np.linspace(20, 60, 9)
    assert at_equal_length(paired(d, longer))[0].outside
    (words,) = length_words(paired(d, longer))
    assert "at equal length the gain is +0.00" in words.en and "extrapolated" in words.en
    assert "com o mesmo tamanho o ganho é +0,00" in words.pt
