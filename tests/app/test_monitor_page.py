"""Monitor: a month of production, its alarms, and the two clicks back. Log: what people did."""

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from app.ui.log_words import DID
from backend.rating.queue import claim_next
from backend.rating.ratings import save_rating
from backend.records import Message, PromptRecord
from backend.serving.config import ServingConfig
from backend.serving.monitor import check
from backend.store.engine import reading, writing
from backend.store.prompts import prompt_sets, save_prompt_set
from backend.store.ratings import get_rater
from backend.store.tables import Completion, utc_now
from tests.app.test_pages import run_page, words_of
from tests.backend.test_monitor import ROUTES, give

HOSTILE = "<img src=http://127.0.0.1:1/x> **oi** [clique](http://127.0.0.1:1)"


@pytest.fixture
def production(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    today = utc_now().replace(hour=0, minute=0, second=0)
    for i, (task, days) in enumerate(zip(ROUTES, (7, 14, 2, 3), strict=True)):
        for day in range(days):
            give(
                task, today - timedelta(days=day + 1), np.full(40, 0.9 if i else 0.3), text=HOSTILE,
                messages=[{"role": "user", "content": f"Crie um push {task} {day} {HOSTILE}"}],
            )  # fmt: skip
    check(ServingConfig(routes=dict.fromkeys(ROUTES, ("rules",))), tell=lambda _: None)
    old = [
        PromptRecord(task="push", messages=(Message(role="user", content=f"{i} {'xyz'[i] * 30}"),), split=split)
        for i, split in enumerate(("train", "train", "eval"))
    ]
    with writing() as session:
        save_prompt_set(session, old, "first")  # type: ignore[arg-type]
    return workbench


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_numbers_and_alarms_are_there(production: Path, lang: str) -> None:
    page = run_page("monitor", lang=lang)
    assert not page.exception
    assert [m.value for m in page.metric][:2] == (["0.30", "0.90"] if lang == "en" else ["0,30", "0,90"])
    assert ("the limit is 0.50" if lang == "en" else "o limite é 0,50") in words_of(page)


def test_a_task_that_is_learned_about_says_so(production: Path) -> None:
    words = words_of(run_page("monitor", lang="en"))
    assert "**Extraction** · learning: 7 of 14 days; changes raise no alarm before" in words
    assert "**Push** · learning: 3 of 7 days; nothing raises an alarm before" in words
    assert "**Insights**" not in words, "two weeks are known"
    assert "**Push** · aprendendo: 3 de 7 dias; antes disso nada gera alarme" in words_of(
        run_page("monitor", lang="pt")
    )


def test_without_a_week_no_alarm_is_not_good_news(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    today = utc_now().replace(hour=0, minute=0, second=0)
    give("push", today - timedelta(days=1), np.full(40, 0.1))
    give("insights", today - timedelta(hours=1), np.full(40, 0.9))  # give adds an hour
    words = words_of(run_page("monitor", lang="en"))
    assert "learning: 1 of 7 days" in words and "learning: 0 of 7 days" in words
    assert "No alarm is open" not in words


def test_two_clicks_lead_back_to_training(production: Path) -> None:
    page = run_page("monitor", lang="en")
    send, make = (next(b for b in page.button if words in b.label) for words in ("raters", "next prompt set"))
    assert not send.disabled and make.disabled
    send.click()
    page.run()
    assert "20 answers are in the raters' queue" in words_of(page)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Completion)) == 20
    with writing() as session:
        rater = get_rater(session, "Ana").id
        item = claim_next(session, rater)
        assert item is not None
        save_rating(session, item, rater, score=1)
    page = run_page("monitor", lang="en")
    next(b for b in page.button if "next prompt set (1 rated)" in b.label).click()
    page.run()
    assert "with 1 from production" in words_of(page)
    with reading() as session:
        assert prompt_sets(session).iloc[0]["train"] == 3


@pytest.mark.parametrize(("lang", "composed", "given"), [
    ("en", "no gateway gave these answers", "answers have gone to the raters"),
    ("pt", "nenhum gateway deu estas respostas", "respostas foram aos avaliadores"),
])  # fmt: skip
def test_the_examples_month_says_that_it_is_composed(
    example_workbench: Path, monkeypatch: pytest.MonkeyPatch, lang: str, composed: str, given: str
) -> None:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    page = run_page("monitor", lang=lang)
    assert not page.exception
    assert composed in words_of(page) and given in words_of(page)
    assert len(page.metric) == len(ROUTES) + 1, "no time is made up for answers that took none"


def test_the_log_speaks_the_readers_language(example_workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    english, portuguese = (run_page("events", lang=lang).dataframe[0].value for lang in ("en", "pt"))
    assert {"sent to raters", "added prompts", "decided"} <= set(english["what"])
    assert not set(english["what"]) & set(portuguese["what"])
    assert any("answers of production" in about for about in english["about"])
    assert any("respostas da produção" in about for about in portuguese["about"])
    assert english["at"].is_monotonic_decreasing


def test_every_word_of_the_log_has_a_translation() -> None:
    written = "\n".join(p.read_text("utf-8") for folder in ("backend", "app") for p in Path(folder).rglob("*.py"))
    calls = re.findall(r"\brecord\(session, (.+)", written)
    said = {word for call in calls for word in re.findall(r'"([a-z ]+)"', call.split(", ")[0])}
    assert len(said) > 12 and said <= set(DID)
