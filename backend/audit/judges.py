"""Audit the judges of a suite: what they cost and left out, what they go by beside quality, and how they stand beside people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.audit.annotator import BesidePeople, beside_people, most_wrong, words_of
from backend.audit.bias import APART, LEANS, Again, Asked, Obeys, Position, ask_again, leaning, obeys, swap_test
from backend.audit.correlation import Correlation, spearman
from backend.store.completions import to_score
from backend.store.engine import in_parts
from backend.store.tables import Completion, Prompt, Score
from backend.suites import JudgeOf
from backend.suites.judge_cache import Spent, spent
from backend.wording import Text, decimal, fill

CHECKS = 30
"""Pairs that are judged in both orders, and completions that are asked about once more."""
MOST_WRONG = 20


@dataclass(frozen=True)
class JudgeAudit:
    """A judge on one task.

    Attributes:
        judge: it.
        n: rated completions with a value.
        gaps: kind of gap -> how many rated completions.
        spent: what all its answers so far took.
        length: partial ρ with the completion's length, given the human scores.
        people_length: people's own ρ with length.
        position, again, obeys: answers to questions asked for the audit alone; None where none were asked.
        people: it beside people.
        most_wrong: completions on which it lies furthest from people, furthest first.
    """

    judge: JudgeOf
    n: int
    gaps: Mapping[str, int]
    spent: Spent
    length: Correlation
    people_length: float | None
    position: Position | None
    again: Again | None
    obeys: Obeys | None
    people: BesidePeople
    most_wrong: Sequence[int]

    @property
    def findings(self) -> tuple[Text, ...]:
        """What speaks against the judge beside its ρ, in words; the first ones weigh most."""
        found = [self._of_length(), self._of_position(), self._of_chance(), self._of_instructions()]
        return (*(words for words in found if words is not None), words_of(self.people))

    def _of_length(self) -> Text | None:
        c = self.length
        if c.rho is None or c.low is None or c.high is None or (c.low <= LEANS and c.high >= -LEANS):
            return None
        more = Text("longer", "mais longas") if c.rho > 0 else Text("shorter", "mais curtas")
        return fill(
            "of completions that people score alike it likes {more} ones better (partial ρ with length {rho}, {low} to {high})",
            "entre respostas de mesma nota prefere as {more} (ρ parcial com o tamanho {rho}, {low} a {high})",
            more=more, rho=decimal(c.rho), low=decimal(c.low), high=decimal(c.high),
        )  # fmt: skip

    def _of_position(self) -> Text | None:
        p = self.position
        if p is None or not p.is_biased or p.first is None or p.consistent is None:
            return None
        place = Text("first", "primeira") if p.first > 0 else Text("second", "segunda")
        return fill(
            "between two answers it leans to the {place} one (by {by} of {pairs} pairs; the same winner in both orders in {same} %)",
            "entre duas respostas prefere a {place} (por {by} de {pairs} pares; mesmo vencedor nas duas ordens em {same} %)",
            place=place, by=decimal(abs(p.first)), pairs=p.pairs, same=round(100 * p.consistent),
        )  # fmt: skip

    def _of_chance(self) -> Text | None:
        if self.again is None or self.again.apart is None or self.again.apart <= APART:
            return None
        return fill(
            "asked again it answers otherwise (by {apart} of its scale on average)",
            "perguntado de novo responde outra coisa (em média {apart} da escala)", apart=decimal(self.again.apart),
        )  # fmt: skip

    def _of_instructions(self) -> Text | None:
        if self.obeys is None or not self.obeys.is_shown:
            return None
        return fill(
            "it obeys {raised} of {tried} instructions put after a poor completion",
            "obedece a {raised} de {tried} instruções postas depois de uma resposta ruim",
            raised=self.obeys.raised, tried=self.obeys.tried,
        )  # fmt: skip


def audit_judge(
    session: Session, judge: JudgeOf, profile: str, rows: pd.DataFrame, ratings: pd.DataFrame, gaps: pd.DataFrame, ids: list[int],
    checks: int = CHECKS,
) -> JudgeAudit:  # fmt: skip
    """Audit a judge on one task.

    Args:
        session: with the scores in it.
        judge: of the task's rewards.
        profile: under which its scores stand.
        rows: its rated completions (``rated_scores`` of its component).
        ratings: of the task.
        gaps: of the task (``backend.store.completions.gaps``).
        ids: all completions that the judge's scores are read of, rated or not.
        checks: how many pairs and repeats it is asked for; 0 asks it nothing.

    Raises:
        UserError: it cannot be asked at all.
    """
    asked = _asked(session, rows) if checks else []
    prompts = rows["prompt_id"].tolist()
    mine, judged = gaps[gaps["component"] == judge.name], judged_by(session, judge.name, profile, rows, ids)
    position, again = swap_test(judge, asked, checks), ask_again(judge, asked, checks)
    instructions = obeys(judge, asked)
    return JudgeAudit(
        judge,
        len(rows),
        {str(kind): int(n) for kind, n in mine["kind"].value_counts().sort_index().items()},
        spent(judge.fingerprint),
        leaning(rows["human"], rows["value"], rows["length"], prompts),
        spearman(rows["human"], rows["length"]),
        position if checks else None,
        again if checks else None,
        instructions if checks else None,
        beside_people(judged, ratings),
        most_wrong(judged, MOST_WRONG),
    )


def judged_by(session: Session, name: str, profile: str, rows: pd.DataFrame, ids: list[int]) -> pd.DataFrame:
    """Every completion that a judge has scored: completion_id, prompt_id, value, human (NaN where unrated), weight."""
    found: list[Any] = []
    for part in in_parts(ids):
        wanted = (Score.profile == profile, Score.component == name, Score.completion_id.in_(part))
        query = select(Score.completion_id, Completion.prompt_id, Score.value).join(
            Completion, Completion.id == Score.completion_id
        )
        found += session.execute(query.where(*wanted)).all()
    frame = pd.DataFrame(found, columns=["completion_id", "prompt_id", "value"]).sort_values("completion_id")
    known = rows.set_index("completion_id")[["human", "weight"]]
    return frame.join(known, on="completion_id").reset_index(drop=True)


def _asked(session: Session, rows: pd.DataFrame) -> list[Asked]:
    """The rated completions with their texts, in order of their ids."""
    known = rows.set_index("completion_id")
    found = []
    for part in in_parts([int(i) for i in known.index]):
        query = (
            select(Completion, Prompt).join(Prompt, Prompt.id == Completion.prompt_id).where(Completion.id.in_(part))
        )
        for completion, prompt in session.execute(query.order_by(Completion.id)).tuples():
            one, row = to_score(completion, prompt), known.loc[completion.id]
            found.append(
                Asked(prompt.id, one.user_text, one.completion, one.columns, float(row["human"]), float(row["value"]))
            )
    return found


def as_dict(audit: JudgeAudit) -> dict[str, Any]:
    """Plain values, for JSON."""
    people, judge = audit.people, audit.judge
    return {
        "name": judge.name,
        "model": judge.model,
        "endpoint": judge.endpoint,
        "fingerprint": judge.fingerprint,
        "n": audit.n,
        "gaps": dict(audit.gaps),
        "spent": {**asdict(audit.spent), "dollars": audit.spent.dollars(judge.price)},
        "length": {**audit.length.as_dict(), "people": audit.people_length},
        "position": None if audit.position is None else asdict(audit.position),
        "again": None if audit.again is None else asdict(audit.again),
        "obeys": None if audit.obeys is None else asdict(audit.obeys),
        "rho": people.correlation.as_dict(),
        "kappa": asdict(people.kappa),
        "people_kappa": asdict(people.people_kappa),
        "alternative": {**asdict(people.alternative), "why": str(people.alternative.why)},
        "mean": None if people.powered is None else asdict(people.powered),
        "most_wrong": list(audit.most_wrong),
        "findings": [str(words) for words in audit.findings],
    }
