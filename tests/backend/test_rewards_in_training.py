"""The rewards as the trainer sees them: one function per component, weights, and the per-task metrics."""

import math

import pytest

from backend.training.reward_functions import component_weights, components_of, reward_functions
from rewards import DEFAULT_PROFILE, TASKS, score

NAN = math.nan


def test_there_are_sixteen_components() -> None:
    assert len(components_of(TASKS, DEFAULT_PROFILE)) == 16


def test_a_component_abstains_where_its_task_is_not_asked() -> None:
    components = components_of(("extraction", "push"), DEFAULT_PROFILE)
    functions = reward_functions(components, "v4.2.1")
    completions = [
        [{"role": "assistant", "content": text}] for text in ('{"sentiment": "positivo"}', "Frete grátis! Corra")
    ]
    columns = {
        f.__name__: f(completions=completions, task=["extraction", "push"], user_text=["", ""], prompts=[])
        for f in functions
    }
    assert columns["extraction/json_validity"] == [0.30, None]
    assert columns["push/length"] == [None, 0.50]
    pushed = [values[1] for values in columns.values() if values[1] is not None]
    assert sum(pushed) == pytest.approx(score("push", "Frete grátis! Corra").total)


def test_values_are_quantised_to_a_hundredth() -> None:
    (function,) = reward_functions(
        [c for c in components_of(("extraction",), DEFAULT_PROFILE) if c.name == "value_validity"], "v4.2.1"
    )
    (value,) = function(completions=['{"sentiment": "positivo"}'], task=["extraction"], user_text=[""])
    assert value == 0.04  # 0.40 / 9 = 0.0444…


def test_weights_keep_the_components_proportions_and_give_each_task_unit_variance() -> None:
    components = components_of(TASKS, DEFAULT_PROFILE)
    weights = component_weights(components)
    by_name = {(c.task, c.name): w for c, w in zip(components, weights, strict=True)}
    assert by_name["insights", "action_words"] / by_name["insights", "domain"] == pytest.approx(4)
    assert by_name["push", "formal_penalty"] > 0
    for task in TASKS:
        assert sum(w**2 for (t, _), w in by_name.items() if t == task) == pytest.approx(1)


@pytest.mark.slow
def test_equal_variance_holds_for_simulated_groups() -> None:
    import torch

    components = components_of(TASKS, DEFAULT_PROFILE)
    weights = torch.tensor(component_weights(components))
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(20_000, len(components), generator=generator)
    for task in TASKS:
        mine = torch.tensor([c.task == task for c in components])
        assert (z[:, mine] @ weights[mine]).std().item() == pytest.approx(1, abs=0.03)


@pytest.mark.slow
def test_task_metrics_by_hand() -> None:
    """Two groups of two: the first (a) has no spread, the second (b) has."""
    import torch

    from backend.training.trainer import task_metrics

    per_component = torch.tensor([[0.3, 0.2, NAN], [0.3, 0.2, NAN], [NAN, NAN, 0.4], [NAN, NAN, 0.8]])
    found = task_metrics(per_component, {"a": [0, 1], "b": [2], "c": []}, 2, dict.fromkeys("abc", (0.0, 1.0)))
    assert found["task_reward/a"] == pytest.approx(0.5)
    assert found["task_reward/b"] == pytest.approx(0.6)
    assert found["zero_variance/a"] == 1.0
    assert found["zero_variance/b"] == 0.0
    assert found["zero_variance/mean"] == 0.5
    assert found["task_reward/mean"] == pytest.approx(0.55)


@pytest.mark.slow
def test_opposite_moves_of_two_components_are_a_signal_even_where_the_sum_is_the_same() -> None:
    import torch

    from backend.training.trainer import task_metrics

    per_component = torch.tensor([[0.3, 0.1], [0.1, 0.3]])
    assert task_metrics(per_component, {"a": [0, 1]}, 2, {"a": (0.0, 1.0)})["zero_variance/a"] == 0.0
