"""The evidence in words: a headline, a sentence and a row of cells per task, in both languages."""

from collections.abc import Sequence

import pandas as pd

from backend.audit.gate_words import GATE_WORDS
from backend.evaluation.evidence import Evidence, shares
from backend.evaluation.truth import FactChange, TruthChange
from backend.evaluation.words import VERDICTS, bold_label, clause, moved, odds_beside
from backend.suites import label_of
from backend.wording import Text, decimal, fill, joined
from rewards.types import NO_TEXT


def headline(evidence: Sequence[Evidence]) -> Text:
    """The finding in one sentence: in how many tasks the reward rose, and in how many of these the answers got better."""
    rose = [e for e in evidence if e.change.verdict == "improved"]
    fell = sum(e.change.verdict == "regressed" for e in evidence)
    gamed = sum(bool(e.against) for e in rose)
    better = sum(not e.against and e.shown for e in rose)
    answers = NO_TEXT
    if rose:
        answers = _of_the_answers(gamed, better, len(rose) - gamed - better)
    words = fill(
        "The reward rose in {n} of {all} {tasks}{answers}.",
        "A recompensa subiu em {n} de {all} {tasks}{answers}.",
        n=len(rose),
        all=len(evidence),
        tasks=Text("task", "tarefa") if len(evidence) == 1 else Text("tasks", "tarefas"),
        answers=answers,
    )
    if fell:
        words = fill("It fell in {n}. {words}", "Ela caiu em {n}. {words}", n=fell, words=words)
    return words


def _of_the_answers(gamed: int, better: int, unknown: int) -> Text:
    """What became of the answers where the reward rose, as the end of the headline."""
    if not better and not unknown:
        return Text(", but the answers did not get better", ", mas as respostas não melhoraram")
    if not gamed and not unknown:
        return Text(", and the answers got better", ", e as respostas melhoraram")
    if not gamed and not better:
        return Text("; whether the answers got better is not known", "; se as respostas melhoraram não se sabe")
    did = Text("they did in {n}", "melhoraram em {n}")
    if not gamed:
        did = Text("the answers got better in {n}", "as respostas melhoraram em {n}")
    did_not = Text("the answers did not get better in {n}", "as respostas não melhoraram em {n}")
    not_known = Text("in {n} it is not known", "em {n} não se sabe")
    parts = [fill(*words, n=n) for words, n in ((did_not, gamed), (did, better), (not_known, unknown)) if n]
    *others, last = parts
    return fill(
        ": {others}, and {last}",
        ": {others} e {last}",
        others=joined(others, ", "),
        last=last,
    )


def findings(evidence: Sequence[Evidence], bold: str = "") -> list[Text]:
    """What happened, a sentence per task; the tasks whose reward rose while the answers did not come first, and of them those
    that most speaks against.

    Args:
        evidence: of each task.
        bold: put around each task's name.
    """
    order = list(VERDICTS)
    tasks = sorted(evidence, key=lambda e: (-len(e.against) if _gamed(e) else 0, order.index(e.change.verdict)))
    found = [fill("{words}.", "{words}.", words=said(e, bold)) for e in tasks]
    odds = odds_beside([e.change for e in tasks])
    return found if odds is None else [*found, odds]


def evidence_sentence(evidence: Sequence[Evidence]) -> Text:
    """``headline`` and ``findings`` as one text."""
    return joined([headline(evidence), *findings(evidence)], " ")


def _gamed(e: Evidence) -> bool:
    return e.change.verdict == "improved" and bool(e.against)


def said(e: Evidence, bold: str = "") -> Text:
    """One task's change in words: "improved" only where more than the reward says so, or the reward is trusted."""
    c = e.change
    if c.verdict != "improved":
        words = clause(c, bold)
        if not e.in_favour:
            return words
        return fill(
            "{words}; yet the answers got better: {why}",
            "{words}; ainda assim as respostas melhoraram: {why}",
            words=words,
            why=joined(e.in_favour),
        )
    if e.against:
        template = Text(
            "{task}: the reward rose by {moved}, but the answers did not get better: {why}",
            "{task}: a recompensa subiu {moved}, mas as respostas não melhoraram: {why}",
        )
        return _filled(template, e, bold, [*e.against, *_carried(e)])
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
    return _filled(template, e, bold, [*_constant(e.truth), *([] if e.trusted else [_untrusted(e)]), *_carried(e)])


