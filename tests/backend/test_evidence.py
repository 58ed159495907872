"""What a comparison is evidence of: the sentence, the next step, and what can be counted."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from backend.audit.gate import Gate, Verdict
from backend.evaluation.compare import compare
from backend.evaluation.evidence import Counted, Evidence, TruthChange, _truth, count
from backend.evaluation.findings import EVIDENCE_HEADS, evidence_cells, evidence_sentence, said
from backend.evaluation.next_step import next_step
from backend.evaluation.people import PeopleEstimate
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.store.engine import reading
from backend.wording import Text
from rewards.types import NO_TEXT

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
    assert step.what.en.startswith("Mend the reward") and step.preset is None


def test_people_or_truth_make_an_improvement_of_an_untrusted_reward() -> None:
    assert "improved by" in said(rose(None, people=people(1.0, 0.5))).en
    assert "Facts right rose (20% to 60%; one constant answer gets 10%)" in said(rose(None, truth=truth(0.2, 0.6))).en


def test_people_who_may_see_nothing_prove_nothing() -> None:
    assert "is not known" in said(rose(None, people=people(0.2, 0.5))).en


def test_a_truth_that_one_constant_answer_reaches_is_no_improvement() -> None:
    e = rose("pass", truth=truth(0.3, 0.7, constant=0.72))
    assert "is not known" in said(e).en and "one and the same answer to every prompt reaches 72%" in said(e).en


def test_an_unaudited_reward_is_audited_before_anything_larger() -> None:
    e = rose()
    step = next_step([e.change, replace(e.change, task="overall", tuned=0.9)], [e])
    assert step.what.en.startswith("Audit the reward before a larger model")


def test_the_gamed_task_comes_first_and_every_cell_has_words() -> None:
    honest, gamed = rose("pass"), rose("pass", people=people(-1.0, 0.2))
    sentence = evidence_sentence([replace(honest, change=replace(honest.change, task="insights")), gamed])
    assert sentence.en.index("Push") < sentence.en.index("Insights")
    cells = evidence_cells(gamed)
    assert len(cells) == len(EVIDENCE_HEADS) and all(cell.en and cell.pt for cell in cells)


def test_counting_sees_copies_and_repeated_lines_whatever_the_case() -> None:
    found = count(["Buy now", "buy  NOW", "Sell\n- act now\n- act now\n- Act  now"])
    assert (found.answers, found.distinct, found.alike, found.repeating) == (3, 2, 2, 1)
    assert count([]) == Counted(0, 0, 0, 0, 0.0)


def test_the_best_constant_answer_is_found_among_the_answers() -> None:
    """Nine reviews without any complaint, one with: the constant answer "no complaint" gets four fifths of most right."""
    right = '{"sentiment": "positivo", "complaint_category": "nenhuma", "delivery_issue": false, "product_issue": false, "seller_issue": false}'
    facts = [
        {
            "complaint_category": "nenhuma",
            "delivery_issue": False,
            "product_issue": False,
            "seller_issue": False,
            "nota": 5,
        }
        for _ in range(10)
    ]
    frame = pd.DataFrame({"prompt_id": [f"p{i}" for i in range(10)], "text": right, "facts": facts})
    found = _truth("extraction", frame.assign(text="?"), frame)
    assert found is not None and (found.base, found.tuned, found.constant) == (0.0, 1.0, 1.0)
    assert found.no_more_than_constant and not found.rose


def test_the_recorded_example_says_that_its_reward_was_gamed(example_workbench: Path) -> None:
    """14 of 15 tuned pushes are one and the same sentence, and most insights repeat a line: the reward pays for both."""
    with reading() as session:
        pair = base_and_tuned(session, "example")
        assert pair is not None
        compared = compare_stored(session, *pair)
    sentence = evidence_sentence(compared.evidence)
    gamed = sentence.en.split("Extraction")[0]
    assert sentence.en.startswith("The reward rose in 4 of 4 tasks; of the answers: they got better in 1, did not in 2")
    assert "Push: the reward rose" in gamed and "14 of 15 answers are one and the same" in gamed
    assert "Insights: the reward rose" in gamed and "repeat a line" in gamed
    assert "Mend the reward" in next_step(compared.tasks, compared.evidence).what.en
