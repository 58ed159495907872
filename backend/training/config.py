"""The configuration of a training run (one typed, immutable object), and the presets.

Fields name the section of the seed documents that they come from, so that the reason for a value can be looked up.
"""

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from backend.errors import UserError
from backend.evaluation.settings import ComparisonSettings
from backend.models.load import PolicyConfig
from backend.settings import listed
from backend.suites import Preset, default_profile, get_task, presets, profiles, prompt_sources
from backend.training.shadow import check_shadow_name
from backend.wording import Text, speaker


@dataclass(frozen=True)
class Problem:
    """What is wrong with a field.

    Attributes:
        field: its name; "" where several do not go together.
        value: as it was given.
        message: what is wrong.
        is_range: whether what is allowed says it all.
    """

    field: str
    value: Any
    message: str
    is_range: bool = False

    def __str__(self) -> str:
        if not self.field:
            return self.message
        known = f" Allowed: {allowed(self.field)}" if self.field in TrainConfig.model_fields else ""
        return f"{self.field}={self.value!r}: {self.message}.{known}"


class WrongFields(UserError):
    """Values that a configuration cannot have.

    Attributes:
        problems: what is wrong, for a page that gives its fields other names.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class TrainConfig(PolicyConfig):
    """Everything that shapes a run. The defaults are the ``nano`` preset's, but for the size of its final evaluations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = "nano"
    name: str = Field("", max_length=200)
    """Shown on the pages; any text."""

    # data
    prompts: str = Field(default_factory=lambda: next(iter(prompt_sources()), ""))
    """A suite's prompt source (the first suite's first, by default), the id of a stored set, or the path of a file of prompts."""
    tasks: tuple[str, ...] = ()
    """Train and evaluate these tasks only; empty means all that the prompts have."""
    test_prompts: int | None = Field(None, ge=0, le=100_000)
    """Use at most so many of the test prompts, in the same mix; None means all, and 0 that the eval prompts judge the run."""
    few_shot: int = Field(0, ge=0, le=3)
    """Worked examples added to the system prompts of tasks that have some (handoff, data starvation)."""
    profile: str = Field(default_factory=default_profile)
    """Version of the reward rules."""

    # SFT warm-up (handoff, Scenario B)
    sft_epochs: float = Field(0, ge=0, le=100)
    """Passes over the SFT pairs before GRPO; 0 leaves the warm-up out."""
    sft_tasks: tuple[str, ...] = ()
    """Tasks whose train prompts become pairs with a reference answer; empty means all that have one."""
    sft_learning_rate: float = Field(2e-4, gt=0, le=0.1)
    sft_batch_size: int = Field(8, ge=1, le=1024)

    # optimisation
    max_steps: int = Field(60, ge=1, le=100_000)
    learning_rate: float = Field(6e-4, gt=0, le=0.1)
    lr_scheduler_type: Literal["constant", "constant_with_warmup", "linear", "cosine"] = "constant_with_warmup"
    """Constant after warm-up (handoff, Change 3): with a cosine schedule the rate was almost 0 by step 130."""
    warmup_ratio: float = Field(0.05, ge=0, lt=1)
    prompts_per_step: int = Field(2, ge=1, le=1024)
    num_generations: int = Field(8, ge=2, le=128)
    gradient_accumulation_steps: int = Field(1, ge=1, le=256)
    max_completion_length: int = Field(160, ge=8, le=32768)
    temperature: float = Field(1.0, ge=0.05, le=2)
    """1.0 (final report §5): 0.1 made every rollout the same (V1)."""
    beta: float = Field(0.0, ge=0, le=10)
    """Weight of the KL penalty; 0 as in Dr. GRPO (final report §5)."""
    epsilon_high: float | None = Field(None, gt=0, le=10)
    loss_type: Literal["dr_grpo", "dapo", "grpo", "bnpo"] = "dr_grpo"
    scale_rewards: Literal["none", "group", "batch"] = "none"
    aggregation: Literal["normalize_then_sum", "sum_then_normalize"] = "normalize_then_sum"
    """``normalize_then_sum`` is GDPO (arXiv 2601.05242): each component normalised within its group, then summed."""
    max_grad_norm: float = Field(1.0, gt=0, le=1000)
    task_weighting: Literal["none", "reward", "sampling"] = "none"
    """Improvement-aware task weights (MT-GRPO, arXiv 2602.05547): on the advantages (``reward``) or on how often a
    task's prompts are drawn (``sampling``)."""
    iwu_lambda: float = Field(0.2, ge=0, le=10)
    """Weight of a task's mean reward relative to its improvement."""
    iwu_beta: float = Field(0.025, gt=0, le=1)
    """Step size of the task weights, the authors'."""
    entropy_coef: float = Field(0.0, ge=0, le=1)
    """Entropy bonus in the loss; the initial value when ``adaptive_entropy`` is on."""
    adaptive_entropy: bool = False
    """Raise the bonus while entropy is under ``entropy_target``, as in Skywork-OR1 (arXiv 2505.22312)."""
    entropy_target: float = Field(0.2, ge=0, le=20)
    """Nats per token. This and the next two are Skywork-OR1's released values; TRL's defaults are 50 to 200 times larger."""
    entropy_coef_delta: float = Field(1e-4, gt=0, le=1)
    entropy_coef_max: float = Field(5e-3, gt=0, le=1)
    top_entropy_quantile: float = Field(1.0, ge=0, le=1)
    """Train on this share of the tokens, those of highest entropy."""

    # evaluation
    eval_steps: int = Field(20, ge=1, le=100_000)
    eval_samples: int = Field(1, ge=1, le=64)
    """Completions per eval prompt, for the curves and the choice of the best step."""
    final_samples: int = Field(4, ge=1, le=64)
    """Completions per test prompt of base and tuned; two or more tell prompts from chance in sampling."""
    eval_temperature: float = Field(0.1, ge=0, le=2)
    eval_batch_size: int = Field(65, ge=1, le=4096)
    comparison: ComparisonSettings = ComparisonSettings()
    """What the comparison of base and tuned is judged by; here, so that it is fixed before the run."""
    patience: int = Field(15, ge=1, le=10_000)
    """Evaluations without a gain before the run stops (final report §10)."""
    keep_checkpoints: int = Field(2, ge=2, le=100)
    """At least two, so that one is complete while another is being written."""

    # what is kept and watched
    rollout_share: float = Field(1.0, ge=0, le=1)
    """Share of the steps whose completions are kept as Parquet in the run's folder (``rollouts``); 0 keeps none."""
    rollout_mb: int = Field(200, ge=1, le=100_000)
    """The most that they may take together, in MB; when it is reached, every other kept step is dropped, again and again."""
    shadow: tuple[str, ...] = ("truth",)
    """Measures that only watch, with weight 0: ``truth`` (the suites' truth measures), reward profiles, and reward functions as
    ``file.py``, ``file.py:function`` or ``module:function``."""
    rate_per_evaluation: int = Field(0, ge=0, le=200)
    """Completions of each evaluation, and as many rollouts of its step, that enter the raters' queue while the run trains."""
    on_gap: Literal["warn", "stop"] = "warn"
    """What happens when the reward rises and truth or people do not (stop rule ``gap``)."""

    # guards
    gate: Literal["advised", "required"] = "advised"
    """Whether preflight fails (``required``) or warns when the audit has not passed this reward for these tasks."""
    override_reason: str = Field("", max_length=2000)
    """The reason to train although preflight fails; kept with the run and shown with its results."""
    preflight_prompts: int = Field(4, ge=2, le=64)
    """Prompts per task that preflight samples ``num_generations`` completions for."""
    stop_rules: bool = True
    """Whether a rule of the watch table may stop the run; firings are recorded in both cases."""
    report_to: tuple[str, ...] = ()
    """``wandb``, ``trackio`` or ``tensorboard``, where installed."""

    @field_validator("profile")
    @classmethod
    def _known_profile(cls, value: str) -> str:
        if value not in (known := profiles()):
            raise ValueError(f"unknown reward profile {value!r}; choose one of {', '.join(known)}")
        return value

    @field_validator("prompts")
    @classmethod
    def _renamed(cls, value: str) -> str:
        source = prompt_sources().get(value)  # the source may have had another name in earlier runs
        return source.name if source is not None else value

    @field_validator("shadow")
    @classmethod
    def _known_measures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            check_shadow_name(name)
        return value

    @field_validator("tasks", "sft_tasks")
    @classmethod
    def _known_tasks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for task in value:
            get_task(task)
        return value

    @model_validator(mode="after")
    def _fits(self) -> "TrainConfig":
        if self.max_completion_length >= self.max_seq_length:
            raise ValueError(
                f"max_completion_length {self.max_completion_length} leaves no room for the prompt in "
                f"max_seq_length {self.max_seq_length}"
            )
        if self.num_generations * self.prompts_per_step % self.gradient_accumulation_steps:
            raise ValueError(
                f"gradient_accumulation_steps {self.gradient_accumulation_steps} does not divide the "
                f"{self.prompts_per_step} x {self.num_generations} completions of a step"
            )
        return self


