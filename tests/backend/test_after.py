"""What can be asked of a run that has ended, in processes of their own."""

import time
from pathlib import Path

import pytest

from backend.errors import UserError
from backend.runs.create import create_run
from backend.runs.jobs import after_job, start_benchmark, start_export
from backend.training.config import TrainConfig

pytestmark = pytest.mark.slow


def ended(run_id: str, what: str, seconds: float = 90):
    """Wait for the job's end."""
    deadline = time.monotonic() + seconds
    while (job := after_job(run_id, what)) is None or job.running:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return job


def test_an_export_that_fails_says_why_and_can_be_asked_for_again(tiny_config: TrainConfig, workbench: Path) -> None:
    run_id = create_run(tiny_config)
    assert after_job(run_id, "export") is None
    for _ in range(2):
        start_export(run_id)
        with pytest.raises(UserError, match="under way already"):
            start_export(run_id)
        job = ended(run_id, "export")
        assert job.failed and "has no best adapter" in job.words
    folder = workbench / "runs" / run_id
    (folder / "export").mkdir()
    with pytest.raises(UserError, match="there already"):
        start_export(run_id)
    with pytest.raises(UserError, match="there is no run"):
        start_benchmark("nobody", "x", 1)
