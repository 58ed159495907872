"""What Start says to each reader: what has happened since they last looked, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.ui.audit_data import standing
from backend.audit.attack import finds_waiting
from backend.audit.attacks import broken_rewards, standing_attacks
from backend.audit.gate import Gate
from backend.audit.gate_words import GATE_WORDS
from backend.evaluation.evidence import Evidence
from backend.evaluation.findings import findings, headline
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.store.answers import alarms
from backend.store.evaluations import tuned_evaluations
from backend.store.ratings import counted_ratings, has_example_ratings, own_ratings, scored_ratings
from backend.store.tables import Prompt, Rater, Rating, Run, Stratum
from backend.suites import default_profile, label_of, task_names
from backend.wording import Text, fill, joined


@dataclass(frozen=True)
class Line:
    """One thing to know.

    Attributes:
        text: in words.
        calls: whether somebody should act on it.
    """

    text: Text
    calls: bool = False


def for_raters(session: Session) -> list[Line]:
    """How many completions wait for a score, and how many scores there are."""
    queued = select(func.coalesce(func.sum(Stratum.open), 0), func.coalesce(func.sum(Stratum.items - Stratum.rated), 0))
    waiting, first = session.execute(queued).one()
    n, people = session.execute(counted_ratings(func.count(), func.count(Rater.id.distinct()))).one()
    is_example = has_example_ratings(session)
    given = fill(
        "Ratings so far: {n}, by {people}{whose}.",
        "Avaliações até agora: {n}, de {people}{whose}.",
        n=n,
        people=_people(people),
        whose=Text("; the example's are a language model's", "; as do exemplo são de um modelo de linguagem")
        if is_example
        else Text("", ""),
    )
    if not waiting:
        return [Line(Text("No completion waits for a rating.", "Nenhuma resposta espera avaliação.")), Line(given)]
    lines = []
    if first:
        words = fill(
            "{n} {n:completion waits|completions wait} for a rating.",
            "{n} {n:resposta espera|respostas esperam} avaliação.",
            n=first,
        )
        lines.append(Line(words, calls=True))
    if waiting > first:
        words = fill(
            "{n} {n:completion waits|completions wait} for another rater's rating.",
            "{n} {n:resposta espera|respostas esperam} a nota de mais um avaliador.",
            n=waiting - first,
        )
        lines.append(Line(words, calls=not first))
    return [*lines, Line(given)]


def _people(n: int) -> Text:
    return fill("{n} {n:rater|raters}", "{n} {n:pessoa|pessoas}", n=n)


def newest_result(session: Session, runs: Sequence[Run]) -> tuple[Run, list[Evidence]] | None:
    """The newest run that has base and tuned evaluations, and the evidence of its tasks; None if there is no such run."""
    tuned = tuned_evaluations(session)
    for run in runs:
        if run.id in tuned and (pair := base_and_tuned(session, run.id)) is not None:
            return run, compare_stored(session, *pair).evidence
    return None


def of_result(name: str, evidence: Sequence[Evidence]) -> list[Line]:
    """A run's finding: the headline, and the sentence that stands first on Results."""
    said = findings(evidence)
    head = fill("{name}: {words}", "{name}: {words}", name=name, words=headline(evidence))
    return [Line(head, calls=any(e.against for e in evidence)), *(Line(words) for words in said[:1])]


def of_production(session: Session) -> list[Line]:
    """The open alarms of the monitor."""
    n = sum(alarm.closed_at is None for alarm in alarms(session))
    one = n == 1
    words = fill(
        "{n} open " + ("alarm" if one else "alarms") + " in production.",
        "{n} " + ("alarme aberto" if one else "alarmes abertos") + " em produção.",
        n=n,
    )
    return [Line(words, calls=True)] if n else []


def for_engineers(session: Session) -> list[Line]:
    """Whether each reward's gate stands open, and which finds of an attack nobody has judged."""
    profile = default_profile()
    gates = standing(profile)
    names = _rated_tasks(session) or task_names()
    lines = [gates_line(gates, names)]
    broken = [task for task in broken_rewards(standing_attacks(session, profile)) if task in names]
    if broken:
        words = fill(
            "An attack games the reward of {names}: a cheap text scores high.",
            "Um ataque engana a recompensa de {names}: um texto barato pontua alto.",
            names=_names(broken),
        )
        lines.append(Line(words, calls=True))
    found = sum(finds_waiting(session).values())
    if found:
        words = fill(
            "{n} {n:find of the attack waits|finds of the attack wait} for a rating.",
            "{n} {n:achado do ataque espera|achados do ataque esperam} avaliação.",
            n=found,
        )
        lines.append(Line(words, calls=True))
    return lines


def _rated_tasks(session: Session) -> list[str]:
    one = scored_ratings(Rating.id).limit(1)  # the first will do; to count them all takes as long as there are ratings
    return [task for task in task_names() if session.scalar(one.where(Prompt.task == task)) is not None]


def gates_line(gates: Mapping[str, Gate], names: Sequence[str]) -> Line:
    """In one sentence: which rewards have passed their audit, and what the others wait for."""
    passed = [task for task in names if task in gates and gates[task].verdict == "pass"]
    failed = [task for task in names if task in gates and gates[task].verdict == "fail"]
    stale = [task for task in names if task in gates and gates[task].verdict == "stale"]
    undecided = [task for task in names if task not in gates]
    if len(passed) == len(names):
        return Line(Text("Every reward has passed its audit.", "Toda recompensa passou na auditoria."))
    parts = [
        fill("{n} of {all} rewards passed the audit", "{n} de {all} recompensas passaram na auditoria",
             n=len(passed), all=len(names))
    ]  # fmt: skip
    if failed:
        parts.append(fill("failed: {names}", "reprovadas: {names}", names=_names(failed)))
    if stale:
        were = [
            fill(
                "{task} (was: {verdict})",
                "{task} (era: {verdict})",
                task=label_of(task),
                verdict=GATE_WORDS[gates[task].was],
            )
            for task in stale
        ]
        parts.append(
            fill("to be decided again, for ratings or rules have changed: {names}",
                 "a decidir de novo, pois notas ou regras mudaram: {names}", names=joined(were, ", "))
        )  # fmt: skip
    if undecided:
        parts.append(fill("without a valid decision: {names}", "sem decisão válida: {names}", names=_names(undecided)))
    waiting = [task for task in names if task not in (*passed, *failed, *stale, *undecided)]
    if waiting:
        parts.append(fill("more ratings needed: {names}", "faltam avaliações: {names}", names=_names(waiting)))
    return Line(Text("; ".join(p.en for p in parts) + ".", "; ".join(p.pt for p in parts) + "."), calls=True)


def _names(tasks: Sequence[str]) -> Text:
    labels = [label_of(task) for task in tasks]
    return Text(", ".join(text.en for text in labels), ", ".join(text.pt for text in labels))


_TOUR_ENDS = 30
"""Ratings of one's own: a tour that asks for a few of them must not end with the first."""


def only_example(session: Session, runs: Sequence[Run]) -> bool:
    """Whether little has been done here yet: the recorded example's runs are all there are, and most ratings are its own."""
    return bool(runs) and all(run.is_example for run in runs) and own_ratings(session, _TOUR_ENDS) < _TOUR_ENDS
