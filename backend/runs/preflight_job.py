"""Preflight asked for from a page: a process of its own, found again after a reload by the configuration it checks."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.access import needs
from backend.runs.jobs import is_working, last_words, start_job
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
    path = (folder / "config.json").resolve()
    path.write_text(config.model_dump_json(), encoding="utf-8")
    start_job(folder, ["run_training.py", "--config", str(path), "--preflight", "--json"])


def preflight_of(config: TrainConfig) -> PreflightJob | None:
    """What the preflight of this configuration says; None when there was none."""
    folder = _folder(config)
    working = is_working(folder)
    if working is None:
        return None
    if working:
        return PreflightJob(True, [])
    try:
        text = (folder / "result.txt").read_text(encoding="utf-8")
        return PreflightJob(False, json.loads(text[text.index("[") :]))
    except (OSError, ValueError):
        return PreflightJob(False, [], last_words(folder))


def _folder(config: TrainConfig) -> Path:
    """By what preflight looks at: neither the name nor the reason to go on changes its result."""
    looked_at = config.model_dump_json(exclude={"name", "override_reason"})
    return get_settings().runs_dir / ".preflight" / hashlib.sha256(looked_at.encode()).hexdigest()[:16]
