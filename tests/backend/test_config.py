"""Training configuration: presets, overrides and their refusals."""

import pytest

from backend.errors import UserError
from backend.models.load import unsloth_lora_arguments
from backend.settings import as_setting
from backend.training.config import (
    PRESETS,
    all_presets,
    allowed,
    differences,
    get_preset,
    override,
    parse_settings,
)
from rewards import TASKS


def test_v41_is_the_handoffs_summary() -> None:
    c = get_preset("v4.1")
    assert (c.max_steps, c.learning_rate, c.lr_scheduler_type, c.warmup_ratio) == (
        600,
        5e-6,
        "constant_with_warmup",
        0.05,
    )
    assert (c.num_generations, c.max_completion_length, c.temperature, c.beta) == (16, 512, 1.0, 0.0)
    assert (c.scale_rewards, c.loss_type, c.prompts_per_step, c.lora_r, c.lora_alpha) == ("none", "dr_grpo", 2, 16, 32)


def test_v42_and_its_kin_are_the_final_reports() -> None:
    c = get_preset("v4.2")
    assert (c.max_steps, c.aggregation, c.task_weighting) == (1500, "normalize_then_sum", "reward")
    assert (c.eval_steps, c.patience, c.learning_rate, c.num_generations) == (50, 15, 5e-6, 16)
    assert get_preset("drop-sql").tasks == ("extraction", "insights", "push")
    a = get_preset("scenario-a-3.7b")
    assert (a.num_generations, a.max_completion_length, a.learning_rate, a.max_steps) == (8, 1024, 2e-6, 400)
    assert (a.max_seq_length, a.model) == (2048, "Polygl0t/Tucano2-qwen-3.7B-Instruct")


def test_v41_scores_in_the_handoffs_units_and_runs_to_its_end() -> None:
    """Its 0.17, 0.476 and 0.55 were scored by the rules of V4.1; the handoff has no early stopping."""
    for name in ("v4.1", "scenario-a-3.7b", "scenario-b-sft"):
        c = get_preset(name)
        assert c.profile == "v4.1", name
        assert c.patience * c.eval_steps >= c.max_steps, name
    assert get_preset("v4.2").profile == "v4.2.1"


def test_the_seeds_further_plans_are_presets() -> None:
    assert get_preset("scenario-c").tasks == ("extraction", "push")
    larger, base = get_preset("1.5b"), get_preset("base-1.5b")
    assert "1.5B-Instruct" in larger.model and larger.max_steps == 1500
    assert "1.5B" in base.model and "Instruct" not in base.model
    assert (base.max_steps, base.learning_rate) == (3000, 1e-6)
    assert "42,123,456" in all_presets()["v4.2"].note.en


def test_a_runs_seed_is_the_adapters_on_both_backends() -> None:
    seeds = [unsloth_lora_arguments(override(get_preset("nano"), {"seed": s}))["random_state"] for s in (42, 123)]
    assert seeds == [42, 123]


def test_presets_carry_their_own_name() -> None:
    assert all(config.preset == name for name, config in PRESETS.items())


def test_text_is_parsed_by_the_fields_type() -> None:
    c = override(
        get_preset("nano"), parse_settings(["learning_rate=5e-6", "tasks=push, extraction", "epsilon_high=none"])
    )
    assert (c.learning_rate, c.tasks, c.epsilon_high) == (5e-6, ("push", "extraction"), None)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["max_step=3"], "no field 'max_step'"),
        (["max_steps=0"], "Allowed: whole number >= 1 and <= 100000"),
        (["max_steps=-5"], "max_steps="),
        (["max_steps=many"], "max_steps="),
        (["learning_rate=2"], "<= 0.1"),
        (["lr_scheduler_type=cubic"], "one of constant, constant_with_warmup, linear, cosine"),
        (["profile=v9"], "unknown reward profile 'v9'"),
        (["tasks=poetry"], "unknown task 'poetry'"),
        (["max_completion_length=2048"], "leaves no room for the prompt"),
        (["comparison=alpha=2"], "Allowed: alpha=0.05,family=tasks,margin=0.05"),
        (["comparison=delta=0.1"], "Allowed: alpha=0.05,family=tasks,margin=0.05"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_is_allowed(pairs: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        override(get_preset("nano"), parse_settings(pairs))
    assert message in str(error.value)


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(UserError, match="field=value"):
        parse_settings(["max_steps"])


def test_an_unknown_preset_lists_those_there_are() -> None:
    with pytest.raises(UserError, match="nano"):
        get_preset("v9")


def test_a_config_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        get_preset("nano").max_steps = 3  # type: ignore[misc]


def test_allowed_reads_like_a_sentence() -> None:
    assert allowed("temperature") == "number >= 0.05 and <= 2"
    assert allowed("epsilon_high").startswith("number or none")


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_configuration_trl_accepts(name: str) -> None:
    """The large presets cannot run without their GPU, but TRL's own checks of them can."""
    from backend.training.reward_functions import components_of
    from backend.training.trainer import grpo_arguments

    config = PRESETS[name]
    components = components_of(config.tasks or TASKS, config.profile)
    arguments = grpo_arguments(config, components, "unused", "transformers")
    assert arguments.generation_batch_size == config.prompts_per_step * config.num_generations
    assert (arguments.temperature, arguments.top_p, arguments.top_k, arguments.repetition_penalty) == (1.0, 1.0, 0, 1.0)
    assert len(arguments.reward_weights) == len(components)


@pytest.mark.slow
def test_entropy_control_is_trls_with_skyworks_values() -> None:
    from backend.training.trainer import grpo_arguments

    config = override(get_preset("v4.2"), {"adaptive_entropy": "true"})
    arguments = grpo_arguments(config, [], "unused", "transformers")
    assert arguments.use_adaptive_entropy
    assert (arguments.entropy_target, arguments.entropy_coef_delta, arguments.entropy_coef_max) == (0.2, 1e-4, 5e-3)


def test_accumulation_that_does_not_divide_a_step_is_refused() -> None:
    with pytest.raises(UserError, match="does not divide the 2 x 8 completions"):
        override(get_preset("nano"), {"gradient_accumulation_steps": 3})


def test_differences_name_the_fields() -> None:
    assert differences(get_preset("nano"), override(get_preset("nano"), {"seed": 7})) == {"seed": (42, 7)}


def test_what_a_comparison_is_judged_by_is_set_and_given_back_as_text() -> None:
    start = get_preset("nano")
    config = override(start, parse_settings(["comparison=alpha=0.01,margin=0.02"]))
    assert (config.comparison.alpha, config.comparison.margin) == (0.01, 0.02)
    settings = {field: as_setting(value) for field, (value, _) in differences(config, start).items()}
    assert override(start, settings) == config
