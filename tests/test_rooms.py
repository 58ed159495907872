"""The rooms hold: the shop's words stay in the shop's rooms, and no two of the backend's packages need each other."""

import ast
import re
from pathlib import Path

import pytest

from backend.settings import ROOT

SHOP_WORDS = re.compile(r"(?<![a-z])(extraction|sql_qa|olist|commerce|reengaj\w*)", re.I)
EXEMPT = ("rewards/__init__.py", "backend/settings.py", "backend/suites/", "backend/store/migrations/")
"""Re-exports; the default suite's name; built-in suites as module names in strings; migrations. Nothing else."""
SHOP_ROOMS = ("rewards/commerce/", "backend/commerce/")


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def elsewhere() -> list[Path]:
    """Every file of the engine and the app: what is neither the shop's nor exempt."""
    named = [(path, path.relative_to(ROOT).as_posix()) for path in sources("rewards", "backend", "app")]
    return [path for path, name in named if not name.startswith((*EXEMPT, *SHOP_ROOMS))]


def imports(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """(module, names) of every import in a file, late ones included."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, tuple(alias.name for alias in node.names)))
    return found


@pytest.mark.parametrize("path", elsewhere(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_engine_says_no_word_of_the_shop(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [f"{number}: {line.strip()}" for number, line in enumerate(lines, start=1) if SHOP_WORDS.search(line)]
    assert said == []


@pytest.mark.slow
def test_the_engine_asks_for_tasks_at_one_door_only() -> None:
    """Neither the shop's rooms, nor what the rewards' front door re-exports of them."""
    shop = {"rewards.commerce", "backend.commerce"}
    for path in elsewhere():
        for module, names in imports(path):
            assert not any(module == s or module.startswith(s + ".") for s in shop), (path, module)
            through_the_front = module == "rewards" and path != ROOT / "rewards" / "__main__.py"
            assert not through_the_front, (path, names, "ask backend.suites")


def package_of(module: str) -> str | None:
    """The backend's package a module is in; None for modules beside the packages, which stand at the bottom."""
    parts = module.split(".")
    is_package = parts[0] == "backend" and len(parts) > 1 and (ROOT / "backend" / parts[1]).is_dir()
    return parts[1] if is_package else None


def needed() -> dict[str, set[str]]:
    """Package -> the packages it imports from, late imports counted."""
    found: dict[str, set[str]] = {}
    for path in sources("backend"):
        mine = package_of(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
        for module, names in imports(path):
            for full in [f"backend.{name}" for name in names] if module == "backend" else [module]:
                other = package_of(full)
                if mine and other and other != mine:
                    found.setdefault(mine, set()).add(other)
    return found


def test_no_package_of_the_backend_needs_one_that_needs_it() -> None:
    graph = needed()

    def reached(package: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        for other in graph.get(package, set()) - seen:
            seen = reached(other, seen | {other})
        return seen

    assert len(graph) > 8, "the packages are found"
    assert [package for package in graph if package in reached(package)] == []
    assert not any("commands" in others for others in graph.values()), "command lines stand on top"


def test_what_stands_at_the_bottom_of_the_backend_needs_no_package() -> None:
    for path in (ROOT / "backend").glob("*.py"):
        above = {package for module, _ in imports(path) if (package := package_of(module))}
        assert above == set(), (path.name, above)


def test_benchmarks_need_no_test() -> None:
    for path in sources("benchmarks"):
        assert not [module for module, _ in imports(path) if module.split(".")[0] == "tests"], path
