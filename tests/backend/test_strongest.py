"""The audit's findings, whose answers ρ rests on, attacks that stand, and a run's tuned answers in the queue."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select, text

from backend.audit.attack import Attacked, queue_finds
from backend.audit.attacks import Standing, keep_attack, standing_attacks
from backend.audit.best_of_n import of_people
from backend.audit.gates import audit_rated, decide_gates
from backend.audit.policies import base_of, by_policy, lost, policy_words, rests_on
from backend.audit.strongest import Finding, strongest
from backend.audit.table import audit_table
from backend.evaluation.people import queue_tuned
from backend.rating.ratings import save_rating
from backend.store.completions import rated_scores
from backend.store.engine import reading, writing
from backend.store.evaluations import tuned_evaluations
from backend.store.ratings import get_rater
from backend.store.tables import ATTACK, AttackMade, Completion, QueueItem
from rewards.attack import Attack, Find

TUNED = "nano, tuned in r1"


def rated(rewards: np.ndarray, human: np.ndarray, policy: str = "nano", first: int = 0) -> pd.DataFrame:
    """Rows of ``rated_scores`` of one task, two completions of each prompt."""
    n = len(rewards)
    return pd.DataFrame(
        {
            "completion_id": range(first, first + n),
            "prompt_id": [f"p{i // 2}" for i in range(n)],
            "task": "push",
            "component": "total",
            "value": rewards,
            "human": human,
            "length": 10 + np.arange(n) % 7,
            "policy": policy,
            "weight": np.nan,
        }
    )


def found(rows: pd.DataFrame, attacks: dict[str, Standing] | None = None) -> list[Finding]:
    return strongest(rows, audit_table(rows), attacks or {}, {"push": of_people(rows)}, by_policy(rows))


HUMAN = np.tile([1.0, 2.0, 3.0, 4.0, 5.0, 2.0], 12)
HONEST = np.clip(HUMAN / 6 + 0.01 * (np.arange(72) % 5), 0, 1)


def test_a_reward_that_pays_for_what_people_call_useless_comes_first() -> None:
    paid = np.where(HUMAN <= 2, 0.95, HONEST)
    first = found(rated(paid, HUMAN), {"push": Standing(20_000, 0.9, 1.0, 300)})[0]
    assert first.where == "parts" and "people call 36 of the 36 answers useless" in first.words.en
    assert "paga com 0,90 ou mais" in first.words.pt


def test_then_an_attack_then_what_people_do_not_follow() -> None:
    findings = found(rated(HONEST, HUMAN), {"push": Standing(20_000, 0.9, 1.0, 300)})
    assert [f.where for f in findings] == ["attack", "attack"] and "can be gamed" in findings[0].words.en
    backwards = found(rated(1 - HONEST, HUMAN))
    assert [f.where for f in backwards[:2]] == ["completions", "best_of_n"]
    assert "does not rank answers as people do" in backwards[0].words.en


def test_a_reward_that_nothing_speaks_against_says_so() -> None:
    (only,) = found(rated(HONEST, HUMAN), {"push": Standing(20_000, 0.9, 0.7, None)})
    assert only.where == "attack" and "an attack of 20,000 calls found no cheap text" in only.words.en
    (few,) = found(rated(HONEST[:12], HUMAN[:12]))
    assert few.where == "ratings" and "is not known yet" in few.words.en


def test_rho_on_the_tuned_answers_stands_beside_the_base_s() -> None:
    both = pd.concat([rated(HONEST, HUMAN), rated(1 - HONEST, HUMAN, TUNED, 100)])
    base, tuned = by_policy(both)
    assert (base.policy, tuned.policy, base.apart) == ("nano", TUNED, None)
    assert base.found.rho > 0.9 and tuned.found.rho < -0.9 and tuned.found.n == 72
    assert tuned.apart is not None and tuned.apart.high is not None and tuned.apart.high < 0
    assert lost([base, tuned]) == [tuned]
    assert any(f.where == "policies" and "nano, treinado em r1" in f.words.pt for f in found(both))
    better = pd.concat([rated(HONEST, HUMAN), rated(1 - HONEST, np.clip(HUMAN + 1, 1, 5), TUNED, 100)])
    assert lost(by_policy(better)) == [], "where training made the answers better, little is left to rank"


def test_the_gate_says_whose_completions_it_rests_on() -> None:
    both = pd.concat([rated(HONEST, HUMAN), rated(HONEST[:10], HUMAN[:10], TUNED, 100)])
    total = audit_table(both).iloc[0]
    assert "rests on completions of nano (72); nano, tuned in r1 (10)" in total["reason"].en
    assert "apoia-se em respostas de nano (72); nano, treinado em r1 (10)" in total["reason"].pt
    assert rests_on(["a"]).en.endswith("a (1)") and base_of(TUNED) == "nano"
    assert policy_words("nano, step 20 of r1").pt == "nano, passo 20 de r1"
    assert policy_words(ATTACK) == ("attack", "ataque")


@pytest.mark.slow
def test_a_run_s_tuned_answers_go_before_the_raters_in_one_go(example_workbench: Path) -> None:
    with writing() as session:
        (tuned,) = tuned_evaluations(session).values()
        assert queue_tuned(session, tuned) == 65 and queue_tuned(session, tuned) == 0
        ids = session.scalars(select(Completion.id).where(Completion.evaluation_id == tuned.id)).all()
        assert all(session.get(QueueItem, i) is not None for i in ids)
        save_rating(session, ids[0], get_rater(session, "Ana").id, score=2, imported=True)
        rows = rated_scores(session, "v4.2.1")
        assert set(rows["policy"]) == {"nano", "nano, tuned in example"}
        decisions = decide_gates(session, "v4.2.1", "Ana")
        assert sum(d.numbers["policies"].get("nano, tuned in example", 0) for d in decisions) == 1
        before = audit_rated(session, "v4.2.1")
        again = decide_gates(session, "v4.2.1", "Ana", audited=before)
        assert [d.reason for d in again] == [d.reason for d in decisions]


def attacked(session: object, texts: list[str], to_target: int | None) -> Attacked:
    prompt_id = session.scalars(select(Completion.prompt_id).limit(1)).one()  # type: ignore[attr-defined]
    finds = tuple(Find(text, 0.95, {}, 0, 7) for text in texts)
    return Attacked("push", "v4.2.1", Attack(0.9, 2_000, 0.95, to_target, (), finds), (prompt_id,))


def test_an_attack_stands_until_people_call_all_it_found_good(example_workbench: Path) -> None:
    with writing() as session:
        assert standing_attacks(session, "v4.2.1") == {}
        made = attacked(session, ["Corra! Corra!", "Só hoje, só hoje"], 40)
        keep_attack(session, made)
        keep_attack(session, made)
        assert len(session.scalars(select(AttackMade)).all()) == 1
        assert standing_attacks(session, "v4.2.1")["push"].broke and standing_attacks(session, "v4.3") == {}
        queue_finds(session, made)
        finds = session.scalars(select(Completion.id).where(Completion.policy == ATTACK)).all()
        rater = get_rater(session, "Ana").id
        save_rating(session, finds[0], rater, score=4, imported=True)
        assert standing_attacks(session, "v4.2.1")["push"].broke, "one of two is rated"
        save_rating(session, finds[1], rater, score=3, imported=True)
        assert standing_attacks(session, "v4.2.1")["push"].good
        session.execute(text("UPDATE attacks SET fingerprint = 'earlier'"))
        assert standing_attacks(session, "v4.2.1") == {}, "the reward has changed since"


def test_of_several_attacks_the_one_that_broke_it_soonest_stands(example_workbench: Path) -> None:
    with writing() as session:
        for to_target, calls in ((None, 9_000), (300, 2_000), (40, 2_001)):
            one = attacked(session, [], to_target)
            keep_attack(
                session, Attacked(one.task, one.profile, Attack(0.9, calls, 0.8, to_target, (), ()), one.prompt_ids)
            )
        assert standing_attacks(session, "v4.2.1")["push"].to_target == 40


def test_finds_are_found_through_an_index(example_workbench: Path) -> None:
    with reading() as session:
        plan = session.execute(text("EXPLAIN QUERY PLAN SELECT id FROM completions WHERE policy = 'attack'")).all()
    assert "completions_policy" in str(plan)


@pytest.mark.parametrize("standing", [Standing(20_000, 0.9, 1.0, 300), Standing(20_000, 0.9, 1.0, 300, good=True)])
def test_what_an_attack_came_to_is_said_in_both_languages(standing: Standing) -> None:
    assert standing.words.en and standing.words.pt and standing.broke is not standing.good
