"""Would people agree? Coverage and width by simulation, and the store's part of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from backend.evaluation.people import (
    people_estimate,
    prediction_powered,
    prompts_to_rate,
    queue_pairs,
    would_people_agree,
)
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.rating.ratings import save_rating
from backend.store.engine import reading, writing
from backend.store.evaluations import evaluation_texts
from backend.store.ratings import get_rater
from backend.store.tables import QueueItem
from tests.recorded import RUN_ID, load_recorded


def sample(rng: np.random.Generator, n: int, prompts: int, agreement: float) -> pd.DataFrame:
    """Prompts whose reward differs by ``reward`` and whose human score by 0.5 on average; n of them are rated."""
    reward = rng.normal(0.1, 0.2, prompts)
    human = 0.5 + agreement * (reward - 0.1) / 0.2 + rng.normal(0, np.sqrt(1 - agreement**2), prompts)
    human[rng.permutation(prompts)[n:]] = np.nan
    return pd.DataFrame({"task": "push", "reward": reward, "human": human})


@pytest.mark.slow
@pytest.mark.parametrize(("n", "prompts", "agreement"), [(20, 65, 0.0), (20, 200, 0.8), (40, 400, 0.6), (30, 65, 0.9)])
def test_the_interval_covers_the_human_difference(n: int, prompts: int, agreement: float) -> None:
    rng = np.random.default_rng(prompts + n)
    covered = []
    for _ in range(2000):
        e = people_estimate("push", sample(rng, n, prompts, agreement))
        covered.append(e.low <= 0.5 <= e.high)
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.slow
def test_it_is_never_wider_than_the_ratings_alone_and_narrower_with_a_good_reward() -> None:
    rng = np.random.default_rng(0)
    ratios = {a: [] for a in (0.0, 0.9)}
    for agreement, found in ratios.items():
        for _ in range(300):
            e = people_estimate("push", sample(rng, 30, 300, agreement))
            found.append((e.high - e.low) / (e.alone_high - e.alone_low))
    assert max(ratios[0.0]) <= 1.05
    assert np.mean(ratios[0.9]) < 0.65


def test_by_hand() -> None:
    human, reward, rest = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.5, 0.5, 0.7, 0.7])
    found = prediction_powered(human, reward, rest)
    weight = 0.125 / (2 * np.var([*reward, *rest], ddof=1))  # their covariance; n/m is 1
    assert found.weight == pytest.approx(weight)
    assert found.value == pytest.approx(2.5 + weight * (0.6 - 0.25))
    assert found.half_interval() > 0
    few = pd.DataFrame({"task": "push", "reward": [0.1] * 9, "human": [1.0] * 4 + [np.nan] * 5})
    assert people_estimate("push", few).delta is None


@pytest.mark.slow
def test_the_estimate_is_that_of_ppi_py() -> None:
    """The same point and, with its normal quantiles and denominators, the same interval. Its weight is cut at 1, so the
    human scores are in units in which it is not."""
    ppi_py = pytest.importorskip("ppi_py")
    frame = sample(np.random.default_rng(7), 30, 90, 0.7)
    rated = frame["human"].notna()
    human = frame.loc[rated, "human"].to_numpy() / 10
    reward, rest = frame.loc[rated, "reward"].to_numpy(), frame.loc[~rated, "reward"].to_numpy()
    found = prediction_powered(human, reward, rest)
    assert 0 < found.weight < 1
    assert found.value == pytest.approx(float(ppi_py.ppi_mean_pointestimate(human, reward, rest)[0]), abs=1e-9)
    low, high = (float(end[0]) for end in ppi_py.ppi_mean_ci(human, reward, rest, alpha=0.05))
    (of_errors, freedom), (of_rewards, of_rest) = found.variances
    n, m = len(human), len(rest)
    half = stats.norm.ppf(0.975) * np.sqrt(of_errors * freedom / n + of_rewards * of_rest / m)
    assert (found.value - half, found.value + half) == pytest.approx((low, high), abs=1e-9)


def unequal(rng: np.random.Generator) -> pd.DataFrame:
    """Two tasks: people rated much of the one that they find better by 2, and little of the one they do not."""
    better, same = sample(rng, 30, 40, 0.6), sample(rng, 6, 120, 0.6)
    better["human"] += 2.0
    return pd.concat([better.assign(task="a"), same.assign(task="b")])


def test_overall_weighs_the_tasks_by_their_prompts_not_by_their_ratings() -> None:
    rng = np.random.default_rng(0)
    found = [people_estimate("overall", unequal(rng)) for _ in range(200)]
    true = 0.5 + 2.0 * 40 / 160
    assert np.mean([e.delta for e in found]) == pytest.approx(true, abs=0.06)
    assert np.mean([e.low <= true <= e.high for e in found]) >= 0.90
    assert (found[0].pairs, found[0].prompts) == (36, 160)


def test_overall_is_shown_only_where_every_task_has_pairs() -> None:
    rows = unequal(np.random.default_rng(1))
    rows.loc[rows["task"] == "b", "human"] = np.nan
    assert people_estimate("overall", rows).delta is None and people_estimate("overall", rows).pairs == 30
    assert people_estimate("a", rows[rows["task"] == "a"]).delta is not None


def test_prompts_to_rate_span_the_reward_and_leave_out_what_is_rated() -> None:
    d = np.linspace(-0.5, 0.5, 40)
    paired = pd.DataFrame({"prompt_id": [f"p{i:02}" for i in range(40)], "task": "push", "base": 0.0, "tuned": d})
    chosen = prompts_to_rate(paired, {"p00", "p39"}, 8)
    values = paired.set_index("prompt_id").loc[chosen, "tuned"]
    assert len(set(chosen)) == 8 and not {"p00", "p39"} & set(chosen)
    assert values.min() < -0.3 and values.max() > 0.3
    assert prompts_to_rate(paired, set(paired["prompt_id"]), 8) == []


@pytest.mark.slow
def test_pairs_are_queued_and_their_ratings_estimate_the_difference(any_workbench: Path) -> None:
    load_recorded()
    with writing() as session:
        base, tuned = base_and_tuned(session, RUN_ID)
        paired = compare_stored(session, base, tuned).paired
        assert {e.delta for e in would_people_agree(session, base, tuned, paired)} == {None}
        assert queue_pairs(session, base, tuned, paired, 40) == 80
        ana = get_rater(session, "Ana").id
        for evaluation, score in ((base, 2), (tuned, 4)):
            for completion_id in evaluation_texts(session, evaluation.id)["completion_id"].tolist():
                if session.get(QueueItem, completion_id) is not None:
                    save_rating(session, completion_id, ana, score=score, imported=True)
    with reading() as session:
        overall = would_people_agree(session, base, tuned, paired)[-1]
    assert (overall.task, overall.pairs, overall.prompts) == ("overall", 40, 65)
    assert overall.delta == pytest.approx(2.0)
