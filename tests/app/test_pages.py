"""Every page through AppTest: on an empty store, on the recorded example, and doing what it is for."""

import json
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from app.pages import PAGES as ENTRIES
from app.screens import __path__ as screens
from app.ui.item_tokens import item_token
from backend import access
from backend.audit.robustness import visible
from backend.store.completions import rated_scores
from backend.store.engine import reading, writing
from backend.store.prompts import save_prompts
from backend.store.tables import QueueItem, Rater, Rating, Run

PAGES = sorted(p.stem for p in Path(screens[0]).glob("*.py") if p.stem != "__init__")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def empty(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("backend.release.start.first_start", lambda: None)
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    return workbench


@pytest.fixture
def example(empty: Path, example_workbench: Path) -> Path:
    return example_workbench


def run_page(name: str, **session: object) -> AppTest:
    page = AppTest.from_file(str(ROOT / "app" / "screens" / f"{name}.py"), default_timeout=60)
    for key, value in session.items():
        page.session_state[key] = value
    return page.run()


def add_run(folder: Path, status: str, reason: str, name: str = "r") -> None:
    """A run in the store that ended as told."""
    with writing() as session:
        session.add(
            Run(
                id=folder.name, name=name, preset="nano", config={"max_steps": 5}, seed=1, folder=str(folder),
                status=status, reason=reason, profile="v4.2.1", fingerprint="x",
            )
        )  # fmt: skip


def words_of(page: AppTest) -> str:
    found = [*page.markdown, *page.caption, *page.title, *page.info, *page.success, *page.error, *page.subheader]
    return "\n".join(str(element.value) for element in found)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("lang", ["en", "pt"])
def test_a_page_opens_on_an_empty_store_and_says_what_to_do(empty: Path, name: str, lang: str) -> None:
    page = run_page(name, lang=lang)
    assert not page.exception
    assert words_of(page)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("lang", ["en", "pt"])
def test_a_page_opens_on_the_example(example: Path, name: str, lang: str) -> None:
    page = run_page(name, lang=lang, rater="Ana")
    assert not page.exception


def test_results_open_with_one_sentence_and_the_verdicts(example: Path) -> None:
    page = run_page("results")
    recorded = json.loads((ROOT / "tests/recorded/nano-run/comparison_base_vs_tuned.json").read_text())
    assert any(m.value.startswith("## The reward rose in 4 of 4 tasks") for m in page.markdown)
    sentence = next(m.value for m in page.markdown if "14 of 15" in m.value)
    for task in recorded["tasks"]:
        if task["task"] != "overall" and task["verdict"] == "improved":
            assert f"by {abs(task['delta']):.2f}" in sentence
    assert "Facts right (balanced) rose (23% to 50%)" in sentence and "one and the same" in sentence
    table, facts = page.dataframe[0].value, page.dataframe[1].value
    assert list(facts["balanced, without reading"]) == ["50%", "50%", "50%", "25%", "100%"]
    assert any("**different answers** 10 → 2 of 15" in m.value for m in page.markdown)
    assert any("Largest gain" in m.value for m in page.markdown) and any(
        "Largest loss" in m.value for m in page.markdown
    )
    assert list(table["n"]) == [t["n"] for t in recorded["tasks"]]
    assert "Recorded example" in words_of(page)


def test_results_in_portuguese_write_numbers_the_brazilian_way(example: Path) -> None:
    sentence = next(m.value for m in run_page("results", lang="pt").markdown if "de 15 respostas" in m.value)
    assert "0," in sentence and "0." not in sentence


def test_the_audit_shows_a_rho_per_task_with_n(example: Path) -> None:
    page = run_page("audit")
    rhos = [m.value for m in page.markdown if "ρ" in m.value and m.value.startswith("###")]
    assert len(rhos) == 4
    assert any("n = 38" in c.value for c in page.caption)


@pytest.mark.slow
def test_the_audit_opens_with_its_strongest_finding_and_leads_to_it(example: Path) -> None:
    page = run_page("audit")
    first = next(m.value for m in page.markdown if m.value.startswith("## "))
    assert "Push: people call" in first and "useless that its reward pays 0.90 or more" in first
    next(b for b in page.button if b.label == "See Components").click().run()
    assert page.session_state["audit_tabs_en"] == "Components" and not page.exception
    assert any("scrollIntoView" in h.proto.body for h in page.get("html"))
    assert any("Liked by the reward, disliked by people" in m.value for m in page.markdown)
    page.session_state["audit_tabs_en"] = "Best of n"
    assert any("Picking the best of 2 by this reward" in m.value for m in page.run().markdown)
    page.session_state["audit_tabs_en"] = "Policies"
    assert list(page.run().dataframe[0].value["policy"]) == ["nano"] * 4


def test_the_audit_steps_through_completions_from_the_largest_disagreement(example: Path) -> None:
    with writing() as session:
        rating = session.scalars(select(Rating).where(Rating.completion_id == 9)).one()
        rating.comment = "*odd* sentiment"
    page = run_page("audit")
    first = page.session_state["completion"]
    assert "Disagreement **1** of 18" in words_of(page)
    page.button(key="step_j").click().run()
    assert "Disagreement **2** of 18" in words_of(page) and page.session_state["completion"] != first
    assert page.query_params["completion"] == str(page.session_state["completion"])
    page.button(key="step_k").click().run()
    assert page.session_state["completion"] == first
    page.session_state["completion"] = 9
    assert "\\*odd\\* sentiment" in words_of(page.run()) and "authors" in words_of(page)


def test_the_audit_says_whose_scores_these_are_as_long_as_the_examples_count(example: Path) -> None:
    from backend.rating.ratings import leave_out, save_rating
    from backend.store.ratings import get_rater

    assert "readings by a language model" in words_of(run_page("audit"))
    with writing() as session:
        rated = session.scalars(select(Rating.completion_id).limit(1)).one()
        save_rating(session, rated, get_rater(session, "Ana").id, score=3, imported=True)
    assert "readings by a language model" in words_of(run_page("audit"))
    with writing() as session:
        for name in session.scalars(select(Rater.name).where(Rater.is_example)).all():
            leave_out(session, name, "no people")
    assert "readings by a language model" not in words_of(run_page("audit"))


def test_the_address_of_the_audit_names_the_completion(example: Path) -> None:
    with reading() as session:
        known = rated_scores(session, "v4.2.1").query("task == 'push' and component == 'total'")
    chosen = int(visible(known)["completion_id"].iloc[-1])
    page = AppTest.from_file(str(ROOT / "app/screens/audit.py"), default_timeout=60)
    page.query_params["completion"] = str(chosen)
    page.run()
    assert page.session_state["points_task"] == "push" and page.session_state["completion"] == chosen


@pytest.mark.slow
def test_a_query_can_be_run_on_the_audit(example: Path) -> None:
    page = run_page("audit", points_task="sql_qa")
    shown = []
    for _ in range(3):
        page.button(key="run_completion").click().run()
        assert not page.exception
        shown.append(bool(page.dataframe) or any(w.value.startswith("Not run: ") for w in page.warning))
        page.button(key="step_j").click().run()
    assert all(shown)


def test_a_rater_can_be_opened_on_the_audit(example: Path) -> None:
    page = run_page("audit", audit_tabs_en="Raters")
    (name,) = page.selectbox(key="open_rater").options
    page.selectbox(key="open_rater").set_value(name).run()
    assert not page.exception
    table = page.dataframe[-1].value
    assert len(table) == 20 and table["apart"].is_monotonic_decreasing


def test_annotate_saves_at_once_moves_on_and_takes_back(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    first = page.session_state["item"]
    time.sleep(0.5)  # an item must have been on screen for a moment
    page.button(key="score_4").click().run()
    assert page.session_state["item"] != first
    with reading() as session:
        rating = session.scalars(select(Rating).where(Rating.completion_id == first).order_by(Rating.id.desc())).first()
        assert rating is not None and rating.score == 4
    page.button(key="undo").click().run()
    assert page.session_state["item"] == first
    with reading() as session:
        assert session.scalars(select(Rating).where(Rating.id == rating.id)).first() is None


def test_a_held_key_rates_nothing_unseen(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    first = page.session_state["item"]
    page.session_state["shown_at"] = time.time() + 5
    page.button(key="score_1").click().run()
    assert page.session_state["item"] == first


def test_annotate_is_blind(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    assert "nano" not in words_of(page)
    assert not page.dataframe


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "x" * 20_000,
        "<script>alert(1)</script> <img src=x onerror=alert(1)>",
        "\u202eright to left \u0645\u0631\u062d\u0628\u0627 🎁" * 50,
        "# broken [markdown](( ``` ![i](http://example.invalid/i.png) $x_{",
        '{"a":' * 40 + "1" + "}" * 40,
        "",
        "\u200b",
    ],
)
def test_awkward_completions_are_shown_and_never_as_html(empty: Path, text: str) -> None:
    from backend.rating.queue import save_for_raters
    from backend.records import Completion, Sampling
    from tests.backend.test_store import prompt

    for task in ("extraction", "sql_qa", "insights", "push"):
        record = prompt(1, task)
        with writing() as session:
            save_prompts(session, [record])
            (item,) = save_for_raters(session, [record.id], [[Completion(text, 1, True)]], "nano", Sampling())
        page = run_page("annotate", rater="D'Ávila", item=item, rater_known=None, shown_at=0.0)
        assert not page.exception
        assert not any(m.allow_html for m in page.markdown)
        assert not any("![i]" in m.value for m in page.markdown)


def test_a_failed_run_says_why(empty: Path) -> None:
    add_run(empty / "gone", name="it's dead", status="failed", reason="OutOfMemoryError: CUDA out of memory")
    for name in ("runs", "results"):
        page = run_page(name)
        assert not page.exception
        assert any("OutOfMemoryError" in c.value for c in page.code)


def test_rules_that_fired_are_shown_with_the_run(empty: Path) -> None:
    (empty / "r").mkdir()
    fired = [{"rule": "ceiling", "action": "stop", "step": 20, "what": "ceiling at step 20: too long"}]
    (empty / "r" / "watch.json").write_text(json.dumps(fired))
    add_run(empty / "r", status="stopped", reason="stopped by the rule ceiling")
    assert any("ceiling at step 20" in e.value for e in run_page("runs").error)


def test_train_refuses_what_is_out_of_range_with_the_reason(empty: Path) -> None:
    page = run_page("train")
    page.number_input(key="learning_rate_nano").set_value(7.0).run()
    assert any("Learning rate: 7.0 does not do; allowed: number > 0 and <= 0.1" in e.value for e in page.error)
    assert all(b.disabled for b in page.button if b.label == "Launch")


def test_the_app_opens_on_start_with_every_page_in_its_navigation(
    example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.person.st.get_option", lambda name: "127.0.0.1")
    monkeypatch.setattr(access, "_ask", access._ask)  # main.py replaces it for the process
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()
    assert not page.exception
    assert page.title[0].value == "Reward Workbench"
    assert sorted(entry.name for entry in ENTRIES) == PAGES


def test_annotate_asks_once_whether_a_name_of_the_address_is_ones_own(example: Path) -> None:
    def opened(name: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "app" / "screens" / "annotate.py"), default_timeout=60)
        page.query_params["rater"] = name
        return page.run()

    page = opened("Ana")
    assert not page.exception and not [b for b in page.button if b.key == "it_is_me"]  # nobody has rated under it
    time.sleep(0.5)
    page.button(key="score_3").click().run()
    for name in ("Ana", "ANA\u200b"):
        page = opened(name)
        assert "Is that you?" in words_of(page)
        page.button(key="it_is_me").click().run()
        assert "Is that you?" not in words_of(page)
    page = opened("Ana")
    page.button(key="not_me").click().run()
    assert not page.exception and page.text_input(key="rater_typed").value == ""
    assert not opened("A\x00na").exception


def test_annotate_skips_with_a_reason_and_can_change_its_mind(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    first = page.session_state["item"]
    page.button(key="skip").click().run()
    page.button(key="unskip").click().run()
    assert page.session_state["item"] == first and page.button(key="score_1")
    page.button(key="skip").click().run()
    time.sleep(0.5)
    page.button(key="reason_4").click().run()
    assert page.session_state["item"] != first
    with reading() as session:
        rating = session.scalars(select(Rating).order_by(Rating.id.desc())).first()
    assert rating is not None and (rating.score, rating.skip_reason) == (None, "unreadable")


def test_annotate_saves_on_enter_when_asked_to(example: Path) -> None:
    page = run_page("annotate", rater="Ana", mode="two")
    first = page.session_state["item"]
    assert page.button(key="save").disabled
    time.sleep(0.5)
    page.button(key="score_2").click().run()
    page.button(key="score_3").click().run()
    assert page.session_state["item"] == first
    page.button(key="save").click().run()
    assert page.session_state["item"] != first
    with reading() as session:
        assert session.scalars(select(Rating.score).order_by(Rating.id.desc())).first() == 3


def test_annotate_keeps_flags_and_a_half_written_comment(example: Path) -> None:
    page = run_page("annotate", rater="Ana")
    item = page.session_state["item"]
    token = item_token(page.session_state["rater_id"], item)
    page.text_area(key=f"comment_{token}").set_value("estranho").run()
    again = run_page("annotate", rater="Ana")  # the tab was closed and opened again
    assert again.session_state["item"] == item
    assert again.text_area(key=f"comment_{token}").value == "estranho"
    again.button_group(key=f"flags_{token}").set_value(["unsafe"]).run()
    time.sleep(0.5)
    again.button(key="score_1").click().run()
    with reading() as session:
        rating = session.scalars(select(Rating).order_by(Rating.id.desc())).first()
    assert rating is not None and (rating.flags, rating.comment) == (["unsafe"], "estranho")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "x" * 20_000,
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "![p](http://evil/x.png) [a](javascript:alert(1)) **aberto",
        "مرحبا بالعالم 🎁 \u202egnp.exe",
        "{" * 40 + '"a": 1' + "}" * 40,
        "\x1b[31mred\x1b[0m \x00",
    ],
)
def test_hostile_completions_are_shown_and_break_nothing(example: Path, text: str) -> None:
    from backend.rating.queue import claim, save_for_raters
    from backend.records import Completion as Generated
    from backend.records import Sampling
    from backend.store.ratings import get_rater
    from backend.store.tables import Prompt

    for task in ("extraction", "push", "insights", "sql_qa"):
        with writing() as session:
            prompt = session.scalars(select(Prompt.id).where(Prompt.task == task)).first()
            (item,) = save_for_raters(session, [str(prompt)], [[Generated(text, 5, False)]], "nano", Sampling())
            claim(session, item, get_rater(session, "Ana").id)
        page = run_page("annotate", rater="Ana")
        assert not page.exception and page.session_state["item"] == item
        assert not any(getattr(m, "allow_html", False) for m in page.markdown)


@pytest.mark.slow
def test_the_audit_records_a_decision_and_says_when_it_is_stale(example: Path) -> None:
    from backend.rating.queue import claim_next
    from backend.rating.ratings import save_rating
    from backend.store.ratings import get_rater

    page = run_page("audit")
    assert sum("decision recorded" in c.value for c in page.caption) == 4
    with writing() as session:
        bia = get_rater(session, "Bia").id
        save_rating(session, claim_next(session, bia), bia, score=2)
    page = run_page("audit")
    assert any("decision: stale" in c.value for c in page.caption)
    next(b for b in page.button if b.label == "Record these decisions").click().run()
    assert sum("decision recorded" in c.value for c in page.caption) == 4


def test_train_shows_the_gates_and_asks_a_required_one_for_a_reason(example: Path) -> None:
    page = run_page("train")
    assert any("Reward audit (v4.2.1)" in c.value and "more ratings needed" in c.value for c in page.caption)
    assert not page.warning
    page.selectbox(key="preset").set_value("v4.2").run()
    assert any("This speaks against launching" in w.value and "Push" in w.value for w in page.warning)
    assert next(b for b in page.button if b.label == "Launch").disabled
    page.text_input(key="override").set_value("we rate them next week").run()
    assert not next(b for b in page.button if b.label == "Launch").disabled


def test_results_say_what_next_and_why(example: Path) -> None:
    page = run_page("results")
    assert any("Next" in i.value and "Mend the reward" in i.value and "Push" in i.value for i in page.info)
    next(b for b in page.button if b.label == "Let people rate its tuned answers").click().run()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(QueueItem)) == 130 + 65
    page = run_page("results", lang="pt")
    assert any("Próximo passo" in i.value and "Conserte a recompensa" in i.value for i in page.info)


