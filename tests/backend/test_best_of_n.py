"""Best-of-n: the closed form against every draw, whose answers count, the sentence, and a slice of its coverage."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from backend.audit.best_of_n import as_rows, best_chances, best_of_n, gains, of_people, of_truth, sentence
from backend.charts.audit import best_of_chart
from backend.charts.base import svg
from backend.records import Completion, Message, PromptRecord
from backend.store.tables import ATTACK
from backend.training.over_optimisation import over_optimisation
from backend.training.preflight import Sampled
from benchmarks.coverage import picking
from rewards.types import NO_TEXT, Score, Text, Truth


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("rewards", [[0.1, 0.4, 0.2, 0.9, 0.5], [1.0, 1.0, 0.2, 0.2, 0.7], [0.3] * 5])
def test_the_chances_are_those_of_all_draws(n: int, rewards: list[float]) -> None:
    counted = np.zeros(5)
    draws = list(combinations(range(5), n))
    for draw in draws:
        best = max(rewards[i] for i in draw)
        tied = [i for i in draw if rewards[i] == best]
        counted[tied] += 1 / len(tied)
    twice = best_chances(np.array(rewards * 2), np.repeat([1, 0], 5), n)
    assert twice == pytest.approx(np.tile(counted / len(draws), 2))


def answers(prompts: int = 20, each: int = 8, sees: float = 1.0) -> tuple[np.ndarray, np.ndarray, list[int]]:
    rng = np.random.default_rng(7)
    quality = rng.normal(size=(prompts, each))
    reward = sees * quality + (1 - sees) * rng.normal(size=quality.shape)
    return reward.ravel(), np.clip(np.rint(3 + quality), 1, 5).ravel(), np.repeat(np.arange(prompts), each).tolist()


def test_it_is_unbiased_for_every_n_whatever_the_prompts() -> None:
    """Mean over every draw of n from each prompt, which nobody could afford for many answers."""
    reward, human, ids = answers(10, 6)
    points = {p.n: p for p in best_of_n(reward, human, ids, ids)}
    for n in (2, 4):
        drawn = [
            human[6 * p + max(draw, key=lambda i, p=p: reward[6 * p + i])]
            for p in range(10)
            for draw in combinations(range(6), n)
        ]
        assert points[n].judged == pytest.approx(np.mean(drawn))
        assert points[n].judged_gain == pytest.approx(np.mean(drawn) - human.mean())


def test_an_honest_reward_lifts_people_and_a_gamed_one_only_itself() -> None:
    reward, human, ids = answers()
    honest = best_of_n(reward, human, ids, ids)
    assert [p.n for p in honest] == [1, 2, 4, 8] and all(p.prompts == 20 for p in honest)
    assert honest[-1].judged_low is not None and honest[-1].judged_low > 0 and not honest[-1].doubtful
    gamed = best_of_n(-reward, human, ids, ids)
    assert gamed[-1].over_optimised and gamed[-1].reward_gain > 0 > gamed[-1].judged_gain
    words = sentence(gamed)
    assert words is not None and "optimising it would raise the reward and not the answers" in words.en
    assert words.pt.startswith("Escolher a melhor de 8") and "better answers follow" in str(sentence(honest))


def test_few_prompts_or_one_answer_each_give_no_point() -> None:
    reward, human, ids = answers(9, 4)
    assert best_of_n(reward, human, ids, ids) == [] and sentence([]) is None
    assert best_of_n(reward[::4], human[::4], ids[::4], ids[::4]) == []
    with pytest.raises(ValueError, match="finite"):
        best_of_n([np.nan] * 4, [1.0] * 4, [1] * 4, [1] * 4)
    with pytest.raises(ValueError, match="4 rewards, 3 scores"):
        best_of_n([0.0] * 4, [1.0] * 3, [1] * 4, [1] * 4)


def test_answers_of_one_policy_to_one_prompt_are_picked_from() -> None:
    reward, human, ids = answers(12, 2)
    rated = pd.DataFrame({"component": "total", "prompt_id": ids, "policy": "base", "value": reward, "human": human})
    two = rated.assign(policy=["base", "tuned"] * 12)
    assert of_people(two) == [], "the best of one base and one tuned answer is nobody's policy"


TRUTH = Truth("m", Text("right", "certo"), NO_TEXT, lambda text, facts: [text == "yes"] if facts else None)


def test_the_truth_is_asked_where_the_prompts_carry_facts() -> None:
    reward, _, ids = answers(12, 4)
    text = np.where(reward > np.median(reward), "yes", "no")
    sampled = pd.DataFrame(
        {"prompt_id": ids, "policy": "base", "text": text, "facts": [{"a": 1}] * 48, "value": reward}
    )
    points = of_truth(sampled, TRUTH)
    assert points[-1].judged_gain > 0 and as_rows(points)[-1]["n"] == 4
    finds = sampled.assign(policy=ATTACK, value=9.0, text="no")
    assert of_truth(pd.concat([sampled, finds]), TRUTH) == points
    assert of_truth(sampled.assign(facts=[{}] * 48), TRUTH) == []


def test_the_chart_draws_every_n() -> None:
    reward, human, ids = answers()
    frame = gains(best_of_n(reward, human, ids, ids), judged=True)
    assert list(frame["n"]) == [1, 2, 4, 8] and frame["low"].isna().tolist() == [True, False, False, False]
    assert "best of" in svg(best_of_chart(frame, "gain"))


def sampled(better: bool) -> list[Sampled]:
    """Six extraction prompts; the reward likes what is true, or what is not."""
    facts = {"complaint_category": "nenhuma", "delivery_issue": False, "product_issue": False, "seller_issue": False}
    right = '{"delivery_issue": false, "product_issue": false, "seller_issue": false, "complaint_category": "nenhuma"}'
    texts = [right, "{}", "?", "[]"]
    found = []
    for i in range(6):
        prompt = PromptRecord(
            task="extraction", messages=(Message(role="user", content=f"{i}"),), facts=facts | {"nota": 5}
        )
        likes = [0.9 + i / 100, 0.2, 0.1, 0.3]
        scores = [Score(x if better else 1 - x) for x in likes]
        found.append(Sampled(prompt, [Completion(text, 3, False) for text in texts], scores))
    return found


def test_preflight_warns_where_the_reward_rises_and_the_truth_does_not() -> None:
    over, fine = over_optimisation(sampled(False)), over_optimisation(sampled(True))
    assert (over.name, over.status, fine.status) == ("over-optimisation", "warn", "pass")
    assert "extraction best of 4: reward +0." in over.found.en and "right facts −0.20" in over.found.en
    push = [Sampled(PromptRecord(task="push", messages=(Message(role="user", content="x"),)), [], [])]
    assert "no truth is known for push" in over_optimisation(push).found.en


@pytest.mark.slow
def test_its_interval_covers() -> None:
    """A slice of benchmarks/coverage/picking.py."""
    rng = np.random.default_rng(3)
    for shape in (picking.SHAPES[0], picking.SHAPES[4]):
        assert 0.90 <= picking.picking_coverage(rng, shape, 200) <= 0.99
    assert picking.facts_coverage(rng, picking.FACTS[1], 150) >= 0.91
