"""The SFT warm-up and what it is fed; few-shot prompts; the estimate; several processes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend.data.few_shot import with_examples
from backend.errors import UserError
from backend.models.load import load_policy
from backend.progress import Reporter
from backend.records import Message, PromptRecord
from backend.store.engine import reading
from backend.store.tables import Run
from backend.suites import get_task
from backend.training.config import PRESETS, differences, get_preset, override
from backend.training.estimate import estimate, estimate_in_words
from rewards import score
from tests import warm

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_reference_answer_is_a_right_answer(prompts) -> None:
    from backend.training.warm_up import reference_answer

    extraction = [p for p in prompts if p.task == "extraction"]
    for p in extraction:
        answer = reference_answer(p)
        assert answer is not None
        assert score("extraction", answer, p.user_text).total == pytest.approx(1.0), (p.user_text, answer)
    assert all(reference_answer(p) is None for p in prompts if p.task != "extraction")


@pytest.mark.slow
def test_an_answer_of_ones_own_comes_first() -> None:
    from backend.training.warm_up import pairs, reference_answer

    record = PromptRecord(
        task="push", messages=[{"role": "user", "content": "Crie"}], facts={"answer": "Oi!"}, split="train"
    )
    assert reference_answer(record) == "Oi!"
    assert pairs([record], ("push",))[0]["completion"] == [{"role": "assistant", "content": "Oi!"}]


@pytest.mark.slow
def test_a_warm_up_without_pairs_is_refused(prompts) -> None:
    from backend.training.warm_up import pairs

    with pytest.raises(UserError, match="no train prompt of push with a reference answer"):
        pairs(prompts, ("push",))


def test_examples_go_into_the_system_prompt_alone(prompts) -> None:
    extended = with_examples(prompts, 2)
    for before, after in zip(prompts, extended, strict=True):
        assert after.user_text == before.user_text
        if before.task == "push":
            system = after.chat[0]["content"]
            assert system.startswith(before.chat[0]["content"]) and system.count("\n- ") == 2
        else:
            assert after == before
    assert with_examples(prompts, 0) is prompts
    assert PRESETS["push-few-shot"].few_shot == 3


def test_the_examples_are_pushes_the_reward_likes() -> None:
    quoted = [line.split('"')[1] for line in get_task("push").examples[1:]]
    assert len(quoted) == 3
    assert all(len(q) <= 120 and score("push", q, "Crie um push").total >= 0.85 for q in quoted)


def test_presets_differ_in_what_their_names_say() -> None:
    assert set(differences(PRESETS["v4.1"], PRESETS["scenario-b-sft"])) == {
        "preset",
        "model",
        "sft_epochs",
        "sft_tasks",
    }
    assert set(differences(PRESETS["v4.2"], PRESETS["push-few-shot"])) == {"preset", "few_shot"}
    assert set(differences(PRESETS["v4.2"], PRESETS["drop-sql"])) == {"preset", "tasks"}


@pytest.mark.slow
def test_the_warm_up_says_how_far_it_is(workbench, tiny_model, tmp_path, monkeypatch) -> None:
    from backend.training.warm_up import warm_up

    config = override(
        get_preset("nano"), {"model": str(tiny_model), "sft_epochs": 1, "sft_tasks": "push", "sft_batch_size": 2}
    )
    prompts = [
        PromptRecord(task="push", messages=(Message(role="user", content=f"Push {i}"),), facts={"answer": "Corra!"})
        for i in range(6)
    ]
    said: list[dict[str, object]] = []
    monkeypatch.setattr(Reporter, "_write", lambda _self, **words: said.append(words))
    warm_up(tmp_path, config, load_policy(config, trainable=True), prompts, Reporter(tmp_path / "progress.json"))
    assert {words["phase"] for words in said} == {"warm-up"}
    assert (said[0]["done"], said[0]["total"]) == (0, 0) and (said[-1]["done"], said[-1]["total"]) == (3, 3)


@pytest.mark.slow
def test_a_warmed_up_run_keeps_its_adapter_and_evaluates_it(workbench, tiny_model, tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [
        {"task": "push", "prompt": f"Crie um push {i}", "facts": {"answer": "Corra! Só hoje."}, "split": split}
        for i, split in enumerate(["train"] * 6 + ["eval"] * 2)
    ]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
    changes = (
        f"model={tiny_model}", "max_steps=1", "eval_steps=1", "num_generations=2", "max_completion_length=8",
        "sft_epochs=2", "sft_tasks=push", "sft_batch_size=2", "sft_learning_rate=0.01", "override_reason=a test",
        "preflight_prompts=2",
    )  # fmt: skip
    done = warm.run("--prompts", str(path), *(word for change in changes for word in ("--set", change)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SFT warm-up on 6 pairs of push" in done.stdout
    (folder,) = (p for p in (workbench / "runs").iterdir() if p.is_dir())
    losses = json.loads((folder / "sft.json").read_text())
    assert losses["pairs"] == 6
    assert (folder / "sft" / "adapter_model.safetensors").is_file()
    labels = [e["label"] for e in json.loads((folder / "eval_results.json").read_text())["evaluations"]]
    assert labels == ["base", "sft", "step", "tuned"]
    # another run of this model on this machine can be estimated once it has three steps; this one had one
    assert estimate(override(get_preset("nano"), {"model": str(tiny_model)}), {"eval": 2}) is None


@pytest.mark.parametrize(("gpu", "cost"), [(None, ""), ("L4", " and $0.05")])
def test_the_estimate_scales_the_measured_steps(workbench, tmp_path, monkeypatch, gpu: str | None, cost: str) -> None:
    monkeypatch.setattr("backend.training.estimate.gpu_name", lambda: gpu)
    config = override(get_preset("nano"), {"model": str(tmp_path), "max_steps": 100, "eval_steps": 50})
    folder = workbench / "runs" / "20260101-000000-aaaa"
    (folder / "evaluations").mkdir(parents=True)
    (folder / "config.json").write_text(config.model_dump_json())
    (folder / "environment.json").write_text(json.dumps({"gpu": gpu, "cpus": os.cpu_count()}))
    lines = [json.dumps({"step": i, "time": 0, "metrics": {"step_time": s}}) for i, s in enumerate((9.0, 2.0, 2.0), 1)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "evaluations" / "base-00000.json").write_text('{"seconds": 10, "completions": [{}, {}, {}, {}]}')
    prompts = {"train": 400, "eval": 4}
    found = estimate(config, prompts)
    assert found is not None and not found.scaled
    assert found.hours == pytest.approx((100 * 2.0 + 4 * 10) / 3600)  # base, two steps, tuned
    # A CPU's hours are not paid for.
    assert found.dollars == (None if gpu is None else pytest.approx(found.hours * 0.8))
    judged = estimate(override(config, {"final_samples": 3}), {**prompts, "test": 20})
    assert judged is not None and judged.hours == pytest.approx((100 * 2.0 + 3 * 10 + 2 * 3 * 50) / 3600)
    longer = estimate(override(config, {"max_completion_length": 320}), prompts)
    assert longer is not None and longer.hours == pytest.approx(2 * (100 * 2.0 + 4 * 10) / 3600)
    double = estimate(override(config, {"num_generations": 16}), prompts, runs=3)
    assert double is not None and double.scaled and double.step_seconds == pytest.approx(4.0)
    assert double.hours == pytest.approx(3 * (100 * 4.0 + 4 * 10) / 3600)
    assert f"about 4 min{cost} (2.0 s a step in 20260101-000000-aaaa)" in estimate_in_words(config, prompts)
    assert "no run of nano on this machine yet" in estimate_in_words(get_preset("nano"), prompts)


@pytest.mark.slow
def test_two_processes_train_one_run(workbench, tiny_model, tiny_prompts) -> None:
    """By the command in the documentation: on a CPU ``accelerate launch`` would start one process."""
    documented = re.search(r"bin/torchrun (.*) run_training.py", (ROOT / "docs" / "engineers.md").read_text("utf-8"))
    assert documented is not None
    command = [
        sys.executable, "-m", "torch.distributed.run", *documented[1].split(), "--local-addr", "127.0.0.1",
        "run_training.py", "--prompts", str(tiny_prompts),
    ]  # fmt: skip
    changes = (
        f"model={tiny_model}", "max_steps=3", "eval_steps=2", "num_generations=4", "max_completion_length=8",
        "override_reason=a test", "preflight_prompts=2",
    )  # fmt: skip
    for change in changes:
        command += ["--set", change]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (folder,) = (p for p in (workbench / "runs").iterdir() if p.is_dir())
    assert json.loads((folder / "environment.json").read_text())["processes"] == 2
    steps = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert steps == [0, 1, 2, 2, 3, 3, 3]  # each written once: base, steps, evaluations, the closing line
    with reading() as session:
        run = session.get_one(Run, folder.name)
    assert run.status == "finished", run.reason
    assert (folder / "comparison_base_vs_tuned.json").is_file()
