"""What the documentation says is true of the code."""

import json
import re
from pathlib import Path

import pytest

from app.pages import PAGES
from backend.settings import ROOT, Settings
from backend.training.checks import LABELS
from backend.training.config import PRESETS
from backend.training.stop_rules import default_rules, floors
from rewards import BUILT_IN_TASKS, PROFILES
from rewards.scoring import run_probes

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_the_recorded_runs_are_what_the_readme_says() -> None:
    rows = re.findall(r"^\| \[[^]]+\]\((examples/[^)]+)\)[^|]*\|(.*)$", read("README.md"), re.M)
    assert len(rows) == 3
    for folder, cells in rows:
        found = json.loads(read(f"{folder}/comparison_base_vs_tuned.json"))["tasks"]
        means = {c["task"]: f"{c['base']:.2f} → {c['tuned']:.2f}" for c in found}
        said = [cell.strip() for cell in cells.split("|")][:4]
        assert said == [means.get(task, "–") for task in BUILT_IN_TASKS], folder


def test_every_profile_is_described() -> None:
    assert all(f"| {name} " in read("docs/rewards.md") for name in PROFILES)


def test_the_before_and_after_of_the_probes_is_measured() -> None:
    text = read("docs/rewards.md")
    results = [
        (before, after)
        for task in BUILT_IN_TASKS.values()
        for before, after in zip(run_probes(task, PROFILES["v4.2.1"]), run_probes(task, PROFILES["v4.3"]), strict=True)
    ]
    for before, after in results:
        if not before.passed:
            row = f"| {before.task} | {before.probe.name} | {before.probe.limit:.2f} | {before.total:.2f} | {after.total:.2f} |"
            assert row in text


def test_every_stop_rule_is_described() -> None:
    text = read("docs/engineers.md")
    for rule in default_rules(512, floors(BUILT_IN_TASKS)):
        assert re.search(rf"^\| {rule.name} \|.*\| {rule.action} \|$", text, re.M), rule.name


def test_every_check_of_preflight_is_described() -> None:
    assert set(LABELS) <= set(re.findall(r"^\| ([a-z-]+) \|", read("docs/engineers.md"), re.M))


def test_every_setting_named_in_the_docs_exists() -> None:
    named = {n for path in DOCS for n in re.findall(r"WORKBENCH_([A-Z_]+)", path.read_text(encoding="utf-8"))}
    assert named
    assert {n.lower() for n in named} <= set(Settings.model_fields)


def test_every_page_has_a_reader() -> None:
    assert {p.stem for p in (ROOT / "app" / "screens").glob("[a-z]*.py")} == {page.name for page in PAGES}


def test_presets_in_the_docs_exist() -> None:
    for path in DOCS:
        for name in re.findall(r"--preset (\S+?)[`\s]", path.read_text(encoding="utf-8")):
            assert name in PRESETS


@pytest.mark.parametrize("name", ["requirements", "requirements-gpu"])
def test_the_lock_has_every_pin_and_a_hash_for_each(name: str) -> None:
    """``make lock`` writes it anew after a pin has changed."""
    pin = re.compile(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", re.M)
    named = {n.lower().replace("_", "-"): v for n, v in pin.findall(read(f"{name}.txt"))}
    lock = read(f"{name}.lock")
    assert named.items() <= dict(pin.findall(lock)).items()
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[\w.-]+(?:\[\w+\])?==)", lock.strip()))
