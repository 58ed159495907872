"""Who may do what: every guarded function as every role, the address, and the log that only grows."""

import importlib
import inspect
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend import access
from backend.access import GUARDED, NOBODY, OPERATOR, ROLES, NotAllowed, Person, acting_as, roles_of, who
from backend.settings import ROOT
from backend.store.engine import writing
from backend.store.events import latest_events, record

for source in (ROOT / "backend").rglob("*.py"):
    if "@needs(" in source.read_text(encoding="utf-8"):
        importlib.import_module(".".join(source.relative_to(ROOT).with_suffix("").parts))

EXPECTED = {
    "annotator": {"get_rater", "save_rating", "undo_last", "claim_next", "claim", "save_criterion", "save_draft", "next_pair", "save_pair", "undo_pair"},
    "pm": {"queue_pairs", "queue_tuned"},
    "engineer": {
        "decide_gates", "keep_case", "import_ratings", "import_scores", "import_criteria", "import_completions", "bring_in", "use_suite", "rating_rows", "create_run", "create_folder", "create_several", "enqueue", "cancel",
        "move", "start_sampling", "request_stop", "start_preflight", "cancel_preflight", "import_run", "describe", "save_prompt_set", "import_olist",
        "export_run", "start_export", "start_benchmark", "send_to_raters", "next_prompt_set", "leave_out", "queue_finds",
        "import_pairs", "put_first", "write_preferences", "accept_change", "follow_folder", "take_in_folder", "keep_attack",
    },
}  # fmt: skip


def test_what_writes_asks_for_a_role() -> None:
    found = {role: {n.rpartition(".")[2] for n, roles in GUARDED.items() if role in roles} for role in ROLES}
    assert found == EXPECTED


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(GUARDED))
@pytest.mark.parametrize("role", [*ROLES, None])
def test_every_function_as_every_role(name: str, role: str | None, workbench: Path) -> None:
    """Called with nonsense, a function that is not theirs says so; one that is gets further, and stumbles over that."""
    module, _, function = name.rpartition(".")
    called = getattr(importlib.import_module(module), function)
    required = [p for p in inspect.signature(called).parameters.values() if p.default is p.empty]
    allowed = role == "engineer" or role in GUARDED[name]
    with acting_as(Person("x@example.com", frozenset({role} if role else ()))):
        try:
            called(*[None for _ in required])
        except NotAllowed as error:
            assert not allowed and "x@example.com may not do this" in str(error)
        except Exception:
            assert allowed
        else:
            assert allowed


def test_a_terminal_acts_as_the_operator_and_asking_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert who() == OPERATOR
    monkeypatch.setattr(access, "_ask", lambda: NOBODY)
    assert who() == NOBODY
    with acting_as(OPERATOR):
        assert who() == OPERATOR
    assert who() == NOBODY


def test_roles_come_from_the_claim_and_from_the_lists() -> None:
    lists = {"annotator": ["ana@example.com"], "pm": [], "engineer": ["eva@example.com"]}
    assert roles_of({}, "Ana@Example.com", "", lists) == {"annotator"}
    assert roles_of({"roles": ["pm", "admin"]}, "ana@example.com", "roles", lists) == {"annotator", "pm"}
    assert roles_of({"roles": "pm, engineer"}, "", "roles", lists) == {"pm", "engineer"}
    assert roles_of({"roles": ["engineer"]}, "x@example.com", "", lists) == set()
    assert roles_of({}, "", "", lists) == set()


def test_the_log_only_grows(any_workbench: Path) -> None:
    with acting_as(Person("eva@example.com", frozenset({"engineer"}))), writing() as session:
        record(session, "launched", "run-1", preset="nano")
    for statement in ("UPDATE events SET person = 'x'", "DELETE FROM events"):
        with pytest.raises(DBAPIError, match="append-only"), writing() as session:
            session.execute(text(statement))
    with writing() as session:
        (row,) = latest_events(session).to_dict("records")
    assert (row["person"], row["what"], row["about"], row["detail"]) == (
        "eva@example.com",
        "launched",
        "run-1",
        {"preset": "nano"},
    )
