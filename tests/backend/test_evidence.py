"""What a comparison is evidence of: the sentence, the next step, and what can be counted."""

from ast import literal_eval
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from backend.audit.attacks import Standing
from backend.audit.gate import Gate, Verdict
from backend.charts.comparison import change_chart
from backend.commerce.categories import category_name
from backend.commerce.reference import extraction_answer
from backend.commerce.shop import shop_path
from backend.commerce.synthetic import build_commerce_db
from backend.evaluation.compare import compare
from backend.evaluation.evaluate import EvaluationResult
from backend.evaluation.evidence import Counted, Evidence, Tally, carrier, count, tally
from backend.evaluation.findings import (
    EVIDENCE_HEADS,
    FACT_HEADS,
    change_rows,
    evidence_cells,
    evidence_sentence,
    fact_rows,
    headline,
    said,
)
from backend.evaluation.next_step import next_step
from backend.evaluation.people import PeopleEstimate
from backend.evaluation.stored import _parts, base_and_tuned, compare_stored
from backend.evaluation.truth import TruthChange, truth_change, unread_share
from backend.rating.ratings import save_rating
from backend.records import Sampling, ScoredCompletion
from backend.runs.sync import save_evaluation
from backend.store.engine import reading, writing
from backend.store.evaluations import evaluation_texts, run_evaluations
from backend.store.ratings import get_rater
from backend.store.tables import Prompt, Run
from backend.suites import fingerprint, get_task, score_completion, task_names
from backend.wording import Text
from rewards.types import NO_TEXT, Count, Fact, Functions, Task, Truth

PLAIN = Counted(20, 18, 2, 0, 100.0)
FACTS = Text("Facts right", "Fatos certos")


def rose(gate: Verdict | None = None, **known: object) -> Evidence:
    """A task whose reward surely rose, with what else is known."""
    paired = pd.DataFrame({"task": "push", "base": [0.2 + 0.01 * i for i in range(20)]})
    change = compare(paired.assign(tuned=[0.7 + 0.011 * i for i in range(20)]))[0]
    assert change.verdict == "improved"
    plain = {
        "gate": Gate(gate, NO_TEXT) if gate else None,
        "truth": None,
        "people": None,
        "before": PLAIN,
        "after": PLAIN,
    }
    return Evidence(change=change, **{**plain, **known})  # type: ignore[arg-type]


def people(delta: float, half: float) -> PeopleEstimate:
    return PeopleEstimate("push", 20, 20, delta, delta - half, delta + half)


def truth(base: float, tuned: float, half: float = 0.05, constant: float = 0.1) -> TruthChange:
    by, over = tuned - base, tuned - constant
    return TruthChange(FACTS, base, tuned, by - half, by + half, constant, over - half, over + half)


@pytest.mark.parametrize("gate", [None, "more ratings needed", "stale", "fail"])
def test_a_reward_that_nobody_trusts_only_rose(gate: Verdict | None) -> None:
    words = said(rose(gate))
    assert "the reward rose by" in words.en and "is not known" in words.en and "improved" not in words.en
    assert "não se sabe" in words.pt and "melhorou" not in words.pt


def test_improved_is_said_of_a_trusted_reward_that_nothing_contradicts() -> None:
    assert said(rose("pass")).en.startswith("Push improved by")


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"people": people(-1.2, 0.4)}, "people score them 1.2 lower"),
        ({"truth": truth(0.6, 0.5)}, "Facts right fell (60% to 50%)"),
        ({"truth": truth(0.6, 0.59)}, "Facts right did not rise"),
        ({"after": Counted(20, 3, 17, 0, 40.0)}, "17 of 20 answers are one and the same"),
        ({"after": Counted(20, 20, 1, 9, 300.0)}, "9 of 20 answers repeat a line"),
    ],
)
def test_what_contradicts_the_reward_is_said_even_of_a_trusted_one(known: dict[str, object], why: str) -> None:
    e = rose("pass", **known)
    assert "the answers did not get better" in said(e).en and why in said(e).en
    step = next_step([e.change, replace(e.change, task="overall")], [e])
    assert step.what.en.startswith("Do not ship this. Mend the reward") and step.preset is None


