"""The audit card: one page on one version of a suite, for a model card or a pull request, as JSON, Markdown or HTML.

It says what was rated by whom, how far people agree, ρ with its intervals, what an attack found, and the limits of all this; and it
is bound to the fingerprints of the rewards and to the ratings it rests on. Raters are named by pseudonyms.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.audit.attack import as_dict as attack_as_dict
from backend.audit.attack import attack_task
from backend.audit.gates import ratings_hashes
from backend.errors import UserError
from backend.files import write_whole
from backend.html_page import document, words_table
from backend.store.completions import all_ratings
from backend.store.engine import in_parts
from backend.store.ratings import scored_ratings
from backend.store.tables import Completion, Rating
from backend.suites import Suite, counting_judges
from backend.wording import Text, p_value

CALLS = 2_000
"""Calls of each task's reward in the card's own attack."""
SUFFIXES = (".html", ".md", ".json")


@dataclass(frozen=True)
class Table:
    """Rows of text under column names."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A heading with sentences and, below them, a table."""

    title: str
    lines: Sequence[str]
    table: Table | None = None


def audit_card(
    session: Session, suite: Suite, audit: Mapping[str, Any], ids: Sequence[int], attack_calls: int | None = None,
    on_progress: Callable[[int, float], None] = lambda calls, best: None,
) -> dict[str, Any]:  # fmt: skip
    """What stands on the card, as plain values.

    Args:
        session: a reading session.
        suite: which rewards.
        audit: of them (``backend.audit.own.audit_own``).
        ids: the audited completions.
        attack_calls: calls of each task's reward in an attack; left out, ``CALLS`` for rules, and none where a judge counts, which
            would be asked as often. 0 for none.
        on_progress: of the attack.
    """
    hashes, ratings = ratings_hashes(session), all_ratings(session, list(ids))
    names = {name: f"rater {place}" for place, name in enumerate(sorted(ratings["rater"].unique()), start=1)}
    tasks = []
    for said in audit["tasks"]:
        task = str(said["task"])
        of_task = ratings[ratings["task"] == task]
        doubt = set((said.get("raters") or {}).get("in_doubt", []))
        whole = {k: v for k, v in said.items() if k != "raters"} | {
            "agreement": {k: v for k, v in (said.get("raters") or {}).items() if k != "in_doubt"},
            "rated": _rated(session, of_task, names, doubt),
            "ratings": hashes.get(task),
            "standing_attack": said.get("attack"),
            "attack": _attack(session, suite, task, attack_calls, on_progress),
        }
        tasks.append({**_hidden(whole, names), "limits": _limits(whole, of_task)})
    made = datetime.now(UTC).date().isoformat()
    return {"suite": suite.name, "made": made, "gate": suite.gate.model_dump(), "tasks": tasks}


def _rated(session: Session, ratings: pd.DataFrame, names: Mapping[str, str], doubt: set[str]) -> dict[str, Any]:
    """What was rated, and by whom."""
    ids, policies, dates = [int(i) for i in ratings["completion_id"].unique()], dict[str, int](), list[datetime]()
    for part in in_parts(ids):
        counts = select(Completion.policy, func.count()).where(Completion.id.in_(part)).group_by(Completion.policy)
        for policy, n in session.execute(counts):
            policies[policy or "not said"] = policies.get(policy or "not said", 0) + n
        ends = scored_ratings(func.min(Rating.created_at), func.max(Rating.created_at))
        dates += [end for end in session.execute(ends.where(Rating.completion_id.in_(part))).one() if end is not None]
    raters = [
        {"rater": names[str(rater)], "ratings": len(of), "mean": float(of["score"].mean()), "in_doubt": rater in doubt}
        for rater, of in ratings.groupby("rater")
    ]
    return {
        "completions": len(ids),
        "prompts": int(ratings["prompt_id"].nunique()),
        "ratings": len(ratings),
        "written_by": policies,
        "first": min(dates).date().isoformat() if dates else None,
        "last": max(dates).date().isoformat() if dates else None,
        "raters": raters,
    }


