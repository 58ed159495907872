"""What cannot work on this machine is refused before a model is loaded. Nothing here imports torch."""

import importlib.util
import os

from backend.errors import UserError
from backend.gpu import gpu_name
from backend.training.config import TrainConfig

REPORTERS = {"wandb": ("wandb",), "trackio": ("trackio",), "tensorboard": ("tensorboard", "tensorboardX")}
"""Where a run can report to, and the packages of which one must be installed."""


def check_possible(config: TrainConfig, here: bool = True) -> None:
    """Check what a run needs of this machine and of how it was started.

    Args:
        config: the run's configuration.
        here: whether it trains on this machine; False checks only what is possible nowhere.

    Raises:
        UserError: a place to report to is unknown or its package missing; the processes do not divide a step's completions;
            vLLM is asked for and cannot run here.
    """
    for name in config.report_to:
        packages = REPORTERS.get(name)
        if packages is None:
            raise UserError(f"report_to takes {', '.join(REPORTERS)}, not {name!r}")
        if here and not any(map(_installed, packages)):
            raise UserError(f"report_to={name} needs its package: `pip install {packages[0]}`, or leave it out")
    processes = int(os.environ.get("WORLD_SIZE", "1")) if here else 1
    _check_processes(config, processes)
    if config.use_vllm and config.vllm_mode == "server" and processes > 1:
        raise UserError("vllm_mode=server takes one training process; take vllm_mode=colocate with several")
    if here and config.use_vllm and not (_installed("vllm") and gpu_name()):
        missing = "a CUDA GPU" if _installed("vllm") else "the package vllm (requirements-gpu.txt)"
        raise UserError(f"use_vllm=true needs {missing}; use_vllm=false generates with transformers or Unsloth")


def _check_processes(config: TrainConfig, processes: int) -> None:
    completions = config.prompts_per_step * config.num_generations
    parts = processes * config.gradient_accumulation_steps
    if completions % parts:
        possible = [n for n in range(1, completions + 1) if completions % (n * config.gradient_accumulation_steps) == 0]
        raise UserError(
            f"{processes} processes with gradient_accumulation_steps {config.gradient_accumulation_steps} do not divide "
            f"the {config.prompts_per_step} x {config.num_generations} completions of a step; start "
            f"{', '.join(map(str, possible))} of them, or change prompts_per_step or num_generations"
        )


def ignored_by(config: TrainConfig, backend: str) -> list[str]:
    """The settings of ``config`` that a backend takes and ignores, as ``name=value``."""
    if backend != "unsloth":
        return []
    return ["adaptive_entropy=true"] if config.adaptive_entropy else []


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
