"""Every field of every form with what breaks forms: the page refuses it or takes it, and never breaks down."""

import os
import random
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.test_pages import PAGES, run_page

TEXTS = (
    "", " ", "\t\n", "a" * 20_000, "0", "-1", "1e999", "NaN", "null", "[]", "{", '{"a": 1}', "'; DROP TABLE ratings; --",
    "<script>alert(1)</script>", "<img src=http://127.0.0.1:1/x onerror=alert(1)>", "![x](http://127.0.0.1:1/y.png)",
    "[x](javascript:alert(1))", "$\\frac{1}{0}$", ":material/home:", ":red[x]", "# x", "| a | b |\n|---|---|", "\x1b[2J", "\u202e\u2066x",
    "\x00", "../../../etc/passwd", "/etc/passwd", "C:\\x", "=cmd|' /C calc'!A0", "%s%n{}{0}", "é" * 300, "🎁" * 100, "\ufeffx", "ＡＢ",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2**31, 2**63, -(2**63), 1e-300, 1e300, 0.1)
CASES = int(os.environ.get("FORM_CASES", "8"))  # fields filled on each page; a hundred have been tried


@pytest.fixture
def example(example_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("backend.release.start.first_start", lambda: None)
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    for starter in ("backend.runs.jobs.start_detached", "backend.runs.queue.start_detached"):
        monkeypatch.setattr(starter, _no_process)
    return example_workbench


def _no_process(*_: object, **__: object) -> None:
    raise OSError("no process is started in this test")


def fields(page: AppTest) -> list:
    return [*page.text_input, *page.text_area, *page.number_input]


def fill(field, rng: random.Random) -> object:
    """Put something into the field; returns what."""
    if field.type == "number_input":
        low = field.min if field.min is not None else -(2**40)
        high = field.max if field.max is not None else 2**40
        value = type(field.value or 0)(min(max(rng.choice(NUMBERS), low), high))  # a browser lets no other through
    else:
        value = rng.choice(TEXTS)[: field.proto.max_chars or None]
    field.set_value(value)
    return value


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_no_field_breaks_its_page(example: Path, name: str) -> None:
    rng = random.Random(name)
    page = run_page(name, rater="Ana" if name == "annotate" else "")
    done: list[object] = []
    for _ in range(CASES if fields(page) else 0):
        field = rng.choice(fields(page))
        done.append((field.label, fill(field, rng)))
        buttons = [b for b in page.button if not b.disabled]
        if buttons and rng.random() < 0.4:
            pressed = rng.choice(buttons)
            done.append(pressed.label)
            pressed.click()
        page.run()
        assert not page.exception, (done[-3:], page.exception[0].value)
        if not fields(page):
            page = run_page(name, rater="Ana" if name == "annotate" else "")