def _hidden(said: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A task's part with pseudonyms in place of raters' names: in the gate's reason, and beside each judge."""
    notes = [_renamed(note, names) for note in str(said["reason"]).split("; ")]
    judges = [
        {**j, "alternative": {**(of := j["alternative"]), "raters": [{**r, "rater": names[r["rater"]]} for r in of["raters"]]}}
        for j in said["judges"]
    ]  # fmt: skip
    return {**said, "reason": "; ".join(notes), "judges": judges}


def _renamed(note: str, names: Mapping[str, str]) -> str:
    """A note of the gate, which begins with a rater's name where it is about one (``backend.audit.raters.doubt_of``)."""
    for name in sorted(names, key=len, reverse=True):
        if note.startswith(f"{name} "):
            return names[name] + note.removeprefix(name)
    return note


def _attack(
    session: Session, suite: Suite, task: str, calls: int | None, on_progress: Callable[[int, float], None]
) -> dict[str, Any] | None:
    if calls is None:
        calls = 0 if counting_judges(task) else CALLS
    if not calls:
        return None
    found = attack_as_dict(attack_task(session, task, suite.default_profile, calls, on_progress=on_progress))
    return {k: found[k] for k in ("target", "calls", "best", "calls_to_target", "finds")}


def _limits(said: Mapping[str, Any], ratings: pd.DataFrame) -> list[str]:
    """What this audit does not show, from its own numbers."""
    rated = said["rated"]
    limits = [
        f"It holds for completions like these {rated['completions']} of {rated['prompts']} prompts, written by "
        f"{', '.join(rated['written_by']) or 'nobody'}; after training, completions differ and the audit should be done again."
    ]
    if ratings["rater"].nunique() < 2:
        limits.append("Fewer than two people rated, so how far people agree is not known.")
    elif (ratings.groupby("completion_id")["rater"].nunique() < 2).any():
        alone = int((ratings.groupby("completion_id")["rater"].nunique() < 2).sum())
        limits.append(f"{alone} completions have one person's score only.")
    if (said.get("within") or {}).get("low") is None:
        limits.append("Whether it ranks inside a prompt's group, which is all that GRPO learns from, is not known.")
    if said["attack"] is None and said["standing_attack"] is None:
        limits.append("No attack was run: whether cheap texts score high is not known.")
    elif said["attack"] is not None and not said["attack"]["finds"]:
        limits.append(
            f"An attack of {said['attack']['calls']} calls found nothing; GRPO makes more, and is a stronger optimiser."
        )
    if gaps := sum(sum(kinds.values()) for kinds in said["gaps"].values()):
        limits.append(f"{gaps} values are missing, because a judge gave none.")
    return limits


def sections(card: Mapping[str, Any]) -> list[Section]:
    """The card as headings, sentences and tables: what Markdown and HTML show."""
    found = []
    several = len(card["tasks"]) > 1
    for said in card["tasks"]:
        head = f"{said['task']}: " if several else ""
        lines = [f"Gate: {said['gate']}. {said['reason']}."]
        if said.get("sentence"):
            lines.append(said["sentence"])
        found += [
            Section(f"{head}May it be trained on?", lines),
            _people_section(head, said),
            _rewards_section(head, said),
            *([_judges_section(head, said)] if said.get("judges") else []),
            *([_pairs_section(head, said)] if said.get("pairs") else []),
            _attack_section(head, said),
            Section(f"{head}Limits", said["limits"]),
        ]
    bound = [[str(s["task"]), f"{s['fingerprint']}", s["ratings"] or "none"] for s in card["tasks"]]
    gate = ", ".join(f"{name} {value:g}" for name, value in card["gate"].items())
    found.append(
        Section(
            "What this card is bound to",
            [
                f"Made {card['made']}; the gate's thresholds: {gate}. With another fingerprint or other ratings it is void."
            ],
            Table(("task", "fingerprint of the rewards", "hash of the ratings"), bound),
        )
    )
    return found


def _people_section(head: str, said: Mapping[str, Any]) -> Section:
    rated, agreed = said["rated"], said["agreement"]
    wrote = ", ".join(f"{policy} ({n})" for policy, n in rated["written_by"].items())
    lines = [
        f"{rated['ratings']} scores from 1 to 5 of {rated['completions']} completions of {rated['prompts']} prompts"
        + (f", {rated['first']} to {rated['last']}." if rated["first"] else "."),
        f"The completions were written by {wrote}." if wrote else "",
    ]
    if agreed.get("alpha") is not None:
        lines.append(f"Krippendorff's α (ordinal) {agreed['alpha']:.2f}.")
    if agreed.get("ceiling") is not None:
        lines.append(f"A reward without error would reach about ρ {agreed['ceiling']:.2f} with these raters.")
    rows = [
        [r["rater"], str(r["ratings"]), f"{r['mean']:.2f}", "yes" if r["in_doubt"] else "no"] for r in rated["raters"]
    ]
    return Section(
        f"{head}What was rated, and by whom",
        list(filter(None, lines)),
        Table(("rater", "scores", "mean", "in doubt"), rows),
    )


def _rewards_section(head: str, said: Mapping[str, Any]) -> Section:
    within, held = said.get("within") or {}, said.get("held_out") or {}
    lines = []
    if within.get("rho") is not None:
        lines.append(f"Inside prompts: ρ {within['rho']:.2f}{_interval(within)} over {within['n']} prompts.")
    if held.get("rho") is not None:
        apart = held["difference"]
        differs = "" if apart["low"] is None else f"; {apart['delta']:+.2f}{_interval(apart)} from the visible half"
        lines.append(
            f"On the half of the prompts held out: ρ {held['rho']:.2f}{_interval(held)}, n = {held['n']}{differs}."
        )
    rows = [
        [r["name"], str(r["n"]), "–" if r["rho"] is None else f"{r['rho']:.2f}", _interval(r).strip(" ()"),
         "–" if r["p"] is None else str(p_value(r["p"]))]
        for r in said["rewards"]
    ]  # fmt: skip
    return Section(f"{head}Spearman's ρ with people", lines, Table(("reward", "n", "ρ", "95 % interval", "p"), rows))


def _judges_section(head: str, said: Mapping[str, Any]) -> Section:
    rows, lines = [], []
    for j in said["judges"]:
        kappa, took = j["kappa"], j["spent"]
        cost = "" if took["dollars"] is None else f", ${took['dollars']:.4f}"
        rows.append([
            j["name"], j["model"], j["fingerprint"], "–" if kappa["kappa"] is None else f"{kappa['kappa']:.2f}{_interval(kappa)}",
            ", ".join(f"{n} {kind}" for kind, n in j["gaps"].items()) or "none", f"{took['calls']}{cost}",
        ])  # fmt: skip
        lines += [f"{j['name']}: {words}." for words in j["findings"]]
        if (mean := j["mean"]) is not None:
            lines.append(
                f"{j['name']}: mean human score of all {mean['rated'] + mean['others']} completions {mean['mean']:.2f}{_interval(mean)}, "
                f"prediction-powered; from people alone {_interval({'low': mean['alone_low'], 'high': mean['alone_high']}).strip(' ()')}."
            )
    columns = ("judge", "model", "fingerprint", "weighted κ with people", "gaps", "calls")
    return Section(f"{head}Judges", lines, Table(columns, rows))


def _pairs_section(head: str, said: Mapping[str, Any]) -> Section:
    people, rows = said["pairs"]["people"], []
    for r in said["pairs"]["rewards"]:
        if r["accuracy"] is not None:
            rows.append(
                [
                    r["name"],
                    str(r["pairs"]),
                    str(r["choices"]),
                    f"{r['accuracy']:.2f}{_interval(r)}",
                    f"{r['ties']:.2f}",
                ]
            )
    lines = []
    if people["accuracy"] is not None:
        lines.append(
            f"Two raters of one pair choose the same in {people['accuracy']:.2f}{_interval(people)} of {people['choices']} cases."
        )
    columns = ("reward", "pairs", "choices", "prefers what people prefer", "scores both alike")
    return Section(f"{head}Of two completions", lines, Table(columns, rows))


def _attack_section(head: str, said: Mapping[str, Any]) -> Section:
    found, stands = said["attack"], said["standing_attack"]
    if found is None:
        words = stands["words"][0].upper() + stands["words"][1:] if stands is not None else "No attack was run"
        return Section(f"{head}Attack", [f"{words}."])
    when = f"after {found['calls_to_target']} calls" if found["calls_to_target"] is not None else "never"
    line = f"A search of {found['calls']} calls for cheap texts reached {found['target']:.2f} {when}."
    rows = [
        [f"{f['total']:.2f}", f["text"] if len(f["text"]) <= 160 else f["text"][:159] + "…"] for f in found["finds"]
    ]
    return Section(f"{head}Attack", [line], Table(("score", "text"), rows) if rows else None)


def _interval(ends: Mapping[str, Any]) -> str:
    return "" if ends.get("low") is None else f" ({ends['low']:.2f} to {ends['high']:.2f})"


def as_markdown(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    parts = [f"# Audit card: {_cell(card['suite'])}"]
    for section in sections(card):
        parts.append(f"## {_cell(section.title)}")
        parts += [_cell(line) for line in section.lines]
        if section.table is not None:
            rows = [section.table.columns, ["---"] * len(section.table.columns), *section.table.rows]
            parts.append("\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in rows))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    """A text in Markdown, where nothing in it starts a table, a tag or a line of its own."""
    said = " ".join(text.split())
    return said.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")


def as_html(card: Mapping[str, Any]) -> str:
    """The card as one page that opens without a network."""
    title = f"Audit card: {card['suite']}"
    parts = [f"<h1>{escape(title)}</h1>"]
    for section in sections(card):
        parts.append(f"<h2>{escape(section.title)}</h2>")
        parts += [f"<p>{escape(line)}</p>" for line in section.lines]
        if section.table is not None:
            heads, *rows = ([Text(cell, cell) for cell in row] for row in (section.table.columns, *section.table.rows))
            parts.append(words_table(heads, rows))
    return document(title, parts)


def write_card(card: Mapping[str, Any], path: Path) -> None:
    """Write the card as what the file's name ends in says.

    Raises:
        UserError: it ends in something else.
    """
    check_suffix(path)
    as_text = {".html": as_html, ".md": as_markdown, ".json": _as_json}
    write_whole(path, as_text[path.suffix](card))


def check_suffix(path: Path) -> None:
    """Pass a file name that a card can be written to; an error costs less before the audit than after it."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"an audit card is a file ending in {', '.join(SUFFIXES)}, not {path.name}")


def _as_json(card: Mapping[str, Any]) -> str:
    return json.dumps(card, ensure_ascii=False, indent=2) + "\n"