def test_any_two_evaluations_are_compared_and_the_report_is_there(example: Path) -> None:
    page = run_page("results", compare="two", first="example:step-00020", second="example:tuned-00060")
    assert not page.exception
    assert any(m.value.startswith("## ") for m in page.markdown)
    assert page.dataframe[0].value["n"].tolist()[-1] == 65


def test_the_address_of_results_names_what_is_shown_by_id(example: Path) -> None:
    page = run_page("results", lang="pt")
    assert page.query_params["result_run"] == "example"
    page.session_state["compare"] = "two"
    page.run()
    assert "result_run" not in page.query_params
    assert page.query_params["first"] == "example:base-00000"
    page = AppTest.from_file(str(ROOT / "app/screens/results.py"), default_timeout=60)
    page.query_params["first"], page.query_params["second"] = "example:step-00020", "gone"
    page.run()
    assert page.selectbox(key="first").value == "example:step-00020"
    assert any("gone is not here" in w.value for w in page.warning)


def test_results_name_no_component_in_a_sentence_and_no_dollars_of_a_cpu(example: Path) -> None:
    page = run_page("results", result_tabs_en="Why it moved")
    parts = set(page.dataframe[-1].value["component"])
    assert len(parts) > 4 and not [p for p in parts if "_" in p and p in words_of(page)]
    assert not any("$" in metric.label + metric.value for metric in page.metric)


