"""Resume a run from its last complete checkpoint, and remove everything that was written after it.

A process can be killed at any moment, also while it writes a checkpoint. transformers writes trainer_state.json last, so
a checkpoint is complete if its state can be read. Metrics and evaluations of later steps are removed: the resumed run
writes them again, so none is missing and none is there twice.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from backend.data.rollouts import rewind_rollouts
from backend.files import write_json, write_whole
from backend.training.metrics_file import parse_line


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint.

    Attributes:
        path: its folder.
        step: the optimisation step it was written after.
        best_step: the step of the best evaluation up to then; None before the first.
        evaluations_without_gain: the counter of early stopping.
    """

    path: Path
    step: int
    best_step: int | None
    evaluations_without_gain: int


def last_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest complete checkpoint of the run in ``folder``; None when there is none."""
    found = [read for path in (folder / "checkpoints").glob("checkpoint-*") if (read := _read(path)) is not None]
    return max(found, key=lambda c: c.step, default=None)


def _read(path: Path) -> Checkpoint | None:
    try:
        state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    early_stopping = state["stateful_callbacks"].get("EarlyStoppingCallback", {}).get("attributes", {})
    return Checkpoint(
        path, state["global_step"], state["best_global_step"], early_stopping.get("early_stopping_patience_counter", 0)
    )


def rewind(folder: Path) -> Checkpoint | None:
    """Bring the run's folder back to its last complete checkpoint, and return that.

    Incomplete checkpoints are removed, and metrics, rollouts, step evaluations and firings after the last complete one. Without a
    checkpoint only the evaluations before training stay. Calling it again changes nothing.
    """
    checkpoint = last_checkpoint(folder)
    step = checkpoint.step if checkpoint else 0
    for path in (folder / "checkpoints").glob("checkpoint-*"):
        if checkpoint is None or _read(path) is None:
            shutil.rmtree(path)
    for part in folder.glob("best.*.part"):
        shutil.rmtree(part)
    for path in (folder / "evaluations").glob("step-*.json"):
        if int(path.stem.removeprefix("step-")) > step:
            path.unlink()
    for path in (folder / "evaluations").glob("tuned-*.json"):
        path.unlink()
    _keep_metrics(folder / "metrics.jsonl", step)
    rewind_rollouts(folder, step)
    watch = folder / "watch.json"
    if watch.is_file():
        write_json(watch, [f for f in json.loads(watch.read_text(encoding="utf-8")) if f["step"] <= step])
    return checkpoint


def _keep_metrics(path: Path, step: int) -> None:
    if not path.is_file():
        return
    kept = []
    for line in path.read_bytes().split(b"\n"):
        try:
            if parse_line(line).step <= step:
                kept.append(line.decode("utf-8") + "\n")
        except ValueError:  # a line that was cut off when the process was killed, or damaged
            continue
    write_whole(path, "".join(kept))
