"""What a reader needs to reproduce a run: versions, machine, commit, reward fingerprint, data hash."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from backend.gpu import gpu_name
from backend.records import PromptRecord, content_hash
from backend.settings import ROOT
from backend.suites import fingerprint_of_all
from backend.training.config import TrainConfig

_PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate", "datasets", "unsloth", "json-repair")


def environment(config: TrainConfig, backend: str, prompts: list[PromptRecord]) -> dict[str, Any]:
    """The content of a run's environment.json; ``backend`` is the one that loaded the policy."""
    return {
        "backend": backend,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "gpu": gpu_name(),
        "cpus": os.cpu_count(),
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        "commit": _commit(),
        "profile": config.profile,
        "fingerprint": fingerprint_of_all((p.task for p in prompts), config.profile),
        "prompts": content_hash(prompts),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], check=False, cwd=ROOT, capture_output=True, text=True, timeout=10
        )
    except OSError:
        return None
    return done.stdout.strip() or None