def add_seed_runs(folder: Path) -> None:
    """A run of three seeds whose children have the example's evaluations."""
    import shutil

    from backend.runs.sync import sync_run

    add_run(folder / "parent", status="finished", reason="3 seeds", name="three seeds")
    for seed in (1, 2, 3):
        child = folder / f"parent-s{seed}"
        shutil.copytree(ROOT / "tests/recorded/nano-run", child)
        add_run(child, status="finished", reason="", name=f"seed {seed}")
        with writing() as session:
            run = session.get_one(Run, child.name)
            run.parent_id, run.seed = "parent", seed
        sync_run(child.name)


def test_three_seeds_are_read_as_one_run(example: Path) -> None:
    add_seed_runs(example)
    page = run_page("results", result_run="parent")
    assert not page.exception
    assert any("Over 3 seeds the mean reward moved by +0.3" in m.value for m in page.markdown)
    assert any("- Seed 2: The reward rose in 4 of 4 tasks: the answers did not" in m.value for m in page.markdown)
    table = page.dataframe[0].value
    assert table["Task" if "Task" in table else "task"].tolist()[-1] == "Overall"
    assert table["share"].tolist() == ["0%"] * 5  # the same evaluations three times: nothing lies between seeds


@pytest.mark.slow
@pytest.mark.parametrize("name", ["results", "runs"])
def test_pages_on_a_store_of_every_kind_of_run(example: Path, name: str) -> None:
    add_seed_runs(example)
    add_run(example / "gone", status="failed", reason="killed (SIGKILL)\nLast lines of its log:\nstep 3")
    add_run(example / "off", status="cancelled", reason="taken out of the queue", name="x" * 200)
    for run in ("parent", "parent-s2", "gone", "off", "example"):
        key, value = ("result_run", run) if name == "results" else ("runs", [run, "example"])
        assert not run_page(name, **{key: value}).exception