_BETTER = {
    True: Text("answers better", "respostas melhores"),
    False: Text("reward up; answers not better", "recompensa subiu; respostas não melhoraram"),
    None: Text("reward up; answers not known", "recompensa subiu; respostas: não se sabe"),
}


def got_better(e: Evidence) -> bool | None:
    """Whether a task's answers got better; None where that is not known, or the reward does not say so either."""
    if e.change.verdict == "improved" and e.against:
        return False
    return True if e.in_favour or (e.change.verdict == "improved" and e.shown) else None


def in_short(e: Evidence) -> Text:
    """A task's verdict in a few words: what the reward did, and whether the answers got better."""
    verdict = VERDICTS[e.change.verdict]
    if e.change.verdict == "improved":
        return _BETTER[got_better(e)]
    if e.in_favour:
        return fill("{verdict}; yet answers better", "{verdict}; mas respostas melhores", verdict=verdict)
    return verdict


def change_rows(evidence: Sequence[Evidence], lang: str) -> pd.DataFrame:
    """The tasks' changes as ``backend.charts.comparison.change_chart`` takes them."""
    rows = [
        (c.task, c.n, c.delta, c.low, c.high, in_short(e).within(lang), got_better(e))
        for e in evidence
        for c in [e.change]
    ]
    return pd.DataFrame(rows, columns=["task", "n", "delta", "low", "high", "verdict", "better"])


def change_words(e: Evidence) -> Text:
    """``Push: reward up; answers not better, +0.47 (+0.26 to +0.54), n = 15``."""
    c = e.change
    return fill(
        "{task}: {verdict}, {change}, n = {n}",
        "{task}: {verdict}, {change}, n = {n}",
        task=label_of(c.task),
        verdict=in_short(e),
        change=_change(c.delta, c.low, c.high, 2),
        n=c.n,
    )


def _constant(t: TruthChange | None) -> list[Text]:
    """That a truth measure rose to what one constant answer reaches."""
    if t is None or not t.no_more_than_constant:
        return []
    return [
        fill(
            "{label} rose ({base} to {tuned}), but {unread} gets {constant}",
            "{label} subiram ({base} a {tuned}), mas {unread} chega a {constant}",
            **shares(t),
        )
    ]


def _untrusted(e: Evidence) -> Text:
    """Why a reward that rose is no evidence."""
    if e.attack is not None and e.attack.broke:
        return fill("the reward can be gamed: {how}", "a recompensa se deixa enganar: {how}", how=e.attack.words)
    if e.gate is not None and e.gate.verdict == "fail":
        return Text("people do not rank answers as this reward does", "as pessoas não ordenam as respostas como ela")
    return Text("the reward has not passed its audit", "a recompensa não passou na auditoria")


def _carried(e: Evidence) -> list[Text]:
    """That one of a team's functions brought the rise."""
    if not e.carrier:
        return []
    return [fill("nearly all of the rise is that of {name}", "quase toda a subida é de {name}", name=e.carrier)]


def _filled(template: Text, e: Evidence, bold: str, why: Sequence[Text]) -> Text:
    return fill(
        template.en,
        template.pt,
        task=bold_label(e.change, bold),
        moved=moved(e.change),
        why=joined(why),
    )


EVIDENCE_HEADS = (
    Text("Task", "Tarefa"),
    Text("reward", "recompensa"),
    Text("is it trusted?", "é confiável?"),
    Text("truth", "verdade"),
    Text("people (of 5)", "pessoas (de 5)"),
    Text("counted in the answers", "contado nas respostas"),
    Text("different answers", "respostas diferentes"),
    Text("a line three times", "uma linha três vezes"),
    Text("characters", "caracteres"),
)


def evidence_cells(e: Evidence) -> tuple[Text, ...]:
    """A task's row under ``EVIDENCE_HEADS``; what changed is written base -> tuned."""
    truth = people = Text("–", "–")
    if (t := e.truth) is not None:
        change = _change(t.tuned - t.base, t.low, t.high, 2)
        truth = fill(
            "{label} {base} → {tuned}, {change}; without reading {constant}",
            "{label} {base} → {tuned}, {change}; sem ler {constant}",
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
        _trust(e),
        truth,
        people,
        _tallied(e),
        fill("{a} → {b} of {n}", "{a} → {b} de {n}", a=a.distinct, b=b.distinct, n=b.answers),
        fill("{a} → {b} of {n}", "{a} → {b} de {n}", a=a.repeating, b=b.repeating, n=b.answers),
        fill("{a} → {b}", "{a} → {b}", a=f"{a.characters:.0f}", b=f"{b.characters:.0f}"),
    )


