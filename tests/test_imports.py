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


@pytest.mark.slow
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
    "backend.release.example",
)


@pytest.mark.slow
def test_what_the_app_uses_of_the_backend_loads_no_training_library() -> None:
    names = [m for m in modules_under(backend, "backend.") if m.startswith(LIGHT) and "migrations" not in m]
    assert "backend.evaluation.compare" in names
    assert not loaded_by(*names) & HEAVY


@pytest.mark.slow
def test_no_page_loads_a_training_library(workbench: Path) -> None:
    """Run every whole page in one fresh interpreter, as the server would."""
    screens = sorted(p.stem for p in (ROOT / "app" / "screens").glob("*.py") if p.stem != "__init__")
    code = (
        "import functools, sys\n"
        "from streamlit.components.v2 import manifest_scanner as manifests\n"
        "from streamlit.testing.v1 import AppTest\n"
        "manifests.scan_component_manifests = functools.cache(manifests.scan_component_manifests)  # as in conftest\n"
        f"for screen in {screens}:\n"
        "    page = AppTest.from_file(f'app/screens/{screen}.py', default_timeout=60).run()\n"
        "    assert not page.exception, (screen, page.exception)\n"
        f"    heavy = set({sorted(HEAVY)}) & sys.modules.keys()\n"
        "    assert not heavy, (screen, heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