@pytest.mark.parametrize(
    ("e", "better", "words"),
    [
        (rose("pass", people=people(-1.2, 0.4)), False, "reward up; answers not better"),
        (rose("pass"), True, "answers better"),
        (rose(None), None, "reward up; answers not known"),
        (rose(None, people=people(1.0, 0.5)), True, "answers better"),
    ],
)
def test_the_chart_of_changes_says_of_the_answers_what_the_findings_say(
    e: Evidence, better: bool | None, words: str
) -> None:
    (row,) = change_rows([e], "en").to_dict("records")
    assert (row["better"], row["verdict"]) == (better, words)
    assert "respostas" in change_rows([e], "pt")["verdict"][0]
    change_chart(change_rows([e], "en")).to_dict()


def test_people_or_truth_make_an_improvement_of_an_untrusted_reward() -> None:
    assert "improved by" in said(rose(None, people=people(1.0, 0.5))).en
    of_truth = said(rose(None, truth=truth(0.2, 0.6))).en
    assert "Facts right rose (20% to 60%; one and the same answer to every prompt gets 10%)" in of_truth


def test_people_who_may_see_nothing_prove_nothing() -> None:
    assert "is not known" in said(rose(None, people=people(0.2, 0.5))).en


def test_a_truth_that_one_constant_answer_reaches_is_no_improvement() -> None:
    e = rose("pass", truth=truth(0.3, 0.7, constant=0.72))
    assert "is not known" in said(e).en and "one and the same answer to every prompt gets 72%" in said(e).en


def test_an_unaudited_reward_is_audited_before_anything_larger() -> None:
    e = rose()
    step = next_step([e.change, replace(e.change, task="overall", tuned=0.9)], [e])
    assert step.what.en.startswith("Audit the reward before you ship this")


def test_the_gamed_task_comes_first_and_every_cell_has_words() -> None:
    honest, gamed = rose("pass"), rose("pass", people=people(-1.0, 0.2))
    sentence = evidence_sentence([replace(honest, change=replace(honest.change, task="insights")), gamed])
    assert sentence.en.index("Push") < sentence.en.index("Insights")
    cells = evidence_cells(gamed)
    assert len(cells) == len(EVIDENCE_HEADS) and all(cell.en and cell.pt for cell in cells)


def test_of_gamed_tasks_the_one_with_most_against_it_comes_first() -> None:
    once = rose("pass", people=people(-1.0, 0.2))
    twice = rose("pass", people=people(-1.0, 0.2), truth=truth(0.5, 0.3))
    assert len(once.against) < len(twice.against)
    sentence = evidence_sentence([once, replace(twice, change=replace(twice.change, task="insights"))])
    assert sentence.en.index("Insights") < sentence.en.index("Push")


def test_counting_sees_copies_and_repeated_lines_whatever_the_case() -> None:
    found = count(["Buy now", "buy  NOW", "Sell\n- act now\n- act now\n- Act  now"])
    assert (found.answers, found.distinct, found.alike, found.repeating) == (3, 2, 2, 1)
    assert count([]) == Counted(0, 0, 0, 0, 0.0)


def review(true: tuple[bool, str], said_is: tuple[bool, str] | None = None) -> list[Fact]:
    """Two facts of a review: whether something broke, and a mood that the prompt states."""
    broke, mood = said_is or true
    return [
        Fact(Text("broke", "quebrou"), broke, true[0]),
        Fact(Text("mood", "humor"), mood, true[1], copied=true[1]),
    ]


def judged(true: list[tuple[bool, str]], base: list[tuple[bool, str]], tuned: list[tuple[bool, str]]) -> TruthChange:
    """A truth measure whose answers are their own facts, over as many prompts."""
    measure = Truth(
        "m", FACTS, NO_TEXT, lambda text, facts: None, lambda text, facts: review(facts["true"], literal_eval(text))
    )
    frames = [
        pd.DataFrame(
            {
                "prompt_id": [f"p{i}" for i in range(len(true))],
                "text": map(repr, side),
                "facts": [{"true": t} for t in true],
            }
        )
        for side in (base, tuned)
    ]
    found = truth_change(measure, *frames)
    assert found is not None
    return found


TRUE = [(i % 5 == 0, "good" if i % 3 else "bad") for i in range(40)]
"""Eight of 40 broke; a third are bad."""


def test_a_constant_answer_with_the_copied_mood_is_no_more_than_itself() -> None:
    """90 % of its facts are right, and still it has read nothing."""
    blind = [(False, mood) for _, mood in TRUE]
    found = judged(TRUE, [(True, "bad")] * 40, blind)
    broke, mood = found.facts
    assert (broke.tuned, broke.constant, broke.balanced_tuned, broke.unread) == (0.8, 0.8, 0.5, 0.5)
    assert (mood.copied, mood.balanced_tuned, mood.unread) == (1.0, 1.0, 1.0)
    assert found.tuned == found.constant == 0.75 and found.copies
    assert found.no_more_than_constant and not found.rose


