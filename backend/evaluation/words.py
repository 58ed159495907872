"""A comparison in plain words, in both languages; the pages, the terminal and the reports all use these."""

from collections.abc import Sequence

from backend.evaluation.compare import TaskComparison, Verdict
from backend.suites import label_of
from backend.wording import Text, decimal, fill

VERDICTS: dict[Verdict, Text] = {  # in the order in which a reader wants them
    "improved": Text("improved", "melhorou"),
    "regressed": Text("regressed", "piorou"),
    "possibly better": Text("possibly better", "talvez melhor"),
    "possibly worse": Text("possibly worse", "talvez pior"),
    "no detectable change": Text("no detectable change", "sem mudança detectável"),
    "not enough data": Text("not enough data", "dados insuficientes"),
}


def summary_sentence(comparisons: Sequence[TaskComparison], bold: str = "") -> Text:
    """One sentence, a clause per task, improvements first; ``bold`` is put around each task's name."""
    order = list(VERDICTS)
    tasks = sorted((c for c in comparisons if c.task != "overall"), key=lambda c: order.index(c.verdict))
    clauses = [clause(c, bold) for c in tasks]
    return Text("; ".join(c.en for c in clauses) + ".", "; ".join(c.pt for c in clauses) + ".")


def clause(c: TaskComparison, bold: str = "") -> Text:
    """One comparison in words."""
    task = fill("{b}{task}{b}", "{b}{task}{b}", b=bold, task=label_of(c.task))
    moved = fill(
        "{by} (from {base} to {tuned})",
        "{by} (de {base} para {tuned})",
        by=decimal(abs(c.delta)), base=decimal(c.base), tuned=decimal(c.tuned),
    )  # fmt: skip
    if c.verdict == "no detectable change":
        return fill(
            "{task}: no change this test could see (it could have seen ±{seen})",
            "{task}: nenhuma mudança que este teste pudesse ver (veria ±{seen})",
            task=task, seen=decimal(c.detectable),
        )  # fmt: skip
    if c.verdict == "not enough data":
        return fill(
            "{task}: not enough data ({changed} of {n} prompts changed)",
            "{task}: dados insuficientes ({changed} de {n} prompts mudaram)",
            task=task, changed=c.wins + c.losses, n=c.n,
        )  # fmt: skip
    sure = c.verdict in ("improved", "regressed")
    return fill(
        "{task} {verdict} by {moved}" if sure else "{task} {verdict}, by {moved}",
        "{task} {verdict} em {moved}" if sure else "{task} {verdict}, em {moved}",
        task=task, verdict=VERDICTS[c.verdict], moved=moved,
    )  # fmt: skip


def comparison_table(comparisons: Sequence[TaskComparison]) -> str:
    """The comparison as aligned text for a terminal or a log."""
    lines = [f"{'task':<12}{'n':>4}{'base':>8}{'tuned':>8}{'delta':>8}  {'95 % interval':<18}{'p (Holm)':>9}  verdict"]
    for c in comparisons:
        interval = f"[{c.low:+.2f}, {c.high:+.2f}]"
        lines.append(
            f"{c.task:<12}{c.n:>4}{c.base:>8.2f}{c.tuned:>8.2f}{c.delta:>+8.2f}  {interval:<18}{c.p_holm:>9.4f}  {c.verdict}"
        )
    return "\n".join(lines)


def markdown_table(comparisons: Sequence[TaskComparison], lang: str = "en") -> str:
    """The comparison as a Markdown table, for a pull request."""
    head = Text(
        "| Task | n | base | tuned | Δ | 95 % interval | p (Holm) | verdict |",
        "| Tarefa | n | base | treinado | Δ | intervalo de 95 % | p (Holm) | veredito |",
    )
    rows = [head.within(lang), "|---|--:|--:|--:|--:|--:|--:|---|"]
    for c in comparisons:
        base, tuned, delta, low, high = (
            decimal(x, signed=i > 1).within(lang) for i, x in enumerate((c.base, c.tuned, c.delta, c.low, c.high))
        )
        p = decimal(c.p_holm, 4).within(lang)
        name, verdict = label_of(c.task).within(lang), VERDICTS[c.verdict].within(lang)
        rows.append(f"| {name} | {c.n} | {base} | {tuned} | {delta} | {low} … {high} | {p} | {verdict} |")
    return "\n".join(rows)
