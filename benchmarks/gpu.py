"""The real model's shape on a real GPU, without its weights and without a network.

python -m benchmarks.gpu                    # on a machine with a CUDA GPU; about ten minutes
python -m benchmarks.gpu --shape tiny       # the same code on any machine, in a minute

Builds a Qwen3 of 490,799,104 parameters with random weights (Tucano2 0.5B's shape) and a small tokenizer, runs
preflight on it, then GRPO steps (16 generations of 512 tokens, NF4, LoRA 16/32) with transformers + PEFT and, where
Unsloth imports, with Unsloth, each in a process of its own. Prints tokens per second, seconds per step, peak memory and
their ratios, and whether it fits 24 GB; writes benchmarks/results/gpu-<name>.json.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

SHAPES: dict[str, dict[str, int]] = {
    "tucano2-0.5b": {
        "vocab_size": 49_152,
        "hidden_size": 1024,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 3072,
    },
    "tiny": {
        "vocab_size": 512,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "intermediate_size": 128,
    },
}
PARAMETERS = {"tucano2-0.5b": 490_799_104}
FITS_GB = 24
BACKENDS = ("transformers", "unsloth")


def main(
    shape: Annotated[str, typer.Option(help="tucano2-0.5b, or tiny.")] = "tucano2-0.5b",
    steps: Annotated[int, typer.Option(min=3, help="GRPO steps with each backend.")] = 20,
    model: Annotated[str, typer.Option(hidden=True)] = "",
    backend: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Measure."""
    if backend:
        print("RESULT " + json.dumps(_train(Path(model), shape, backend, steps)))
        return
    if shape not in SHAPES:
        raise typer.BadParameter(f"choose one of {', '.join(SHAPES)}")
    from backend.gpu import gpu_name

    name = gpu_name() or "cpu"
    if name == "cpu" and shape != "tiny":
        raise typer.BadParameter("this machine has no CUDA GPU; --shape tiny runs the same code here")
    with tempfile.TemporaryDirectory() as folder:
        built = _build(Path(folder) / "model", shape)
        found = {kind: _in_a_process(built, shape, kind, steps) for kind in BACKENDS}
    result = {"gpu": name, "shape": shape, "steps": steps, **{k: v for k, v in found.items() if v is not None}}
    _report(result)
    if name == "cpu":
        return  # this only tests the code; the figures are not those of a GPU
    path = Path(__file__).parent / "results" / f"gpu-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path}")


