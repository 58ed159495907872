"""Every check of preflight, made to fail as the seeds' run failed; on nano where a real model is what failed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.audit.gate import Gate
from backend.models.load import Policy, load_policy
from backend.records import Completion, PromptRecord
from backend.training.config import PRESETS, TrainConfig, get_preset, override
from backend.training.preflight import Check, Sampled, attack_check, failures, preflight, static_checks
from backend.training.sample_checks import sample_checks
from rewards.types import NO_TEXT, Score, Text
from tests import warm

pytestmark = pytest.mark.slow


def static(config: TrainConfig, prompts: list[PromptRecord], folder: Path, gates=None) -> dict[str, Check]:
    passed = {task: Gate("pass", NO_TEXT) for task in ("extraction", "sql_qa", "insights", "push")}
    return {c.name: c for c in static_checks(config, prompts, passed if gates is None else gates, folder)}


NANO = get_preset("nano")
SHORT = override(NANO, {"max_completion_length": 16})


def test_the_default_run_has_no_static_failure(prompts, tmp_path) -> None:
    checks = static(NANO, prompts, tmp_path)
    assert not failures(list(checks.values()))
    assert checks["schedule"].status == checks["labels"].status == checks["audit-gate"].status == "pass"
    assert checks["train-size"].status == "warn" and "insights, push" in checks["train-size"].found.en


def test_v1_a_low_temperature(prompts, tmp_path) -> None:
    assert static(override(NANO, {"temperature": 0.1}), prompts, tmp_path)["temperature"].status == "fail"


@pytest.mark.parametrize(
    ("schedule", "end", "status"), [("cosine", "0%", "fail"), ("linear", "2%", "pass"), ("constant", "100%", "pass")]
)
def test_v4_a_schedule_that_decays_to_nothing(schedule: str, end: str, status: str, prompts, tmp_path) -> None:
    """A linear one is at nothing at its end alone; a cosine is under a tenth of its peak for a fifth of the steps."""
    check = static(override(NANO, {"lr_scheduler_type": schedule}), prompts, tmp_path)["schedule"]
    assert check.status == status and f", {end} of its peak" in check.found.en


@pytest.mark.parametrize(("ratio", "status"), [(0.05, "pass"), (0.3, "warn"), (0.99, "fail")])
def test_a_warm_up_that_is_most_of_the_run(ratio: float, status: str, prompts, tmp_path) -> None:
    assert static(override(NANO, {"warmup_ratio": ratio}), prompts, tmp_path)["schedule"].status == status


@pytest.mark.parametrize(
    ("rate", "status"), [(0.1, "fail"), (2e-3, "warn"), (6e-4, "pass"), (1e-6, "pass"), (2e-7, "warn"), (1e-12, "fail")]
)
def test_a_learning_rate_that_destroys_or_does_nothing(rate: float, status: str, prompts, tmp_path) -> None:
    assert static(override(NANO, {"learning_rate": rate}), prompts, tmp_path)["learning-rate"].status == status


def test_a_few_prompts_learned_by_heart(prompts, tmp_path) -> None:
    few = [p for p in prompts if p.split != "train"] + [p for p in prompts if p.split == "train"][:15]
    check = static(NANO, few, tmp_path)["epochs"]
    assert (
        check.status == "fail"
        and "8.00 passes over 15 prompts" in check.found.en
        and "max_steps=11 or fewer" in check.found.en
    )


def test_tasks_that_are_evaluated_and_never_trained(prompts, tmp_path) -> None:
    none_of_push = [p for p in prompts if p.task != "push" or p.split != "train"]
    check = static(NANO, none_of_push, tmp_path)["train-size"]
    assert check.status == "fail" and "no train prompt, though it is evaluated: push" in check.found.en


def test_prompts_that_are_too_long_are_not_counted(prompts, tmp_path, tiny_model) -> None:
    from backend.models.load import load_tokenizer
    from backend.training.lengths import lengths, room

    tokenizer = load_tokenizer(override(NANO, {"model": str(tiny_model)}))
    train = [p for p in prompts if p.split == "train"]
    of = {p.id: n for p, n in zip(train, lengths(tokenizer, train), strict=True)}
    middle = sorted(of.values())[len(of) // 2]
    config = override(NANO, {"max_seq_length": middle + NANO.max_completion_length})
    gates = {task: Gate("pass", NO_TEXT) for task in ("extraction", "sql_qa", "insights", "push")}
    checks = {c.name: c for c in static_checks(config, prompts, gates, tmp_path, tokenizer)}
    kept = sum(n <= room(config) for n in of.values())
    assert 0 < kept < len(train) and f"passes over {kept} prompts" in checks["epochs"].found.en
    assert (
        checks["prompt-length"].status == "fail" and "left out because longer than" in checks["prompt-length"].found.en
    )
    roomy = {
        c.name: c
        for c in static_checks(NANO.model_copy(update={"max_seq_length": 8192}), prompts, gates, tmp_path, tokenizer)
    }
    assert roomy["prompt-length"].status == "pass"


def test_what_a_backend_ignores_is_refused(tiny_model, tmp_path) -> None:
    from backend.training.preflight import policy_checks

    config = override(NANO, {"model": str(tiny_model), "adaptive_entropy": True})
    policy = load_policy(config)
    found = {}
    for backend in ("transformers", "unsloth"):
        policy.backend = backend
        found[backend] = next(c for c in policy_checks(config, policy) if c.name == "backend")
    assert found["transformers"].status == "pass"
    assert found["unsloth"].status == "fail" and "would ignore adaptive_entropy=true" in found["unsloth"].found.en


def test_the_memory_estimate_knows_the_evaluations_batch(tiny_model) -> None:
    from backend.training.memory import needed_memory

    policy = load_policy(override(NANO, {"model": str(tiny_model)}))
    narrow, wide = (
        needed_memory(override(NANO, {"eval_batch_size": rows, "max_completion_length": 8}), policy.model)
        for rows in (16, 4096)
    )
    shape = policy.model.config
    a_row = 2 * shape.num_hidden_layers * shape.num_key_value_heads * shape.head_dim * NANO.max_seq_length * 4 / 1e9
    assert wide - narrow == pytest.approx((4096 - 16) * a_row, rel=0.05)
    short = needed_memory(override(NANO, {"eval_batch_size": 4096, "max_completion_length": 8}), policy.model, 100)
    assert short < 0.1 * wide


def test_cheap_checks_come_first_and_a_failure_ends_it_before_the_model_is_loaded(
    workbench, tiny_config, monkeypatch
) -> None:
    from backend.errors import UserError
    from backend.runs.create import create_run
    from backend.training import run as module

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("the model was loaded")

    config = override(tiny_config, {"override_reason": "", "learning_rate": 0.1})
    folder = workbench / "runs" / create_run(config)
    monkeypatch.setattr(module, "load_policy", loaded)
    with pytest.raises(UserError, match=r"preflight failed: learning-rate: learning rate 0\.1"):
        module.train(folder)
    kept = json.loads((folder / "preflight.json").read_text())["checks"]
    assert {"learning-rate", "epochs", "train-size", "backend"} <= {c["name"] for c in kept}
    assert "rollouts-differ" not in {c["name"] for c in kept}


@pytest.mark.parametrize(
    ("changes", "environment", "message"),
    [
        ({"report_to": "trackio"}, {}, "report_to=trackio needs its package: `pip install trackio`"),
        ({"report_to": "mlflow"}, {}, "report_to takes wandb, trackio, tensorboard, not 'mlflow'"),
        ({}, {"WORLD_SIZE": "3"}, "3 processes with gradient_accumulation_steps 1 do not divide the 2 x 8 completions"),
        ({"use_vllm": "true"}, {}, "use_vllm=true needs the package vllm"),
        ({"use_vllm": "true", "vllm_mode": "server"}, {"WORLD_SIZE": "2"}, "takes one training process"),
    ],
)
def test_what_cannot_work_here_is_refused_in_plain_words(changes, environment, message, monkeypatch) -> None:
    from backend.errors import UserError
    from backend.training.possible import check_possible

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=message):
        check_possible(override(NANO, changes))
    check_possible(NANO.model_copy(update={"num_generations": 6}))


@pytest.mark.parametrize("changes", [{"use_vllm": "true"}, {"report_to": "trackio"}])
def test_what_is_missing_here_does_not_keep_a_run_from_being_written_for_elsewhere(
    changes, tmp_path, workbench
) -> None:
    from backend.errors import UserError
    from backend.runs.create import create_folder

    config = override(NANO, changes)
    with pytest.raises(UserError, match="needs"):
        create_folder(tmp_path / "here", config)
    create_folder(tmp_path / "there", config, here=False)
    assert (tmp_path / "there" / "config.json").is_file()
    with pytest.raises(UserError, match="report_to takes"):  # that is so everywhere
        create_folder(tmp_path / "nowhere", override(NANO, {"report_to": "mlflow"}), here=False)


def test_a_model_without_a_chat_template_is_refused_before_it_is_loaded(tiny_model, tmp_path) -> None:
    from backend.errors import UserError

    copy = tmp_path / "base"
    shutil.copytree(tiny_model, copy)
    for file in (*copy.glob("*.safetensors"), *copy.glob("chat_template*")):
        file.unlink()
    path = copy / "tokenizer_config.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "chat_template"}))
    with pytest.raises(UserError, match="has no chat template, so nobody knows how to ask it"):
        load_policy(override(NANO, {"model": str(copy)}))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_keeps_its_learning_rate(name: str, prompts, tmp_path) -> None:
    assert static(PRESETS[name], prompts, tmp_path)["schedule"].status == "pass"


@pytest.mark.parametrize(("steps", "status"), [(20, "warn"), (740, "pass"), (1500, "warn")])
def test_v4_too_few_or_too_many_epochs(steps: int, status: str, prompts, tmp_path) -> None:
    assert static(override(NANO, {"max_steps": steps}), prompts, tmp_path)["epochs"].status == status


def test_v42_mislabelled_prompts(prompts, tmp_path) -> None:
    wrong = [p.model_copy(update={"task": "push"}) if p.task == "insights" else p for p in prompts]
    check = static(NANO, wrong, tmp_path)["labels"]
    assert check.status == "fail" and "push, classified insights" in check.found.en
    one = [p.model_copy(update={"task": "push"}) if p is prompts[1200] else p for p in prompts]
    assert prompts[1200].task == "insights" and static(NANO, one, tmp_path)["labels"].status == "warn"


@pytest.mark.parametrize(
    ("gate", "verdict", "status"),
    [
        ("required", "pass", "pass"),
        ("required", "fail", "fail"),
        ("required", None, "fail"),
        ("advised", "fail", "warn"),
    ],
)
def test_an_unaudited_reward(gate: str, verdict, status: str, prompts, tmp_path) -> None:
    gates = {t: Gate(verdict, NO_TEXT) for t in ("extraction", "sql_qa", "insights", "push")} if verdict else {}
    check = static(override(NANO, {"gate": gate}), prompts, tmp_path, gates)["audit-gate"]
    assert check.status == status and "v4.2.1" in check.found.en


def test_a_full_disk(prompts, tmp_path, monkeypatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=500_000_000))
    assert static(NANO, prompts, tmp_path / "not" / "yet", None)["disk"].status == "fail"


# --- with the real nano -------------------------------------------------------------------------------------------
with_nano = pytest.mark.xdist_group("nano")  # one worker loads it, for all of them


@pytest.fixture(scope="module")
def nano() -> Policy:
    return load_policy(NANO)


def on_nano(policy: Policy, config: TrainConfig, prompts: list[PromptRecord], folder: Path) -> dict[str, Check]:
    few = override(config, {"preflight_prompts": 2, "num_generations": config.num_generations})
    return {c.name: c for c in preflight(few, policy, prompts, {}, folder)}


@with_nano
def test_nano_passes_what_its_model_decides(nano, prompts, tmp_path) -> None:
    checks = on_nano(nano, NANO, prompts, tmp_path)
    assert not failures(list(checks.values())), checks
    for name in ("generation-config", "memory", "rollouts-differ", "ceiling", "thinking", "parser", "eval-size"):
        assert checks[name].status == "pass", checks[name]


def completion(text: str) -> Completion:
    return Completion(text, len(text.split()), False)


def test_a_reward_that_pays_for_cheap_texts_is_named_before_training(prompts) -> None:
    push = next(p for p in prompts if p.task == "push" and p.split == "train")
    sql = next(p for p in prompts if p.task == "sql_qa" and p.split == "train")
    made = [Sampled(p, [completion("Aproveite hoje: SELECT state FROM orders_enriched")], []) for p in (push, sql)]
    check = attack_check(NANO, made)
    assert check.status == "warn" and "push after" in check.found.en and "sql_qa after" in check.found.en
    assert attack_check(NANO, made) == check, "the same search each time"


def test_a_reward_without_bounds_is_not_said_to_have_withstood_a_search(prompts, monkeypatch) -> None:
    push = next(p for p in prompts if p.task == "push")
    monkeypatch.setattr("backend.training.sample_checks.get_task", lambda _: SimpleNamespace(bounds=None))
    check = attack_check(NANO, [Sampled(push, [completion("Aproveite")], [])])
    assert check.status == "warn" and check.found.en.startswith("not searched: push") and "BOUNDS" in check.found.pt


def test_a_reward_whose_judge_would_be_asked_too_often_is_not_said_to_have_withstood_one(prompts, monkeypatch) -> None:
    push = next(p for p in prompts if p.task == "push")
    sql = next(p for p in prompts if p.task == "sql_qa")
    monkeypatch.setattr(
        "backend.training.sample_checks.counting_judges", lambda task: ["kind"] if task == "sql_qa" else []
    )
    made = [Sampled(p, [completion("Aproveite hoje: SELECT state FROM orders_enriched")], []) for p in (push, sql)]
    found = attack_check(NANO, made).found.en
    assert "push after" in found and "not searched: sql_qa (kind would be asked" in found
    assert "no cheap text scores high" not in found
    assert attack_check(NANO, made[1:]).status == "warn"


@with_nano
def test_v1_the_models_own_generation_config_is_overwritten_and_named(nano, prompts, tmp_path) -> None:
    from backend.models.nano_cache import nano_path

    copy = tmp_path / "cold"
    shutil.copytree(nano_path(), copy)
    path = copy / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "temperature": 0.1, "repetition_penalty": 1.2}))
    policy = load_policy(override(NANO, {"model": str(copy)}))
    found = {c.name: c for c in preflight(override(SHORT, {"preflight_prompts": 2}), policy, prompts, {}, tmp_path)}
    assert found["generation-config"].status == "warn"
    assert "temperature 0.1, repetition_penalty 1.2; overwritten" in found["generation-config"].found.en
    assert found["rollouts-differ"].status == "pass"
    policy.model.generation_config.temperature = 0.1  # as if nothing had overwritten it
    from backend.training.preflight import policy_checks

    check = next(c for c in policy_checks(NANO, policy) if c.name == "generation-config")
    assert check.status == "fail"


@with_nano
def test_v1_identical_rollouts(nano, prompts, tmp_path) -> None:
    checks = on_nano(nano, override(SHORT, {"temperature": 0.05}), prompts, tmp_path)
    assert {"temperature", "rollouts-differ", "signal"} <= {c.name for c in failures(list(checks.values()))}


@with_nano
def test_v2_a_ceiling_of_16_tokens(nano, prompts, tmp_path) -> None:
    checks = on_nano(nano, SHORT, prompts, tmp_path)
    assert checks["ceiling"].status == "fail" and "cut at 16 tokens" in checks["ceiling"].found.en


@with_nano
def test_v2_a_template_that_thinks(nano, prompts, tmp_path, monkeypatch) -> None:
    template = nano.tokenizer.chat_template
    thinking = template.replace("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n")
    assert thinking != template
    monkeypatch.setattr(nano.tokenizer, "chat_template", thinking)
    checks = on_nano(nano, SHORT, prompts, tmp_path)
    assert checks["thinking"].status == "fail" and "opens <think>" in checks["thinking"].found.en


@with_nano
def test_v4_fifteen_eval_prompts(nano, prompts, tmp_path) -> None:
    by_task: dict[str, int] = {}
    few = [
        p for p in prompts if p.split == "train" or (by_task.setdefault(p.task, 0) < 4 and not by_task.update({p.task: by_task[p.task] + 1}))
    ]  # fmt: skip
    checks = on_nano(nano, SHORT, few, tmp_path)
    assert checks["eval-size"].status == "fail"
    assert "extraction 4 (none; " in checks["eval-size"].found.en and "no test prompts" in checks["eval-size"].found.en


@with_nano
def test_a_constant_reward(nano, prompts, tmp_path, monkeypatch) -> None:
    from backend.suites import score_all
    from backend.training import preflight as module
    from rewards import Score

    def constant(asked: list, profile: str, **more: bool) -> list[Score]:
        return [
            Score(0.4, dict.fromkeys(real.components, 0.1)) if task == "push" else real
            for (task, _), real in zip(asked, score_all(asked, profile), strict=True)
        ]

    monkeypatch.setattr(module, "score_all", constant)
    checks = on_nano(nano, SHORT, prompts, tmp_path)
    assert checks["headroom"].status == "fail" and "push = 0.40" in checks["headroom"].found.en
    assert checks["signal"].status == "fail"


def test_a_model_larger_than_the_memory(tiny_model, prompts, tmp_path, monkeypatch) -> None:
    from backend.training import preflight as module

    monkeypatch.setattr(module, "available_memory", lambda: (0.001, Text("of a made-up GPU", "de uma GPU inventada")))
    policy = load_policy(override(NANO, {"model": str(tiny_model)}))
    check = next(c for c in module.policy_checks(NANO, policy) if c.name == "memory")
    assert check.status == "fail" and "made-up GPU" in check.found.en


def test_a_failed_preflight_ends_the_run_unless_a_reason_is_given(workbench, tiny_model, tiny_prompts) -> None:
    command = ["--prompts", str(tiny_prompts)]
    for setting in (
        f"model={tiny_model}",
        "max_steps=1",
        "eval_steps=1",
        "num_generations=2",
        "max_completion_length=8",
    ):
        command += ["--set", setting]

    def folders() -> set[Path]:
        return {p for p in (workbench / "runs").iterdir() if p.is_dir()}

    refused = warm.run(*command)
    assert refused.returncode == 2 and "preflight failed: " in refused.stdout
    (first,) = folders()
    allowed = [*command, "--set", "override_reason=the smoke test of a random model"]
    done = warm.run(*allowed)
    assert done.returncode == 0, done.stdout + done.stderr
    (second,) = folders() - {first}
    kept = json.loads((second / "preflight.json").read_text())
    assert kept["override_reason"] == "the smoke test of a random model"
    assert {c["status"] for c in kept["checks"]} == {"pass", "warn", "fail"}
    assert not (first / "evaluations").exists()  # refused before anything was trained or evaluated


def test_preflight_alone_prints_json_and_writes_no_run(workbench, tiny_model, tiny_prompts) -> None:
    command = ["--prompts", str(tiny_prompts), "--preflight", "--json"]
    command += ["--set", f"model={tiny_model}", "--set", "num_generations=2", "--set", "max_completion_length=8"]
    done = warm.run(*command)
    assert done.returncode == 1, done.stderr
    checks = json.loads(done.stdout)
    assert {"name", "status", "found", "story", "pt"} == set(checks[0])
    assert not (workbench / "runs").exists()


def test_what_the_warm_up_mends_does_not_stop_a_run_before_it(prompts) -> None:
    """A base that writes no JSON: GRPO never trains it, only what the warm-up made of it."""
    asked = {task: next(p for p in prompts if p.task == task and p.split == "train") for task in ("extraction", "push")}
    flat = [Score(0.0, {"json": 0.0})] * 4
    extraction = Sampled(asked["extraction"], [completion(f"olá {i}") for i in range(4)], flat)
    lively = [Score(i / 4, {"cta": i / 4}) for i in range(4)]
    push = Sampled(asked["push"], [completion(f"oi {i}") for i in range(4)], lively)
    cold = override(NANO, {"tasks": "extraction,push"})
    warmed = override(cold, {"sft_epochs": 1, "sft_tasks": "extraction"})
    policy = SimpleNamespace(tokenizer=SimpleNamespace(apply_chat_template=lambda *_, **__: ""))

    def status(config: TrainConfig, *sampled: Sampled) -> dict[str, str]:
        return {check.name: check.status for check in sample_checks(config, policy, list(sampled))}

    named = ("signal", "parser", "headroom")
    assert [status(cold, extraction, push)[name] for name in named] == ["fail"] * 3
    assert [status(warmed, extraction, push)[name] for name in named] == ["warn"] * 3
    cut = Sampled(asked["push"], [replace(c, truncated=True) for c in push.completions], lively)
    assert [status(config, cut)["ceiling"] for config in (cold, warmed)] == ["fail", "warn"], "any pair teaches to end"
    still = Sampled(asked["push"], push.completions, [lively[0]] * 4)
    assert [status(warmed, extraction, still)[name] for name in named] == ["fail", "warn", "fail"], "push is not warmed"