def _trust(e: Evidence) -> Text:
    """Whether the reward may be believed: what people said of it, and what an attack did."""
    gate = {
        "pass": Text("passed its audit", "passou na auditoria"),
        "fail": Text("failed its audit", "reprovada na auditoria"),
        "stale": fill(
            "audit to be decided again (it said: {was})", "auditoria a decidir de novo (dizia: {was})",
            was=GATE_WORDS[e.gate.was] if e.gate else "",
        ),
    }.get(e.gate.verdict if e.gate else "", Text("not audited enough", "auditoria incompleta"))  # fmt: skip
    attack = e.attack.words if e.attack is not None else Text("not attacked yet", "ainda não atacada")
    word = Text("no", "não") if e.refuted else Text("not yet", "ainda não")
    if e.trusted and e.attack is not None:
        word = Text("yes", "sim")
    elif e.trusted:
        word = Text("by people", "pelas pessoas")
    return fill("{word}: {gate}; {attack}", "{word}: {gate}; {attack}", word=word, gate=gate, attack=attack)


def _tallied(e: Evidence) -> Text:
    """The task's own counts, ``queries that run 8 → 1 of 15``."""
    if not e.tallies:
        return Text("–", "–")
    parts = [
        fill(
            "{label} {a} → {b} of {n}" if t.shares else "{label} {a} → {b} in {n}",
            "{label} {a} → {b} de {n}" if t.shares else "{label} {a} → {b} em {n}",
            label=t.count.label, a=t.base, b=t.tuned, n=t.answers,
        )
        for t in e.tallies
    ]  # fmt: skip
    return joined(parts)


FACT_HEADS = (
    Text("Fact", "Fato"),
    Text("prompts", "prompts"),
    Text("right, base → tuned", "certos, base → treinado"),
    Text("most frequent answer", "resposta mais comum"),
    Text("copied from the prompt", "copiado do prompt"),
    Text("balanced, base → tuned", "balanceado, base → treinado"),
    Text("balanced, without reading", "balanceado, sem ler"),
    Text("tuned over that", "treinado além disso"),
)


def fact_rows(evidence: Sequence[Evidence]) -> list[tuple[Text, ...]]:
    """A row under ``FACT_HEADS`` for each fact of each task whose truth says what was said."""
    return [_fact(f) for e in evidence if e.truth is not None for f in e.truth.facts]


def _fact(f: FactChange) -> tuple[Text, ...]:
    def share(value: float | None) -> Text:
        return Text("–", "–") if value is None else fill("{x}", "{x}", x=f"{value:.0%}")

    return (
        f.label,
        fill("{n}", "{n}", n=f.prompts),
        fill("{a} → {b}", "{a} → {b}", a=share(f.base), b=share(f.tuned)),
        share(f.constant),
        share(f.copied),
        fill("{a} → {b}", "{a} → {b}", a=share(f.balanced_base), b=share(f.balanced_tuned)),
        share(f.unread),
        _change(f.balanced_tuned - f.unread, f.low, f.high, 2),
    )


FACTS_NOTE = Text(
    "Shares of right facts. One and the same answer to every prompt is right as often as the most frequent truth; where the "
    "prompt states a fact, copying it is. Balanced: every truth a fact can have counts alike, the rare ones too, so that a "
    "constant answer gets no more than one of them. The 95 % interval, where there are enough prompts, is over prompts.",
    "Proporções de fatos certos. Uma mesma resposta a todos os prompts acerta tanto quanto a verdade mais comum; onde o "
    "prompt diz um fato, copiá-lo acerta. Balanceado: cada verdade possível de um fato vale o mesmo, as raras também; assim "
    "uma resposta constante só ganha uma delas. O intervalo de 95 %, onde há prompts suficientes, é sobre prompts.",
)


def _change(delta: float, low: float, high: float, digits: int) -> Text:
    return fill(
        "{delta} ({low} to {high})",
        "{delta} ({low} a {high})",
        delta=decimal(delta, digits, True), low=decimal(low, digits, True), high=decimal(high, digits, True),
    )  # fmt: skip
