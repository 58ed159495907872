"""``load_policy``: the only code that depends on the model backend.

CUDA with Unsloth installed -> ``FastLanguageModel``; otherwise transformers + PEFT, with bitsandbytes NF4 when
4-bit weights are asked for. The backend that was used is recorded with the run.
"""

import importlib.util
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.errors import UserError
from backend.models.engine import Engine, engine_of_unsloth
from backend.models.smollm2 import require_smollm2

LINEAR_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class PolicyConfig(BaseModel):
    """Which model, and how it is loaded and adapted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "nano"
    """``nano``, ``smollm2``, a folder, or a hub id such as ``Polygl0t/Tucano2-qwen-0.5B-Instruct``."""
    revision: str | None = None
    """Branch, tag or commit of a hub model."""
    four_bit: bool = False
    """NF4 weights through bitsandbytes (final report §10)."""
    max_seq_length: int = Field(2048, ge=64, le=131072)
    lora_r: int = Field(16, ge=1, le=512)
    lora_alpha: int = Field(32, ge=1, le=1024)
    backend: Literal["auto", "unsloth", "transformers"] = "auto"
    use_vllm: bool = False
    """Generate with vLLM; never switched on by itself because the package is there."""
    vllm_mode: Literal["colocate", "server"] = "colocate"
    """In the training process, or on a server that ``vllm serve`` has started."""
    vllm_server_base_url: str = Field("http://127.0.0.1:8000", max_length=2000)
    vllm_gpu_memory_utilization: float = Field(0.3, gt=0, lt=1)
    """The share of the GPU's memory that a colocated vLLM may use."""
    vllm_enable_sleep_mode: bool = False
    """A colocated vLLM gives its memory back while the optimizer works."""
    vllm_importance_sampling_correction: bool = True
    """Correct the loss for tokens that vLLM and the trainer give different probabilities."""
    seed: int = Field(42, ge=0, le=2**31 - 1)
    """Of the adapter's first weights, and of everything else that a run draws."""


@dataclass
class Policy:
    """A causal language model, its tokenizer, and how it was loaded."""

    model: Any
    tokenizer: Any
    name: str
    backend: str
    declared_generation: dict[str, Any] = field(default_factory=dict)
    """The model's own generation_config, before it was replaced."""
    engine: Engine | None = None
    """What it generates with, if not the model itself: vLLM."""

    @property
    def end_ids(self) -> list[int]:
        """Token ids that end a completion."""
        declared = self.model.generation_config.eos_token_id
        ids = declared if isinstance(declared, list) else [declared]
        return [i for i in {*ids, self.tokenizer.eos_token_id} if i is not None]

    def token_ids(self, text: str) -> list[int]:
        """A completion's token ids, as its text is tokenised again; without an end token."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def choose_backend(config: PolicyConfig) -> str:
    """``unsloth`` on CUDA where it is installed, else ``transformers``; an explicit choice is checked.

    Raises:
        UserError: Unsloth was asked for and cannot run here.
    """
    import torch

    possible = torch.cuda.is_available() and importlib.util.find_spec("unsloth") is not None
    if config.backend == "unsloth" and not possible:
        raise UserError("Unsloth needs a CUDA GPU and requirements-gpu.txt installed; use backend=transformers here")
    return "unsloth" if possible and config.backend != "transformers" else "transformers"


def load_policy(config: PolicyConfig, adapter: Path | None = None, trainable: bool = False) -> Policy:
    """Load a policy.

    Args:
        config: the model and how to load it.
        adapter: a saved LoRA adapter to put on it.
        trainable: add a new LoRA adapter (or open ``adapter`` for training).

    Raises:
        UserError: the model or the adapter cannot be found or does not fit; the message says how to get it.
    """
    _check_adapter(adapter)
    tokenizer = load_tokenizer(config)
    source = _resolve(config)
    backend = choose_backend(config)
    if backend == "unsloth":
        model, tokenizer = _load_unsloth(config, source, adapter, trainable)
    else:
        model = _load_transformers(config, source, adapter, trainable)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    policy = Policy(model, tokenizer, config.model, backend, engine=engine_of_unsloth(model))
    _own_generation_config(policy)
    return policy


def load_tokenizer(config: PolicyConfig) -> Any:
    """The model's tokenizer, which is there in a second: what it shows can be checked before the model is loaded.

    Raises:
        UserError: the model cannot be found, or its tokenizer has no chat template, without which no prompt can be asked.
    """
    if choose_backend(config) == "unsloth":
        _import_unsloth(config)  # before transformers, which it patches
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(_resolve(config), revision=config.revision)
    except OSError as error:
        raise UserError(_how_to_get(config, error)) from error
    if not tokenizer.chat_template:
        raise UserError(
            f"{config.model} has no chat template, so nobody knows how to ask it a prompt. Take its Instruct version, or copy "
            "the model to a folder, add a chat_template.jinja there, and set model=FOLDER"
        )
    return tokenizer


def _import_unsloth(config: PolicyConfig) -> Any:
    """Unsloth's ``FastLanguageModel``; whether its vLLM may sleep is read when Unsloth is imported."""
    os.environ["UNSLOTH_VLLM_STANDBY"] = "1" if config.use_vllm and config.vllm_enable_sleep_mode else "0"
    from unsloth import FastLanguageModel

    return FastLanguageModel


