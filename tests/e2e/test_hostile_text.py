"""What a model wrote, in a real browser: nothing of it is fetched, run or led to, whatever Markdown makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.data.records import Message, PromptRecord
from backend.models.generate import Completion, Sampling
from backend.store.completions import save_completions
from backend.store.engine import writing
from backend.store.prompts import save_prompts
from tests.backend.test_many_raters import ENVIRONMENT
from tests.servers import App

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
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


@pytest.fixture
def address(workbench: Path) -> Iterator[str]:
    """An app whose queue holds each hostile text."""
    records = [
        PromptRecord(task="insights", messages=(Message(role="user", content=f"Analise {i}"),))
        for i in range(len(HOSTILE))
    ]
    with writing() as session:
        save_prompts(session, records)
        groups = [[Completion(f"{text}\n\nfim do texto", 5, False)] for text in HOSTILE]
        save_completions(session, [r.id for r in records], groups, "nano", Sampling())
    app = App(ENVIRONMENT)
    yield app.address
    app.kill()


def test_a_completion_leads_nowhere_and_fetches_nothing(address: str, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/annotate?rater=Ana")
    found: list[str] = []
    for done in range(len(HOSTILE)):
        expect(page.get_by_text(f"{done} rated")).to_be_visible()
        expect(page.get_by_text("fim do texto").first).to_be_visible()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        answer = page.get_by_test_id("stMarkdown").filter(has_text="fim do texto")
        expect(answer).to_have_count(1)
        found += [one.evaluate("e => e.outerHTML") for one in answer.locator(FORBIDDEN).all()]
        page.wait_for_timeout(500)
        page.keyboard.press("3")
    expect(page.get_by_text("Nothing is left for you to rate")).to_be_visible()
    assert not found, "\n".join(found)
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
