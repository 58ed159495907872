"""The directions hold: app -> backend -> rewards, and no training library where the app can reach."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import backend
import rewards

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "transformers", "trl", "peft", "unsloth", "bitsandbytes", "accelerate", "datasets"}


def loaded_by(*modules: str) -> set[str]:
    """Top-level names in sys.modules after importing ``modules`` in a fresh interpreter."""
    code = f"import sys; import {', '.join(modules)}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def modules_under(package, prefix: str) -> list[str]:
    return [m.name for m in pkgutil.walk_packages(package.__path__, prefix) if "__main__" not in m.name]


def test_rewards_import_nothing_of_ours_and_only_json_repair() -> None:
    loaded = loaded_by(*modules_under(rewards, "rewards."))
    assert not loaded & {"backend", "app"}
    third_party = {"numpy", "pandas", "scipy", "pydantic", "sqlalchemy", "streamlit", *HEAVY}
    assert not loaded & third_party


def test_backend_never_imports_the_app() -> None:
    names = [m for m in modules_under(backend, "backend.") if "migrations" not in m and "training" not in m]
    assert "app" not in loaded_by(*names)


LIGHT = (
    "backend.store.",
    "backend.audit.",
    "backend.runs.",
    "backend.data.",
    "backend.evaluation.",
    "backend.serving.",
    "backend.example",
)


def test_what_the_app_uses_of_the_backend_loads_no_training_library() -> None:
    names = [m for m in modules_under(backend, "backend.") if m.startswith(LIGHT) and "migrations" not in m]
    assert "backend.evaluation.compare" in names
    assert not loaded_by(*names) & HEAVY


@pytest.mark.parametrize("screen", sorted(p.stem for p in (ROOT / "app" / "screens").glob("*.py")))
def test_no_page_loads_a_training_library(screen: str, workbench: Path) -> None:
    """Run the whole page in a fresh interpreter, as the server would."""
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file('app/screens/{screen}.py', default_timeout=60).run()\n"
        "assert not page.exception, page.exception\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not set(done.stdout.split()) & HEAVY
