"""What a person does without thinking: trying again where a page that was still being drawn has missed it."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect


def again(action: Callable[[], None], shown: Locator) -> None:
    """Do it, and once more where the page has missed it, until ``shown`` is there."""
    for wait in (8, 8, 30):
        action()
        try:
            expect(shown).to_be_visible(timeout=wait * 1000)
            return
        except AssertionError:
            if wait == 30:
                raise


def open_tab(page: Page, name: str, with_words: str) -> None:
    """Open a tab that shows these words."""
    again(page.get_by_role("tab", name=name).click, page.get_by_text(with_words).first)