def test_who_reads_the_rare_facts_too_beats_the_constant_answer() -> None:
    found = judged(TRUE, [(False, mood) for _, mood in TRUE], TRUE)
    assert (found.base, found.tuned, found.constant) == (0.75, 1.0, 0.75) and found.rose


def test_a_few_rare_facts_by_chance_beat_nothing() -> None:
    one = [(broke and i == 0, mood) for i, (broke, mood) in enumerate(TRUE)]
    assert judged(TRUE, [(True, "bad")] * 40, one).no_more_than_constant


def test_the_shop_says_each_fact_and_what_can_be_copied() -> None:
    truth = get_task("extraction").truth
    assert truth is not None and truth.facts is not None
    columns = {"complaint_category": "nenhuma", "delivery_issue": False, "product_issue": False, "seller_issue": True}
    facts = truth.facts('{"sentiment": "positivo", "seller_issue": "true"}', columns | {"nota": 5})
    assert facts is not None and [f.right for f in facts] == [False, False, False, False, True]
    assert [f.copied for f in facts] == [None] * 4 + ["positivo"] and truth.facts("{}", {"nota": 5}) is None


def test_a_curve_of_right_facts_has_the_line_that_needs_no_reading() -> None:
    assert unread_share([review(true) for true in TRUE]) == pytest.approx((0.8 + 1.0) / 2)


SQL = Count(Text("queries that run", "consultas que rodam"), lambda text, prompt, columns: "SELECT" in text, "needed")
RIGHT = replace(SQL, meaning="right")


def counted(one: Count, base: int, tuned: int, n: int = 15) -> Tally:
    frames = [
        pd.DataFrame(
            {
                "prompt_id": [f"p{i}" for i in range(n)],
                "text": ["SELECT" if i < good else "?" for i in range(n)],
                "user_text": "",
                "facts": [{}] * n,
            }
        )
        for good in (base, tuned)
    ]
    found = tally(one, *frames)
    assert found is not None
    return found


def test_what_the_suite_counts_speaks_against_the_reward_or_for_it() -> None:
    assert counted(SQL, 8, 1).against and not counted(SQL, 8, 7).against and counted(SQL, 0, 0).against
    assert not counted(SQL, 1, 9).in_favour, "a query that runs may still be wrong"
    assert counted(RIGHT, 1, 12).in_favour and counted(RIGHT, 3, 3).against and not counted(RIGHT, 15, 15).against
    e = rose("pass", tallies=(counted(SQL, 8, 1),))
    assert "the answers did not get better: queries that run: 1 of 15 (8 before)" in said(e).en
    assert "improved" in said(rose(None, tallies=(counted(RIGHT, 1, 12),))).en
    assert "queries that run 8 → 1 of 15" in [cell.en for cell in evidence_cells(e)]


def test_answers_that_got_better_unseen_by_the_reward_are_not_passed_over() -> None:
    e = rose(None, tallies=(counted(RIGHT, 1, 12),))
    stood = replace(e, change=replace(e.change, verdict="no detectable change"))
    assert "yet the answers got better: queries that run: 12 of 15 (1 before)" in said(stood).en


def test_what_cannot_be_told_is_not_counted() -> None:
    assert (
        tally(
            replace(SQL, of=lambda *_: None),
            *[pd.DataFrame({"prompt_id": ["a"], "text": ["SELECT"], "user_text": [""], "facts": [{}]})] * 2,
        )
        is None
    )


def test_an_attack_that_breaks_the_reward_takes_the_trust_from_it() -> None:
    broken = rose("pass", attack=Standing(20_000, 0.9, 1.0, 312))
    assert "is not known: the reward can be gamed: a cheap text scores 0.90 or more after 312 calls" in said(broken).en
    assert "no: passed its audit; a cheap text" in evidence_cells(broken)[2].en
    held = rose("pass", attack=Standing(20_000, 0.9, 0.7, None))
    assert said(held).en.startswith("Push improved") and evidence_cells(held)[2].en.startswith("yes: passed its audit")
    assert said(rose("pass", attack=Standing(20_000, 0.9, 1.0, 312, good=True))).en.startswith("Push improved")


