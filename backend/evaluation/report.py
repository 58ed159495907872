"""A comparison as files: one self-contained HTML page, a CSV, and Markdown for a pull request.

The HTML contains its charts as SVG and its style inline, opens without a network, and can be printed. All text that a
model wrote is escaped.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape

import pandas as pd

from backend.charts.base import svg
from backend.charts.comparison import change_chart
from backend.evaluation.changes import word_changes
from backend.evaluation.compare import TaskComparison
from backend.evaluation.findings import (
    EVIDENCE_HEADS,
    FACT_HEADS,
    FACTS_NOTE,
    change_rows,
    evidence_cells,
    fact_rows,
    findings,
    headline,
)
from backend.evaluation.next_step import next_step
from backend.evaluation.people import PeopleEstimate
from backend.evaluation.stored import Compared, name_of
from backend.evaluation.words import VERDICTS, chosen_words, markdown_table, method_words, on_prompts, unit_words
from backend.html_page import document, words_table
from backend.suites import label_of
from backend.wording import Text, decimal, fill, joined, p_value


def as_html(
    compared: Compared,
    title: str,
    facts: Sequence[tuple[str, str]] = (),
    lang: str = "en",
    note: Text | None = None,
) -> str:
    """The whole report.

    Args:
        compared: the two evaluations.
        title: of the page.
        facts: (name, value) lines for the end of the page: cost, seed, configuration.
        lang: ``en`` or ``pt``.
        note: what a reader must know of where it comes from.
    """

    def t(en: str, pt: str) -> str:
        return escape(Text(en, pt).within(lang))

    step = next_step(compared.tasks, compared.evidence, compared.steps)
    reasons = "; ".join(reason.within(lang) for reason in step.reasons)
    chart = svg(change_chart(change_rows(compared.evidence, lang), lang), lang, width=380)
    first, others = _moves(compared)
    parts = [
        f"<p class=note>{escape(title)}</p>",
        *(f"<p class=note>{escape(words.within(lang))}</p>" for words in [note] if words),
        f"<h1>{escape(headline(compared.evidence).within(lang))}</h1>",
        "<ul>" + "".join(f"<li>{escape(words.within(lang))}</li>" for words in findings(compared.evidence)) + "</ul>",
        f"<figure>{chart}<figcaption class=note>"
        f"{t('Change of the reward with its 95 % interval', 'Mudança da recompensa com seu intervalo de 95 %')} · "
        f"{escape(on_prompts(compared).within(lang))}</figcaption></figure>",
        f"<aside><b>{t('Next', 'Próximo passo')}:</b> {escape(step.what.within(lang))}<br>"
        f"<span class=note>{escape(reasons)}</span></aside>",
        *(f"<p class=note>{escape(words.within(lang))}</p>" for words in [chosen_words(compared)] if words),
        f"<h2>{t('What is known without the reward', 'O que se sabe sem a recompensa')}</h2>",
        _evidence(compared, lang),
        f"<h2>{t('Base against tuned', 'Base contra treinado')}</h2>",
        _table(compared.tasks, lang),
        f"<details class=note><summary>{t('Method', 'Método')}</summary>{escape(_method(compared).within(lang))}</details>",
        _people(compared.people, lang),
        f"<h2>{t('Largest moves', 'Maiores mudanças')}</h2>",
        *(_pair(row, lang) for row in first),
        f"<details><summary>{t('More of them', 'Mais delas')}</summary>",
        *(_pair(row, lang) for row in others),
        "</details>",
        f"<h2>{t('How this came about', 'Como isto foi obtido')}</h2>",
        "<p>" + " · ".join(f"<b>{escape(name)}</b> {escape(value)}" for name, value in facts) + "</p>",
        f"<p class=note>{escape(_sources(compared, lang))}</p>",
    ]
    return document(title, parts, lang)


def as_csv(comparisons: Sequence[TaskComparison]) -> str:
    """One line per task, every number unrounded."""
    rows = [asdict(c) for c in comparisons]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_markdown(compared: Compared, title: str, lang: str = "en", note: Text | None = None) -> str:
    """A summary for a pull request; ``note`` as in ``as_html``."""
    step = next_step(compared.tasks, compared.evidence, compared.steps)
    return (
        "\n\n".join(
            [
                f"### {title}",
                *(f"*{words.within(lang)}*" for words in [note] if words),
                headline(compared.evidence).within(lang),
                "\n".join(f"- {words.within(lang)}" for words in findings(compared.evidence, bold="**")),
                *(words.within(lang) for words in [chosen_words(compared)] if words),
                markdown_table(compared.tasks, lang),
                f"**{Text('Next', 'Próximo passo').within(lang)}:** {step.what.within(lang)}",
                f"<sub>{_method(compared).within(lang)} {_sources(compared, lang)}</sub>",
            ]
        )
        + "\n"
    )


def _table(comparisons: Sequence[TaskComparison], lang: str) -> str:
    """The numbers, a column per task, so that a narrow screen has room for them."""

    def row(head: Text, cells: Sequence[Text], tag: str = "td") -> str:
        return f"<tr><th>{escape(head.within(lang))}</th>" + "".join(
            f"<{tag}>{escape(cell.within(lang))}</{tag}>" for cell in cells
        ) + "</tr>"  # fmt: skip

    ends = [joined([decimal(c.low, signed=True), decimal(c.high, signed=True)], " … ") for c in comparisons]
    rows = [
        row(Text("Task", "Tarefa"), [label_of(c.task) for c in comparisons], "th"),
        row(Text("verdict on the reward", "veredito da recompensa"), [VERDICTS[c.verdict] for c in comparisons]),
        row(Text("n", "n"), [Text(str(c.n), str(c.n)) for c in comparisons]),
        row(Text("base", "base"), [decimal(c.base) for c in comparisons]),
        row(Text("tuned", "treinado"), [decimal(c.tuned) for c in comparisons]),
        row(Text("Δ", "Δ"), [decimal(c.delta, signed=True) for c in comparisons]),
        row(Text("95 % interval", "intervalo de 95 %"), ends),
        row(Text("p (Holm)", "p (Holm)"), [p_value(c.p_holm) for c in comparisons]),
        row(Text("p better", "p melhor"), [p_value(c.p_better) for c in comparisons]),
        row(Text("p worse", "p pior"), [p_value(c.p_worse) for c in comparisons]),
    ]
    return f"<div class=wide><table>{''.join(rows)}</table></div>"


def _evidence(compared: Compared, lang: str) -> str:
    """A box per task: whether the reward is trusted, truth and people, and what anyone can count; then the single facts."""
    boxes = []
    for e in compared.evidence:
        task, *cells = (cell.within(lang) for cell in evidence_cells(e))
        lines = "".join(
            f"<li><b>{escape(head.within(lang))}</b> {escape(cell)}</li>"
            for head, cell in zip(EVIDENCE_HEADS[1:], cells, strict=True)
            if cell != "–"
        )
        boxes.append(f"<div class=box><h3>{escape(task)}</h3><ul>{lines}</ul></div>")
    shown = f"<div class=pair>{''.join(boxes)}</div>"
    rows = fact_rows(compared.evidence)
    if not rows:
        return shown
    title = escape(Text("Right facts, one by one", "Fatos certos, um a um").within(lang))
    facts = words_table(FACT_HEADS, rows, lang)
    note = escape(FACTS_NOTE.within(lang))
    return f"{shown}<details><summary>{title}</summary>{facts}<p class=note>{note}</p></details>"


def _people(people: Sequence[PeopleEstimate], lang: str) -> str:
    known = [p for p in people if p.delta is not None and p.low is not None and p.high is not None]
    if not known:
        return ""
    title = Text("Would people agree?", "As pessoas concordariam?").within(lang)
    rows = []
    for p in known:
        low, high = (decimal(x or 0, signed=True).within(lang) for x in (p.low, p.high))
        rows.append(
            f"<tr><td>{escape(label_of(p.task).within(lang))}</td><td>{p.pairs}/{p.prompts}</td>"
            f"<td>{decimal(p.delta or 0, signed=True).within(lang)}</td><td>{low} … {high}</td></tr>"
        )
    heads = Text(
        "Task|rated pairs|Δ human score (1 to 5)|95 % interval",
        "Tarefa|pares avaliados|Δ nota humana (1 a 5)|intervalo de 95 %",
    )
    head = "".join(f"<th>{escape(h)}</th>" for h in heads.within(lang).split("|"))
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


_CUT = 600
"""Characters of a text that the report shows."""


def _moves(compared: Compared, count: int = 3) -> tuple[list[pd.Series], list[pd.Series]]:
    """The largest gain and the largest loss, with their texts; and the next gains and losses, up to ``count`` of each in all."""
    moved = compared.paired.assign(d=compared.paired["tuned"] - compared.paired["base"]).merge(
        compared.texts, on="prompt_id", suffixes=("", "_text")
    )
    ordered = moved.sort_values("d", ascending=False, kind="stable")
    gains, losses = ordered[ordered["d"] > 0].head(count), ordered[ordered["d"] < 0].tail(count)[::-1]
    first, others = pd.concat([gains[:1], losses[:1]]), pd.concat([gains[1:], losses[1:]])
    return [row for _, row in first.iterrows()], [row for _, row in others.iterrows()]


def _pair(row: pd.Series, lang: str) -> str:
    pieces = word_changes(row["base_text"][:_CUT], row["tuned_text"][:_CUT])
    sides = (("base", "removed", "del", Text("base", "base")), ("tuned", "added", "ins", Text("tuned", "treinado")))
    shown = []
    for side, kind, tag, name in sides:
        text = "".join(
            f"<{tag}>{escape(x)}</{tag}>" if k == kind else escape(x) for k, x in pieces if k in ("same", kind)
        )
        cut = " …" if len(row[f"{side}_text"]) > _CUT else ""
        reward = decimal(row[side]).within(lang)
        shown.append(f"<div><span class=note>{name.within(lang)} {reward}</span><pre>{text}{cut}</pre></div>")
    task, delta = label_of(row["task"]).within(lang), decimal(row["d"], signed=True).within(lang)
    return (
        f"<p><b>{escape(task)}</b> Δ {delta}<br><span class=note>{escape(row['user_text'][:300])}</span></p>"
        f"<div class=pair>{''.join(shown)}</div>"
    )


def _method(compared: Compared) -> Text:
    return fill(
        "Rewards{unit} under profile {profile}; {on}, paired. {method}",
        "Recompensas{unit} no perfil {profile}; {on}, pareados. {method}",
        unit=unit_words(compared), profile=compared.profile, on=on_prompts(compared), method=method_words(compared.settings),
    )  # fmt: skip


def _sources(compared: Compared, lang: str) -> str:
    base, tuned = (f"{e.id} ({name_of(e).within(lang)}, {e.policy})" for e in (compared.base, compared.tuned))
    return f"{base} → {tuned} · {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
