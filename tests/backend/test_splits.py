"""Three splits: train (learned from), eval (curves and the choice of the best step), test (the verdict)."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend.commerce.prompts import LEAK, build_prompts, counts_for, counts_for_test
from backend.commerce.synthetic import build_commerce_db
from backend.data.quality import quality
from backend.data.similarity import Neighbours
from backend.data.strata import in_proportion, some_of, spread
from backend.errors import UserError
from backend.evaluation.evaluate import EvaluationResult
from backend.evaluation.noise import expected_spread, variance_shares
from backend.evaluation.report import as_html, as_markdown
from backend.evaluation.stored import base_and_tuned, compare_stored, find_evaluation, name_of
from backend.evaluation.words import chosen_words, noise_words, on_prompts
from backend.records import Completion, Message, PromptRecord, Sampling, ScoredCompletion, Split
from backend.release.card import model_card
from backend.runs.create import create_run
from backend.runs.sync import rewind_store, sync_run
from backend.runs.worker import COMPARISON, write_comparison
from backend.store.engine import reading
from backend.store.evaluations import run_evaluations, run_scores
from backend.store.runs import run_folder
from backend.training import evaluator as module
from backend.training.config import TrainConfig, config_from_json, get_preset, override
from backend.training.evaluator import Evaluator
from backend.training.metrics_file import read_series
from backend.training.resume import rewind
from backend.training.run import select_prompts
from backend.training.sample_checks import Sampled, eval_size_check
from rewards.types import Score
from tests.conftest import TINY_PROMPTS
from tests.live_runs import get_run
from tests.recorded import RUN_FOLDER

TASKS = ("extraction", "sql_qa", "insights", "push")


def of(prompts: list[PromptRecord], split: Split, task: str = "") -> list[PromptRecord]:
    return [p for p in prompts if p.split == split and task in ("", p.task)]


# --- the prompts of the shop --------------------------------------------------------------------------------------------


def test_the_test_prompts_are_twice_the_eval_prompts_and_spread_over_difficulty(prompts: list[PromptRecord]) -> None:
    assert [len(of(prompts, "test", task)) for task in TASKS] == [40, 30, 30, 30]
    notas = Counter(p.facts["difficulty"] for p in of(prompts, "test", "extraction"))
    assert notas == {f"nota {n}": 8 for n in range(1, 6)}
    assert set(Counter(p.facts["difficulty"] for p in of(prompts, "test", "sql_qa")).values()) == {10}


def test_no_test_prompt_is_near_a_prompt_of_another_split(prompts: list[PromptRecord]) -> None:
    ids = [{p.id for p in of(prompts, split)} for split in ("train", "eval", "test")]
    assert not (ids[0] | ids[1]) & ids[2]
    for task in TASKS:
        others = Neighbours(p.user_text for p in prompts if p.task == task and p.split != "test")
        assert max(others.nearest(p.user_text)[0] for p in of(prompts, "test", task)) < LEAK
    for key in ("order_id", "gold_sql"):
        seen = Counter(p.facts[key] for p in prompts if key in p.facts)
        assert max(seen.values()) == 1, key
    slices = [{p.facts["slice"] for p in of(prompts, split, "insights")} for split in ("train", "eval", "test")]
    assert not slices[0] & slices[1] and not slices[0] & slices[2] and not slices[1] & slices[2]


@pytest.mark.slow
def test_test_prompts_change_neither_train_nor_eval(prompts: list[PromptRecord], shop: Path) -> None:
    without = build_prompts(shop, test=counts_for_test(0))
    assert without == [p for p in prompts if p.split != "test"]


@pytest.mark.slow
def test_the_test_prompts_are_the_same_for_any_number_of_train_prompts(prompts: list[PromptRecord], shop: Path) -> None:
    for total in (100, 3000):
        other = build_prompts(shop, counts_for(total))
        assert len(of(other, "train")) == total
        assert of(other, "test") == of(prompts, "test")


@pytest.mark.slow
def test_a_small_shop_gives_test_prompts_too(tmp_path: Path) -> None:
    small = build_prompts(
        build_commerce_db(tmp_path / "small.db", orders=300), counts_for(150), test=counts_for_test(65)
    )
    assert [len(of(small, "test", task)) for task in TASKS] == [20, 15, 15, 15]
    assert all(not q.shared and q.nearest is not None and q.nearest < LEAK for q in quality(small))


def test_quality_counts_the_test_prompts_and_names_what_leaks_into_them(prompts: list[PromptRecord]) -> None:
    assert [q.test for q in quality(prompts)] == [40, 30, 30, 30]
    evaluated = of(prompts, "eval", "sql_qa")
    leaked = evaluated[0].model_copy(update={"split": "test"})
    (found,) = quality([*of(prompts, "train", "sql_qa"), *evaluated, leaked])
    words = " | ".join(map(str, found.problems()))
    assert "of different splits are 1.00 alike" in words and "stands in several splits" in words
    assert "only 1 test prompt" in words


# --- some of many -------------------------------------------------------------------------------------------------------


def test_some_are_chosen_in_proportion_stably_and_idempotently(prompts: list[PromptRecord]) -> None:
    test = of(prompts, "test")
    some = some_of(test, 65)
    assert [len(of(some, "test", task)) for task in TASKS] == [20, 15, 15, 15]
    assert set(Counter(p.facts["difficulty"] for p in some if p.task == "extraction").values()) == {4}
    assert some_of(some, 65) == some
    assert {p.id for p in some_of(test[::-1], 65)} == {p.id for p in some}
    assert some_of(test, 500) == test and some_of(test, 0) == []


def test_shares_add_up() -> None:
    assert in_proportion(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert spread(["x", "x", "x", "y"], 3) == [0, 1, 3]


# --- what a run takes ---------------------------------------------------------------------------------------------------


def prompt(task: str, text: str, split: Split) -> PromptRecord:
    return PromptRecord(task=task, messages=(Message(role="user", content=text),), split=split)


def few(**tested: int) -> list[PromptRecord]:
    """Four train and two eval prompts of both tasks, and so many test prompts."""
    return [
        prompt(task, f"{task} {split} {i}", split)
        for task in ("push", "insights")
        for split, n in (("train", 4), ("eval", 2), ("test", tested.get(task, 0)))
        for i in range(n)
    ]


def test_a_run_takes_as_many_test_prompts_as_it_says() -> None:
    every = few(push=6, insights=6)
    nano = get_preset("nano")
    for most, kept in ((None, 12), (4, 4), (0, 0)):
        chosen = select_prompts(every, override(nano, {"test_prompts": most}))
        assert len(of(chosen, "test")) == kept
        assert of(chosen, "train") == of(every, "train") and of(chosen, "eval") == of(every, "eval")
    with pytest.raises(UserError, match=r"insights would have no test prompt .* test_prompts=0"):
        select_prompts(few(push=6), nano)
    with pytest.raises(UserError, match="1 prompts stand in eval and in test"):
        select_prompts([*every, prompt("push", "push eval 0", "test")], nano)


def test_presets_say_how_the_verdict_is_measured() -> None:
    large, nano = get_preset("v4.1"), get_preset("nano")
    assert (large.test_prompts, large.final_samples, large.eval_samples) == (None, 4, 1)
    assert (nano.test_prompts, nano.final_samples) == (65, 2)
    assert get_preset("scenario-a-3.7b").final_samples == 2
    old = config_from_json((RUN_FOLDER / "config.json").read_text(encoding="utf-8"))
    assert old.test_prompts is None or "test_prompts" in json.loads((RUN_FOLDER / "config.json").read_text())


# --- the evaluations of a run -------------------------------------------------------------------------------------------

Asked = list[tuple[str, int, str, int, int, int]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Evaluations without a model: (label, step, split, prompts, samples, seed) of each that is made."""
    made: Asked = []

    def evaluate(
        policy: Any, prompts: list[PromptRecord], sampling: Sampling, profile: str, label: str, step: int, split: str,
        samples: int, batch_size: int, on_progress: Any,
    ) -> EvaluationResult:  # fmt: skip
        made.append((label, step, split, len(prompts), samples, sampling.seed))
        value = 0.5 + step / 100 + (split == "test") / 10
        rows = [
            ScoredCompletion(
                prompt_id=p.id, task=p.task, sample=i, text=f"{label} {step} {i}", tokens=3, truncated=False,
                total=value + i / 100, components={"length": value},
            )
            for p in prompts
            for i in range(samples)
        ]  # fmt: skip
        return EvaluationResult(
            label=label, split=split, step=step, policy="p", profile=profile, sampling=sampling, completions=rows
        )

    monkeypatch.setattr(module, "evaluate_policy", evaluate)
    return made


