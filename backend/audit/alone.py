"""Each reward of a file on its own, beside the total: its gaps, its verdict in a sentence, people's choices, and the judges among them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from backend.audit.correlation import Correlation
from backend.audit.gate import decide
from backend.audit.judges import as_dict, audit_judge
from backend.audit.pairs import pairwise_accuracy, same_choice
from backend.audit.table import People
from backend.audit.verdicts import rewards_of, verdict_of
from backend.store.completions import ensure_scores, gaps, human_scores, rated_scores
from backend.store.pairs import pair_ratings, stored_values
from backend.suites import GateSettings, Suite, get_task
from rewards.types import Functions


def each_alone(
    session: Session, suite: Suite, people: dict[str, People], tasks: Collection[str], ids: Collection[int], checks: int
) -> dict[str, dict[str, Any]]:
    """Task -> ``{"pairs", "gaps", "verdicts", "sentence", "judges"}``, and ``gate`` and ``reason`` where every total is missing.

    Args:
        session: a writing session, with the rated completions scored.
        suite: whose rewards.
        people: what is known of each task's raters.
        tasks: of the completions.
        ids: the completions.
        checks: how many pairs and repeats every judge is asked for, for its biases.
    """
    profile = suite.default_profile
    scored = rated_scores(session, profile, human_scores(session, only=ids), with_total=False)
    lost = gaps(session, profile, ids)
    choices, found = pair_ratings(session, list(ids)), {}
    for task in tasks:
        missing, rows = lost[lost["task"] == task], scored[scored["task"] == task]
        found[task] = {
            "pairs": _pairs(session, choices[choices["task"] == task], profile),
            **_each(session, suite, task, rows, people.get(task), missing, list(ids), checks),
        }
        if len(missing) and (rows["component"] != "total").all():
            found[task] |= _all_missing(missing, suite.gate)
    return found


def _pairs(session: Session, choices: pd.DataFrame, profile: str) -> dict[str, Any] | None:
    """How often every reward, of two completions, prefers the one that people prefer; None where nobody has chosen."""
    if choices.empty:
        return None
    ids = sorted({int(i) for i in (*choices["first"], *choices["second"])})
    ensure_scores(session, profile, ids)
    values = stored_values(session, ids, profile)
    return {
        "people": asdict(same_choice(choices)),
        "rewards": [{"name": name, **asdict(pairwise_accuracy(choices, of))} for name, of in values.items()],
    }


def _all_missing(missing: pd.DataFrame, settings: GateSettings) -> dict[str, Any]:
    """A task whose rated completions all lack the total."""
    gate = decide(Correlation(0, None), settings, gaps=missing["completion_id"].nunique())
    return {"gate": gate.verdict, "reason": str(gate.reason)}


def _each(
    session: Session, suite: Suite, task: str, rated: pd.DataFrame, people: People | None, missing: pd.DataFrame, ids: list[int],
    checks: int,
) -> dict[str, Any]:  # fmt: skip
    """Every reward alone, its gaps, and the judges among them."""
    reward, known = get_task(task).reward, suite.scorer.judges if suite.scorer is not None else {}
    weights = reward.weights if isinstance(reward, Functions) else {}
    rows = rewards_of(rated)
    judges = {
        name: audit_judge(session, known[name], suite.default_profile, rows[name], people.ratings, missing, ids, checks)
        for name in weights
        if name in known and name in rows and people is not None
    }
    verdicts = []
    for name, weight in weights.items():
        lost = int((missing["component"] == name).sum())
        if name not in rows and not lost:
            continue
        beside = {"model": known[name].model if name in known else ""}
        findings = judges[name].findings if name in judges else ()
        mine = rows.get(name, rated.head(0))
        verdicts.append(verdict_of(name, mine, suite.gate, weight, lost, findings=findings, **beside))
    return {
        "gaps": {str(name): {str(k): int(n) for k, n in of["kind"].value_counts().sort_index().items()} for name, of in missing.groupby("component")},
        "verdicts": [
            {
                "name": v.name, "kind": "judge" if v.model else "rule", "gate": v.verdict, "reason": str(v.reason),
                "findings": [str(words) for words in v.findings],
            }
            for v in verdicts
        ],
        "sentence": " ".join(str(v.sentence) for v in verdicts),
        "judges": [as_dict(judge) for judge in judges.values()],
    }  # fmt: skip


def as_lines(task: Mapping[str, Any]) -> list[str]:
    """What ``each_alone`` says of a task, as lines for a terminal."""
    lines = []
    for r in (task.get("pairs") or {"rewards": []})["rewards"]:
        if r["accuracy"] is not None:
            ends = "" if r["low"] is None else f" ({r['low']:.2f} to {r['high']:.2f})"
            lines.append(
                f"  pairs: {r['name']} prefers what people prefer in {r['accuracy']:.2f}{ends} of {r['choices']} choices"
            )
    for name, kinds in (task.get("gaps") or {}).items():
        lines.append(f"  gaps: {name} has no value for " + ", ".join(f"{n} ({kind})" for kind, n in kinds.items()))
    for judge in task.get("judges") or []:
        took = judge["spent"]
        cost = "" if took["dollars"] is None else f", ${took['dollars']:.4f}"
        tokens = took["prompt_tokens"] + took["completion_tokens"]
        lines.append(
            f"  judge: {judge['name']} asked {judge['model']} {took['calls']} times so far ({tokens} tokens{cost})"
        )
    if task.get("sentence"):
        lines.append(f"  each alone: {task['sentence']}")
    return lines
