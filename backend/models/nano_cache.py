"""Where nano is cached and how much of it is built; can be read without importing torch."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from backend.settings import get_settings
from backend.suites.registry import nano_corpus


@lru_cache
def _digest() -> str:
    digest = hashlib.sha256()
    for source in (Path(__file__).with_name("nano.py"), *nano_corpus().sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:8]


def nano_path() -> Path:
    """The folder of this version of nano; its name contains a hash of all the code that determines the model."""
    return get_settings().models_dir / f"nano-{_digest()}"


def nano_is_ready() -> bool:
    """Whether nano is built and cached."""
    return (nano_path() / "config.json").is_file()


def progress_path() -> Path:
    """A small JSON file, present while nano is being built."""
    return get_settings().models_dir / "nano.progress.json"


def building_share() -> float | None:
    """How much of the building is done, 0 to 1; None when nothing is being built."""
    try:
        progress = json.loads(progress_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return float(progress["done"]) / float(progress["total"])
