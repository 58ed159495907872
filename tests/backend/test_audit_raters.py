"""Raters who differ: severity, careless raters, the ceiling, leaving one out; and what the gate says of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from backend.access import Person, acting_as
from backend.audit.agreement import agreement, ceiling_of
from backend.audit.correlation import correlate, spearman
from backend.audit.gates import decide_gates, standing_gates
from backend.audit.raters import check_raters, doubt_of
from backend.audit.severity import adjusted_correlation, severity
from backend.audit.table import audit_table, people_of
from backend.errors import UserError
from backend.rating.ratings import leave_out, save_rating
from backend.store.completions import all_ratings, human_scores
from backend.store.engine import reading, writing
from backend.store.evaluations import evaluation_people
from backend.store.events import latest_events
from backend.store.ratings import get_rater, left_out, ratings_version
from backend.store.tables import Completion, QueueItem
from benchmarks.coverage import audit as simulated


def rows(scores: dict[str, dict[int, float]], seconds: float = 20.0) -> pd.DataFrame:
    """rater -> completion -> score, as ratings of one task, one completion a prompt."""
    frame = [(c, f"p{c}", "push", rater, score, seconds) for rater, of in scores.items() for c, score in of.items()]
    return pd.DataFrame(frame, columns=["completion_id", "prompt_id", "task", "rater", "score", "seconds"])


def rated(human: pd.Series, value: np.ndarray) -> pd.DataFrame:
    """What the audit reads: a total and a length that says nothing."""
    frame = pd.DataFrame({"completion_id": human.index, "human": human.to_numpy(), "value": value})
    length = np.random.default_rng(0).permutation(len(frame))
    return frame.assign(
        prompt_id=[f"p{c}" for c in frame["completion_id"]], task="push", component="total", length=length
    )


def test_severity_is_what_was_put_in_and_is_not_guessed_where_nothing_is_shared() -> None:
    true = np.arange(20) % 5 * 0.5 + 2
    lenient, strict = {c: true[c] + 0.5 for c in range(20)}, {c: true[c] - 0.5 for c in range(15, 20)}
    found = severity(rows({"Ana": lenient, "Bob": strict}))
    assert found.of == {"Ana": pytest.approx(0.5), "Bob": pytest.approx(-0.5)} and found.range == pytest.approx(1.0)
    assert found.human.to_numpy() == pytest.approx(true)
    apart = severity(rows({"Ana": lenient, "Bob": dict.fromkeys(range(20, 30), 3.0)}))
    assert not apart.identified and apart.of == {} and apart.range == 0
    assert not severity(rows({"Ana": lenient})).identified


def test_the_gate_says_where_severity_decides() -> None:
    """Raters 2.4 points apart, each with half of the completions: the mean hides a reward that ranks as people do."""
    rng = np.random.default_rng(3)
    quality = rng.normal(3, 0.8, 80)
    ana = {c: quality[c] + 1.2 for c in range(80) if c % 2 == 0 or c < 12}
    bob = {c: quality[c] - 1.2 for c in range(80) if c % 2 == 1 or c < 12}
    ratings = rows({"Ana": ana, "Bob": bob})
    human = ratings.groupby("completion_id")["score"].mean()
    table = audit_table(rated(human, quality + rng.normal(0, 0.3, 80)), people_of(ratings))
    total = table.iloc[0]
    assert total["verdict"] != "pass" and total["adjusted"] > 0.85
    assert "adjusted for rater severity" in total["reason"].en and "would say: pass" in total["reason"].en
    assert "severidade" in total["reason"].pt


def test_one_careless_rater_is_named_with_the_rho_without_the_scores() -> None:
    rng = np.random.default_rng(5)
    quality = rng.normal(3, 1, 60)
    keys = {
        name: {c: float(np.clip(round(quality[c] + rng.normal(0, 0.5)), 1, 5)) for c in range(60)}
        for name in ("Ana", "Caio")
    }
    keys["Bob"] = {c: float(rng.integers(1, 6)) for c in range(60)}
    ratings = rows(keys)
    human = ratings.groupby("completion_id")["score"].mean()
    reason = audit_table(rated(human, quality), people_of(ratings)).iloc[0]["reason"]
    assert "Bob agrees with the others no better than chance" in reason.en
    without = ratings[ratings["rater"] != "Bob"].groupby("completion_id")["score"].mean()
    assert f"without them ρ is {stats.spearmanr(without, quality).statistic:.2f}" in reason.en
    assert [check.rater for check in check_raters(ratings) if check.at_chance] == ["Bob"]


def test_a_rater_is_in_doubt_by_repeats_and_by_pace() -> None:
    rng = np.random.default_rng(6)
    quality = rng.integers(1, 6, 30).astype(float)
    ratings = rows({name: {c: quality[c] for c in range(30)} for name in ("Ana", "Bob", "Caio")})
    ratings.loc[ratings["rater"] == "Caio", "seconds"] = 1.5
    repeats = pd.DataFrame({"rater": ["Bob"], "repeats": [6], "same": [0.1], "apart": [1.7]})
    doubts = {check.rater: doubt_of(check) for check in check_raters(ratings, repeats)}
    assert doubts["Ana"] is None
    assert "1.7 points apart" in str(doubts["Bob"]) and "1.5 s a completion" in str(doubts["Caio"])


def test_a_rater_with_one_key_for_everything_is_at_chance() -> None:
    ratings = rows({"Ana": {c: float(c % 5 + 1) for c in range(20)}, "Bob": dict.fromkeys(range(20), 3.0)})
    assert [check.at_chance for check in check_raters(ratings)] == [False, True]


@pytest.mark.parametrize("raters", [1, 2, 3, 5])
def test_a_reward_without_error_reaches_the_ceiling_and_no_more(raters: int) -> None:
    rng = np.random.default_rng(raters)
    quality = rng.normal(size=20_000)
    each = quality[:, None] + rng.normal(size=(20_000, max(2, raters)))
    one_with_another = spearman(each[:, 0], each[:, 1])
    reached = spearman(each[:, :raters].mean(axis=1), quality)
    assert one_with_another is not None and ceiling_of(one_with_another, raters) == pytest.approx(reached, abs=0.02)


def test_the_ceiling_knows_how_many_raters_each_completion_has() -> None:
    rng = np.random.default_rng(8)
    quality = rng.normal(3, 1, 60)
    ratings = rows({f"r{j}": {c: quality[c] + rng.normal(0, 0.8) for c in range(0, 60, j + 1)} for j in range(2)})
    found = agreement(ratings)
    assert found.raters == pytest.approx(60 / (30 / 1 + 30 / 2))  # harmonic mean of 1 and 2
    assert found.rater < found.ceiling and found.ceiling_low < found.ceiling < found.ceiling_high


def test_a_rater_who_is_left_out_counts_nowhere_and_can_be_counted_again(example_workbench: Path) -> None:
    with reading() as session:
        first, before, version = all_ratings(session), human_scores(session), ratings_version(session)
        item = int(before["completion_id"].iloc[0])
        evaluation = session.get_one(Completion, item).evaluation_id
    with writing() as session:
        save_rating(
            session, item, get_rater(session, "Bob").id, score=1 if before["human"].iloc[0] > 3 else 5, imported=True
        )
        decide_gates(session, "v4.2.1", "Ana")
    with reading() as session:
        with_bob = all_ratings(session)
        rated_by = session.get(QueueItem, item)
        wanted = rated_by.rated if rated_by else None
    assert len(with_bob) == len(first) + 1
    with writing() as session:
        leave_out(session, "Bob", "random  keys")
    with reading() as session:
        assert left_out(session) == {"Bob": "random keys"}
        pd.testing.assert_frame_equal(all_ratings(session), first)
        assert human_scores(session).set_index("completion_id")["human"].to_dict() == pytest.approx(
            before.set_index("completion_id")["human"].to_dict()
        )
        assert ratings_version(session) != version
        assert "stale" in {gate.verdict for gate in standing_gates(session, "v4.2.1").values()}
        assert latest_events(session)["what"].iloc[0] == "left out"
        if wanted is not None:
            assert session.get_one(QueueItem, item).rated == wanted - 1
        if evaluation is not None:
            people = evaluation_people(session, evaluation)
            assert set(people["human"]) <= set(before["human"])
    with writing() as session:
        leave_out(session, "Bob", "")
    with reading() as session:
        assert len(all_ratings(session)) == len(with_bob) and left_out(session) == {}


def test_only_an_engineer_leaves_a_rater_out_and_only_one_there_is(example_workbench: Path) -> None:
    with pytest.raises(UserError, match="no rater 'Zé'"), writing() as session:
        leave_out(session, "Zé", "gone")
    with acting_as(Person("Ana", roles=frozenset({"annotator"}))), pytest.raises(UserError), writing() as session:
        leave_out(session, "Ana", "spite")


SLICE = 200
"""Of the simulations in benchmarks/coverage; a share of 0.95 is then known to about 0.03."""


@pytest.mark.slow
@pytest.mark.parametrize(("prompts", "each"), [(30, 1), (30, 6), (60, 3), (360, 3)])
@pytest.mark.parametrize("shape", simulated.SHAPES)
def test_intervals_and_p_hold_with_several_completions_of_a_prompt(prompts: int, each: int, shape: str) -> None:
    assert simulated.coverage(prompts, each, 0.7, shape, SLICE) >= 0.91
    assert simulated.false_alarms(prompts, each, shape, SLICE) <= 0.09


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_a_rare_component_is_not_told_from_nothing(share: float) -> None:
    assert simulated.rare_alarms(60, 3, share, SLICE) <= 0.09


@pytest.mark.parametrize("good", [0.1, 0.3])
def test_a_nearly_perfect_ranking_of_few_good_answers_has_an_interval_that_holds(good: float) -> None:
    assert simulated.mostly_bad(60, good, SLICE) >= 0.93


@pytest.mark.slow
def test_a_reward_that_knows_only_the_prompt_does_not_pass() -> None:
    assert simulated.only_the_prompt(30, 3, SLICE) <= 0.08


def test_a_queue_chosen_by_information_is_weighed() -> None:
    assert simulated.queued(True, SLICE) >= 0.9
    assert simulated.queued(False, SLICE) < 0.8


@pytest.mark.slow
def test_raters_a_point_apart_hide_a_reward_only_from_the_plain_mean() -> None:
    assert simulated.severe(1.0, True, True, 60) >= 0.85
    assert simulated.severe(1.0, False, True, 60) < 0.5


def test_the_adjusted_rho_is_spearmans_where_raters_do_not_differ() -> None:
    rng = np.random.default_rng(9)
    score = rng.integers(1, 6, 40).astype(float)
    ratings = rows({"Ana": {c: score[c] for c in range(40)}, "Bob": {c: score[c] for c in range(10)}})
    reward = pd.DataFrame({"value": score + rng.normal(0, 2, 40), "prompt_id": range(40), "weight": 1.0})
    found = adjusted_correlation(ratings, reward)
    assert found is not None and found.rho == pytest.approx(stats.spearmanr(score, reward["value"]).statistic)


def test_who_disagrees_only_with_a_careless_rater_is_not_called_careless() -> None:
    """Ana shares completions with Rnd alone, who presses random keys; Bob and Caio agree, and share some with Rnd."""
    rng = np.random.default_rng(11)
    quality = rng.normal(3, 1, 120)
    keys = {c: float(np.clip(round(quality[c] + rng.normal(0, 0.4)), 1, 5)) for c in range(120)}
    ratings = rows(
        {
            "Ana": {c: keys[c] for c in range(60)},
            "Bob": {c: keys[c] for c in range(60, 120)},
            "Caio": {c: keys[c] for c in range(60, 120)},
            "Rnd": {c: float(rng.integers(1, 6)) for c in range(20, 100)},
        }
    )
    assert [check.rater for check in check_raters(ratings) if check.at_chance] == ["Rnd"]


def test_weights_count_whatever_their_scale_and_none_may_be_0() -> None:
    rng = np.random.default_rng(12)
    human, weights = rng.integers(1, 6, 40).astype(float), rng.uniform(0.5, 2, 40)
    reward = (human + rng.normal(0, 1, 40))[:, None]
    (one,), (small,) = (correlate(human, reward, range(40), w) for w in (weights, weights / 1e6))
    assert small.rho == pytest.approx(one.rho) and small.low == pytest.approx(one.low)
    with pytest.raises(ValueError, match="above 0"):
        correlate(human, reward, range(40), np.zeros(40))
    with pytest.raises(ValueError, match="need"):
        correlate(human[:, None], reward, range(40))
