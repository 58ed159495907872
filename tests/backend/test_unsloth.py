"""Our arguments against Unsloth's real signatures, in an environment that has Unsloth (``make unsloth-env``)."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-unsloth" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="`make unsloth-env` installs Unsloth in a separate environment")
def test_what_we_pass_is_what_unsloth_takes(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "UNSLOTH_ALLOW_CPU": "1",
        "UNSLOTH_SKIP_TORCHVISION_CHECK": "1",
        "UNSLOTH_COMPILE_LOCATION": str(tmp_path / "compiled"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.unsloth_check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []
