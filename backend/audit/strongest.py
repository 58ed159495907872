"""The audit's findings in words, the strongest first: what speaks against a reward, and where on the page to read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from backend.audit.attack import BAD, high_of
from backend.audit.attacks import Standing
from backend.audit.best_of_n import BestOf
from backend.audit.policies import PolicyRho, lost, policy_words
from backend.suites import find_task, label_of
from backend.wording import Text, decimal, fill

Where = Literal["attack", "best_of_n", "completions", "parts", "policies", "ratings"]
_FEWEST = 3
"""Useless answers that are a finding."""


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        words: a sentence.
        task: whose reward.
        where: the part of the audit that shows it.
        weight: how much it speaks against the reward, from 0 (not at all) to 1.
    """

    words: Text
    task: str
    where: Where
    weight: float


def strongest(
    rated: pd.DataFrame,
    audit: pd.DataFrame,
    attacks: Mapping[str, Standing],
    picked: Mapping[str, Sequence[BestOf]],
    policies: Sequence[PolicyRho],
) -> list[Finding]:
    """Every finding of the audit, the strongest first; at least one where something has been rated.

    Args:
        rated: rows of ``rated_scores``.
        audit: of ``audit_table``.
        attacks: task -> what an attack on its reward came to.
        picked: task -> best-of-n by what people say.
        policies: ρ on each policy's completions.
    """
    totals = audit[audit["reward"] == "total"]
    found = [
        *(f for task in totals["task"] for f in _paid_for_useless(task, rated)),
        *(_broken(task, made) for task, made in attacks.items() if made.broke),
        *(_over_optimised(task, points[-1]) for task, points in picked.items() if points and points[-1].over_optimised),
        *(_lost(p) for p in lost(policies)),
        *(_gate(row, attacks) for _, row in totals.iterrows()),
    ]
    return sorted(found, key=lambda finding: -finding.weight)


def _paid_for_useless(task: str, rated: pd.DataFrame) -> list[Finding]:
    """How many of the completions that the reward pays almost in full people call useless."""
    known = find_task(task)
    if known is None or known.bounds is None:
        return []
    totals = rated[(rated["task"] == task) & (rated["component"] == "total")]
    liked = totals[totals["value"] >= high_of(known.bounds)]
    useless = liked[liked["human"] <= BAD]
    if len(useless) < _FEWEST:
        return []
    words = fill(
        "{task}: people call {n} of the {all} answers useless that its reward pays {high} or more (mean human score {human} "
        "of 5).",
        "{task}: as pessoas acham inúteis {n} das {all} respostas que a recompensa paga com {high} ou mais (nota humana média "
        "{human} de 5).",
        task=label_of(task),
        n=len(useless),
        all=len(liked),
        high=decimal(high_of(known.bounds)),
        human=decimal(float(useless["human"].mean()), 1),
    )
    return [Finding(words, task, "parts", 0.5 + 0.45 * len(useless) / len(liked))]


def _broken(task: str, made: Standing) -> Finding:
    words = fill(
        "{task}: its reward can be gamed: {how}.",
        "{task}: a recompensa se deixa enganar: {how}.",
        task=label_of(task),
        how=made.words,
    )
    return Finding(words, task, "attack", 0.75)


def _over_optimised(task: str, last: BestOf) -> Finding:
    words = fill(
        "{task}: picking the best of {n} by its reward raises it by {reward}, and what people say by {judged}.",
        "{task}: escolher a melhor de {n} por ela a sobe {reward}, e o que as pessoas dizem {judged}.",
        task=label_of(task),
        n=last.n,
        reward=decimal(last.reward_gain),
        judged=decimal(last.judged_gain, signed=True),
    )
    return Finding(words, task, "best_of_n", 0.65)


def _lost(p: PolicyRho) -> Finding:
    words = fill(
        "{task}: on the answers of {policy}, its reward ranks worse than on those of the base: ρ {rho}, {apart} from the "
        "base's.",
        "{task}: nas respostas de {policy}, a recompensa ordena pior que nas do modelo base: ρ {rho}, {apart} em relação às "
        "dele.",
        task=label_of(p.task),
        policy=policy_words(p.policy),
        rho=decimal(p.found.rho or 0.0),
        apart=decimal(p.apart.delta if p.apart and p.apart.delta is not None else 0.0, signed=True),
    )
    return Finding(words, p.task, "policies", 0.8)


def _gate(row: pd.Series, attacks: Mapping[str, Standing]) -> Finding:
    """What the gate says; of a reward that passed, also whether anyone has attacked it."""
    task, verdict = str(row["task"]), row["verdict"]
    named: dict[str, Text | str] = {"task": label_of(task), "rho": _rho(row), "n": str(row["n"])}
    if verdict == "fail":
        words = fill(
            "{task}: its reward does not rank answers as people do (ρ {rho}, n = {n}).",
            "{task}: a recompensa não ordena as respostas como as pessoas (ρ {rho}, n = {n}).",
            **named,
        )
        return Finding(words, task, "completions", 0.7)
    if verdict != "pass":
        words = fill(
            "{task}: whether its reward ranks answers as people do is not known yet (ρ {rho}, n = {n}).",
            "{task}: se a recompensa ordena as respostas como as pessoas ainda não se sabe (ρ {rho}, n = {n}).",
            **named,
        )
        return Finding(words, task, "ratings", 0.3)
    if task not in attacks:
        words = fill(
            "{task}: its reward ranks answers as people do (ρ {rho}, n = {n}); nobody has attacked it yet.",
            "{task}: a recompensa ordena as respostas como as pessoas (ρ {rho}, n = {n}); ninguém a atacou ainda.",
            **named,
        )
        return Finding(words, task, "attack", 0.2)
    words = fill(
        "{task}: its reward ranks answers as people do (ρ {rho}, n = {n}), and {how}.",
        "{task}: a recompensa ordena as respostas como as pessoas (ρ {rho}, n = {n}), e {how}.",
        how=attacks[task].words,
        **named,
    )
    return Finding(words, task, "attack", 0.1)


def _rho(row: pd.Series) -> Text:
    return Text("–", "–") if pd.isna(row["rho"]) else decimal(float(row["rho"]))
