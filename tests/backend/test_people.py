"""Would people agree? Coverage and width by simulation, and the store's part of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.evaluation.people import (
    people_estimate,
    prediction_powered,
    prompts_to_rate,
    queue_pairs,
    would_people_agree,
)
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.rating.ratings import save_rating
from backend.release.example import RUN_ID, load_example
from backend.store.engine import reading, writing
from backend.store.evaluations import evaluation_texts
from backend.store.ratings import get_rater
from backend.store.tables import QueueItem


def sample(rng: np.random.Generator, n: int, prompts: int, agreement: float) -> pd.DataFrame:
    """Prompts whose reward differs by ``reward`` and whose human score by 0.5 on average; n of them are rated."""
    reward = rng.normal(0.1, 0.2, prompts)
    human = 0.5 + agreement * (reward - 0.1) / 0.2 + rng.normal(0, np.sqrt(1 - agreement**2), prompts)
    human[rng.permutation(prompts)[n:]] = np.nan
    return pd.DataFrame({"reward": reward, "human": human})


@pytest.mark.slow
@pytest.mark.parametrize(("n", "prompts", "agreement"), [(20, 65, 0.0), (20, 200, 0.8), (40, 400, 0.6), (30, 65, 0.9)])
def test_the_interval_covers_the_human_difference(n: int, prompts: int, agreement: float) -> None:
    rng = np.random.default_rng(prompts + n)
    covered = []
    for _ in range(2000):
        e = people_estimate("push", sample(rng, n, prompts, agreement))
        covered.append(e.low <= 0.5 <= e.high)
    assert 0.93 <= np.mean(covered) <= 0.97


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
    human, reward = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.1, 0.2, 0.3, 0.4])
    mean, low, high, weight = prediction_powered(human, reward, np.array([0.5, 0.5, 0.7, 0.7]))
    assert weight == pytest.approx(10 / 2)  # slope 10, halved by 1 + n/m
    assert mean == pytest.approx(2.5 + 5 * (0.6 - 0.25))
    assert low < mean < high
    assert people_estimate("push", pd.DataFrame({"reward": [0.1] * 9, "human": [1.0] * 4 + [np.nan] * 5})).delta is None


def test_prompts_to_rate_span_the_reward_and_leave_out_what_is_rated() -> None:
    d = np.linspace(-0.5, 0.5, 40)
    paired = pd.DataFrame({"prompt_id": [f"p{i:02}" for i in range(40)], "task": "push", "base": 0.0, "tuned": d})
    chosen = prompts_to_rate(paired, {"p00", "p39"}, 8)
    values = paired.set_index("prompt_id").loc[chosen, "tuned"]
    assert len(set(chosen)) == 8 and not {"p00", "p39"} & set(chosen)
    assert values.min() < -0.3 and values.max() > 0.3
    assert prompts_to_rate(paired, set(paired["prompt_id"]), 8) == []


def test_pairs_are_queued_and_their_ratings_estimate_the_difference(any_workbench: Path) -> None:
    load_example()
    with writing() as session:
        base, tuned = base_and_tuned(session, RUN_ID)
        paired = compare_stored(session, base, tuned).paired
        assert {e.delta for e in would_people_agree(session, base, tuned, paired)} == {None}
        assert queue_pairs(session, base, tuned, paired, 12) == 24
        ana = get_rater(session, "Ana").id
        for evaluation, score in ((base, 2), (tuned, 4)):
            for completion_id in evaluation_texts(session, evaluation.id)["completion_id"].tolist():
                if session.get(QueueItem, completion_id) is not None:
                    save_rating(session, completion_id, ana, score=score, imported=True)
    with reading() as session:
        overall = would_people_agree(session, base, tuned, paired)[-1]
    assert (overall.task, overall.pairs, overall.prompts) == ("overall", 12, 65)
    assert overall.delta == pytest.approx(2.0)
