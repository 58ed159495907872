"""What a model wrote, in a real browser: nothing of it is fetched, run or led to, whatever Markdown makes of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.rating.queue import save_for_raters
from backend.records import Completion, Message, PromptRecord, Sampling
from backend.settings import ROOT
from backend.store.engine import writing
from backend.store.prompts import save_prompts
from benchmarks.servers import free_port, wait_for_port
from benchmarks.workbenches import ENVIRONMENT
from tests.warm import WarmApp

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e-hostile_text")]
PICTURE = "![x](http://127.0.0.1:1/x.png)"
HOSTILE = (
    PICTURE,
    f"~~~\n```\n~~~\n{PICTURE}\n```",  # what looks like a fence and is none
    f"<!--\n```\n-->\n{PICTURE}\n```",
    f"\\`{PICTURE}\\`",
    f"`` ` ``{PICTURE}`",
    "![x][1] [y][1] [1]\n\n[1]: http://127.0.0.1:1/x.png",
    "[^1]\n\n[^1]: ![x](http://127.0.0.1:1/x.png)",
    "[clique](https://example.com) [b](javascript:alert(1)) [c](/runs)",
    "<https://example.com> <javascript:alert(1)> <ana@example.com>",
    "https://example.com http://example.com/a?b=c www.example.com ana@example.com mailto:ana@example.com",
    "*https://example.com* **www.example.com** ana+b@example.com.br",
    '<img src="http://127.0.0.1:1/x.png" onerror="alert(1)"><script>alert(1)</script><iframe src="http://127.0.0.1:1/">',
    "<a href='http://127.0.0.1:1/'>x</a><style>body{display:none}</style>",
    "Título\n===\n\noutro\n---\n\n# um\n###### seis",
    "$\\href{http://127.0.0.1:1/}{x}$ $$\\includegraphics{http://127.0.0.1:1/x.png}$$ :material/home: :red[oi] :smile: :+1:",
)
FORBIDDEN = (
    "a[href]:not([href^='#']), img, script, iframe, style, .katex, h1, h2, h3, h4, [role=img], .stMarkdownColoredText"
)


DRAWN = """
import streamlit as st
from app.ui.markdown import harmless, literal, message
from tests.e2e.test_hostile_text import HOSTILE
for text in HOSTILE:
    st.markdown(harmless(text))
    st.markdown(literal(text))
    st.error(message(text))
st.text("drawn")
"""


def leads_out(page: Page, within: str) -> list[str]:
    return [one.evaluate("e => e.outerHTML") for one in page.locator(within).locator(FORBIDDEN).all()]


def asked_by(page: Page) -> list[str]:
    """What it asks for from now on."""
    page.goto("about:blank")  # whose server has gone would go on asking for it
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def outside(asked: list[str], address: str) -> list[str]:
    return [url for url in asked if not url.startswith((address, "data:", "blob:"))]


def test_others_words_lead_nowhere(page: Page, tmp_path: Path) -> None:
    """Each text through each way of showing it."""
    script = tmp_path / "drawn.py"
    script.write_text(DRAWN)
    shutil.copytree(ROOT / "app" / ".streamlit", tmp_path / ".streamlit")  # the app's own settings
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    asked = asked_by(page)
    try:
        wait_for_port(port)
        page.goto(f"http://127.0.0.1:{port}")
        expect(page.get_by_text("drawn", exact=True)).to_be_visible()
        expect(page.get_by_test_id("stMarkdown").first).to_be_visible()
        page.wait_for_timeout(1000)  # for what would be fetched
        assert page.get_by_test_id("stMarkdown").count() >= 2 * len(HOSTILE)
        found = leads_out(page, "[data-testid=stMain]")
        assert not found, "\n".join(found)
        assert outside(asked, f"http://127.0.0.1:{port}") == []
    finally:
        server.kill()


def test_a_completion_that_fetches_a_picture_is_rated_without_it(workbench: Path, page: Page) -> None:
    fill_with = [PromptRecord(task="insights", messages=(Message(role="user", content="Analise"),))]
    with writing() as session:
        save_prompts(session, fill_with)
        text = f"{HOSTILE[1]}\n\nfim do texto https://example.com"
        save_for_raters(session, [fill_with[0].id], [[Completion(text, 5, False)]], "nano", Sampling())
    app = WarmApp(ENVIRONMENT)
    asked = asked_by(page)
    try:
        page.goto(f"{app.address}/annotate?rater=Ana")
        expect(page.get_by_text("fim do texto").first).to_be_visible()
        page.wait_for_timeout(1000)
        assert leads_out(page, "[data-testid=stMarkdown]:has-text('fim do texto')") == []
        assert outside(asked, app.address) == []
    finally:
        app.kill()