def _build(folder: Path, shape: str) -> Path:
    """The model with random weights, and a byte-level tokenizer with nano's chat template."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM, set_seed

    from backend.models.nano import train_tokenizer

    set_seed(0)
    tokenizer = train_tokenizer([([{"role": "user", "content": "Extraia o JSON da avaliação."}], '{"nota": 5}')])
    config = Qwen3Config(
        **SHAPES[shape],
        tie_word_embeddings=True,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    model = Qwen3ForCausalLM(config).to(torch.bfloat16)
    parameters = sum(p.numel() for p in model.parameters())
    if parameters != PARAMETERS.get(shape, parameters):
        raise SystemExit(f"the {shape} shape has {parameters:,} parameters, not {PARAMETERS[shape]:,}")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    print(f"built {shape}: {parameters:,} parameters")
    return folder


def _in_a_process(model: Path, shape: str, backend: str, steps: int) -> dict[str, Any] | None:
    """One backend's figures; None where it cannot run here, with the reason printed."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--shape", shape, "--steps", str(steps)]
    done = subprocess.run(
        [*command, "--model", str(model), "--backend", backend], capture_output=True, text=True, check=False
    )
    line = next((ln for ln in done.stdout.splitlines() if ln.startswith("RESULT ")), None)
    if line is None:
        print(f"{backend}: not measured: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        return None
    return json.loads(line.removeprefix("RESULT "))


def _train(folder: Path, shape: str, backend: str, steps: int) -> dict[str, Any]:
    import torch

    from backend.models.load import load_policy
    from backend.runs.create import run_prompts
    from backend.training.config import get_preset, override

    small = shape == "tiny"
    changes = {
        "model": str(folder),
        "backend": backend,
        "max_steps": steps,
        "eval_steps": 10_000,
        "preflight_prompts": 2,
        "num_generations": 4 if small else 16,
        "max_completion_length": 32 if small else 512,
        "prompts_per_step": 1,
        "tasks": (),
    }
    config = override(get_preset("v4.1"), changes)
    prompts = run_prompts(config)
    torch.manual_seed(config.seed)
    policy = load_policy(config, trainable=True)
    began = time.perf_counter()
    from backend.training.preflight import preflight

    checks = preflight(config, policy, prompts, {}, Path(tempfile.gettempdir()))
    preflight_seconds = time.perf_counter() - began
    seconds, tokens = _grpo(config, policy, prompts)
    counted = slice(2, None)  # the first steps warm up
    peak = torch.cuda.max_memory_reserved() / 1e9 if torch.cuda.is_available() else None
    return {
        "preflight_seconds": round(preflight_seconds, 1),
        "preflight": {c.name: c.status for c in checks},
        "seconds_per_step": round(median(seconds[counted]), 3),
        "tokens_per_second": round(sum(tokens[counted]) / sum(seconds[counted]), 1),
        "peak_gb": round(peak, 2) if peak is not None else None,
        "fits_24_gb": peak < FITS_GB if peak is not None else None,
    }


def _grpo(config: Any, policy: Any, prompts: list[Any]) -> tuple[list[float], list[float]]:
    """(seconds, generated tokens) of every step."""
    from datasets import Dataset
    from transformers import TrainerCallback

    from backend.data.rollouts import Rollouts
    from backend.training.reward_functions import components_of, reward_functions, training_rows
    from backend.training.shadow import Shadow
    from backend.training.trainer import WorkbenchTrainer, grpo_arguments

    class Meter(TrainerCallback):
        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.tokens: list[float] = []

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "step_time" in logs:
                self.seconds.append(logs["step_time"])
                completions = config.prompts_per_step * config.num_generations
                self.tokens.append(logs["completions/mean_length"] * completions)

    meter = Meter()
    train = [p for p in prompts if p.split == "train"]
    components = components_of(tuple(dict.fromkeys(p.task for p in train)), config.profile)
    with tempfile.TemporaryDirectory() as folder:
        arguments = grpo_arguments(config, components, folder, policy.backend)
        arguments.load_best_model_at_end = False
        arguments.save_strategy = arguments.eval_strategy = "no"
        trainer = WorkbenchTrainer(
            model=policy.model,
            processing_class=policy.tokenizer,
            args=arguments,
            reward_funcs=reward_functions(components, config.profile),
            train_dataset=Dataset.from_list(training_rows(train)),
            components=components,
            evaluate=lambda step: {"mean_reward": 0.0},
            config=config,
            shadow=Shadow((), ()),
            rollouts=Rollouts(Path(folder), config.rollout_share, config.rollout_mb * 10**6),
            callbacks=[meter],
        )
        trainer.train()
    return meter.seconds, meter.tokens


def _report(result: dict[str, Any]) -> None:
    print(f"\n{result['gpu']}, {result['shape']}, {result['steps']} steps")
    for kind in BACKENDS:
        if kind in result:
            r = result[kind]
            memory = f"{r['peak_gb']:.1f} GB peak" if r["peak_gb"] is not None else "no GPU memory"
            fits = {True: f", fits {FITS_GB} GB", False: f", does not fit {FITS_GB} GB", None: ""}[r["fits_24_gb"]]
            print(
                f"{kind:<14}{r['seconds_per_step']:>8.2f} s/step{r['tokens_per_second']:>10.0f} tokens/s   {memory}{fits}"
                f"   preflight {r['preflight_seconds']:.0f} s"
            )
    if all(kind in result for kind in BACKENDS):
        plain, fast = (result[kind] for kind in BACKENDS)
        result["unsloth_speedup"] = round(plain["seconds_per_step"] / fast["seconds_per_step"], 2)
        print(f"Unsloth takes 1/{result['unsloth_speedup']} of the time per step")


if __name__ == "__main__":
    typer.run(main)