def test_runs_draw_the_rules_lines_and_say_where_each_task_went(example: Path) -> None:
    page = run_page("runs")
    assert any("Extraction 0.73 →" in c.value and "bands: 95 %" in c.value for c in page.caption)


def test_train_takes_a_name_with_anything_in_it_and_refuses_a_longer_one(example: Path) -> None:
    page = run_page("train")
    page.text_input(key="run_name").set_value("../../etc/'\"; rm -rf 🎁").run()
    assert not page.error and not next(b for b in page.button if b.label == "Launch").disabled
    page.text_input(key="run_name").set_value("x" * 300).run()
    assert any("length <= 200" in e.value for e in page.error)
    page.text_input(key="run_name").set_value("").run()
    page.number_input(key="max_steps_nano").set_value(-3).run()
    assert any(e.value.startswith("Steps: -3 does not do; allowed: whole number") for e in page.error)


def test_train_clones_a_runs_configuration(example: Path) -> None:
    page = run_page("train")
    page.number_input(key="max_steps_nano").set_value(7).run()
    page.button(key="clone_example").click().run()
    with reading() as session:
        config = session.get_one(Run, "example").config
    assert page.number_input(key="max_steps_nano").value == config["max_steps"]
    assert not page.exception and not page.error


def test_leaving_out_everyone_who_rated_can_be_undone_on_the_page(example: Path) -> None:
    from backend.rating.ratings import leave_out
    from backend.store.ratings import rating_counts

    with reading() as session:
        (name,) = rating_counts(session)["rater"].unique()
    with writing() as session:
        leave_out(session, name, "random keys")
    page = run_page("audit")
    assert any("Everyone who rated is left out" in w.value for w in page.warning)
    next(b for b in page.button if b.label == "Count again").click().run()
    assert not page.exception and not any("left out" in w.value for w in page.warning)


