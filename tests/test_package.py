"""The package: its ranges admit the pinned versions, and its wheel works where no training library is installed."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from backend.settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RANGES = [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
TRAINING = "torch transformers trl peft accelerate datasets bitsandbytes tokenizers unsloth".split()


def pins(*files: str) -> dict[str, str]:
    """Package -> the version that requirements files pin."""
    lines = [line for name in files for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    found = [re.match(r"([A-Za-z0-9_-]+)(?:\[[a-z,]+\])?==([^\s;]+)", line) for line in lines]
    return {m[1].lower().replace("_", "-"): m[2] for m in found if m}


@pytest.mark.parametrize("text", sorted(set(RANGES)))
def test_a_range_admits_the_version_it_was_tested_with(text: str) -> None:
    wanted = Requirement(text)
    pinned = pins("requirements-gpu.txt", "requirements.txt", "requirements-dev.txt").get(
        wanted.name.lower().replace("_", "-")
    )
    if wanted.name == PROJECT["name"]:
        return
    assert pinned is not None, f"{wanted.name} is in pyproject.toml and pinned nowhere"
    assert wanted.specifier.contains(pinned, prereleases=True), f"{text} leaves out {pinned}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as file:
        file.extractall(folder / "installed")
    return folder / "installed"


def run(wheel: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``workbench`` from the wheel, in another folder, with every training library missing."""
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "class Missing:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name.split('.')[0] in {TRAINING!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import backend\n"
        f"assert backend.__path__[0].startswith({str(wheel)!r}), backend.__path__\n"
        "from backend.commands.workbench import main\n"
        f"sys.argv = ['workbench', *{arguments!r}]\n"
        "main()"
    )
    return subprocess.run([sys.executable, "-P", "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_wheel_holds_what_it_needs_and_nothing_of_the_tests(wheel: Path) -> None:
    names = {p.relative_to(wheel).as_posix() for p in wheel.rglob("*") if p.is_file()}
    for wanted in (
        "app/main.py",
        "app/.streamlit/config.toml",
        "app/icon.svg",
        "run_training.py",
        "backend/release/examples/nano-run/prompts.jsonl",
        "backend/store/migrations/env.py",
    ):
        assert wanted in names
    assert not [n for n in names if n.split("/")[0] in ("tests", "benchmarks", "docs", "data")]


@pytest.mark.slow
def test_a_reward_file_is_audited_with_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    assert "audit" in run(wheel, tmp_path, "--help").stdout
    assert run(wheel, tmp_path, "init").returncode == 0
    rows = [{"id": i, "prompt": f"Is it {i}?", "completion": f"yes {i}", "answer": "yes"} for i in range(6)]
    (tmp_path / "completions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = run(wheel, tmp_path, "audit", "my_rewards.py", "completions.jsonl")
    assert done.returncode == 3, done.stderr
    assert "MORE RATINGS NEEDED" in done.stdout
