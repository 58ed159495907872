"""Run reasons and firings are said in Portuguese too, and what they quote stays as it is."""

import re

import pytest

from backend.runs.causes import _KNOWN, KILLED_ON_REQUEST, cause_of_death
from backend.runs.plan import Plan
from backend.runs.reasons import firing_words, reason_words
from backend.training.config import get_preset
from backend.training.run import _outcome
from backend.training.stop_rules import Firing, default_rules

ENGLISH = re.compile(r"\b(the|of|at|step|by|it|its|was|is|in|and|or|before|steps|stopped|killed|lower)\b")
CONFIG = get_preset("nano")
RULES = default_rules(512, {"push": 0.2})


@pytest.mark.parametrize("reason", [
    _outcome(CONFIG, CONFIG.max_steps, 40, None, "").reason,
    _outcome(CONFIG, 20, 10, None, "").reason,
    _outcome(CONFIG, 20, 10, None, "SIGTERM").reason,
    *(cause_of_death(code, "") for code in (None, 0, 3, -9, -15)),
    *(words for _, words in _KNOWN),
    KILLED_ON_REQUEST,
    "taken out of the queue",
    "stop requested; it ends at the next step",
    "it gave up waiting for its turn",
    "stopped by SIGTERM before it began",
    *(f"{before}1 of 4 runs have finished; {Plan(hours, dollars).used_words(0.25)}{after}"
      for before, hours, dollars, after in (
          ("", None, None, ""), ("stopped by SIGTERM: ", 2.0, None, ""), ("", None, 0.8, ""),
          ("the budget is used up: ", 0.25, 0.8, ". `run_training.py --resume r --hours …` (or --dollars) goes on with a larger one"),
      )),
])  # fmt: skip
def test_what_the_workbench_says_is_said_in_portuguese(reason: str) -> None:
    words = reason_words(reason)
    assert words.en == reason and not ENGLISH.search(words.pt), words.pt


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_speaks_portuguese(rule) -> None:
    what = str(Firing(rule, 40, "grad_norm 2.50"))
    words = firing_words(what)
    assert words.en == what and not ENGLISH.search(words.pt), words.pt
    assert words.pt in reason_words(f"stopped by the rule {what}").pt


def test_what_is_quoted_stays() -> None:
    log = "step 3/60\nValueError: the end of it"
    words = reason_words(f"it ended with exit code 3\nLast lines of its log:\n{log}")
    assert words.pt == f"terminou com código 3\nÚltimas linhas do registro:\n{log}"
    assert reason_words("ValueError: the end of it").pt == "ValueError: the end of it"