def test_a_raters_name_in_the_gates_reason_is_text_and_no_link(example: Path) -> None:
    """Caio scores as the authors do, and the third presses one key after the other, so that the reason names that one."""
    from backend.rating.ratings import save_rating
    from backend.store.completions import human_scores
    from backend.store.ratings import get_rater

    with writing() as session:
        rated = human_scores(session).query("task == 'extraction'")
        careful, careless = (get_rater(session, name).id for name in ("Caio", "[Bob](https://example.com) $x$"))
        for i, (item, human) in enumerate(zip(rated["completion_id"], rated["human"], strict=True)):
            save_rating(session, int(item), careful, score=round(human), imported=True)
            save_rating(session, int(item), careless, score=i % 5 + 1, imported=True)
    reasons = next(m.value for m in run_page("audit").markdown if m.value.startswith("- **Extraction**"))
    assert "Bob" in reasons and "](https://" not in reasons and "\\$x\\$" in reasons


def test_train_says_where_and_what_is_free_there(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.settings import get_settings

    assert not [s for s in run_page("train").selectbox if s.label == "Where"]
    (example / "launch.toml").write_text('[gpu1]\nkind = "ssh"\nhost = "gpu1"\nfolder = "/data/runs"\n')
    monkeypatch.setenv("WORKBENCH_LAUNCH", str(example / "launch.toml"))
    get_settings.cache_clear()
    (where,) = [s for s in run_page("train").selectbox if s.label == "Where"]
    assert where.options == ["this machine · 1 of 1 free", "gpu1 · 1 of 1 free"]
    (example / "launch.toml").write_text("[gpu1]\nkind = 3\n")
    page = run_page("train", lang="pt")
    assert not page.exception and any("launch.toml" in str(e.value) for e in page.error)


def test_results_opens_on_the_newest_run_with_results_and_names_newer_ones(example: Path) -> None:
    add_run(example / "died", "failed", "out of memory", name="*newest*")
    page = run_page("results")
    assert not page.exception
    words = words_of(page)
    assert "\\*newest\\*: failed, no results yet" in words
    assert "The reward rose in" in words


def test_any_two_evaluations_open_with_the_newest_runs_first_and_last(example: Path) -> None:
    page = run_page("results", compare="two")
    assert not page.exception
    assert page.selectbox(key="first").value == "example:base-00000"
    assert page.selectbox(key="second").value == "example:tuned-00060"


def test_the_tab_about_people_opens(example: Path) -> None:
    page = run_page("results", result_tabs_en="Would people agree?")
    assert not page.exception
    assert "Does the reward still rank the tuned answers?" in words_of(page)


def test_compare_shows_another_pair_where_its_completion_is_gone(example: Path) -> None:
    page = run_page("pairs", rater="Ana")
    page.session_state["pair"] = (999_998, 999_999)
    page.run()
    assert not page.exception
    assert page.session_state["pair"] != (999_998, 999_999)
