"""Preflight asked for from a page: a process of its own, found again after a reload by the configuration it checks."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.access import needs
from backend.runs.processes import last_lines, start_detached, started_at
from backend.settings import get_settings
from backend.training.config import TrainConfig


@dataclass(frozen=True)
class PreflightJob:
    """A preflight's state.

    Attributes:
        running: it has not ended yet.
        checks: its table, once it has: dicts with name, status (pass, warn, fail), found and story.
        error: why it ended without one.
    """

    running: bool
    checks: list[dict[str, Any]]
    error: str = ""

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [c["name"] for c in self.checks if c["status"] == "fail"]


@needs("engineer")
def start_preflight(config: TrainConfig) -> None:
    """Check a configuration in a process that outlives this one; the one before of the same configuration is forgotten."""
    folder = _folder(config)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.model_dump_json(), encoding="utf-8")
    with (folder / "result.json").open("wb") as out, (folder / "log.txt").open("wb") as log:
        command = ["run_training.py", "--config", str((folder / "config.json").resolve()), "--preflight", "--json"]
        process = start_detached(command, out, log)
    identity = {"pid": process.pid, "started": started_at(process.pid)}
    (folder / "process.json").write_text(json.dumps(identity), encoding="utf-8")


def preflight_of(config: TrainConfig) -> PreflightJob | None:
    """What the preflight of this configuration says; None when there was none."""
    folder = _folder(config)
    try:
        identity = json.loads((folder / "process.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    now = started_at(identity["pid"])
    if now is not None and identity["started"] is not None and abs(now - identity["started"]) < 0.05:
        return PreflightJob(True, [])
    try:
        text = (folder / "result.json").read_text(encoding="utf-8")
        return PreflightJob(False, json.loads(text[text.index("[") :]))
    except (OSError, ValueError):
        return PreflightJob(False, [], last_lines(folder / "log.txt") or "it ended without a word")


def _folder(config: TrainConfig) -> Path:
    """By what preflight looks at: neither the name nor the reason to go on changes its result."""
    looked_at = config.model_dump_json(exclude={"name", "override_reason"})
    return get_settings().runs_dir / ".preflight" / hashlib.sha256(looked_at.encode()).hexdigest()[:16]
