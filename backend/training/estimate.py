"""How long a run will take and what it will cost, from the steps this machine has already measured."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backend.errors import UserError
from backend.gpu import gpu_name
from backend.settings import get_settings
from backend.training.config import TrainConfig, config_from_json
from backend.training.metrics_file import read_series
from backend.wording import duration


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        hours: from start to comparison.
        dollars: at the machine's price (WORKBENCH_DOLLARS_PER_HOUR); None on a CPU, whose hours are not paid for.
        step_seconds: of one optimisation step.
        run: the past run whose steps it comes from.
        scaled: whether that run's steps had another size, so that the estimate is less exact.
        memory_gb: the GPU memory that run needed; None on a CPU.
    """

    hours: float
    dollars: float | None
    step_seconds: float
    run: str
    scaled: bool
    memory_gb: float | None = None


def estimate(config: TrainConfig, prompts: Mapping[str, int], runs: int = 1) -> Estimate | None:
    """Estimate time and cost from the newest run of the same model on the same machine; None when there is none.

    Seconds per step are the median of its steps, scaled by the tokens a step may generate where those differ; seconds per
    completion of an evaluation likewise, scaled by the longest completion.

    Args:
        config: the run.
        prompts: split -> how many prompts it has.
        runs: how many such runs, one after the other.
    """
    for folder in sorted(get_settings().runs_dir.glob("*/environment.json"), reverse=True):
        measured = _measured(folder.parent, config)
        if measured is not None:
            step, completion, factor, memory = measured
            seconds = config.max_steps * step * factor + _evaluated(config, prompts) * completion
            hours = runs * seconds / 3600
            dollars = hours * get_settings().dollars_per_hour if gpu_name() else None
            return Estimate(hours, dollars, step * factor, folder.parent.name, factor != 1, memory)
    return None


def _measured(folder: Path, config: TrainConfig) -> tuple[float, float, float, float | None] | None:
    """(seconds per step, seconds per evaluated completion, how much larger the new run's steps are, GPU memory) of a past run."""
    try:
        past = config_from_json((folder / "config.json").read_text(encoding="utf-8"))
        machine = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        series = read_series(folder / "metrics.jsonl")
        steps = [seconds for _, seconds in series.get("step_time", [])]
    except (OSError, ValueError, UserError):
        return None
    same = (past.model, past.four_bit, machine.get("gpu"), machine.get("cpus"))
    if len(steps) < 3 or same != (config.model, config.four_bit, gpu_name(), os.cpu_count()):
        return None
    made = [json.loads(path.read_text(encoding="utf-8")) for path in (folder / "evaluations").glob("*.json")]
    paces = [e["seconds"] / len(e["completions"]) for e in made if e.get("seconds") is not None]
    longer = config.max_completion_length / past.max_completion_length
    memory = max((gb for _, gb in series.get("gpu_memory_gb", [])), default=None)
    return median(steps), longer * median(paces) if paces else 0.0, _tokens(config) / _tokens(past), memory


def _evaluated(config: TrainConfig, prompts: Mapping[str, int]) -> int:
    """The completions of all evaluations of a run: those of the curve, and base and tuned."""
    points = 1 + config.max_steps // config.eval_steps + bool(config.sft_epochs)
    of_test = 2 * prompts.get("test", 0) * config.final_samples
    of_eval = (
        prompts.get("eval", 0) * config.eval_samples * (points if of_test else points + 1)
    )  # tuned is one more there
    return of_eval + of_test


def _tokens(config: TrainConfig) -> int:
    return config.prompts_per_step * config.num_generations * config.max_completion_length


def estimate_in_words(config: TrainConfig, prompts: Mapping[str, int], runs: int = 1) -> str:
    """The estimate as a line for a terminal."""
    found = estimate(config, prompts, runs)
    if found is None:
        return f"no run of {config.model} on this machine yet, so no estimate; the progress line gives the time left"
    rough = ", scaled from smaller or larger steps" if found.scaled else ""
    cost = "" if found.dollars is None else f" and ${found.dollars:.2f}"
    return f"about {duration(3600 * found.hours)}{cost} ({found.step_seconds:.1f} s a step in {found.run}{rough})"
