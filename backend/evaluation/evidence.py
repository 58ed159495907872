"""What a comparison is evidence of. A reward that rose says that the reward rose, and no more.

Beside it stand what is known without it: the truth behind the prompts, what people said, whether the reward has passed its
audit, and what anyone can count in the answers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd
from sqlalchemy.orm import Session

from backend.audit.gate import Gate
from backend.audit.gates import standing_gates
from backend.evaluation.compare import TaskComparison
from backend.evaluation.paired import mean_interval
from backend.evaluation.people import PeopleEstimate, would_people_agree
from backend.evaluation.words import VERDICTS, clause, odds_words
from backend.store.tables import Evaluation
from backend.suites import find_task, label_of
from backend.wording import Text, decimal, fill
from rewards.types import Truth

REPEATED = 3
"""A line that stands this often in an answer is repeated."""
_CONSTANTS = 60
"""The most frequent answers that are tried as a constant one."""
_MANY = 0.25
"""A share of the answers that grew by this much since base is said."""


@dataclass(frozen=True)
class Counted:
    """What anyone can count in a task's answers, one of each prompt.

    Attributes:
        answers: how many there are.
        distinct: how many different ones, letters' case and white space aside.
        alike: how many are the most frequent one.
        repeating: how many repeat a line ``REPEATED`` times or more.
        characters: their mean length.
    """

    answers: int
    distinct: int
    alike: int
    repeating: int
    characters: float


@dataclass(frozen=True)
class TruthChange:
    """A truth measure before and after: the mean over prompts of the share that is right.

    Attributes:
        label: of the measure.
        base, tuned: the means.
        low, high: 95 % interval of the change.
        constant: what the best single answer reaches when it is given to every prompt; of the answers that were seen.
        over_low, over_high: 95 % interval of tuned minus that.
    """

    label: Text
    base: float
    tuned: float
    low: float
    high: float
    constant: float
    over_low: float
    over_high: float

    @property
    def rose(self) -> bool:
        """Whether it surely rose, and above what a constant answer reaches."""
        return self.low > 0 and self.over_low > 0

    @property
    def no_more_than_constant(self) -> bool:
        """Whether it surely rose, but not surely above what a constant answer reaches."""
        return self.low > 0 >= self.over_low


@dataclass(frozen=True)
class Evidence:
    """All that is known of a task's change.

    Attributes:
        change: of the reward.
        gate: the standing decision on the reward; None where there is none.
        truth, people: the change by either; None where it is not known.
        before, after: what can be counted in base's and tuned's answers.
    """

    change: TaskComparison
    gate: Gate | None
    truth: TruthChange | None
    people: PeopleEstimate | None
    before: Counted
    after: Counted

    @property
    def trusted(self) -> bool:
        """Whether the reward has passed its audit, as it is now."""
        return self.gate is not None and self.gate.verdict == "pass"

    @property
    def shown(self) -> bool:
        """Whether more than the reward says that the answers got better, or the reward is trusted and nothing is in doubt."""
        return bool(self.in_favour) or (self.trusted and not _constant(self.truth))

    @property
    def against(self) -> list[Text]:
        """What says that the answers did not get better."""
        said = []
        if (p := self.people) is not None and p.delta is not None and p.high is not None and p.high < 0:
            said.append(
                fill(
                    "people score them {by} lower (of 5)",
                    "as pessoas dão a elas {by} a menos (de 5)",
                    by=decimal(-p.delta, 1),
                )
            )
        if (t := self.truth) is not None and t.tuned <= t.base and t.low < 0:
            word = Text("fell", "caíram") if t.high < 0 else Text("did not rise", "não subiram")
            said.append(
                fill("{label} {word} ({base} to {tuned})", "{label} {word} ({base} a {tuned})", word=word, **_shares(t))
            )
        before, after = self.before, self.after
        if after.answers and after.alike >= after.answers / 2 and before.alike < before.answers / 2:
            said.append(
                fill(
                    "{alike} of {n} answers are one and the same ({distinct} different ones; {before} before)",
                    "{alike} de {n} respostas são uma só ({distinct} diferentes; {before} antes)",
                    alike=after.alike, n=after.answers, distinct=after.distinct, before=before.distinct,
                )
            )  # fmt: skip
        if after.repeating / max(1, after.answers) >= before.repeating / max(1, before.answers) + _MANY:
            said.append(
                fill(
                    "{now} of {n} answers repeat a line {times} times or more ({before} before)",
                    "{now} de {n} respostas repetem uma linha {times} vezes ou mais ({before} antes)",
                    now=after.repeating, n=after.answers, times=REPEATED, before=before.repeating,
                )
            )  # fmt: skip
        return said

    @property
    def in_favour(self) -> list[Text]:
        """What says, without the reward, that the answers got better."""
        said = []
        if (p := self.people) is not None and p.delta is not None and p.low is not None and p.low > 0:
            said.append(
                fill(
                    "people score them {by} higher (of 5)",
                    "as pessoas dão a elas {by} a mais (de 5)",
                    by=decimal(p.delta, 1),
                )
            )
        if (t := self.truth) is not None and t.rose:
            said.append(
                fill(
                    "{label} rose ({base} to {tuned}; one constant answer gets {constant})",
                    "{label} subiram ({base} a {tuned}; uma só resposta constante chega a {constant})",
                    **_shares(t),
                )
            )
        return said


def _shares(t: TruthChange) -> dict[str, Text | str]:
    shares = {"base": t.base, "tuned": t.tuned, "constant": t.constant}
    return {"label": t.label} | {name: f"{share:.0%}" for name, share in shares.items()}


def gather(
    session: Session,
    evaluations: tuple[Evaluation, Evaluation],
    changes: Sequence[TaskComparison],
    paired: pd.DataFrame,
    texts: tuple[pd.DataFrame, pd.DataFrame],
) -> list[Evidence]:
    """All that is known of each task's change.

    Args:
        session: a reading session.
        evaluations: base and tuned.
        changes: of the reward, per task and overall.
        paired: columns prompt_id, task, base, tuned; one row per prompt.
        texts: of base and of tuned: columns prompt_id, text, facts; one row per completion.
    """
    base, tuned = evaluations
    gates: Mapping[str, Gate] = standing_gates(session, tuned.profile)
    people = {p.task: p for p in would_people_agree(session, base, tuned, paired)}
    found = []
    for change in changes:
        if change.task == "overall":
            continue
        prompts = paired.loc[paired["task"] == change.task, "prompt_id"]
        mine = [frame[frame["prompt_id"].isin(prompts)] for frame in texts]
        found.append(
            Evidence(
                change,
                gates.get(change.task),
                _truth(change.task, mine[0], mine[1]),
                people.get(change.task),
                count(mine[0].drop_duplicates("prompt_id")["text"].tolist()),
                count(mine[1].drop_duplicates("prompt_id")["text"].tolist()),
            )
        )
    return found


def count(texts: Sequence[str]) -> Counted:
    """Count what can be counted in answers."""
    alike = Counter(" ".join(text.casefold().split()) for text in texts)
    repeating = sum(any(n >= REPEATED for n in _lines(text).values()) for text in texts)
    most = max(alike.values(), default=0)
    return Counted(len(texts), len(alike), most, repeating, fmean(map(len, texts)) if texts else 0.0)


def _lines(text: str) -> Counter[str]:
    return Counter(line for raw in text.splitlines() if len(line := " ".join(raw.casefold().split())) > 3)


def _truth(task: str, base: pd.DataFrame, tuned: pd.DataFrame) -> TruthChange | None:
    """The change of a task's truth measure over the prompts that it applies to; None where there are fewer than two."""
    known = find_task(task)
    truth = known.truth if known is not None else None
    if truth is None:
        return None
    both = pd.concat([_right(truth, frame) for frame in (base, tuned)], axis=1, keys=["base", "tuned"], join="inner")
    if len(both) < 2:
        return None
    prompts = tuned.drop_duplicates("prompt_id")
    seen = pd.concat([base["text"], tuned["text"]]).value_counts().index[:_CONSTANTS]
    constants = [_right(truth, prompts.assign(text=text)).reindex(both.index) for text in seen]
    best = max(constants, key=lambda shares: float(shares.mean()))
    changes = [(both["tuned"] - other).round(9).to_numpy(float) for other in (both["base"], best)]
    (low, high), (over_low, over_high) = (mean_interval([change]) for change in changes)
    return TruthChange(
        label=truth.label,
        base=float(both["base"].mean()),
        tuned=float(both["tuned"].mean()),
        low=low,
        high=high,
        constant=float(best.mean()),
        over_low=over_low,
        over_high=over_high,
    )


