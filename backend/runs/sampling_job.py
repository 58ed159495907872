"""Completions sampled for raters, asked for from a page: ``python -m backend.data sample`` in a process of its own."""

from dataclasses import dataclass
from pathlib import Path

from backend.access import needs
from backend.errors import UserError
from backend.files import read_json
from backend.runs.jobs import is_working, last_result, last_words, start_job
from backend.runs.lock import is_training
from backend.settings import get_settings
from backend.store.engine import writing
from backend.store.events import record


@dataclass(frozen=True)
class SamplingJob:
    """The last sampling's state.

    Attributes:
        running: it has not ended yet.
        done, total: completions; 0 of 0 before the model is loaded.
        words: what it said at its end.
        failed: whether it ended without storing them.
    """

    running: bool
    done: int = 0
    total: int = 0
    words: str = ""
    failed: bool = False


@needs("engineer")
def start_sampling(
    prompts: str, split: str, task: str, n: int, model: str = "nano", adapter: str = "", max_new_tokens: int = 160
) -> None:
    """Sample ``n`` completions of each prompt of a set and offer them to raters.

    Args:
        prompts: a stored set's id, or ``shop``.
        split, task: which of its prompts; an empty task means all.
        n: completions per prompt.
        model, adapter: the policy: a model, and a run's best/ folder on top of it.
        max_new_tokens: of a completion.

    Raises:
        UserError: a sampling or a run has the machine.
    """
    if is_working(_folder()):
        raise UserError("completions are being sampled already; wait for them")
    if is_training():
        raise UserError("a run is training and has the machine; sample when it has ended")
    (_folder() / "progress.json").unlink(missing_ok=True)
    options = {
        "--prompts": prompts, "--split": split, "--task": task, "--n": str(n), "--model": model, "--adapter": adapter,
        "--max-new-tokens": str(max_new_tokens), "--progress-file": str((_folder() / "progress.json").resolve()),
    }  # fmt: skip
    given = [word for name, value in options.items() if value for word in (name, value)]
    with writing() as session:
        record(session, "sampled", prompts, model=model, adapter=adapter, n=n)
    start_job(_folder(), ["-m", "backend.data", "sample", *given])


def sampling_job() -> SamplingJob | None:
    """How far the last sampling is, or how it ended; None when there was none."""
    working = is_working(_folder())
    if working is None:
        return None
    progress = read_json(_folder() / "progress.json") or {"done": 0, "total": 0}
    if working:
        return SamplingJob(True, progress["done"], progress["total"])
    if stored := last_result(_folder(), "stored "):
        return SamplingJob(False, progress["done"], progress["total"], stored)
    return SamplingJob(False, progress["done"], progress["total"], last_words(_folder()), failed=True)


def _folder() -> Path:
    return get_settings().runs_dir / ".sampling"