_EMBEDDED = {
    "nano": Preset(
        Text(
            "the embedded default: a 5M-parameter model, on a CPU, in minutes",
            "o padrão embutido: um modelo de 5 milhões de parâmetros, numa CPU, em minutos",
        ),
        {"test_prompts": 65, "final_samples": 2},
    ),
    "lora": Preset(
        Text(
            "LoRA on a model of your own (--model), NF4 on a CUDA GPU: 400 steps, 5e-6, groups of 8",
            "LoRA num modelo seu (--model), NF4 numa GPU CUDA: 400 passos, 5e-6, grupos de 8",
        ),
        {
            "four_bit": True,
            "max_steps": 400,
            "learning_rate": 5e-6,
            "prompts_per_step": 4,
            "max_completion_length": 512,
            "eval_steps": 20,
        },
    ),
}


def all_presets() -> dict[str, Preset]:
    """Every preset by name: the engine's own, then the suites'."""
    return _EMBEDDED | presets()


def preset_configs() -> dict[str, TrainConfig]:
    """Every preset as a configuration, by name."""
    return {name: get_preset(name) for name in all_presets()}


def __getattr__(name: str) -> Any:
    """``PRESETS`` is ``preset_configs()``, computed only on access, because it has to load the suites."""
    if name == "PRESETS":
        return preset_configs()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_preset(name: str) -> TrainConfig:
    """The preset of that name.

    Raises:
        UserError: there is none; the message lists the existing ones.
    """
    found = all_presets()
    if name not in found:
        raise UserError(f"unknown preset {name!r}; choose one of {', '.join(found)}")
    return TrainConfig(**{"preset": name, **found[name].fields})


