"""Inspect's logs (``.eval``), read through inspect_ai where it is installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.errors import UserError


def reads(path: Path) -> bool:
    """Whether the name says an Inspect log."""
    return path.is_file() and path.suffix.lower() == ".eval"


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
    """A row for each sample: its input, the model's output, the target, scores and metadata as columns.

    Raises:
        UserError: inspect_ai is not installed, or the log cannot be read.
    """
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as error:
        raise UserError(f"{path} is an Inspect log: `pip install inspect-ai` reads it") from error
    try:
        log = read_eval_log(str(path))
    except Exception as error:  # a file of another version, or none of theirs: their errors are many
        raise UserError(f"cannot read {path} as an Inspect log: {type(error).__name__}: {error}") from error
    for sample in log.samples or []:
        place = f"sample {sample.id}, epoch {sample.epoch}"
        if sample.error is not None and not sample.output.completion:
            yield place, ValueError(f"it ended with an error and has no completion: {sample.error.message[:200]}")
            continue
        asked = sample.input
        prompt: Any = asked if isinstance(asked, str) else [{"role": m.role, "content": m.text} for m in asked]
        scores = {f"score_{name}": score.value for name, score in (sample.scores or {}).items()}
        yield (
            place,
            {
                **(sample.metadata or {}),
                **scores,
                "prompt": prompt,
                "completion": sample.output.completion,
                "answer": sample.target,
                "policy": log.eval.model,
                "id": f"{log.eval.run_id}/{sample.id}/{sample.epoch}",
            },
        )
