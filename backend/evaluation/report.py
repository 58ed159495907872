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
from backend.charts.comparison import difference_chart
from backend.evaluation.changes import word_changes
from backend.evaluation.compare import TaskComparison
from backend.evaluation.findings import (
    EVIDENCE_HEADS,
    FACT_HEADS,
    FACTS_NOTE,
    evidence_cells,
    fact_rows,
    findings,
    headline,
)
from backend.evaluation.next_step import next_step
from backend.evaluation.people import PeopleEstimate
from backend.evaluation.stored import Compared, name_of, why
from backend.evaluation.words import VERDICTS, chosen_words, markdown_table, method_words, on_prompts
from backend.html_page import document, words_table
from backend.suites import label_of
from backend.wording import Text, decimal, fill, p_value


def as_html(
    compared: Compared,
    title: str,
    facts: Sequence[tuple[str, str]] = (),
    lang: str = "en",
) -> str:
    """The whole report.

    Args:
        compared: the two evaluations.
        title: of the page.
        facts: (name, value) lines for the end of the page: cost, seed, configuration.
        lang: ``en`` or ``pt``.
    """

    def t(en: str, pt: str) -> str:
        return escape(Text(en, pt).within(lang))

    step = next_step(compared.tasks, compared.evidence)
    reasons = "; ".join(reason.within(lang) for reason in step.reasons)
    reasons_why = [words for task in compared.paired["task"].unique() if (words := why(compared.components, str(task)))]
    chart = svg(difference_chart(compared.paired, compared.means(), lang), lang)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=lead>{escape(headline(compared.evidence).within(lang))}</p>",
        "<ul>" + "".join(f"<li>{escape(words.within(lang))}</li>" for words in findings(compared.evidence)) + "</ul>",
        *(f"<p class=note>{escape(words.within(lang))}</p>" for words in [chosen_words(compared)] if words),
        f"<aside><b>{t('Next', 'Próximo passo')}:</b> {escape(step.what.within(lang))}<br>"
        f"<span class=note>{escape(reasons)}</span></aside>",
        f"<h2>{t('What is known without the reward', 'O que se sabe sem a recompensa')}</h2>",
        _evidence(compared, lang),
        f"<h2>{t('Base against tuned', 'Base contra treinado')}</h2>",
        _table(compared.tasks, lang),
        f"<p class=note>{escape(_method(compared).within(lang))}</p>",
        f"<figure>{chart}<figcaption class=note>"
        f"{t('Each dot is a prompt; the bar is the mean with its 95 % interval.', 'Cada ponto é um prompt; a barra é a média com seu intervalo de 95 %.')}"
        "</figcaption></figure>",
        f"<h2>{t('Why it moved', 'Por que mudou')}</h2>",
        "<ul>" + "".join(f"<li>{escape(words.within(lang))}</li>" for words in reasons_why) + "</ul>",
        _people(compared.people, lang),
        f"<h2>{t('Largest moves', 'Maiores mudanças')}</h2>",
        *(_pair(row, lang) for row in _moves(compared)),
        f"<h2>{t('How this came about', 'Como isto foi obtido')}</h2>",
        "<table>"
        + "".join(f"<tr><td>{escape(a)}</td><td class=words>{escape(b)}</td></tr>" for a, b in facts)
        + "</table>",
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


def as_markdown(compared: Compared, title: str, lang: str = "en") -> str:
    """A summary for a pull request."""
    step = next_step(compared.tasks, compared.evidence)
    return (
        "\n\n".join(
            [
                f"### {title}",
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
    heads = (
        Text("Task", "Tarefa"), Text("n", "n"), Text("base", "base"), Text("tuned", "treinado"), Text("Δ", "Δ"),
        Text("95 % interval", "intervalo de 95 %"), Text("p better", "p melhor"), Text("p worse", "p pior"),
        Text("p (Holm)", "p (Holm)"), Text("wins/ties/losses", "vitórias/empates/derrotas"), Text("verdict", "veredito"),
    )  # fmt: skip
    rows = []
    for c in comparisons:
        cells = [
            label_of(c.task).within(lang),
            str(c.n),
            *(decimal(x).within(lang) for x in (c.base, c.tuned)),
            decimal(c.delta, signed=True).within(lang),
            f"{decimal(c.low, signed=True).within(lang)} … {decimal(c.high, signed=True).within(lang)}",
            *(p_value(p).within(lang) for p in (c.p_better, c.p_worse, c.p_holm)),
            f"{c.wins}/{c.ties}/{c.losses}",
            VERDICTS[c.verdict].within(lang),
        ]
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{escape(h.within(lang))}</th>" for h in heads)
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _evidence(compared: Compared, lang: str) -> str:
    """A row per task: whether the reward is trusted, truth and people, and what anyone can count; then the single facts."""
    cells = words_table(EVIDENCE_HEADS, [evidence_cells(e) for e in compared.evidence], lang)
    rows = fact_rows(compared.evidence)
    if not rows:
        return cells
    title = escape(Text("Right facts, one by one", "Fatos certos, um a um").within(lang))
    facts = words_table(FACT_HEADS, rows, lang)
    return f"{cells}<h2>{title}</h2>{facts}<p class=note>{escape(FACTS_NOTE.within(lang))}</p>"


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


def _moves(compared: Compared, count: int = 3) -> list[pd.Series]:
    """The largest gains, then the largest losses, with their texts."""
    moved = compared.paired.assign(d=compared.paired["tuned"] - compared.paired["base"]).merge(
        compared.texts, on="prompt_id", suffixes=("", "_text")
    )
    ordered = moved.sort_values("d", ascending=False, kind="stable")
    chosen = pd.concat([ordered[ordered["d"] > 0].head(count), ordered[ordered["d"] < 0].tail(count)])
    return [row for _, row in chosen.iterrows()]


def _pair(row: pd.Series, lang: str) -> str:
    pieces = word_changes(row["base_text"], row["tuned_text"])
    before = "".join(
        f"<del>{escape(x)}</del>" if kind == "removed" else escape(x) for kind, x in pieces if kind != "added"
    )
    after = "".join(
        f"<ins>{escape(x)}</ins>" if kind == "added" else escape(x) for kind, x in pieces if kind != "removed"
    )
    name, delta = label_of(row["task"]).within(lang), decimal(row["d"], signed=True).within(lang)
    return (
        f"<p><b>{escape(name)}</b> Δ {delta}<br><span class=note>{escape(row['user_text'][:600])}</span></p>"
        f"<div class=pair><pre>{before}</pre><pre>{after}</pre></div>"
    )


def _method(compared: Compared) -> Text:
    return fill(
        "Rewards from 0 to 1 under profile {profile}; {on}, paired. {method}",
        "Recompensas de 0 a 1 no perfil {profile}; {on}, pareados. {method}",
        profile=compared.profile, on=on_prompts(compared), method=method_words(compared.settings),
    )  # fmt: skip


def _sources(compared: Compared, lang: str) -> str:
    base, tuned = (f"{e.id} ({name_of(e).within(lang)}, {e.policy})" for e in (compared.base, compared.tuned))
    return f"{base} → {tuned} · {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
