"""A setting whose run the median rule has stopped, as the page of a run of several shows it."""

import pytest
from streamlit.testing.v1 import AppTest


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "stopped by the median rule at step 20: its best mean reward, 0.250, is below 0.500"),
        ("pt", "parado pela regra da mediana no passo 20: sua melhor recompensa média, 0.250, está abaixo de 0.500"),
    ],
)
def test_it_says_why_and_shows_no_numbers(lang: str, words: str) -> None:
    def draw() -> None:
        from app.ui.seeds import show_setting
        from backend.evaluation.several import Setting
        from backend.runs.median import median_stop

        curves = {str(n): [(10, 0.4), (20, 0.6)] for n in range(3)} | {"x": [(10, 0.1), (20, 0.25)]}
        why = median_stop(curves, "x", 2)
        assert why is not None
        show_setting(Setting({"learning_rate": 0.0009}, 1, {}, {42: why}), 0)

    page = AppTest.from_function(draw, default_timeout=60)
    page.session_state["lang"] = lang
    page.run()
    assert not page.exception and not page.dataframe
    assert "learning_rate=0.0009" in page.markdown[0].value.replace("\\", "")
    assert words in page.caption[0].value.replace("\\", "")