def unsloth_load_arguments(config: PolicyConfig, source: str) -> dict[str, Any]:
    """Keyword arguments for ``FastLanguageModel.from_pretrained``."""
    colocated = config.use_vllm and config.vllm_mode == "colocate"
    return {
        "model_name": source,
        "max_seq_length": config.max_seq_length,
        "dtype": None,
        "load_in_4bit": config.four_bit,
        "revision": config.revision,
        "fast_inference": colocated,
        "gpu_memory_utilization": config.vllm_gpu_memory_utilization,
        "max_lora_rank": config.lora_r,
        **({"unsloth_vllm_standby": True} if colocated and config.vllm_enable_sleep_mode else {}),
    }


def unsloth_lora_arguments(config: PolicyConfig) -> dict[str, Any]:
    """Keyword arguments for ``FastLanguageModel.get_peft_model``."""
    return {
        "r": config.lora_r,
        "lora_alpha": config.lora_alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": LINEAR_LAYERS,
        "use_gradient_checkpointing": "unsloth",
        "random_state": config.seed,  # its default is one and the same for all runs
    }


def _load_unsloth(config: PolicyConfig, source: str, adapter: Path | None, trainable: bool) -> tuple[Any, Any]:
    FastLanguageModel = _import_unsloth(config)
    arguments = unsloth_load_arguments(config, str(adapter) if adapter else source)
    model, tokenizer = FastLanguageModel.from_pretrained(**arguments)
    if trainable and adapter is None:
        model = FastLanguageModel.get_peft_model(model, **unsloth_lora_arguments(config))
    return model, tokenizer


def _load_transformers(config: PolicyConfig, source: str, adapter: Path | None, trainable: bool) -> Any:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    cuda = torch.cuda.is_available()
    dtype = torch.bfloat16 if cuda and torch.cuda.is_bf16_supported() else torch.float32
    quantization = None
    if config.four_bit:
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    model: Any
    try:
        model = AutoModelForCausalLM.from_pretrained(
            source,
            revision=config.revision,
            dtype=dtype,
            quantization_config=quantization,
            device_map={"": 0} if cuda else None,
        )
    except OSError as error:
        raise UserError(_how_to_get(config, error)) from error
    if config.four_bit and not cuda:
        _keep_weights_unpacked(model)
    if adapter is not None:
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable)
    if trainable:
        if config.four_bit:
            model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=cuda)
        lora = LoraConfig(
            r=config.lora_r,
            lora_alpha=config.lora_alpha,
            lora_dropout=0.0,
            bias="none",
            target_modules=LINEAR_LAYERS,
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(model, lora)
    return model


def _keep_weights_unpacked(model: Any) -> None:
    """Keep a 4-bit model trainable, with the same results, on every CPU.

    On a CPU with AVX512-BF16, bitsandbytes re-packs a layer at its first pass in evaluation mode. From then on the
    layer's output has no gradient (so after an evaluation, training would have no effect, without an error) and is
    rounded to bfloat16, and layers narrower than a quantisation block fail.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _resolve(config: PolicyConfig) -> str:
    """The folder or hub id to load from; nano is built here when it is not cached."""
    if config.model == "nano":
        from backend.models.nano import ensure_nano

        return str(ensure_nano())
    return check_model(config)


def check_model(config: PolicyConfig) -> str:
    """Check the model's name without loading the model; returns the folder or hub id.

    Raises:
        UserError: it is a folder that does not exist or contains no model, or smollm2, which has not been fetched.
    """
    if config.model == "smollm2":
        return str(require_smollm2())
    looks_local = config.model.startswith((".", "/", "~")) or Path(config.model).exists()
    if not looks_local:
        return config.model
    folder = Path(config.model).expanduser()
    if not folder.is_dir():
        raise UserError(f"the model folder {folder} does not exist; give a folder with config.json, a hub id, or nano")
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} has no config.json, so it holds no transformers model; give the folder that has one")
    return str(folder)


def _check_adapter(adapter: Path | None) -> None:
    if adapter is None:
        return
    config_file = adapter / "adapter_config.json"
    if not config_file.is_file():
        raise UserError(f"{adapter} holds no LoRA adapter (no adapter_config.json); give a run's best/ folder")
    json.loads(config_file.read_text(encoding="utf-8"))


def _how_to_get(config: PolicyConfig, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0]
    where = f" at revision {config.revision}" if config.revision else ""
    return (
        f"cannot load {config.model}{where}: {reason}\n"
        f"Check the name; with network access run `hf download {config.model}` once, or copy the model to a folder and "
        f"pass --set model=FOLDER. `--preset nano` needs neither."
    )


def _own_generation_config(policy: Policy) -> None:
    """Replace the model's generation defaults, which once made every rollout identical (V1: temperature 0.1)."""
    from transformers import GenerationConfig

    policy.declared_generation = policy.model.generation_config.to_diff_dict()
    policy.model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        repetition_penalty=1.0,
        pad_token_id=policy.tokenizer.pad_token_id,
        eos_token_id=policy.end_ids,
    )
