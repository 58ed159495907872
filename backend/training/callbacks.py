"""What a run writes and obeys while it trains: the metrics file, the progress line, the best adapter, the stop signal."""

import json
import math
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from backend.files import write_json
from backend.training.stop_rules import Firing, Rule, evaluate_rules


class MetricsFile(TrainerCallback):
    """Appends every logged number to ``metrics.jsonl``; the trainer never waits for a database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        append_metrics(self._path, state.global_step, logs or {})


def append_metrics(path: Path, step: int, values: dict[str, Any]) -> None:
    """Append one line ``{"step", "time", "metrics"}``; what is not a finite number is left out."""
    metrics = {
        metric_name(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    if metrics:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 3), "metrics": metrics}) + "\n")


def metric_name(name: str) -> str:
    """TRL's and transformers' names as ours: ``eval_push`` -> ``eval/push``."""
    return "eval/" + name.removeprefix("eval_") if name.startswith("eval_") else name


class ProgressLine(TrainerCallback):
    """One line a step: in a terminal it rewrites itself, in a log file each stands alone."""

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
                f"entropy {logs.get('entropy', float('nan')):.2f}",
                end="" if self._live else "\n",
            )

    def _print(self, text: str, end: str) -> None:
        print(f"\r\x1b[2K{text}" if self._live else text, end=end, flush=True)


def _is_task(key: str) -> bool:
    from rewards import registered

    return key.removeprefix("eval_") in registered()


class BestAdapter(TrainerCallback):
    """Keeps ``best/``: the adapter of the best evaluation so far, whole at every moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.best_global_step == state.global_step:
            publish_adapter(Path(args.output_dir or "") / f"checkpoint-{state.global_step}", self._folder)


def publish_adapter(checkpoint: Path, best: Path) -> None:
    """Copy the adapter and tokenizer of ``checkpoint`` to ``best``: written aside, then renamed."""
    aside = best.with_name(f"{best.name}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for pattern in ("adapter_*", "tokenizer*", "chat_template*", "special_tokens*"):
        for file in checkpoint.glob(pattern):
            shutil.copy2(file, aside / file.name)
    shutil.rmtree(best, ignore_errors=True)
    aside.rename(best)


class WatchTable(TrainerCallback):
    """Evaluates the stop rules after every logged step; one that says stop ends the run with a checkpoint."""

    def __init__(self, rules: tuple[Rule, ...], path: Path, may_stop: bool) -> None:
        self._rules, self._path, self._may_stop = rules, path, may_stop
        self._series: dict[str, list[tuple[int, float]]] = {}
        self.fired: dict[str, Firing] = {}
        self.stopped_by: Firing | None = None

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        values = {metric_name(k): v for k, v in (logs or {}).items() if isinstance(v, int | float)}
        values["disk_free_gb"] = shutil.disk_usage(self._path.parent).free / 1e9
        for name, value in values.items():
            self._series.setdefault(name, []).append((state.global_step, float(value)))
        for firing in evaluate_rules(self._rules, self._series):
            if firing.rule.name not in self.fired:
                self.fired[firing.rule.name] = firing
                print(f"\n{firing.rule.action}: {firing}", flush=True)
                write_json(self._path, [_as_dict(f) for f in self.fired.values()])
            if firing.rule.action == "stop" and self._may_stop and self.stopped_by is None:
                self.stopped_by = firing

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.stopped_by is not None:
            control.should_save = True
            control.should_training_stop = True


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
        signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.received:
            control.should_save = True
            control.should_training_stop = True