def override(config: TrainConfig, changes: dict[str, Any]) -> TrainConfig:
    """``config`` with the named fields changed, validated as a whole.

    Args:
        config: where to start.
        changes: field name -> value; text is parsed (``"5e-6"``, ``"one,two"``).

    Raises:
        UserError: a field does not exist.
        WrongFields: a value is out of its range; the message says what is allowed.
    """
    unknown = [name for name in changes if name not in TrainConfig.model_fields]
    if unknown:
        fields = ", ".join(sorted(TrainConfig.model_fields))
        raise UserError(f"there is no field {unknown[0]!r}. Fields: {fields}")
    parsed = {name: _parse(name, value) for name, value in changes.items()}
    try:
        return TrainConfig.model_validate({**config.model_dump(), **parsed})
    except ValidationError as error:
        raise WrongFields([_problem(e) for e in error.errors()]) from error


def parse_settings(pairs: list[str], option: str = "--set") -> dict[str, str]:
    """``["max_steps=3"]`` -> ``{"max_steps": "3"}``; ``option`` is named in the error.

    Raises:
        UserError: a pair has no ``=``.
    """
    changes = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"{option} takes field=value, not {pair!r}")
        changes[name.strip()] = value.strip()
    return changes


def allowed(field: str, lang: str = "en") -> str:
    """A field's type and range in words: ``number > 0 and <= 0.1``; in English, or with ``pt`` in Portuguese."""
    t = speaker(lang)
    info = TrainConfig.model_fields[field]
    bounds = [
        f"{symbol} {getattr(m, attribute)}"
        for m in info.metadata
        for attribute, symbol in (
            ("gt", ">"),
            ("ge", ">="),
            ("lt", "<"),
            ("le", "<="),
            ("max_length", t("length <=", "tamanho <=")),
        )
        if getattr(m, attribute, None) is not None
    ]
    return " ".join([_type_in_words(info.annotation, t), t(" and ", " e ").join(bounds)]).strip()


def _type_in_words(annotation: Any, t: Callable[[str, str], str]) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type_in_words(get_args(annotation)[0], t)
    if origin is Literal:
        return t("one of ", "um de ") + ", ".join(map(str, get_args(annotation)))
    if origin in (Union, types.UnionType):
        return t(" or ", " ou ").join(_type_in_words(a, t) for a in get_args(annotation))
    if origin is tuple:
        return t("a comma-separated list", "uma lista separada por vírgulas")
    if annotation is ComparisonSettings:
        return ",".join(f"{name}={value}" for name, value in ComparisonSettings())
    names = {
        int: t("whole number", "número inteiro"),
        float: t("number", "número"),
        bool: t("true or false", "true ou false"),
        str: t("text", "texto"),
        type(None): t("none", "none (nenhum)"),
    }
    return names.get(annotation, str(annotation))


def _parse(name: str, value: Any) -> Any:
    annotation = TrainConfig.model_fields[name].annotation
    if not isinstance(value, str):
        return value
    if get_origin(annotation) is tuple:
        return listed(value)
    if value.lower() in ("none", "null") and type(None) in get_args(annotation):
        return None
    return value


def _problem(error: Any) -> Problem:
    field = str(error["loc"][0]) if error["loc"] else ""
    message = error["msg"].removeprefix("Value error, ")
    return Problem(field, error["input"], message, is_range=error["type"] != "value_error")


def differences(a: TrainConfig, b: TrainConfig) -> dict[str, tuple[Any, Any]]:
    """The fields in which two configurations differ: field -> (a's value, b's value)."""
    left, right = a.model_dump(mode="json"), b.model_dump(mode="json")
    return {field: (left[field], right[field]) for field in left if left[field] != right[field]}


def config_from_json(text: str) -> TrainConfig:
    """Read a run's ``config.json``.

    Raises:
        UserError: it is not a valid configuration; the message names the wrong fields.
    """
    try:
        return TrainConfig.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            "not a run's configuration: " + "; ".join(str(_problem(e)) for e in error.errors()[:5])
        ) from error
