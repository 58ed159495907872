"""The audit of one's own reward file on one's own completions, as `workbench audit` and its JSON say it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from backend.access import needs
from backend.audit.correlation import Correlation, correlate
from backend.audit.gate import decide
from backend.audit.judges import CHECKS, as_dict, audit_judge
from backend.audit.pairs import pairwise_accuracy, same_choice
from backend.audit.raters import doubt_of
from backend.audit.robustness import held_out_difference, is_held_out
from backend.audit.table import People, audit_table, people_of
from backend.audit.verdicts import rewards_of, verdict_of
from backend.data.completions import Taken, import_completions, stratified
from backend.data.sources import raw_rows
from backend.data.sources.layout import Layout
from backend.errors import UserError, bad_rows
from backend.rating.imported import ImportedScore, import_scores
from backend.rating.pairs import import_pairs
from backend.rating.queue import enqueue
from backend.store.completions import all_ratings, ensure_scores, gap_counts, gaps, rated_scores
from backend.store.engine import writing
from backend.store.imported import ids_of_keys
from backend.store.pairs import pair_ratings, stored_values
from backend.suites import GateSettings, Suite, default_profile, fingerprint, get_task, suite_of
from backend.wording import p_value
from rewards.types import Functions

MOST_QUEUED = 300
"""Completions of one file that are put before the raters."""
EXIT_CODES = {"pass": 0, "fail": 1, "more ratings needed": 3}


def read_scores(path: Path, taken: Taken) -> list[tuple[str, str, float, str]]:
    """A file of ratings beside a file of completions: rows of id, rater, score, and optionally comment.

    Returns:
        (the completion's key, rater, score, comment) of each.

    Raises:
        UserError: it cannot be read, or has bad rows (named by place); ``prompt`` and ``completion`` in place of ``id`` are for
            `workbench ratings import`.
    """
    found, bad = [], []
    for place, row in raw_rows(path):
        try:
            if isinstance(row, ValueError):
                raise row
            if missing := [name for name in ("id", "rater", "score") if name not in row]:
                raise ValueError(f"lacks {', '.join(missing)}; a rating is a row of id, rater and score")
            key = taken.by_id.get(str(row["id"]))
            if key is None:
                raise ValueError(f"no completion has the id {str(row['id'])[:40]!r}")
            found.append((key, str(row["rater"])[:120], float(row["score"]), str(row.get("comment") or "")))
        except (TypeError, ValueError) as error:
            bad.append(f"{path}:{place}: {error}")
    if bad:
        raise bad_rows(f"of {len(found) + len(bad)} ratings", bad)
    if not found:
        raise UserError(f"{path} holds no ratings")
    return found


def take_scores(session: Session, taken: Taken, ratings: Sequence[tuple[str, str, float, str]]) -> int:
    """Put the ratings of a file, and those that stood with its completions, into the store; returns how many are new."""
    every = [*taken.ratings, *ratings]
    ids = ids_of_keys(session, list(dict.fromkeys(key for key, *_ in every)))
    by_task = suite_of(next(iter(taken.tasks)))
    scores = [ImportedScore(ids[key], rater, score, comment) for key, rater, score, comment in every]
    return import_scores(session, scores, by_task.scale) if scores else 0


def read_choices(path: Path, taken: Taken) -> list[tuple[str, str, str, int]]:
    """A file of choices beside a file of completions: rows of first, second (ids), rater, and better: 1, 2, or 0 for neither.

    Returns:
        (the first one's key, the second one's, rater, better) of each.

    Raises:
        UserError: it cannot be read, or has bad rows (named by place).
    """
    found, bad = [], []
    for place, row in raw_rows(path):
        try:
            if isinstance(row, ValueError):
                raise row
            if missing := [name for name in ("first", "second", "rater", "better") if name not in row]:
                raise ValueError(f"lacks {', '.join(missing)}; a choice is a row of first, second, rater and better")
            keys = [taken.by_id.get(str(row[name])) for name in ("first", "second")]
            if keys[0] is None or keys[1] is None:
                name = "first" if keys[0] is None else "second"
                raise ValueError(f"no completion has the id {str(row[name])[:40]!r}")
            if str(row["better"]).strip() not in ("0", "1", "2"):
                raise ValueError(
                    f"better is 1 (the first), 2 (the second) or 0 (neither), not {str(row['better'])[:20]!r}"
                )
            found.append((keys[0], keys[1], str(row["rater"])[:120], int(row["better"])))
        except (TypeError, ValueError) as error:
            bad.append(f"{path}:{place}: {error}")
    if bad:
        raise bad_rows(f"of {len(found) + len(bad)} choices", bad)
    return found


def take_choices(session: Session, choices: Sequence[tuple[str, str, str, int]]) -> int:
    """Put the choices of a file into the store; returns how many."""
    ids = ids_of_keys(session, list(dict.fromkeys(key for first, second, *_ in choices for key in (first, second))))
    return import_pairs(session, [(ids[first], ids[second], rater, better) for first, second, rater, better in choices])


@needs("engineer")
def bring_in(
    completions: Path,
    layout: Layout | None = None,
    ratings: Path | None = None,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> Taken:
    """Take a file of completions, and the ratings there are, and put completions before the raters.

    All of them are queued, or of a larger file ``MOST_QUEUED``, spread over the whole file.

    Raises:
        UserError: a file cannot be read or has bad rows, or a reward function fails on the queued ones.
    """
    taken = import_completions(completions, layout, on_progress=on_progress)
    given = read_scores(ratings, taken) if ratings is not None else []
    with writing() as session:
        take_scores(session, taken, given)
        ids = list(ids_of_keys(session, stratified(taken, MOST_QUEUED)).values())
        ensure_scores(session, default_profile(), ids)
        enqueue(session, ids)
    return taken


def audit_own(
    session: Session, suite: Suite, taken: Taken, checks: int = CHECKS, everything: bool = False
) -> dict[str, Any]:
    """Score the rated completions of a file and correlate every reward with the people.

    Args:
        session: a writing session.
        suite: whose rewards.
        taken: the file's completions.
        checks: how many pairs and repeats every judge is asked for, for its biases.
        everything: whether completions that nobody rated are scored too, for what a judge that can stand in for a person says
            of all of them.

    Returns:
        ``{"suite", "tasks": [{"task", "n", "prompts", "gate", "reason", "fingerprint", "within", "held_out", "raters",
        "rewards": [{"name", "rho", "low", "high", "p", "p_holm", "n"}], "pairs", "gaps", "verdicts", "sentence", "judges"}]}``; numbers that are undefined are None. All ratings
        count for ρ and the gate; ``held_out`` is the held-out half's ρ, and ``difference`` in it is that ρ minus the visible
        half's, with its interval.
    """
    profile = suite.default_profile
    ids = list(ids_of_keys(session, taken.keys).values())
    ensure_scores(session, profile)
    if everything:
        ensure_scores(session, profile, ids)
    scored = rated_scores(session, profile, only=set(ids), with_total=False)
    rated = scored[scored["completion_id"].isin(scored.loc[scored["component"] == "total", "completion_id"])]
    people, without = people_of(all_ratings(session, ids)), gaps(session, profile, set(ids))
    audit = audit_table(rated, people, gaps=gap_counts(session, profile, set(ids)))
    choices = pair_ratings(session, ids)
    tasks = []
    for task in taken.tasks:
        of_task, rows = audit[audit["task"] == task], rated[rated["task"] == task]
        said = _task(task, of_task, rows, people.get(task), fingerprint(task, profile))
        missing, each = without[without["task"] == task], scored[scored["task"] == task]
        if of_task.empty and len(missing):
            said |= _all_missing(missing, suite.gate)
        said["pairs"] = _pairs(session, choices[choices["task"] == task], profile)
        tasks.append({**said, **_each(session, suite, task, each, people.get(task), missing, ids, checks)})
    return {"suite": suite.name, "tasks": tasks}


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


def _task(task: str, audit: pd.DataFrame, rated: pd.DataFrame, people: People | None, rules: str) -> dict[str, Any]:
    head: dict[str, Any] = {"task": task, "fingerprint": rules}
    if audit.empty:
        none = {"n": 0, "gate": "more ratings needed", "reason": "no completion has been rated", "rewards": []}
        return {**head, **none}
    total = audit[audit["reward"] == "total"].iloc[0]
    return {
        **head,
        "n": int(total["n"]),
        "prompts": int(total["prompts"]),
        "gate": total["verdict"],
        "reason": str(total["reason"]),
        "within": _numbers(total, {"n": "within_n", "rho": "within", "low": "within_low", "high": "within_high"}),
        "held_out": _held_out(rated),
        "raters": _raters(total, people),
        "rewards": [
            {"name": row["reward"], **_numbers(row, {k: k for k in ("rho", "low", "high", "p", "p_holm", "n")})}
            for _, row in audit.iterrows()
        ],
    }


def _held_out(rated: pd.DataFrame) -> dict[str, Any]:
    """ρ of the total on the held-out half of the prompts, with its interval, and its difference from the visible half's."""
    totals = rated[rated["component"] == "total"]
    half = totals[totals["prompt_id"].map(is_held_out).astype(bool)]
    (c,) = correlate(half["human"], half[["value"]], half["prompt_id"].tolist())
    return {"n": c.n, "rho": c.rho, "low": c.low, "high": c.high, "difference": asdict(held_out_difference(totals))}


def _raters(total: pd.Series, people: People | None) -> dict[str, Any]:
    """The raters' agreement, the ceiling that it sets, ρ adjusted for their severity, and who is in doubt."""
    if people is None:
        return {}
    a = people.agreement
    return {
        "alpha": a.alpha,
        "ceiling": a.ceiling,
        "ceiling_low": a.ceiling_low,
        "ceiling_high": a.ceiling_high,
        "severity_range": people.severity.range if people.severity.identified else None,
        "adjusted_rho": None if pd.isna(total["adjusted"]) else float(total["adjusted"]),
        "in_doubt": [check.rater for check in people.checks if doubt_of(check) is not None],
    }


def _numbers(row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    found = {to: row[name] for to, name in names.items()}
    return {k: None if pd.isna(v) else int(v) if k == "n" else float(v) for k, v in found.items()}


def exit_code(tasks: Collection[Mapping[str, Any]]) -> int:
    """0 when every gate passes, 1 when one fails, 3 when none fails and some need more ratings."""
    codes = {EXIT_CODES[str(task["gate"])] for task in tasks}
    return 1 if 1 in codes else 3 if 3 in codes or not codes else 0


def as_table(audit: Mapping[str, Any]) -> str:
    """The audit as aligned text for a terminal."""
    lines = []
    for task in audit["tasks"]:
        lines.append(f"{task['task']}: {task['gate'].upper()} ({task['reason']})")
        if task["rewards"]:
            lines.append(f"  {'reward':<32}{'n':>6}{'ρ':>8}  {'95 % interval':<16}{'p':>8}")
        for r in task["rewards"]:
            interval = "" if r["low"] is None else f"{r['low']:+.2f} to {r['high']:+.2f}"
            rho = "–" if r["rho"] is None else f"{r['rho']:+.3f}"
            p = "–" if r["p"] is None else str(p_value(r["p"]))
            lines.append(f"  {r['name']:<32}{r['n']:>6}{rho:>8}  {interval:<16}{p:>8}")
        within, held = task.get("within") or {}, task.get("held_out") or {}
        if within.get("rho") is not None:
            lines.append(f"  within prompts: ρ {within['rho']:+.2f} over {within['n']} prompts")
        if held.get("rho") is not None:
            d = held["difference"]
            apart = (
                ""
                if d["low"] is None
                else f", {d['delta']:+.2f} ({d['low']:+.2f} to {d['high']:+.2f}) from the other half"
            )
            lines.append(f"  on the half held out: ρ {held['rho']:+.2f} (n = {held['n']}{apart})")
        for r in (task.get("pairs") or {"rewards": []})["rewards"]:
            if r["accuracy"] is not None:
                ends = "" if r["low"] is None else f" ({r['low']:.2f} to {r['high']:.2f})"
                lines.append(
                    f"  pairs: {r['name']} prefers what people prefer in {r['accuracy']:.2f}{ends} of {r['choices']} choices"
                )
        for name, kinds in (task.get("gaps") or {}).items():
            lines.append(f"  gaps: {name} has no value for " + ", ".join(f"{n} ({kind})" for kind, n in kinds.items()))
        if (raters := task.get("raters") or {}).get("ceiling") is not None:
            ceiling = f"  raters: α {raters['alpha']:+.2f}; if they are alike, a reward without error reaches ρ {raters['ceiling']:.2f}"
            lines.append(ceiling)
        for judge in task.get("judges") or []:
            took = judge["spent"]
            cost = "" if took["dollars"] is None else f", ${took['dollars']:.4f}"
            tokens = took["prompt_tokens"] + took["completion_tokens"]
            lines.append(
                f"  judge: {judge['name']} asked {judge['model']} {took['calls']} times so far ({tokens} tokens{cost})"
            )
        if task.get("sentence"):
            lines.append(f"  each alone: {task['sentence']}")
    return "\n".join(lines)
