"""What a person scored, and what the rewards say of it: agreement under v5, answers that must be paid, and tricks that must not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from backend.commerce.shop import shop_identity
from backend.commerce.sql_execution import measured
from backend.records import PromptRecord
from rewards import TASKS, score
from rewards.commerce import get_profile
from tests.judged.shop import gold_rows, write_small_shop

HERE = Path(__file__).parent


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_shop(tmp_path_factory.mktemp("small") / "commerce.db")


@pytest.fixture(scope="module")
def prompts(shop: Path) -> dict[str, dict[str, Any]]:
    found = {p["id"]: p for p in lines("prompts.jsonl")}
    for prompt in found.values():
        if gold := prompt["facts"].get("gold_sql"):
            prompt["facts"] |= {"gold_result": gold_rows(shop, gold), "shop": shop_identity(shop)[1]}
    return found


def scored(
    name: str, task: str, profile: str, prompts: dict[str, dict[str, Any]], shop: Path
) -> Iterator[tuple[float, int, str]]:
    """(total, what a person said, text) of each text of a file."""
    rules = get_profile(profile)
    for row in lines(name):
        prompt = prompts[row["prompt"]]
        if prompt["task"] == task:
            of_query = (
                measured(row["completion"], prompt["facts"], rules, shop)
                if task == "sql_qa" and rules.measured_by
                else None
            )
            yield (
                score(task, row["completion"], prompt["prompt"], profile, of_query).total,
                row["score"],
                row["completion"],
            )


def agreement(name: str, task: str, profile: str, prompts: dict[str, dict[str, Any]], shop: Path) -> float:
    totals, people, _ = zip(*scored(name, task, profile, prompts, shop), strict=True)
    return float(spearmanr(totals, people).statistic)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first.jsonl", "second.jsonl"])
@pytest.mark.parametrize("task", TASKS)
def test_v5_ranks_texts_much_as_people_do(task: str, name: str, prompts: dict, shop: Path) -> None:
    now = agreement(name, task, "v5", prompts, shop)
    assert now > 0.75
    assert now > agreement(name, task, "v4.2.1", prompts, shop)


@pytest.mark.parametrize("name", ["first.jsonl", "second.jsonl"])
@pytest.mark.parametrize("task", TASKS)
def test_v5_pays_little_for_what_people_call_useless(task: str, name: str, prompts: dict, shop: Path) -> None:
    for total, people, text in scored(name, task, "v5", prompts, shop):
        assert total <= {1: 0.7, 2: 0.8}.get(people, 1.0), text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first.jsonl", "second.jsonl"])
@pytest.mark.parametrize("task", TASKS)
def test_v5_falls_step_by_step(task: str, name: str, prompts: dict, shop: Path) -> None:
    """No cliff: what people score 2 and 3 earns something between, on average."""
    means = {}
    for people in (1, 2, 3, 5):
        of_them = [total for total, score_of, _ in scored(name, task, "v5", prompts, shop) if score_of == people]
        means[people] = sum(of_them) / len(of_them)
    assert means[1] < 0.2 and 0.05 < means[2] < means[5] and 0.05 < means[3] < means[5]


@pytest.mark.parametrize("task", ["extraction", "insights", "push"])
def test_v5_ranks_plain_honest_texts_above_fluent_untrue_ones(task: str, prompts: dict, shop: Path) -> None:
    """The third set is an attacker's, who knew the rules: good Portuguese that says the opposite, and honest texts in other styles."""
    found = list(scored("third.jsonl", task, "v5", prompts, shop))
    assert agreement("third.jsonl", task, "v5", prompts, shop) > 0.65
    untrue = [total for total, people, _ in found if people == 1]
    assert max(untrue) <= 0.6 and sum(untrue) / len(untrue) < 0.25


@pytest.mark.parametrize("task", ["extraction", "insights", "push"])
def test_v5_ranks_a_strangers_texts_much_as_the_stranger_did(task: str, prompts: dict, shop: Path) -> None:
    """The fourth set: written and scored by one who had seen no rule, and measured before any rule was mended by it."""
    now = agreement("fourth.jsonl", task, "v5", prompts, shop)
    assert now > 0.75
    assert now > agreement("fourth.jsonl", task, "v4.2.1", prompts, shop) + 0.1


@pytest.mark.parametrize("task", TASKS)
def test_v5_pays_for_good_honest_answers(task: str, prompts: dict, shop: Path) -> None:
    totals = [total for total, _, _ in scored("good.jsonl", task, "v5", prompts, shop)]
    assert len(totals) == 10 and sum(totals) / 10 > 0.85
    assert sum(total >= 0.75 for total in totals) >= 9


@pytest.mark.parametrize("task", [task for task in TASKS if task != "sql_qa"])
def test_v5_ranks_the_examples_ratings_no_worse_than_the_rules_before(task: str) -> None:
    of_prompt = {p.id: p for p in map(PromptRecord.model_validate, lines("../recorded/nano-run/prompts.jsonl"))}
    rows = [r for r in lines("../recorded/ratings.jsonl") if of_prompt[r["prompt_id"]].task == task and "score" in r]
    people = [row["score"] for row in rows]

    def rho(profile: str) -> float:
        totals = [score(task, r["text"], of_prompt[r["prompt_id"]].user_text, profile).total for r in rows]
        return float(spearmanr(totals, people).statistic)

    assert rho("v5") >= rho("v4.2.1")