def _right(truth: Truth, frame: pd.DataFrame) -> pd.Series:
    """prompt_id -> the share of its facts that its answers get right; prompts without facts are left out."""
    right: dict[str, list[float]] = {}
    for row in frame.itertuples():
        if judged := truth.judge(str(row.text), row.facts):
            right.setdefault(str(row.prompt_id), []).append(fmean(judged))
    return pd.Series({prompt: fmean(shares) for prompt, shares in right.items()}, dtype=float)


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
    if any(e.change.verdict in ("possibly better", "possibly worse") for e in tasks):
        found.append(odds_words(len(tasks)))
    return found


def evidence_sentence(evidence: Sequence[Evidence], bold: str = "") -> Text:
    """``headline`` and ``findings`` as one text."""
    all_words = [headline(evidence), *findings(evidence, bold)]
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
            **_shares(t),
        )
    ]


def _untrusted(gate: Gate | None) -> Text:
    if gate is not None and gate.verdict == "fail":
        return Text("people do not rank answers as this reward does", "as pessoas não ordenam as respostas como ela")
    return Text("the reward has not passed its audit", "a recompensa não passou na auditoria")


def _filled(template: Text, e: Evidence, bold: str, why: Sequence[Text]) -> Text:
    c = e.change
    moved = fill(
        "{by} (from {base} to {tuned})",
        "{by} (de {base} para {tuned})",
        by=decimal(abs(c.delta)), base=decimal(c.base), tuned=decimal(c.tuned),
    )  # fmt: skip
    return fill(
        template.en,
        template.pt,
        task=fill("{b}{task}{b}", "{b}{task}{b}", b=bold, task=label_of(c.task)),
        moved=moved,
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
            change=change, **_shares(t),
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
