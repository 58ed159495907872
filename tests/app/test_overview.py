"""What Start says: in which state everything is, and what calls for somebody."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.ui.overview import (
    for_engineers,
    for_raters,
    gates_line,
    newest_result,
    of_production,
    of_result,
    only_example,
)
from backend.audit.attacks import broken_rewards, standing_attacks
from backend.audit.gate import Gate
from backend.data.completions import import_completions
from backend.rating.ratings import save_rating
from backend.release.start import first_start
from backend.store.engine import reading, writing
from backend.store.ratings import get_rater
from backend.store.runs import all_runs
from backend.store.tables import Alarm, AttackMade, Completion, Rating, Stratum, utc_now
from backend.suites import default_profile, fingerprint, label_of, task_names
from backend.wording import Text
from tests.app.test_pages import run_page, words_of

REASON = Text("why", "por quê")


def test_gates_in_one_sentence() -> None:
    names = task_names()
    gates = {name: Gate("pass", REASON) for name in names}
    assert not gates_line(gates, names).calls
    gates[names[0]] = Gate("fail", REASON)
    gates[names[1]] = Gate("stale", REASON, "fail")
    del gates[names[2]]
    line = gates_line(gates, names)
    assert line.calls
    assert line.text.en.startswith(f"{len(names) - 3} of {len(names)} rewards passed the audit; failed: ")
    assert f"ratings or rules have changed: {label_of(names[1])} (was: fail)" in line.text.en
    assert "sem decisão válida: " in line.text.pt and "(era: reprovada)" in line.text.pt


def test_an_empty_store_asks_for_nothing_of_raters(workbench: Path) -> None:
    with reading() as session:
        assert not any(line.calls for line in for_raters(session))
        assert of_production(session) == []
        assert newest_result(session, all_runs(session)) is None
        assert not only_example(session, all_runs(session))


def test_the_example_waits_for_raters_and_tells_its_finding(example_workbench: Path) -> None:
    with reading() as session:
        waiting, *_, given = for_raters(session)
        assert waiting.calls
        assert given.text.en.startswith("Ratings so far: ")
        found = newest_result(session, all_runs(session))
        assert found is not None
        lines = of_result(found[0].name, found[1])
        assert lines[0].calls == any(e.against for e in found[1])
        assert for_engineers(session)[0].calls
        assert only_example(session, all_runs(session))


def test_the_tour_outlives_the_ratings_it_asks_for_and_ends_with_many(example_workbench: Path) -> None:
    for own in (1, 29):
        with writing() as session:
            rater = get_rater(session, "Ana").id
            rated = select(Rating.completion_id).where(Rating.rater_id == rater)
            for item in session.scalars(select(Completion.id).where(Completion.id.not_in(rated)).limit(own)).all():
                save_rating(session, item, rater, score=3, imported=True)
        with reading() as session:
            assert only_example(session, all_runs(session)) == (own == 1)


def test_who_asks_for_a_second_rater_does_not_ask_for_a_first(example_workbench: Path) -> None:
    with writing() as session:
        session.execute(update(Stratum).values(rated=Stratum.items))
    with reading() as session:
        said = [line.text.en for line in for_raters(session)]
    assert len(said) == 2 and "another rater's rating" in said[0]


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_a_reward_that_an_attack_games_is_nowhere_just_passed(example_workbench: Path, lang: str) -> None:
    profile, said = default_profile(), {"en": "gamed by an attack", "pt": "enganada por um ataque"}[lang]
    assert said not in words_of(run_page("audit", lang=lang))
    attack = {
        "task": "push",
        "profile": profile,
        "fingerprint": fingerprint("push", profile),
        "calls": 8,
        "target": 0.9,
    }
    with writing() as session:
        session.add(AttackMade(**attack, best=1.0, to_target=8, finds=[]))
    with reading() as session:
        assert broken_rewards(standing_attacks(session, profile)) == ["push"]
        assert broken_rewards(standing_attacks(session, "v4.3")) == []
        assert any(
            "An attack games the reward of Push" in line.text.en and line.calls for line in for_engineers(session)
        )
    assert said in words_of(run_page("audit", lang=lang))
    page = run_page("train", lang=lang)
    assert {"en": "An attack games", "pt": "Um ataque engana"}[lang] in words_of(page)
    assert not [b for b in page.button if b.key == "take_profile"], "no other profile is known to do better"


def test_train_offers_the_profile_that_withstood_what_games_the_chosen_one(workbench: Path) -> None:
    def made(task: str, profile: str, calls: int, to_target: int | None) -> AttackMade:
        of = {"task": task, "profile": profile, "fingerprint": fingerprint(task, profile)}
        return AttackMade(**of, calls=calls, target=0.9, best=1.0, to_target=to_target, finds=[])

    first_start()  # the example's attacks: v4.2.1 fell, v5 withstood 20,000 calls
    with writing() as session:
        session.add_all([made(task, "v4.3", 30_000, None) for task in ("extraction", "insights", "sql_qa")])
        session.add(made("push", "v4.3", 30_000, 40))
    page = run_page("train", lang="en")
    assert "**v5** withstood at least 20,000 calls" in words_of(page)
    page.button(key="take_profile").click().run()
    assert page.selectbox(key="profile_nano").value == "v5" and not page.exception
    assert "An attack games" not in words_of(page)


def test_a_reward_can_be_attacked_before_anybody_rates(workbench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.state.first_start", lambda: None)
    assert not [b for b in run_page("audit", lang="en").button if b.label == "Attack"], (
        "there is nothing to take pieces from"
    )
    rows = [
        {"prompt": f"Crie um push {i}", "completion": f"Oferta {i}! Frete gratis hoje", "task": "push"}
        for i in range(6)
    ]
    (workbench / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_completions(workbench / "rows.jsonl")
    monkeypatch.setattr("app.ui.audit_attack.SECONDS", 1.0)
    page = run_page("audit", lang="en")
    next(b for b in page.button if b.label == "Attack").click().run()
    assert not page.exception and any(word in words_of(page) for word in ("Broken after", "No cheap text reached"))
    with reading() as session:
        found = standing_attacks(session, default_profile())["push"].texts
    later = run_page("audit", lang="en")  # after a reload
    assert "So far: " in words_of(later)
    assert found and set(found) <= {code.value for code in later.code}


def test_open_alarms_call(workbench: Path) -> None:
    with writing() as session:
        session.add(
            Alarm(task=task_names()[0], kind="mean", words={"en": "fell", "pt": "caiu"}, last_day=utc_now(), untold="")
        )
    with reading() as session:
        (line,) = of_production(session)
    assert line.calls
    assert line.text == Text("1 open alarm in production.", "1 alarme aberto em produção.")