def test_the_first_line_says_what_became_of_the_answers() -> None:
    gamed, better, unknown = rose("pass", people=people(-1.0, 0.2)), rose("pass"), rose(None)
    assert headline([gamed]).en == "The reward rose in 1 of 1 task, but the answers did not get better."
    assert headline([better, better]).en == "The reward rose in 2 of 2 tasks, and the answers got better."
    assert headline([unknown]).en.endswith("; whether the answers got better is not known.")
    assert headline([better, gamed, unknown]).en.endswith(
        ": the answers did not get better in 1, they did in 1, and in 1 it is not known."
    )


def test_the_recorded_example_says_that_its_reward_was_gamed(example_workbench: Path) -> None:
    """14 of 15 tuned pushes are one and the same sentence, most insights repeat a line, and one tuned query of 15 runs."""
    build_commerce_db(shop_path())
    with reading() as session:
        pair = base_and_tuned(session, "example")
        assert pair is not None
        compared = compare_stored(session, *pair)
    assert [c.task for c in compared.tasks] == [*task_names(), "overall"], "the same order everywhere"
    assert list(compared.paired["task"].unique()) == list(compared.components["task"].unique()) == list(task_names())
    sentence = evidence_sentence(compared.evidence)
    gamed = sentence.en.split("Extraction")[0]
    assert sentence.en.startswith("The reward rose in 4 of 4 tasks: the answers did not get better in 3")
    assert "Push: the reward rose" in gamed and "14 of 15 answers are one and the same" in gamed
    assert "Insights: the reward rose" in gamed and "repeat a line" in gamed
    assert "SQL Q&A: the reward rose" in gamed and "queries that run: 1 of 15 (8 before)" in gamed
    assert (
        "Facts right (balanced) rose (23% to 50%), but one constant answer with the stated value copied gets 55%"
        in sentence.en
    )
    rows = fact_rows(compared.evidence)
    assert len(rows) == 5 and all(len(row) == len(FACT_HEADS) and all(cell.pt for cell in row) for row in rows)
    assert "Mend the reward" in next_step(compared.tasks, compared.evidence).what.en


def honest_run() -> None:
    """A run ``honest`` on the example's eval prompts whose tuned answers are right, or good in the eyes of a rater.

    Extractions hold the truth behind the reviews, queries are the gold ones, insights and pushes name what they were given.
    """
    with writing() as session:
        base = next(e for e in run_evaluations(session, "example") if e.label == "base")
        rows = list(evaluation_texts(session, base.id).itertuples())
        prompts = {r.prompt_id: session.get_one(Prompt, r.prompt_id) for r in rows}
        example = session.get_one(Run, "example")
        copied = {c.name: getattr(example, c.name) for c in Run.__table__.columns} | {
            "id": "honest",
            "name": "honest run",
        }
        session.add(Run(**copied | {"is_example": False}))
        session.flush()
        for label, step in (("base", 0), ("tuned", 60)):
            texts = [r.text if label == "base" else good_answer(prompts[r.prompt_id]) for r in rows]
            save_evaluation(session, f"honest:{label}", "honest", scored(label, step, list(prompts.values()), texts))
        rater = get_rater(session, "Ana").id
        ids = {
            label: evaluation_texts(session, f"honest:{label}").set_index("prompt_id")["completion_id"]
            for label in ("base", "tuned")
        }
        for i, (prompt_id, prompt) in enumerate(prompts.items()):
            if prompt.task in ("insights", "push"):
                for label, score in (("base", 1 + i % 2), ("tuned", 4 + i % 2)):
                    save_rating(session, int(ids[label][prompt_id]), rater, score=score, imported=True)


def good_answer(prompt: Prompt) -> str:
    facts = prompt.facts
    if prompt.task == "extraction":
        return str(extraction_answer(facts))
    if prompt.task == "sql_qa":
        found = ", ".join(" ".join(map(str, row)) for row in facts["gold_result"])
        said_so = f"O resultado da consulta mostra {found}. Total de pedidos e vendas, com a média de cada cliente, no período."
        return (
            f"```sql\n{facts['gold_sql']}\n```\n## Explicação\n{said_so} Portanto, {len(facts['gold_result'])} linhas."
        )
    if prompt.task == "push":
        return f"{facts['occasion'].capitalize()}! {category_name(facts['category'])} para {facts['state']}. Confira 🎁"
    lines = prompt.user_text.splitlines()[2:]
    points = "\n".join(f"- {line}: recomendo investir e monitorar este número" for line in lines)
    return f"## Diagnóstico\nOs números do recorte mostram onde agir.\n{points}\n## Ações\n- Priorizar entregas e reduzir o frete."


