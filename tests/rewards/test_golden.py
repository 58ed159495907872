"""2,000 completions under six profiles score as they did before the rewards moved into a suite of their own."""

import hashlib
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rewards import PROFILES, score

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden.json.xz")
"""``prompts``; ``components`` (task -> profile -> names); ``rows`` of task, prompt's place, completion, and per profile the
total and the components' values. Written on 24 November 2026 by the code as it was before the move."""


def share_of(text: str) -> float:
    """A made-up measure of execution, for the profile that has one: the same for the same text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return (0.0, 0.2, 1.0)[int(digest, 16) % 3]


def test_every_score_is_what_it_was() -> None:
    golden = json.loads(lzma.decompress(GOLDEN.read_bytes()))
    assert len(golden["rows"]) == 2_000 and set(golden["rows"][0][3]) == set(PROFILES) - {"v5"}
    for task, prompt, text, scores in golden["rows"]:
        for profile, (total, values) in scores.items():
            now = score(task, text, golden["prompts"][prompt], profile, {"execution": share_of(text)})
            then = dict(zip(golden["components"][task][profile], values, strict=True))
            assert (now.total, now.components) == (total, then), (task, profile, text)


@pytest.mark.slow
def test_fingerprints_do_not_hang_on_the_order_of_sets() -> None:
    """Another process, another order of every set: word lists must be put together in an order of their own."""
    code = (
        "from backend.suites import fingerprint, profiles, task_names\n"
        "print([(p, t, fingerprint(t, p)) for p in profiles() for t in task_names()])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            text=True,
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
