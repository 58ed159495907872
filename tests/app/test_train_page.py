"""Train: how far preflight and a run are, a job that a changed field does not lose, fields by their names, sets by theirs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.ui.markdown import literal
from app.ui.run_fields import FIELDS, OTHER_FIELDS, _in_widgets
from backend.files import write_json, write_whole
from backend.progress import FILE, Progress, Reporter, read_progress
from backend.records import Message, PromptRecord
from backend.runs.jobs import _preflight_folder
from backend.runs.processes import started_at
from backend.settings import get_settings
from backend.store.engine import writing
from backend.store.prompts import save_prompt_set
from backend.store.runs import get_run
from backend.suites import default_profile, profiles
from backend.training.checks import Check, as_dicts
from backend.training.config import all_presets, get_preset, override
from backend.wording import Text
from tests.app.test_pages import add_run, run_page, words_of


@pytest.fixture
def here(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workbench; the prompts of the shop are not made for the counts on the page."""
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    monkeypatch.setattr("app.ui.new_run._counts", lambda *_: {"push": {"train": 8, "eval": 4, "test": 4}})
    return workbench


@pytest.fixture
def preflight(here: Path) -> Iterator[subprocess.Popen]:
    """A preflight of nano's preset that has sampled 12 of 32; its process only waits."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder = _preflight_folder(get_preset("nano"))
    write_whole(folder / "config.json", get_preset("nano").model_dump_json())
    write_json(folder / "process.json", {"pid": process.pid, "started": started_at(process.pid)})
    write_json(folder / FILE, {"phase": "sampling", "done": 12, "total": 32, "since": 100.0, "at": 112.0})
    yield process
    process.kill()
    process.wait()


def progress_of(page) -> list[str]:
    return [bar.proto.text for bar in page.get("progress")]


@pytest.mark.parametrize(("lang", "words", "other"), [
    ("en", "sampling 12/32 · about 20 s left", "This preflight is of other settings: Steps 60 (here 7)"),
    ("pt", "gerando respostas 12/32 · faltam cerca de 20 s", "Esta verificação é de outra configuração: Passos 60 (aqui 7)"),
])  # fmt: skip
def test_a_changed_field_does_not_lose_the_preflight(
    preflight: subprocess.Popen, lang: str, words: str, other: str
) -> None:
    page = run_page("train", lang=lang)
    assert words in progress_of(page) and other not in words_of(page)
    page.number_input(key="max_steps_nano").set_value(7).run()
    assert words in progress_of(page) and other in words_of(page)
    next(b for b in page.button if b.label in ("Take those settings", "Usar aquela configuração")).click().run()
    assert page.number_input(key="max_steps_nano").value == 60


def test_a_preflight_can_be_cancelled(preflight: subprocess.Popen) -> None:
    page = run_page("train", lang="en")
    next(b for b in page.button if b.label == "Cancel").click().run()
    assert preflight.wait(timeout=10) != 0
    assert progress_of(page) == [] and not page.exception


def test_a_run_says_its_phase(here: Path) -> None:
    add_run(here / "r1", status="running", reason="")
    write_json(here / "r1" / FILE, {"phase": "base", "step": 0, "done": 20, "total": 65})
    assert progress_of(run_page("runs", lang="en", runs=["r1"])) == ["evaluating base 20/65"]
    assert progress_of(run_page("runs", lang="pt", runs=["r1"])) == ["avaliando o modelo base 20/65"]


def test_a_process_says_at_once_that_a_phase_begins_and_ends(tmp_path: Path) -> None:
    say = Reporter(tmp_path / FILE).phase("step", step=20)
    assert read_progress(tmp_path / FILE) == Progress("step", 20)
    say(65, 65)
    assert read_progress(tmp_path / FILE) == Progress("step", 20, 65, 65)
    Reporter().phase("step")(1, 2)  # nobody reads it: nothing is written


def test_time_left_is_said_once_there_is_a_pace(tmp_path: Path) -> None:
    for done, left in ((0, None), (1, None), (16, 48.0), (64, None)):
        write_json(tmp_path / FILE, {"phase": "base", "done": done, "total": 64, "since": 0.5, "at": 16.5})
        progress = read_progress(tmp_path / FILE)
        assert progress is not None and progress.seconds_left == left, done


@pytest.mark.parametrize(("lang", "words"), [
    ("en", "Steps: 0 does not do; allowed: whole number"), ("pt", "Passos: 0 não serve; permitido: número inteiro"),
])  # fmt: skip
def test_an_error_calls_a_field_what_the_page_calls_it(here: Path, lang: str, words: str) -> None:
    page = run_page("train", lang=lang)
    page.number_input(key="max_steps_nano").set_value(0).run()
    (error,) = page.error
    assert words in error.value and "max_steps" not in error.value


def test_other_fields_and_seeds_are_named_too(here: Path) -> None:
    page = run_page("train", lang="pt")
    page.text_input(key="temperature_nano").set_value("hot").run()
    assert page.error[0].value.startswith("temperature: 'hot' não serve")
    page.text_input(key="temperature_nano").set_value("0.9").run()
    assert not page.error
    page.text_input(key="seeds").set_value("one").run()
    assert page.error[0].value.startswith("Várias sementes: ")


def test_what_the_form_holds_for_a_configuration_is_that_configuration() -> None:
    start = get_preset("nano")
    changes = {"comparison": "alpha=0.01", "tasks": "push,insights", "epsilon_high": "0.28", "shadow": "truth,v5"}
    config = override(start, changes | {"four_bit": "true", "few_shot": "2"})
    held = _in_widgets(config)
    assert override(start, {f: held[f"{f}_nano"] for f in (*FIELDS, *OTHER_FIELDS)}) == config


def here_and_there() -> None:
    import runpy

    import streamlit as st

    from backend.settings import ROOT

    if st.toggle("another page", key="other"):
        st.text("another page")
    else:
        runpy.run_path(str(ROOT / "app/screens/train.py"))


def test_the_form_is_as_it_was_when_one_comes_back(here: Path) -> None:
    page = AppTest.from_function(here_and_there, default_timeout=60).run()
    page.number_input(key="max_steps_nano").set_value(7)
    page.text_input(key="temperature_nano").set_value("0.8")
    page.text_input(key="notes").set_value("a note").run()
    page.toggle(key="other").set_value(True).run()
    assert not page.number_input
    page.toggle(key="other").set_value(False).run()
    assert not page.exception and page.number_input(key="max_steps_nano").value == 7
    assert page.text_input(key="temperature_nano").value == "0.8" and page.text_input(key="notes").value == "a note"
    page.selectbox(key="preset").set_value(next(name for name in all_presets() if name != "nano")).run()
    page.toggle(key="other").set_value(True).run()
    page.toggle(key="other").set_value(False).run()
    page.selectbox(key="preset").set_value("nano").run()
    assert page.number_input(key="max_steps_nano").value == 7, "each preset's own"


def test_the_form_of_another_suite_is_not_kept(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = AppTest.from_function(here_and_there, default_timeout=60).run()
    page.selectbox(key="profile_nano").set_value("v5").run()
    page.toggle(key="other").set_value(True).run()
    fewer = {name: profile for name, profile in profiles().items() if name != "v5"}
    monkeypatch.setattr("app.ui.run_fields.profiles", lambda: fewer)
    page.toggle(key="other").set_value(False).run()
    assert not page.exception and page.selectbox(key="profile_nano").value == default_profile()


def test_what_is_said_of_one_run_is_not_said_of_the_next(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[tuple[str, str]] = []
    monkeypatch.setattr("app.ui.new_run.create_run", lambda config, here: config.name)
    monkeypatch.setattr("app.ui.new_run.describe", lambda _, run, notes, tags: launched.append((run, notes)))
    monkeypatch.setattr("app.ui.new_run.enqueue", lambda *_: None)
    page = run_page("train", lang="en")
    page.number_input(key="max_steps_nano").set_value(7)
    page.text_input(key="run_name").set_value("mine")
    page.text_input(key="notes").set_value("a note").run()
    next(b for b in page.button if b.label == "Launch").click().run()
    assert launched == [("mine", "a note")] and page.number_input(key="max_steps_nano").value == 7
    assert not page.exception and not page.text_input(key="run_name").value and not page.text_input(key="notes").value


def test_nano_is_said_to_know_nothing_of_tasks_that_it_was_not_taught(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "knows nothing" not in words_of(run_page("train", lang="en"))
    monkeypatch.setenv("WORKBENCH_SUITES", "commerce,tests.learning_tasks")
    get_settings.cache_clear()
    counts = {task: {"train": 8, "eval": 4, "test": 4} for task in ("push", "letters")}
    monkeypatch.setattr("app.ui.new_run._counts", lambda *_: counts)
    words = words_of(page := run_page("train", lang="en"))
    assert "of letters it knows nothing" in words and "of Push" not in words
    page.text_input(key="model_nano").set_value("my/model").run()
    assert not page.exception and "knows nothing" not in words_of(page)


def test_prompts_are_chosen_by_the_name_of_their_set(here: Path) -> None:
    records = [
        PromptRecord(task="push", messages=(Message(role="user", content=f"{i} {'xyz'[i] * 30}"),), split=split)
        for i, split in enumerate(("train", "eval", "eval"))
    ]
    with writing() as session:
        set_id, _ = save_prompt_set(session, records, "my prompts")
        save_prompt_set(session, records[1:], "none to train on")
    page = run_page("train", lang="en")
    box = page.selectbox(key="prompts_nano")
    assert any(option.startswith("my prompts: 1 + 2 + 0") for option in box.options)
    assert not any(set_id in option or "none to train on" in option for option in box.options)
    box.set_value(set_id).run()
    assert page.selectbox(key="prompts_nano").value == set_id and not page.error


def test_presets_and_profiles_speak_the_readers_language(here: Path) -> None:
    english, portuguese = (run_page("train", lang=lang) for lang in ("en", "pt"))
    assert not set(english.selectbox(key="preset").options) & set(portuguese.selectbox(key="preset").options)
    assert "frases de verdade" in portuguese.selectbox(key="profile_nano").help


CHECKS = [
    Check("disk", "pass", Text("9.0 GB free", "9,0 GB livres"), Text("a full disk", "um disco cheio")),
    Check("ceiling", "fail", Text("60% are cut", "60% são cortadas"), Text("all were cut", "todas foram cortadas")),
]


@pytest.mark.parametrize(("lang", "failed", "words"), [
    ("en", "completions cut at the ceiling", ["60% are cut", "all were cut", "9.0 GB free", "a full disk"]),
    ("pt", "respostas cortadas no teto", ["60% são cortadas", "todas foram cortadas", "9,0 GB livres", "um disco cheio"]),
])  # fmt: skip
def test_preflight_is_read_in_the_readers_language(here: Path, lang: str, failed: str, words: list[str]) -> None:
    folder = _preflight_folder(get_preset("nano"))
    write_json(folder / "process.json", {"pid": 0, "started": 0.0})
    write_json(folder / "result.txt", as_dicts(CHECKS))
    page = run_page("train", lang=lang)
    (table,) = (frame.value for frame in page.dataframe if "story" in frame.value)
    (against,) = (m.value for m in page.markdown if f"**{failed}**" in m.value)
    (story,) = (c.value for c in page.caption if words[1] in c.value)
    assert literal(words[0]) in against and story
    assert table[["found", "story"]].to_numpy().ravel().tolist() == words[2:]  # what passed
    (warning,) = (w.value for w in page.warning if failed in w.value)
    assert "ceiling:" not in warning


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "disk: 9.0 GB free"), ("pt", "espaço livre em disco: 9,0 GB livres")]
)
def test_a_run_that_preflight_ended_says_why(here: Path, lang: str, words: str) -> None:
    add_run(here / "r1", status="failed", reason="preflight failed: disk: 9.0 GB free")
    write_json(here / "r1" / "preflight.json", {"checks": as_dicts(CHECKS), "override_reason": ""})
    assert words in "\n".join(code.value for code in run_page("runs", lang=lang, runs=["r1"]).code)


def test_a_run_that_ends_before_ones_eyes_does_not_just_vanish(here: Path) -> None:
    add_run(here / "r1", status="running", reason="")
    page = run_page("train", lang="en")
    with writing() as session:
        run = get_run(session, "r1")
        run.status, run.reason = "finished", "all 5 steps; best at step 5"
    ended = words_of(page.run()).count("all 5 steps; best at step 5")
    assert ended == 2, "at the top, and among the earlier ones"
    assert words_of(run_page("train", lang="en")).count("all 5 steps") == 1, "whoever comes later sees it there alone"