def scored(label: str, step: int, prompts: list[Prompt], texts: list[str]) -> EvaluationResult:
    scores = [
        score_completion(p.task, text, p.user_text, p.facts, "v4.2.1") for p, text in zip(prompts, texts, strict=True)
    ]
    rows = [
        ScoredCompletion(
            prompt_id=p.id, task=p.task, sample=0, text=text, tokens=1, truncated=False, total=s.total, components=s.components
        )
        for p, text, s in zip(prompts, texts, scores, strict=True)
    ]  # fmt: skip
    rules = {task: fingerprint(task, "v4.2.1") for task in {p.task for p in prompts}}
    return EvaluationResult(
        label=label,
        step=step,
        policy="nano",
        profile="v4.2.1",
        fingerprints=rules,
        sampling=Sampling(),
        completions=rows,
    )


@pytest.mark.slow
def test_an_honest_run_says_that_reward_and_answers_rose(example_workbench: Path) -> None:
    build_commerce_db(shop_path())
    honest_run()
    with reading() as session:
        pair = base_and_tuned(session, "honest")
        assert pair is not None
        compared = compare_stored(session, *pair)
    assert headline(compared.evidence).en == "The reward rose in 4 of 4 tasks, and the answers got better."
    words = evidence_sentence(compared.evidence).en
    assert "queries with the true result: 15 of 15 (0 before)" in words and "of 5)" in words
    assert "Facts right (balanced) rose (23% to 100%" in words
    assert "Mend" not in next_step(compared.tasks, compared.evidence).what.en


@pytest.mark.parametrize(("verdict", "why"), [("fail", "failed its audit"), ("pass", "at the first call of an attack")])
def test_a_reward_that_is_known_to_be_wrong_is_mended_before_a_longer_run(verdict: Verdict, why: str) -> None:
    attack = Standing(8, 0.9, 1.0, 1) if verdict == "pass" else None
    e = rose(verdict, attack=attack)
    still = replace(e, change=replace(e.change, verdict="no detectable change", tuned=e.change.base, delta=0.0))
    step = next_step([still.change, replace(still.change, task="overall")], [still], steps=2)
    assert step.what.en.startswith("Mend the reward of Push before you train longer") and why in step.reasons[0].en
    trusted = replace(still, gate=Gate("pass", NO_TEXT), attack=None)
    assert (
        "Train longer" in next_step([still.change, replace(still.change, task="overall")], [trusted], steps=2).what.en
    )


def test_a_rise_that_one_of_a_teams_functions_brought_is_said_to_be_its() -> None:
    def brought(thorough: float, correct: float, watched: float = 0.0, rise: float | None = None) -> str:
        rows = {"component": ["thorough", "correct", "watched"], "part": [thorough, correct, watched]}
        return carrier(team, pd.DataFrame(rows), thorough + 0.5 * correct if rise is None else rise)

    team = Task("mine", Functions({"thorough": 1.0, "correct": 0.5, "watched": 0.0}))
    assert (brought(0.4, 0.0), brought(0.4, 0.4), brought(-0.1, -0.2)) == ("thorough", "", "")
    assert brought(0.4, 0.0, 9.0) == "thorough", "what is only watched pays nothing"
    assert brought(0.4, -0.6) == "", "it brought more than all, and another took it away"
    assert brought(0.02, 0.0, rise=0.52) == "", "most of the rise is of something else"
    alone = Task("mine", Functions({"thorough": 1.0}))
    one = pd.DataFrame({"component": ["thorough"], "part": [0.4]})
    assert carrier(alone, one, 0.4) == carrier(get_task("push"), one, 0.4) == ""
    words = said(rose(carrier="thorough"))
    assert words.en.endswith("nearly all of the rise is that of thorough")
    assert "thorough" not in said(rose("pass", carrier="thorough")).en, "a reward that is trusted may rise as it will"


def test_what_a_function_brought_counts_the_answers_to_which_it_does_not_apply() -> None:
    """``bonus`` starts to apply: its own mean cannot change, for there is none before; the total's does."""
    prompts = [str(i) for i in range(50)]
    paired = pd.DataFrame({"prompt_id": prompts, "task": "mine"})
    fact = pd.DataFrame({"prompt_id": prompts, "task": "mine", "component": "fact", "value": 0.5})
    bonus = pd.DataFrame({"prompt_id": prompts[:25], "task": "mine", "component": "bonus", "value": 1.0})
    found = _parts(paired, fact, pd.concat([fact.assign(value=0.52), bonus])).set_index("component")["part"]
    assert found.to_dict() == pytest.approx({"fact": 0.02, "bonus": 0.5})
