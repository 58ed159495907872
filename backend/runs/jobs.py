"""Background jobs that a page starts: sampling completions, preflight, an export, a benchmark.

Each job is a process of its own with a folder, by which the page finds it again after a reload. ``process.json`` names
the process; its results are in ``result.txt``, its errors in ``log.txt``, and its progress in ``progress.json``.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.access import needs
from backend.errors import UserError
from backend.files import read_json, write_json, write_whole
from backend.progress import FILE, NOTHING_YET, Progress, read_progress
from backend.runs.lock import is_training
from backend.runs.processes import last_lines, process_job, process_state, signal_process, start_detached
from backend.settings import get_settings
from backend.store.engine import writing
from backend.store.events import record
from backend.store.runs import run_folder
from backend.training.checks import Check, from_dicts
from backend.training.config import TrainConfig, config_from_json

_WORKBENCH = ("-m", "backend.commands.workbench")


@dataclass(frozen=True)
class Job:
    """A job's state.

    Attributes:
        running: whether it has not ended yet.
        progress: how far it is, as it has said last.
        words: its result if it succeeded, otherwise the last lines of its errors.
        failed: whether it ended without success.
    """

    running: bool
    progress: Progress = NOTHING_YET
    words: str = ""
    failed: bool = False


def start_job(folder: Path, arguments: Sequence[str]) -> None:
    """Start a job in ``folder``.

    Raises:
        UserError: the folder's last job has not ended.
        OSError: the folder cannot be written, or no process can be started.
    """
    if _is_working(folder):
        raise UserError("this is under way already; wait for its end")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).unlink(missing_ok=True)
    with (folder / "result.txt").open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = start_detached(arguments, out, log)
    write_json(folder / "process.json", process_job(process.pid))


def job_in(folder: Path, success: str) -> Job | None:
    """The state of the folder's job; None when there was none.

    Args:
        folder: the job's folder.
        success: the beginning of the last line that the job prints if it succeeds.
    """
    working = _is_working(folder)
    if working is None:
        return None
    progress = read_progress(folder / FILE) or NOTHING_YET
    if working:
        return Job(True, progress)
    printed = (folder / "result.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    found = next((line for line in reversed(printed) if line.startswith(success)), None)
    words = found or last_lines(folder / "log.txt") or "it ended without a message"
    return Job(False, progress, words, failed=found is None)


def _is_working(folder: Path) -> bool | None:
    """Whether the folder's process is still running; None when none was started there."""
    job = read_json(folder / "process.json")
    return None if job is None else process_state(job).name == "running"


def _only_when_idle() -> None:
    if is_training():
        raise UserError("a run is training and has the machine; do it when it has ended")


# --- completions for raters ---------------------------------------------------------------------------------------
@needs("engineer")
def start_sampling(
    prompts: str, split: str, task: str, n: int, model: str = "nano", adapter: str = "", max_new_tokens: int = 160
) -> None:
    """Sample ``n`` completions of each prompt of a set and offer them to raters.

    Args:
        prompts: a stored set's id, or a prompt source.
        split, task: which of its prompts; an empty task means all.
        n: completions per prompt.
        model, adapter: the policy: a model, and a run's best/ folder on top of it.
        max_new_tokens: of a completion.

    Raises:
        UserError: another sampling job is running, or a run is training.
    """
    _only_when_idle()
    folder = _sampling_folder()
    options = {
        "--prompts": prompts, "--split": split, "--task": task, "--n": str(n), "--model": model, "--adapter": adapter,
        "--max-new-tokens": str(max_new_tokens), "--progress-file": str((folder / FILE).resolve()),
    }  # fmt: skip
    given = [word for name, value in options.items() if value for word in (name, value)]
    start_job(folder, [*_WORKBENCH, "data", "sample", *given])
    with writing() as session:
        record(session, "sampled", prompts, model=model, adapter=adapter, n=n)


def sampling_job() -> Job | None:
    """The state of the last sampling job; None when there was none."""
    return job_in(_sampling_folder(), "stored ")


def _sampling_folder() -> Path:
    return get_settings().runs_dir / ".sampling"


# --- preflight ----------------------------------------------------------------------------------------------------
@needs("engineer")
def start_preflight(config: TrainConfig) -> None:
    """Start preflight for a configuration; the result of an earlier preflight of the same one is deleted."""
    folder = _preflight_folder(config)
    path = (folder / "config.json").resolve()
    write_whole(path, config.model_dump_json())
    file = str((folder / FILE).resolve())
    start_job(folder, [*_WORKBENCH, "train", "--config", str(path), "--preflight", "--json", "--progress-file", file])


@needs("engineer")
def cancel_preflight(config: TrainConfig) -> None:
    """End this configuration's preflight, if it is running; nothing of it is kept."""
    folder = _preflight_folder(config)
    if _is_working(folder):
        signal_process(read_json(folder / "process.json") or {}, force=True)
    (folder / "process.json").unlink(missing_ok=True)


def latest_preflight() -> TrainConfig | None:
    """The configuration of the preflight that was started last; None where there is none that can be read."""
    started = sorted(
        (get_settings().runs_dir / ".preflight").glob("*/process.json"), key=lambda path: path.stat().st_mtime
    )
    for path in reversed(started):
        with suppress(OSError, UserError):
            return config_from_json((path.parent / "config.json").read_text(encoding="utf-8"))
    return None


def preflight_job(config: TrainConfig) -> Job | None:
    """The state of this configuration's preflight; None when there was none."""
    return job_in(_preflight_folder(config), "]")  # the end of the JSON it prints


def preflight_checks(config: TrainConfig) -> list[Check]:
    """The result of this configuration's last preflight; empty before its end."""
    try:
        text = (_preflight_folder(config) / "result.txt").read_text(encoding="utf-8")
        return from_dicts(json.loads(text[text.index("[") :]))
    except (OSError, ValueError):
        return []


def _preflight_folder(config: TrainConfig) -> Path:
    """A folder named by a hash of the configuration, without the two fields that do not change preflight's result."""
    checked = config.model_dump_json(exclude={"name", "override_reason"})
    return get_settings().runs_dir / ".preflight" / hashlib.sha256(checked.encode()).hexdigest()[:16]


# --- after a run --------------------------------------------------------------------------------------------------
@needs("engineer")
def start_export(run_id: str) -> None:
    """Write the adapter and the merged model to ``export/`` in the run's folder.

    Raises:
        UserError: it exists already or is being written, or a run is training.
    """
    to = (run_folder(run_id) / "export").resolve()
    if to.exists():
        raise UserError(f"{to} is there already; move it away to export again")
    _start_after(run_id, "export", ["export", run_id, str(to)])


@needs("engineer")
def start_benchmark(run_id: str, tasks: str, limit: int) -> None:
    """Measure the base and the tuned model on lm-eval's tasks (comma-separated), with ``limit`` documents per task.

    Raises:
        UserError: the run's benchmark is running already, or a run is training.
    """
    _start_after(run_id, "benchmark", ["evaluations", "benchmark", run_id, "--tasks", tasks, "--limit", str(limit)])
    with writing() as session:
        record(session, "benchmarked", run_id, tasks=tasks, limit=limit)


def after_job(run_id: str, what: str) -> Job | None:
    """The state of the run's ``export`` or ``benchmark`` job; None when there was none."""
    return job_in(run_folder(run_id) / f".{what}", "wrote ")


def _start_after(run_id: str, what: str, arguments: Sequence[str]) -> None:
    _only_when_idle()
    start_job(run_folder(run_id) / f".{what}", [*_WORKBENCH, *arguments])
