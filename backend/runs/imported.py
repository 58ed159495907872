"""Import a run of another program from its logs: Hugging Face's trainer_state.json, or a JSONL file of logged steps."""

import shutil
from pathlib import Path
from typing import Any

from backend.access import needs
from backend.errors import UserError, bad_rows, reason
from backend.files import load_users_json, load_users_line, numbered_lines, read_users_text
from backend.runs.create import new_run_id
from backend.runs.sync import sync_metrics
from backend.settings import get_settings
from backend.store.engine import writing
from backend.store.events import record
from backend.store.tables import Run, utc_now
from backend.training.metrics_file import LAST_STEP, LONGEST_NAME, append_metrics, is_name, metric_name

IMPORTED = "imported"


@needs("engineer")
def import_run(path: Path, name: str = "") -> str:
    """Import a file of logs as a finished run; returns its id. If the file has bad entries, nothing is imported.

    Args:
        path: trainer_state.json (its ``log_history``), a JSON list, or JSONL; each entry an object with ``step`` and numbers.
        name: shown on the pages; the file's name when left out.

    Raises:
        UserError: the file cannot be read, or an entry is not an object with a step; the message says where.
    """
    entries = _entries(path)
    bad = [f"{path}:{place}: {problem}" for place, entry in entries if (problem := _problem(entry))]
    if bad:
        raise bad_rows(f"of {len(entries)} entries", bad)
    logged = [entry for _, entry in entries]
    if not any(_numbers(entry) for entry in logged):
        raise UserError(f"{path} holds no logged number; give trainer_state.json or one JSON object with a step a line")
    run_id = new_run_id()
    folder = get_settings().runs_dir / run_id
    try:
        _write_run(path, name, run_id, folder, logged)
    except BaseException:  # whatever it was, nothing of the run is left
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run_id


def _write_run(path: Path, name: str, run_id: str, folder: Path, logged: list[dict[str, Any]]) -> None:
    """The run's folder, then its row and its metrics in one transaction."""
    try:
        folder.mkdir(parents=True)
        for entry in sorted(logged, key=lambda e: e["step"]):
            append_metrics(folder / "metrics.jsonl", int(entry["step"]), _numbers(entry))
    except OSError as error:
        raise UserError(f"cannot write the run's folder {folder}: {error.strerror}. Set WORKBENCH_RUNS_DIR.") from error
    with writing() as session:
        record(session, "imported", run_id, file=path.name)
        session.add(
            Run(
                id=run_id,
                name=(name or path.stem)[:200],
                preset=IMPORTED,
                config={"max_steps": int(max(e["step"] for e in logged))},
                seed=0,
                folder=str(folder),
                status="finished",
                reason=f"imported from {path.name}",
                profile="",
                fingerprint="",
                ended_at=utc_now(),
            )
        )
        session.flush()
        sync_metrics(session, session.get_one(Run, run_id))


def _entries(path: Path) -> list[tuple[str, Any]]:
    """(place, entry) of every entry in the file; for a line that is not JSON, the error in place of the entry."""
    text = read_users_text(path)
    try:
        whole = load_users_json(text)
    except ValueError:
        return [(str(i), _parsed(line)) for i, line in numbered_lines(text)]
    if isinstance(whole, dict) and isinstance(whole.get("log_history"), list):
        whole = whole["log_history"]
    return [(f"entry {i}", entry) for i, entry in enumerate(whole if isinstance(whole, list) else [whole], start=1)]


def _parsed(line: str) -> Any:
    try:
        return load_users_line(line)
    except ValueError as error:
        return error


def _problem(entry: Any) -> str | None:
    if isinstance(entry, ValueError):
        return reason(entry)
    if not isinstance(entry, dict):
        return "not an object"
    step = entry.get("step")
    if (bad := next((name for name in _numbers(entry) if not is_name(metric_name(name))), None)) is not None:
        if len(metric_name(bad)) > LONGEST_NAME:
            return f"the metric name {bad[:40]!r}… has {len(bad)} characters; at most {LONGEST_NAME} are kept"
        return f"the metric name {bad!r} is empty or has a character that cannot be printed"
    if isinstance(step, bool) or not isinstance(step, int | float) or not 0 <= step <= LAST_STEP or step % 1:
        return f"step must be a whole number from 0 to {LAST_STEP}, not {repr(step)[:40]}"
    return None


def _numbers(entry: dict[str, Any]) -> dict[str, float]:
    """The logged numbers of an entry: those in the entry itself, or those under ``metrics`` (this workbench's format)."""
    inner = entry.get("metrics")
    values = inner if isinstance(inner, dict) else entry
    return {k: v for k, v in values.items() if k not in ("step", "time") and isinstance(v, int | float)}
