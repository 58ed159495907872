"""The evidence in words: a headline, a sentence and a row of cells per task, in both languages."""

from collections.abc import Sequence

from backend.audit.gate import Gate
from backend.evaluation.evidence import Evidence, TruthChange, shares
from backend.evaluation.words import VERDICTS, bold_label, clause, moved, odds_beside
from backend.suites import label_of
from backend.wording import Text, decimal, fill


def headline(evidence: Sequence[Evidence]) -> Text:
    """The finding in one sentence: in how many tasks the reward rose, and in how many of these the answers got better."""
    rose = [e for e in evidence if e.change.verdict == "improved"]
    fell = sum(e.change.verdict == "regressed" for e in evidence)
    gamed = sum(bool(e.against) for e in rose)
    better = sum(not e.against and e.shown for e in rose)
    parts = [
        fill("they got better in {n}", "melhoraram em {n}", n=better),
        fill("did not in {n}", "não em {n}", n=gamed),
        fill("and in {n} it is not known", "e em {n} não se sabe", n=len(rose) - better - gamed),
    ]
    answers = Text(", ".join(p.en for p in parts), ", ".join(p.pt for p in parts))
    words = fill(
        "The reward rose in {n} of {all} tasks",
        "A recompensa subiu em {n} de {all} tarefas",
        n=len(rose),
        all=len(evidence),
    )
    if rose:
        words = fill(
            "{words}; of the answers: {answers}",
            "{words}; quanto às respostas: {answers}",
            words=words,
            answers=answers,
        )
    if fell:
        words = fill("It fell in {n}. {words}", "Ela caiu em {n}. {words}", n=fell, words=words)
    return fill("{words}.", "{words}.", words=words)


def findings(evidence: Sequence[Evidence], bold: str = "") -> list[Text]:
    """What happened, a sentence per task; the tasks whose reward rose while the answers did not come first.

    Args:
        evidence: of each task.
        bold: put around each task's name.
    """
    order = list(VERDICTS)
    tasks = sorted(evidence, key=lambda e: (not _gamed(e), order.index(e.change.verdict)))
    found = [fill("{words}.", "{words}.", words=said(e, bold)) for e in tasks]
    odds = odds_beside([e.change for e in tasks])
    return found if odds is None else [*found, odds]


def evidence_sentence(evidence: Sequence[Evidence]) -> Text:
    """``headline`` and ``findings`` as one text."""
    all_words = [headline(evidence), *findings(evidence)]
    return Text(" ".join(w.en for w in all_words), " ".join(w.pt for w in all_words))


def _gamed(e: Evidence) -> bool:
    return e.change.verdict == "improved" and bool(e.against)


def said(e: Evidence, bold: str = "") -> Text:
    """One task's change in words: "improved" only where more than the reward says so, or the reward is trusted."""
    c = e.change
    if c.verdict != "improved":
        return clause(c, bold)
    if e.against:
        template = Text(
            "{task}: the reward rose by {moved}, but the answers did not get better: {why}",
            "{task}: a recompensa subiu {moved}, mas as respostas não melhoraram: {why}",
        )
        return _filled(template, e, bold, e.against)
    if e.in_favour:
        return _filled(
            Text("{task} improved by {moved}: {why}", "{task} melhorou em {moved}: {why}"), e, bold, e.in_favour
        )
    if e.shown:
        return clause(c, bold)
    template = Text(
        "{task}: the reward rose by {moved}; whether the answers got better is not known: {why}",
        "{task}: a recompensa subiu {moved}; se as respostas melhoraram não se sabe: {why}",
    )
    return _filled(template, e, bold, [*_constant(e.truth), *([] if e.trusted else [_untrusted(e.gate)])])


def _constant(t: TruthChange | None) -> list[Text]:
    """That a truth measure rose to what one constant answer reaches."""
    if t is None or not t.no_more_than_constant:
        return []
    return [
        fill(
            "{label} rose ({base} to {tuned}), but one and the same answer to every prompt reaches {constant}",
            "{label} subiram ({base} a {tuned}), mas uma mesma resposta a todos os prompts chega a {constant}",
            **shares(t),
        )
    ]


def _untrusted(gate: Gate | None) -> Text:
    if gate is not None and gate.verdict == "fail":
        return Text("people do not rank answers as this reward does", "as pessoas não ordenam as respostas como ela")
    return Text("the reward has not passed its audit", "a recompensa não passou na auditoria")


def _filled(template: Text, e: Evidence, bold: str, why: Sequence[Text]) -> Text:
    return fill(
        template.en,
        template.pt,
        task=bold_label(e.change, bold),
        moved=moved(e.change),
        why=Text(", ".join(w.en for w in why), ", ".join(w.pt for w in why)),
    )


EVIDENCE_HEADS = (
    Text("Task", "Tarefa"),
    Text("reward", "recompensa"),
    Text("is it trusted?", "é confiável?"),
    Text("truth", "verdade"),
    Text("people (of 5)", "pessoas (de 5)"),
    Text("different answers", "respostas diferentes"),
    Text("a line three times", "uma linha três vezes"),
    Text("characters", "caracteres"),
)


def evidence_cells(e: Evidence) -> tuple[Text, ...]:
    """A task's row under ``EVIDENCE_HEADS``; what changed is written base -> tuned."""
    gate = {
        "pass": Text("passed its audit", "passou na auditoria"),
        "fail": Text("failed its audit", "reprovada na auditoria"),
        "stale": Text("audit is stale", "auditoria caducou"),
    }.get(e.gate.verdict if e.gate else "", Text("not audited enough", "auditoria incompleta"))
    truth = people = Text("–", "–")
    if (t := e.truth) is not None:
        change = _change(t.tuned - t.base, t.low, t.high, 2)
        truth = fill(
            "{label} {base} → {tuned}, {change}; a constant answer {constant}",
            "{label} {base} → {tuned}, {change}; uma resposta constante {constant}",
            change=change, **shares(t),
        )  # fmt: skip
    if (p := e.people) is not None and p.delta is not None and p.low is not None and p.high is not None:
        people = fill(
            "{change}, {n} pairs", "{change}, {n} pares", change=_change(p.delta, p.low, p.high, 1), n=p.pairs
        )
    a, b = e.before, e.after
    return (
        label_of(e.change.task),
        _change(e.change.delta, e.change.low, e.change.high, 2),
        gate,
        truth,
        people,
        fill("{a} → {b} of {n}", "{a} → {b} de {n}", a=a.distinct, b=b.distinct, n=b.answers),
        fill("{a} → {b} of {n}", "{a} → {b} de {n}", a=a.repeating, b=b.repeating, n=b.answers),
        fill("{a} → {b}", "{a} → {b}", a=f"{a.characters:.0f}", b=f"{b.characters:.0f}"),
    )


def _change(delta: float, low: float, high: float, digits: int) -> Text:
    return fill(
        "{delta} ({low} to {high})",
        "{delta} ({low} a {high})",
        delta=decimal(delta, digits, True), low=decimal(low, digits, True), high=decimal(high, digits, True),
    )  # fmt: skip
