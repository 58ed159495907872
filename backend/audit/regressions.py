"""Regression cases: completions that people scored, and whose reward must agree with the human score.

Each case is a JSON line in ``regressions.jsonl`` (WORKBENCH_REGRESSIONS), which the test suite reads. A case fails until
the reward is fixed, and fails again if a later change breaks it.
"""

import json
from pathlib import Path
from typing import Any

from backend.access import needs
from backend.errors import UserError
from backend.files import write_whole
from backend.settings import get_settings
from backend.suites import default_profile, score_completion

MIDDLE = 0.5
"""The reward must be at least this if people scored the completion 4 or 5, and at most this if 1 or 2."""


@needs("engineer")
def keep_case(task: str, prompt: str, completion: str, human: float, note: str = "") -> bool:
    """Store a completion as a case; returns whether it is new.

    Raises:
        UserError: the human score is between 2 and 4, so the reward cannot be checked by it; or the file cannot be
            written.
    """
    if 2 < human < 4:
        raise UserError(f"people gave it {human:.1f}: only a completion they found good (4, 5) or bad (1, 2) is a case")
    case = {
        "task": task,
        "prompt": prompt,
        "completion": completion,
        "human": human,
        "least" if human >= 4 else "most": MIDDLE,
        "note": note,
    }
    cases = read_cases()
    if any(c["task"] == task and c["prompt"] == prompt and c["completion"] == completion for c in cases):
        return False
    path = get_settings().regressions
    try:
        write_whole(path, "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in [*cases, case]))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}. Set WORKBENCH_REGRESSIONS.") from error
    return True


def read_cases(path: Path | None = None) -> list[dict[str, Any]]:
    """The stored cases, oldest first."""
    path = path or get_settings().regressions
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def violation(case: dict[str, Any], profile: str = "") -> str | None:
    """How the reward fails the case under a profile (default: the default profile), in words; None if it passes."""
    total = score_completion(case["task"], case["completion"], case["prompt"], {}, profile or default_profile()).total
    if "least" in case and total < case["least"]:
        return f"people gave it {case['human']}, the reward {total:.2f}; it must be at least {case['least']}"
    if "most" in case and total > case["most"]:
        return f"people gave it {case['human']}, the reward {total:.2f}; it must be at most {case['most']}"
    return None