@pytest.fixture
def config(workbench: Path, tiny_model: Path, tmp_path: Path) -> TrainConfig:
    path = tmp_path / "three.jsonl"
    tested = [{**p, "prompt": f"{p['prompt']} {i} bis", "split": "test"} for i in range(4) for p in TINY_PROMPTS[:2]]
    path.write_text("".join(json.dumps(p) + "\n" for p in [*TINY_PROMPTS, *tested]), encoding="utf-8")
    changes = {"model": str(tiny_model), "prompts": str(path), "test_prompts": None, "final_samples": 3}
    return override(get_preset("nano"), changes)


def evaluated(config: TrainConfig, run: str) -> tuple[Path, Evaluator]:
    """A run with its evaluations at steps 0, 1 and 2, of which 2 is the best."""
    from backend.data.jsonl import read_prompts

    folder = run_folder(run)
    judge = Evaluator(folder, config, None, read_prompts(folder / "prompts.jsonl"))  # type: ignore[arg-type]
    judge.base()
    for step in (1, 2):
        judge.step(step)
    judge.tuned(2)
    sync_run(run)
    return folder, judge


@pytest.mark.slow
def test_the_curve_is_on_eval_prompts_and_the_verdict_on_test_prompts(asked: Asked, config: TrainConfig) -> None:
    run = create_run(config)
    folder, judge = evaluated(config, run)
    assert asked == [
        ("step", 0, "eval", 4, 1, 42),
        ("base", 0, "test", 8, 3, 43),
        ("step", 1, "eval", 4, 1, 42),
        ("step", 2, "eval", 4, 1, 42),
        ("tuned", 2, "test", 8, 3, 43),
    ]
    assert [(e["label"], e["split"], e["step"]) for e in judge.history()] == [
        ("base", "test", 0), ("step", "eval", 0), ("step", "eval", 1), ("step", "eval", 2), ("tuned", "test", 2),
    ]  # fmt: skip
    assert read_series(folder / "metrics.jsonl")["eval/mean_reward"] == [(0, 0.5)]
    with reading() as session:
        assert [name_of(e).en for e in run_evaluations(session, run)] == [
            "base · test", "step 0 · eval", "step 1 · eval", "step 2 · eval", "tuned (step 2) · test",
        ]  # fmt: skip
        curve = run_scores(session, run).groupby("step")["value"].mean()
        pair = base_and_tuned(session, run)
        assert pair is not None
        compared = compare_stored(session, *pair)
        by_eye = compare_stored(session, find_evaluation(session, f"{run}:step-00000"), find_evaluation(session, f"{run}:step-00002"))  # fmt: skip
    assert curve.round(6).to_dict() == {0: 0.5, 1: 0.51, 2: 0.52}
    assert (compared.tasks[-1].n, compared.answers) == (8, (3, 3))
    assert str(on_prompts(compared)) == "8 test prompts, 3 answers each" and chosen_words(compared) is None
    assert "chosen on these prompts" in str(chosen_words(by_eye)).lower()
    judge.base()  # as a resumed run does
    assert len(asked) == 5 and len(read_series(folder / "metrics.jsonl")["eval/mean_reward"]) == 1


