"""The HTML report in a browser: it fits a narrow window in both languages, and prints on two pages."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from backend.evaluation.report import as_html
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.release.example import RUN_ID
from backend.store.engine import reading

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_the_report_fits_and_prints(example_workbench: Path, page: Page, lang: str) -> None:
    with reading() as session:
        pair = base_and_tuned(session, RUN_ID)
        assert pair is not None
        report = as_html(compare_stored(session, *pair), "nano", [("Seed", "42")], lang)
    page.set_viewport_size({"width": 500, "height": 900})
    page.set_content(report)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    wide = (
        "[document.body, ...document.querySelectorAll('.wide')].filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert page.evaluate(wide) == 0
    page.set_content(report)
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) <= 2
