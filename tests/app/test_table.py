"""A table's rows as cards: every value with its title, harmless, and the rest one click away."""

from streamlit.testing.v1 import AppTest


def cards_of(rows: int) -> tuple[AppTest, str]:
    def script(rows: int) -> None:
        import pandas as pd

        from app.ui.table import show_rows

        frame = pd.DataFrame(
            {"task": ["<b>sums</b>"] * rows, "rho": ["0.50"] * rows, "why": [None] * rows, "ok": [True] * rows}
        )
        show_rows(frame, "some", "some rows", {"task": "Task", "rho": {"label": "ρ & n"}})

    page = AppTest.from_function(script, args=(rows,), default_timeout=30).run()
    assert not page.exception
    return page, page.get("html")[0].proto.body


def test_a_row_is_a_card_with_every_value_and_no_markup_of_its_own() -> None:
    page, html = cards_of(1)
    assert page.dataframe[0].value.shape == (1, 4)
    assert "<strong>&lt;b&gt;sums&lt;/b&gt;</strong>" in html and "<small>ρ &amp; n</small> 0.50" in html
    assert "<small>ok</small> yes" in html and "why" not in html and "details" not in html


def test_many_rows_are_folded() -> None:
    _, html = cards_of(10)
    assert html.count("<article>") == 10 and "<summary>2 more</summary>" in html
    assert html.index("<details>") > html.rindex("sums", 0, html.index("<summary>"))
