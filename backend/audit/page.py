"""The audit of one's own rewards as one HTML page that opens without a network; its strongest finding comes first."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from backend.charts.audit import best_of_chart
from backend.charts.base import svg
from backend.html_page import document, words_table
from backend.wording import Text, p_value

_HEADS = ("reward", "n", "ρ", "95 % interval", "p", "p (Holm)")


def as_html(audit: Mapping[str, Any]) -> str:
    """The page.

    Args:
        audit: what ``audit_own`` returns.
    """
    parts = [f"<h1>{escape(audit['suite'])}</h1>", f"<p class=lead>{escape(audit['finding'])}</p>"]
    for task in audit["tasks"]:
        parts += _task(task)
    return document(f"Audit of {audit['suite']}", parts)


def _task(task: Mapping[str, Any]) -> list[str]:
    parts = [
        f"<h2 id='{escape(task['task'])}'>{escape(task['task'])}: {escape(task['gate'])}</h2>",
        f"<p>{escape(task['reason'])}</p>",
    ]
    if task["rewards"]:
        parts.append(words_table([_plain(h) for h in _HEADS], [_row(r) for r in task["rewards"]]))
    if task["attack"] is not None:
        parts.append(f"<p>Attack: {escape(task['attack']['words'])}.</p>")
    if len(task.get("policies") or []) > 1:
        rows = [
            [_plain(p["policy"]), *_row(p | {"name": "", "p": None, "p_holm": None})[1:4]] for p in task["policies"]
        ]
        parts.append("<h3>Whose answers</h3>")
        parts.append(words_table([_plain(h) for h in ("policy", *_HEADS[1:4])], rows))
    if task["over_optimisation"] is not None:
        parts.append(f"<h3>Best of n</h3><p>{escape(task['over_optimisation'])}</p><div class=pair>")
        points = pd.DataFrame(task["best_of_n"])
        for side, title in (("reward", "gain in reward"), ("judged", "gain in human score (1 to 5)")):
            shown = points[["n", "prompts", f"{side}_gain", f"{side}_low", f"{side}_high"]].astype(float)
            shown.columns = pd.Index(["n", "prompts", "gain", "low", "high"])
            chart = best_of_chart(shown.astype({"n": int, "prompts": int}), title)
            parts.append(f"<figure>{svg(chart, width=300)}</figure>")
        parts.append("</div>")
    return parts


def _row(reward: Mapping[str, Any]) -> list[Text]:
    interval = "" if reward["low"] is None else f"{reward['low']:+.2f} to {reward['high']:+.2f}"
    p, holm = ("" if reward[k] is None else str(p_value(reward[k])) for k in ("p", "p_holm"))
    rho = "–" if reward["rho"] is None else f"{reward['rho']:+.3f}"
    return [_plain(x) for x in (reward["name"], str(reward["n"]), rho, interval, p, holm)]


def _plain(text: str) -> Text:
    return Text(text, text)
