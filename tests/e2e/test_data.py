"""A shop imported from Olist's files in the browser, and prompts made from it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.commerce.olist_source import SOURCES
from benchmarks.olist_files import write_olist
from benchmarks.workbenches import ENVIRONMENT
from tests.e2e.helpers import again, open_tab
from tests.warm import WarmApp

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-data")]


@pytest.fixture
def address(workbench: Path) -> Iterator[str]:
    app = WarmApp({**ENVIRONMENT, "WORKBENCH_DATA_DIR": str(workbench)})
    yield app.address
    app.kill()


def upload(page: Page, files: list[Path]) -> None:
    chooser = page.locator("input[type=file]")
    again(lambda: chooser.set_input_files(files), page.get_by_role("button", name="Replace the data"))


def test_import_a_shop_make_prompts_and_read_their_quality(address: str, page: Page, tmp_path: Path) -> None:
    files = write_olist(tmp_path / "olist", orders=800, geolocation=100)
    page.goto(f"{address}/data")
    expect(page.get_by_text("Facts").first).to_be_visible()  # the page has been drawn to its end
    open_tab(page, "Import a shop", "CSV files")
    broken = tmp_path / SOURCES["orders"].file
    broken.write_text("a,b\n1,2\n", encoding="utf-8")
    upload(page, [broken, files / SOURCES["items"].file])
    page.get_by_role("button", name="Replace the data").click()
    expect(page.get_by_text("columns order_id")).to_be_visible()

    page.reload()
    expect(page.get_by_text("Facts").first).to_be_visible()
    open_tab(page, "Import a shop", "CSV files")
    upload(page, sorted(files.glob("*.csv")))
    page.get_by_role("button", name="Replace the data").click()
    expect(page.get_by_text("800 orders")).to_be_visible()

    open_tab(page, "New set", "From the shop")
    expect(page.get_by_text("From the shop: olist, 800 orders")).to_be_visible()
    for task in ("Extraction", "SQL Q&A"):
        page.get_by_role("spinbutton", name=task).fill("120")
        page.get_by_role("spinbutton", name=task).press("Tab")
    page.get_by_role("textbox", name="Name").fill("d'Olist")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_text("731 prompts")).to_be_visible()

    page.goto(f"{address}/data")
    expect(page.get_by_text("Facts").first).to_be_visible()
    expect(page.get_by_role("combobox", name="Prompt set")).to_have_value(re.compile("^d'Olist"))
    open_tab(page, "Quality", "Tokens:")
    expect(page.get_by_text("Nothing to mend.")).to_be_visible()
