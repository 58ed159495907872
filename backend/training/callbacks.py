"""Trainer callbacks: the metrics file, the progress line, the best adapter, the stop rules and the stop signal.

With several processes (``accelerate launch``) only the first one writes. A stop that any of them receives stops all.
"""

import filecmp
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from backend.files import name_aside, write_json
from backend.progress import OnProgress, Reporter
from backend.suites import task_names
from backend.training.metrics_file import append_metrics, metric_name, read_series
from backend.training.stop_rules import NAN_LOSS, Firing, Rule, Series, evaluate_rules


class MetricsFile(TrainerCallback):
    """Appends every logged number to ``metrics.jsonl``; the trainer never waits for a database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        if state.is_world_process_zero:
            append_metrics(self._path, state.global_step, logs or {})


class ProgressLine(TrainerCallback):
    """One line per step: a terminal shows only the latest line, a log file has all of them."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._first_step = 0
        self._live = sys.stdout.isatty()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._started, self._first_step = time.monotonic(), state.global_step

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        logs = logs or {}
        if not state.is_world_process_zero:
            return
        if "eval_mean_reward" in logs:
            tasks = "  ".join(f"{k.removeprefix('eval_')} {v:.3f}" for k, v in logs.items() if _is_task(k))
            self._print(f"eval at step {state.global_step}: mean {logs['eval_mean_reward']:.3f}  {tasks}", end="\n")
        elif "task_reward/mean" in logs:
            done = state.global_step - self._first_step
            pace = (time.monotonic() - self._started) / max(1, done)
            left = pace * (state.max_steps - state.global_step) / 60
            self._print(
                f"step {state.global_step}/{state.max_steps}  {pace:.1f} s/step  {left:.1f} min left  "
                f"reward {logs['task_reward/mean']:.3f}  loss {logs.get('loss', 0):+.4f}  "
                f"entropy {logs.get('entropy/rollouts') or float('nan'):.2f}",
                end="" if self._live else "\n",
            )

    def _print(self, text: str, end: str) -> None:
        print(f"\r\x1b[2K{text}" if self._live else text, end=end, flush=True)


def _is_task(key: str) -> bool:
    return key.removeprefix("eval_") in task_names()


class StepCount(TrainerCallback):
    """Says in the run's folder at which step training is, or the warm-up before it, for the pages."""

    def __init__(self, progress: Reporter, phase: str = "training") -> None:
        self._progress, self._phase = progress, phase
        self._say: OnProgress | None = None

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero:
            self._say = self._say or self._progress.phase(self._phase)
            self._say(state.global_step, state.max_steps)


class BestAdapter(TrainerCallback):
    """Keeps ``best/``: the adapter of the best evaluation so far."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero and state.best_global_step == state.global_step:
            publish_adapter(Path(args.output_dir or "") / f"checkpoint-{state.global_step}", self._folder)

    def repair(self, checkpoints: Path, best_step: int) -> None:
        """Copy the best checkpoint again if a killed process left no ``best/`` or an older one."""
        source = checkpoints / f"checkpoint-{best_step}"
        if source.is_dir() and not same_adapter(source, self._folder):
            publish_adapter(source, self._folder)


def same_adapter(a: Path, b: Path) -> bool:
    """Whether two folders hold the same adapter weights."""
    name = "adapter_model.safetensors"
    return (b / name).is_file() and filecmp.cmp(a / name, b / name, shallow=False)


def publish_adapter(checkpoint: Path, best: Path) -> None:
    """Copy the adapter and tokenizer of ``checkpoint`` to ``best``: to a temporary folder first, which is then renamed."""
    aside = name_aside(best)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for pattern in ("adapter_*", "tokenizer*", "chat_template*", "special_tokens*"):
        for file in checkpoint.glob(pattern):
            shutil.copy2(file, aside / file.name)
    shutil.rmtree(best, ignore_errors=True)
    aside.rename(best)


class WatchTable(TrainerCallback):
    """Evaluates the stop rules after every logged step; a rule with the action stop ends the run with a checkpoint.

    Args:
        rules: the watch table.
        path: watch.json, the firings so far. In a resumed run, a rule that has already fired does not stop it again.
        may_stop: whether a rule may end the run.
        metrics: the run's metrics file: what stands there before training, or before a resume.
        beside: further series that the rules read, as they are now.
    """

    def __init__(
        self,
        rules: tuple[Rule, ...],
        path: Path,
        may_stop: bool,
        metrics: Path | None = None,
        beside: Callable[[], Series] = dict,
    ) -> None:
        self._beside = beside
        self._rules, self._path, self._may_stop = rules, path, may_stop
        self._series = read_series(metrics) if metrics is not None else {}
        self._kept: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        self._overruled = {firing["rule"] for firing in self._kept}
        self.fired: dict[str, Firing] = {}
        self.stopped_by: Firing | None = None

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        values = {metric_name(k): v for k, v in (logs or {}).items() if isinstance(v, int | float)}
        values["disk_free_gb"] = shutil.disk_usage(self._path.parent).free / 1e9
        for name, value in values.items():
            self._series.setdefault(name, []).append((state.global_step, float(value)))
        for firing in evaluate_rules(self._rules, {**self._series, **self._beside()}):
            if firing.rule.name in self._overruled:
                continue
            self._record(firing, state.is_world_process_zero)
            if firing.rule.action == "stop" and self._may_stop and self.stopped_by is None:
                self.stopped_by = firing
        if anywhere(self.stopped_by is not None):  # transformers saves and stops after logging, in the same step
            control.should_save = True
            control.should_training_stop = True

    def stop_at_once(self, step: int, numbers: str, first_process: bool) -> None:
        """Record that training broke off in the middle of a step, because a number is none: the rule ``nan-loss``."""
        rule = next(rule for rule in self._rules if rule.name == NAN_LOSS)
        self.stopped_by = Firing(rule, step, numbers)
        self._record(self.stopped_by, first_process)

    def _record(self, firing: Firing, first_process: bool) -> None:
        if firing.rule.name in self.fired:
            return
        self.fired[firing.rule.name] = firing
        if first_process:
            print(f"\n{firing.rule.action}: {firing}", flush=True)
            write_json(self._path, [*self._kept, *(_as_dict(f) for f in self.fired.values())])


def anywhere(flag: bool) -> bool:
    """Whether ``flag`` is set in any of the training's processes; the same answer in all of them."""
    return any(gather_object([flag]))


def gpu_memory() -> dict[str, float]:
    """``gpu_memory_gb``: the most GPU memory that the process has reserved so far; empty without a GPU."""
    return {"gpu_memory_gb": torch.cuda.max_memory_reserved() / 1e9} if torch.cuda.is_available() else {}


def _as_dict(firing: Firing) -> dict[str, Any]:
    return {"rule": firing.rule.name, "action": firing.rule.action, "step": firing.step, "what": str(firing)}


class StopSignal(TrainerCallback):
    """SIGTERM or Ctrl+C ends the run at the next step, with a checkpoint."""

    def __init__(self) -> None:
        self.received = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def _receive(self, number: int, _frame: Any) -> None:
        self.received = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL)  # a second signal ends the process at once

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if anywhere(bool(self.received)):
            control.should_save = True
            control.should_training_stop = True
