"""The audit of one's own reward file on one's own completions, as `workbench audit` and its JSON say it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy.orm import Session

from backend.access import needs
from backend.audit.alone import as_lines, each_alone
from backend.audit.attacks import standing_attacks
from backend.audit.best_of_n import as_rows, of_people, sentence
from backend.audit.correlation import Difference, correlate
from backend.audit.exchange import unneutralised
from backend.audit.gates import Audited, audit_rated, decide_gates, rates_more
from backend.audit.judges import CHECKS
from backend.audit.policies import PolicyRho, by_policy
from backend.audit.raters import doubt_of
from backend.audit.robustness import held_out_difference, is_held_out
from backend.audit.rubrics import as_dict, criterion_correlations, refit, refit_words
from backend.audit.rubrics import as_lines as rubric_lines
from backend.audit.strongest import strongest
from backend.audit.table import People
from backend.audit.unrated import as_lines as unrated_lines
from backend.audit.unrated import try_rewards
from backend.data.completions import Taken, import_completions, stratified
from backend.data.sources import raw_rows
from backend.data.sources.layout import Layout
from backend.errors import UserError, bad_rows
from backend.rating.criteria import VALUES, import_criteria
from backend.rating.imported import ImportedScore, check_scale, import_scores
from backend.rating.queue import enqueue
from backend.store.completions import ensure_scores
from backend.store.criteria import criterion_scores
from backend.store.engine import in_parts, in_transaction, reading, writing
from backend.store.imported import ids_of_keys, keys_of_texts
from backend.store.tables import ATTACK
from backend.suites import Suite, default_profile, fingerprint, get_task, suite_of
from backend.suites.new_version import with_weights
from backend.wording import p_value

MOST_QUEUED = 300
"""Completions of one file that are put before the raters."""
EXIT_CODES = {"pass": 0, "fail": 1, "more ratings needed": 3}


class Given(NamedTuple):
    """What stands in a file of ratings.

    Attributes:
        ratings: (the completion's key, rater, score, comment) of each row.
        criteria: (the completion's key, rater, criterion, value) of every criterion in it that has one.
    """

    ratings: list[tuple[str, str, float, str]] = []  # noqa: RUF012  never changed
    criteria: list[tuple[str, str, str, int]] = []  # noqa: RUF012


def read_scores(path: Path, taken: Taken) -> Given:
    """A file of ratings beside a file of completions: rows of id, rater, score, and optionally comment and criteria by their keys.

    ``prompt`` and ``completion`` may stand in place of ``id``: so the workbench writes ratings itself.

    Raises:
        UserError: it cannot be read, or has bad rows (named by place).
    """
    found, bad = Given([], []), []
    by_text = cache(partial(_by_text, taken.keys))  # asked for where a rating names no id
    known = [criterion.key for criterion in get_task(next(iter(taken.tasks))).criteria]
    for place, row in raw_rows(path):
        try:
            if isinstance(row, ValueError):
                raise row
            if row.get("origin") == ATTACK:  # what an attack wrote stands in no file of completions
                continue
            key = _key_of(row, taken, by_text)
            rater = str(row["rater"])[:120]
            found.ratings.append((key, rater, float(row["score"]), str(row.get("comment") or "")))
            there = [name for name in known if not (pd.isna(row.get(name)) or row[name] == "")]
            found.criteria.extend((key, rater, name, _level(name, row[name])) for name in there)
        except (TypeError, ValueError) as error:
            bad.append(f"{path}:{place}: {error}")
    if bad:
        raise bad_rows(f"of {len(found.ratings) + len(bad)} ratings", bad)
    if not found.ratings:
        raise UserError(f"{path} holds no ratings")
    return found


def _by_text(keys: Sequence[str]) -> dict[tuple[str, str], str]:
    with reading() as session:
        return keys_of_texts(session, keys)


def _key_of(row: Mapping[str, Any], taken: Taken, by_text: Callable[[], Mapping[tuple[str, str], str]]) -> str:
    """Which completion of the file a rating is of."""
    has_texts = "id" not in row and "prompt" in row and "completion" in row
    if missing := [name for name in ("id", "rater", "score") if name not in row and not (has_texts and name == "id")]:
        raise ValueError(
            f"lacks {', '.join(missing)}; a rating is a row of id (or prompt and completion), rater and score"
        )
    if has_texts:
        prompt, completion = str(row["prompt"]), str(row["completion"])
        key = by_text().get((prompt, completion)) or by_text().get((unneutralised(prompt), unneutralised(completion)))
        named = f"this prompt and the text {completion[:40]!r}"
    else:
        key, named = taken.by_id.get(str(row["id"])), f"the id {str(row['id'])[:40]!r}"
    if key is None:
        raise ValueError(f"no completion has {named}")
    return key


def _level(criterion: str, value: Any) -> int:
    if float(value) not in VALUES:
        raise ValueError(f"{criterion} is {value!r}; a criterion's score is 0, 1 or 2")
    return int(float(value))


def take_criteria(session: Session, taken: Taken, criteria: Sequence[tuple[str, str, str, int]]) -> None:
    """Put the criteria's scores of a file of ratings into the store."""
    ids = ids_of_keys(session, list(dict.fromkeys(key for key, *_ in criteria)))
    import_criteria(session, [(ids[key], rater, name, value) for key, rater, name, value in criteria])


def take_scores(session: Session, taken: Taken, ratings: Sequence[tuple[str, str, float, str]]) -> int:
    """Put the ratings of a file, and those that stood with its completions, into the store; returns how many are new."""
    return _take(session, taken, [*taken.ratings, *ratings])


def _take(session: Session, taken: Taken, ratings: Sequence[tuple[str, str, float, str]]) -> int:
    ids = ids_of_keys(session, list(dict.fromkeys(key for key, *_ in ratings)))
    by_task = suite_of(next(iter(taken.tasks)))
    scores = [ImportedScore(ids[key], rater, score, comment) for key, rater, score, comment in ratings]
    return import_scores(session, scores, by_task.scale) if scores else 0


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
    given = read_scores(ratings, taken) if ratings is not None else Given()
    queued = stratified(taken, MOST_QUEUED)
    with writing() as session:
        ids = list(ids_of_keys(session, queued).values())
        ensure_scores(session, default_profile(), ids)
    every = [*taken.ratings, *given.ratings]
    check_scale([score for *_, score, _ in every], suite_of(next(iter(taken.tasks))).scale)
    for part in in_parts(every):  # in parts, so that raters need not wait; the same file again takes what is missing
        in_transaction(partial(_take, taken=taken, ratings=part))
    in_transaction(lambda session: take_criteria(session, taken, given.criteria))
    in_transaction(lambda session: enqueue(session, ids))
    return taken


def audit_own(
    session: Session, suite: Suite, taken: Taken, decided_by: str, checks: int = CHECKS, everything: bool = False
) -> dict[str, Any]:
    """Score the rated completions of a file, correlate every reward with the people, and record the decisions.

    What is recorded is what is returned, unless people have rated other completions of these tasks too: decisions rest on all.

    Args:
        session: a writing session.
        suite: whose rewards.
        taken: the file's completions.
        decided_by: who asked for it.
        checks: how many pairs and repeats every judge is asked for, for its biases.
        everything: whether completions that nobody rated are scored too, for what a judge that can stand in for a person says
            of all of them.

    Returns:
        ``{"suite", "finding", "tasks": [{"task", "n", "prompts", "gate", "reason", "fingerprint", "within", "held_out",
        "raters", "unrated", "policies", "best_of_n", "over_optimisation", "attack", "rewards": [{"name", "rho", "low", "high", "p",
        "p_holm", "n"}], "criteria", "refit", "pairs", "gaps", "verdicts", "sentence", "judges"}]}``; numbers that are undefined are None. ``finding`` is the strongest, in words. All ratings count for
        ρ and the gate; ``held_out`` is the held-out half's ρ, and ``difference`` in it is that ρ minus the visible half's, with
        its interval. ``best_of_n`` has a row for each n (``backend.audit.best_of_n``), and ``over_optimisation`` says in words
        what they mean. ``unrated`` is what the rewards give (``backend.audit.unrated``) where nobody has rated any completion.
    """
    profile = suite.default_profile
    ids = set(ids_of_keys(session, taken.keys).values())
    if everything:
        ensure_scores(session, profile, sorted(ids))
    audited = audit_rated(session, profile, only=ids)
    decide_gates(session, profile, decided_by, audited=None if rates_more(session, ids) else audited)
    attacks, rated = standing_attacks(session, profile), audited.rated
    picked = {task: of_people(rated[rated["task"] == task]) for task in taken.tasks}
    tried = try_rewards(session, profile, taken, set(taken.tasks) - set(rated["task"]))
    alone = each_alone(session, suite, audited.people, taken.tasks, ids, checks)
    policies = by_policy(rated)
    findings = strongest(rated, audited.table, attacks, picked, policies)
    return {
        "suite": suite.name,
        "finding": str(findings[0].words) if findings else _nothing(alone),
        "tasks": [
            {
                **_task(task, audited, policies, fingerprint(task, profile)),
                "best_of_n": as_rows(picked[task]),
                "over_optimisation": None if (words := sentence(picked[task])) is None else str(words),
                "attack": None
                if task not in attacks
                else {"broke": attacks[task].broke, "words": str(attacks[task].words)},
                "unrated": tried.get(task, []),
                **_rubrics(session, task, rated[rated["task"] == task], ids),
                **alone[task],
            }
            for task in taken.tasks
        ],
    }


def _rubrics(session: Session, task: str, rated: pd.DataFrame, ids: Collection[int]) -> dict[str, Any]:
    """ρ of every reward with each criterion, and the weights refitted, with the file that has them where they are better."""
    if rated.empty:
        return {"criteria": [], "refit": None}
    given, found = criterion_scores(session, ids), refit(rated, get_task(task))
    new = "" if found is None else with_weights(task, found.refitted, str(refit_words(found)))[1]
    return as_dict(criterion_correlations(rated, given[given["task"] == task]), found, new)


def _nothing(alone: Mapping[str, Mapping[str, Any]]) -> str:
    """Why there is nothing to find."""
    if any(said["gaps"] for said in alone.values()):
        return "No rated completion has a total: a judge that counts in it gave no value."
    return "No completion has been rated."


def _task(task: str, audited: Audited, policies: Sequence[PolicyRho], rules: str) -> dict[str, Any]:
    audit, rated = (frame[frame["task"] == task] for frame in (audited.table, audited.rated))
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
        "raters": _raters(total, audited.people.get(task)),
        "policies": [
            {"policy": p.policy, **p.found.as_dict(), "apart": _apart(p.apart)} for p in policies if p.task == task
        ],
        "rewards": [
            {"name": row["reward"], **_numbers(row, {k: k for k in ("rho", "low", "high", "p", "p_holm", "n")})}
            for _, row in audit.iterrows()
        ],
    }


def _apart(difference: Difference | None) -> dict[str, Any] | None:
    return None if difference is None else asdict(difference)


def _held_out(rated: pd.DataFrame) -> dict[str, Any]:
    """ρ of the total on the held-out half of the prompts, with its interval, and its difference from the visible half's."""
    totals = rated[rated["component"] == "total"]
    half = totals[totals["prompt_id"].map(is_held_out).astype(bool)]
    (c,) = correlate(half["human"], half[["value"]], half["prompt_id"].tolist())
    return {**c.as_dict(), "difference": asdict(held_out_difference(totals))}


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
    lines = [str(audit["finding"])]
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
        if (raters := task.get("raters") or {}).get("ceiling") is not None:
            ceiling = f"  raters: α {raters['alpha']:+.2f}; if they are alike, a reward without error reaches ρ {raters['ceiling']:.2f}"
            lines.append(ceiling)
        if task.get("over_optimisation"):
            lines.append(f"  best of n: {task['over_optimisation']}")
        policies = [p for p in task.get("policies") or [] if p["rho"] is not None]
        if len(policies) > 1:
            each = ", ".join(f"{p['policy']} {p['rho']:+.2f} (n = {p['n']})" for p in policies)
            lines.append(f"  ρ by who wrote the answers: {each}")
        if task.get("attack"):
            lines.append(f"  attack: {task['attack']['words']}")
        lines += unrated_lines(task["unrated"])
        lines += [*rubric_lines(task), *as_lines(task)]
    return "\n".join(lines)