@pytest.mark.slow
def test_without_test_prompts_base_is_the_first_point_and_verdicts_say_so(asked: Asked, config: TrainConfig) -> None:
    config = override(config, {"test_prompts": 0})
    run = create_run(config)
    evaluated(config, run)
    assert [(label, split, samples) for label, _, split, _, samples, _ in asked] == [
        ("base", "eval", 1), ("step", "eval", 1), ("step", "eval", 1), ("tuned", "eval", 1),
    ]  # fmt: skip
    with reading() as session:
        pair = base_and_tuned(session, run)
        assert pair is not None
        compared = compare_stored(session, *pair)
        assert run_scores(session, run)["step"].unique().tolist() == [0, 1, 2]
    assert compared.chosen_here and str(on_prompts(compared)) == "4 eval prompts, 1 answer each"
    assert "cannot be told apart" in str(noise_words(compared))


@pytest.mark.slow
def test_what_is_written_of_a_run_names_its_prompts(
    asked: Asked, config: TrainConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    for test_prompts, words in ((None, "8 test prompts, 3 answers each"), (0, "4 eval prompts, 1 answer each")):
        chosen = test_prompts == 0
        one = override(config, {"test_prompts": test_prompts})
        run = create_run(one)
        folder, _ = evaluated(one, run)
        write_comparison(run)
        written = json.loads((folder / COMPARISON).read_text(encoding="utf-8"))
        assert (written["split"], written["prompts"]) == (words.split()[1], words)
        assert written["chosen_on_these_prompts"] is chosen
        printed = capsys.readouterr().out
        with reading() as session:
            pair = base_and_tuned(session, run)
            assert pair is not None
            compared = compare_stored(session, *pair)
        card = model_card(run, folder, one, "adapter")
        html, portuguese, markdown = (
            as_html(compared, "x"),
            as_html(compared, "x", lang="pt"),
            as_markdown(compared, "x"),
        )
        for text in (printed, card, html, markdown):
            assert words in text and ("Chosen on these prompts" in text) is chosen
        assert ("Escolhido nestes prompts" in portuguese) is chosen
        assert f"{words.split()[0]} prompts de {'avaliação' if chosen else 'teste'}" in portuguese


@pytest.mark.slow
def test_rewinding_keeps_what_was_evaluated_before_training(asked: Asked, config: TrainConfig) -> None:
    run = create_run(config)
    folder, _ = evaluated(config, run)
    rewind(folder)
    rewind_store(run, 0)
    assert sorted(p.stem for p in (folder / "evaluations").glob("*")) == ["base-00000", "step-00000"]
    with reading() as session:
        assert [(e.label, e.split) for e in run_evaluations(session, run)] == [("base", "test"), ("step", "eval")]


def test_an_evaluation_of_the_first_versions_is_on_eval_prompts(workbench: Path) -> None:
    text = (RUN_FOLDER / "evaluations" / "base-00000.json").read_text(encoding="utf-8")
    old = {k: v for k, v in json.loads(text).items() if k != "split"}
    assert EvaluationResult.model_validate(old).split == "eval"


@pytest.mark.slow
def test_a_real_run_ends_with_a_verdict_on_test_prompts(config: TrainConfig) -> None:
    from tests import warm

    changes = {
        "max_steps": 2, "eval_steps": 1, "prompts_per_step": 1, "num_generations": 2, "max_completion_length": 8,
        "preflight_prompts": 2, "override_reason": "a random model fails preflight, rightly",
    }  # fmt: skip
    run = create_run(override(config, changes))
    assert warm.start("--run", run).wait() == 0, get_run(run).reason
    folder = run_folder(run)
    with reading() as session:
        found = [(e.label, e.split, e.step) for e in run_evaluations(session, run)]
    assert found[:4] == [("base", "test", 0), ("step", "eval", 0), ("step", "eval", 1), ("step", "eval", 2)]
    assert found[4][:2] == ("tuned", "test") and len(found) == 5
    written = json.loads((folder / COMPARISON).read_text(encoding="utf-8"))
    assert written["prompts"] == "8 test prompts, 3 answers each" and written["tasks"][-1]["n"] == 8
    series = read_series(folder / "metrics.jsonl")["eval/mean_reward"]
    of_file = {
        path.stem: EvaluationResult.model_validate_json(path.read_text()) for path in (folder / "evaluations").glob("*")
    }
    assert [step for step, _ in series] == [0, 1, 2]
    assert series[0][1] == pytest.approx(of_file["step-00000"].metrics()["mean_reward"])


# --- where the noise comes from -----------------------------------------------------------------------------------------


def samples(rng: np.random.Generator, prompts: int, answers: int, between: float, within: float) -> pd.DataFrame:
    rows = []
    for i in range(prompts):
        for side in ("base", "tuned"):
            mean = between * rng.normal() / np.sqrt(2)
            rows += [(f"p{i}", "push", side, k, mean + within * rng.normal()) for k in range(answers)]
    return pd.DataFrame(rows, columns=["prompt_id", "task", "side", "sample", "value"])


@pytest.mark.slow
def test_the_share_of_sampling_is_unbiased() -> None:
    """Differences with variance 0.04 over prompts and 2 x 0.02 / 2 from two answers: a third is sampling."""
    rng = np.random.default_rng(3)
    shares = [variance_shares(samples(rng, 30, 2, 0.2, np.sqrt(0.02)))["push"] for _ in range(120)]
    assert np.mean([s for s in shares if s is not None]) == pytest.approx(1 / 3, abs=0.03)
    only_sampling = [variance_shares(samples(rng, 40, 3, 0.0, 0.1))["push"] for _ in range(20)]
    assert 0.8 < np.mean([s for s in only_sampling if s is not None]) <= 1
    assert variance_shares(samples(rng, 40, 3, 0.2, 0.0))["push"] == 0


def test_one_answer_a_prompt_tells_nothing_of_sampling() -> None:
    rng = np.random.default_rng(3)
    assert variance_shares(samples(rng, 30, 1, 0.2, 0.1)) == {"push": None}
    assert variance_shares(samples(rng, 30, 2, 0.0, 0.0)) == {"push": None}
    assert variance_shares(samples(rng, 1, 2, 0.2, 0.1)) == {"push": None}
    one_sided = samples(rng, 30, 2, 0.2, 0.1)
    assert variance_shares(one_sided[one_sided["side"] == "base"]) == {"push": None}


def test_the_expected_spread_of_a_difference() -> None:
    """Base: 0.04 between prompts, 0.02 within, so a third is sampling. In training 0.06 in all, of which tuned keeps a third too.

    With four answers a side: 0.04 + 0.04 - 2 x 0.5 x 0.04 + (0.02 + 0.02) / 4 = 0.05.
    """
    rng = np.random.default_rng(5)
    base = 0.2 * rng.normal(size=(4000, 1)) + np.sqrt(0.02) * rng.normal(size=(4000, 2))
    explored = np.sqrt(0.06) * rng.normal(size=(2000, 8))
    assert expected_spread(base, explored, 4) ** 2 == pytest.approx(0.05, rel=0.05)
    still = np.full((5, 2), 0.3)
    assert expected_spread(still, still, 4) == 0
    for answers in (1, 4):  # answers that do not vary when evaluated: more of them do not help
        assert expected_spread(still, explored, answers) ** 2 == pytest.approx(0.06, rel=0.05)


def answered(task: str, values: list[tuple[float, float]]) -> list[Sampled]:
    made = Completion("x", 1, False)
    return [
        Sampled(prompt(task, f"{task} {i}", "eval"), [made, made], [Score(v, {}) for v in pair])
        for i, pair in enumerate(values)
    ]


def test_preflight_says_what_the_verdict_will_see_and_how_many_prompts_would_be_needed() -> None:
    rng = np.random.default_rng(1)
    pairs = [tuple(np.clip(0.5 + 0.2 * rng.normal() + 0.1 * rng.normal(size=2), 0, 1)) for _ in range(15)]
    asked = answered("push", pairs)
    by_task = {"push": [prompt("push", f"{i}", "eval") for i in range(15)]}
    tested = {"push": [prompt("push", f"t{i}", "test") for i in range(30)]}
    nano = override(get_preset("nano"), {"final_samples": 4})
    check = eval_size_check(nano, by_task, tested, asked, asked)
    assert check.status == "pass" and check.found.en.startswith("test prompts, 4 answers each")
    change, needed = map(float, check.found.en.partition("(±")[2].removesuffix(" for ±0.05)").split("; "))
    assert needed == pytest.approx(30 * (change / 0.05) ** 2, rel=0.15) and needed > 30
    fewer = eval_size_check(override(nano, {"final_samples": 1}), by_task, tested, asked, asked)
    assert float(fewer.found.en.partition("(±")[2].partition(";")[0]) > change
    none = eval_size_check(nano, by_task, {}, asked, asked)
    assert none.status == "warn" and none.found.en.startswith("eval prompts, 1 answers each")
    assert "no test prompts, so the best step is chosen on the prompts that judge it" in none.found.en
    assert eval_size_check(nano, by_task, {"push": tested["push"][:5]}, asked, asked).status == "fail"
    assert eval_size_check(nano, {"push": by_task["push"][:5]}, tested, asked, asked).status == "warn"


def test_choosing_on_the_judging_prompts_gains_and_on_others_it_does_not() -> None:
    """A slice of ``benchmarks.coverage.selection``: nothing is learned in 60 evaluations."""
    from benchmarks.coverage.selection import SHAPES, run

    rng = np.random.default_rng(0)
    runs = [run(rng, SHAPES[0]) for _ in range(100)]
    on_eval, on_test = (np.mean([(p["tuned"] - p["base"]).mean() for p in side]) for side in zip(*runs, strict=True))
    assert 0.01 < on_eval < 0.03 and abs(on_test) < 0.003
