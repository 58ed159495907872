"""IWU against a hand-computed update, and the behaviour the paper promises."""

from math import exp

import pytest

from backend.training.task_weights import TaskWeights


def test_one_update_by_hand() -> None:
    weights = TaskWeights(("a", "b"), lam=0.2, beta=1.0)
    assert weights.weights() == {"a": 0.5, "b": 0.5}
    weights.update({"a": 0.8, "b": 0.2})  # first sight: I = 0, s = 0.2 J
    # s = (0.16, 0.04), mean 0.10, g = 0.5 * (0.06, -0.06), ξ = (-0.03, 0.03)
    assert weights.xi == pytest.approx({"a": -0.03, "b": 0.03})
    z = weights.update({"a": 0.9, "b": 0.2})
    # J = (0.85, 0.2), I = (0.05, 0), s = (0.22, 0.04); z before = sigmoid(∓0.06)
    za = 1 / (1 + exp(0.06))
    mean = za * 0.22 + (1 - za) * 0.04
    xi_a, xi_b = -0.03 - za * (0.22 - mean), 0.03 - (1 - za) * (0.04 - mean)
    assert weights.xi == pytest.approx({"a": xi_a, "b": xi_b})
    assert z["a"] == pytest.approx(exp(xi_a) / (exp(xi_a) + exp(xi_b)))


def test_the_stagnating_task_gains_weight() -> None:
    weights = TaskWeights(("learns", "stagnates"))
    for step in range(200):
        weights.update({"learns": min(0.9, 0.3 + 0.004 * step), "stagnates": 0.3})
    z = weights.weights()
    assert z["stagnates"] > 0.6
    assert sum(z.values()) == pytest.approx(1)


def test_a_low_task_gains_weight_even_when_nothing_moves() -> None:
    weights = TaskWeights(("high", "low"))
    for _ in range(50):
        weights.update({"high": 0.9, "low": 0.2})
    assert weights.weights()["low"] > 0.6


def test_equal_tasks_keep_equal_weights() -> None:
    weights = TaskWeights(("a", "b", "c"))
    for step in range(20):
        weights.update(dict.fromkeys("abc", 0.02 * step))
    assert weights.weights() == pytest.approx(dict.fromkeys("abc", 1 / 3))


def test_a_task_that_is_not_in_the_batch_keeps_its_level() -> None:
    weights = TaskWeights(("a", "b"))
    weights.update({"a": 0.5})
    assert weights.weights() == {"a": 0.5, "b": 0.5}  # b was never seen: nothing to compare
    weights.update({"b": 0.1})
    assert weights.level == {"a": 0.5, "b": 0.1}


def test_one_lucky_batch_counts_no_more_than_the_clip() -> None:
    lucky, luckier = (TaskWeights(("a", "b"), lam=0.0) for _ in range(2))
    for weights, jump in ((lucky, 0.6), (luckier, 1.0)):
        weights.update({"a": 0.2, "b": 0.2})
        weights.update({"a": jump, "b": 0.2})
    assert lucky.xi == luckier.xi


def test_a_checkpoint_brings_the_weights_back() -> None:
    weights = TaskWeights(("a", "b"))
    weights.update({"a": 0.8, "b": 0.2})
    again = TaskWeights.from_state(("a", "b"), weights.state())
    assert again.update({"a": 0.7}) == weights.update({"a": 0.7})
    with pytest.raises(ValueError, match="weighs tasks"):
        TaskWeights.from_state(("a", "c"), weights.state())
