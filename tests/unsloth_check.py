"""Holds what we hand to Unsloth against its real signatures. Run by test_unsloth.py in an environment of its own.

Prints a JSON list of problems. Unsloth does not train on a CPU, but with UNSLOTH_ALLOW_CPU=1 it imports, and it
writes its own GRPO trainer, which is the class ours would extend on a GPU.
"""

import inspect
import json
import sys

import unsloth.models.rl
from unsloth import FastLanguageModel
from unsloth.models.llama import FastLlamaModel

from backend.models.load import PolicyConfig, unsloth_load_arguments, unsloth_lora_arguments

problems: list[str] = []


def check(found: bool, problem: str) -> None:
    if not found:
        problems.append(problem)


def explicit(function: object) -> set[str]:
    return {n for n, p in inspect.signature(function).parameters.items() if p.kind is not p.VAR_KEYWORD}  # type: ignore[arg-type]


load = unsloth_load_arguments(PolicyConfig(four_bit=True), "somewhere")
check(
    load.keys() <= explicit(FastLanguageModel.from_pretrained),
    f"from_pretrained lacks {load.keys() - explicit(FastLanguageModel.from_pretrained)}",
)
asleep = unsloth_load_arguments(PolicyConfig(use_vllm=True, vllm_enable_sleep_mode=True), "somewhere")
llama = explicit(FastLlamaModel.from_pretrained)
check("unsloth_vllm_standby" in asleep and "unsloth_vllm_standby" in llama, "Unsloth's loader knows no standby")
check(load["fast_inference"] is False and asleep["fast_inference"] is True, "vLLM is on without being asked for")
lora = unsloth_lora_arguments(PolicyConfig())
check(
    lora.keys() <= explicit(FastLanguageModel.get_peft_model),
    f"get_peft_model lacks {lora.keys() - explicit(FastLanguageModel.get_peft_model)}",
)

unsloth.models.rl.patch_trl_rl_trainers()
from backend.training.config import PRESETS  # noqa: E402
from backend.training.reward_functions import components_of  # noqa: E402
from backend.training.trainer import WorkbenchTrainer, grpo_arguments  # noqa: E402
from rewards import DEFAULT_PROFILE, TASKS  # noqa: E402

base = WorkbenchTrainer.__mro__[1]
check(base.__name__ == "UnslothGRPOTrainer", f"our trainer extends {base.__name__}, not Unsloth's")
source = "".join(inspect.getsource(c) for c in WorkbenchTrainer.__mro__[1:3])
for name in ("_calculate_rewards", "_metrics", "num_iterations", "num_generations"):
    check(f"self.{name}" in source, f"Unsloth's trainer does not use {name}")
overridden = (
    "_calculate_rewards",
    "_get_train_sampler",
    "_save_checkpoint",
    "_load_best_model",
    "evaluate",
    "training_step",
)
for name in (*overridden, "_clip_grad_norm", "_generate_and_score_completions"):
    check(callable(getattr(base, name, None)), f"Unsloth's trainer has no {name}")
ours = set(inspect.signature(WorkbenchTrainer._calculate_rewards).parameters)
theirs = set(inspect.signature(base._calculate_rewards).parameters)  # type: ignore[attr-defined]
check(ours == theirs, f"_calculate_rewards takes {theirs}, ours {ours}")
check("multi_objective_aggregation" in source, "Unsloth's trainer knows no multi_objective_aggregation, so no GDPO")
accepted = explicit(base.__init__) | explicit(sys.modules[base.__module__]._UnslothGRPOTrainer.__init__)
passed = {"model", "processing_class", "args", "reward_funcs", "train_dataset", "eval_dataset", "callbacks"}
check(passed <= accepted, f"Unsloth's trainer does not take {passed - accepted}")

wanted = {
    "learning_rate": lambda c: c.learning_rate, "temperature": lambda c: c.temperature, "beta": lambda c: c.beta,
    "num_generations": lambda c: c.num_generations, "max_completion_length": lambda c: c.max_completion_length,
    "loss_type": lambda c: c.loss_type, "scale_rewards": lambda c: c.scale_rewards, "weight_decay": lambda c: 0.0,
    "multi_objective_aggregation": lambda c: c.aggregation, "seed": lambda c: c.seed, "max_grad_norm": lambda c: c.max_grad_norm,
    "per_device_train_batch_size": lambda c: c.prompts_per_step * c.num_generations, "optim": lambda c: "adamw_torch",
    "use_vllm": lambda c: c.use_vllm, "vllm_mode": lambda c: c.vllm_mode, "logging_nan_inf_filter": lambda c: False,
    "vllm_gpu_memory_utilization": lambda c: c.vllm_gpu_memory_utilization, "vllm_max_model_length": lambda c: c.max_seq_length,
    "vllm_enable_sleep_mode": lambda c: c.vllm_enable_sleep_mode,
    "vllm_importance_sampling_correction": lambda c: c.vllm_importance_sampling_correction,
}  # fmt: skip
for preset, config in PRESETS.items():
    arguments = grpo_arguments(config, components_of(TASKS, DEFAULT_PROFILE), "unused", "unsloth")
    for field, value in wanted.items():
        kept = getattr(arguments, field)
        check(str(getattr(kept, "value", kept)) == str(value(config)), f"{preset}: {field} became {kept}")
print(json.dumps(problems))
