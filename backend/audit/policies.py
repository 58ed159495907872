"""Whose answers a ρ rests on: the reward's ρ on each policy's completions, a trained one's beside its base's.

A reward that ranked the base model's answers as people do can stop doing so on those that it has trained, because these are
chosen to score high. So the tuned answers of a run are rated too, and ρ on them stands beside ρ on the base's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from backend.audit.correlation import Correlation, Difference, correlate, subset_difference
from backend.suites import in_order
from backend.wording import Text, fill, joined


@dataclass(frozen=True)
class PolicyRho:
    """A reward's ρ on the completions of one policy.

    Attributes:
        task: the reward's.
        policy: who wrote them (``backend.store.completions.written_by``).
        found: ρ with its interval.
        human: the mean human score of these completions.
        apart: this ρ minus the one on the policy it was trained from, with its interval; None for a base, or without both.
    """

    task: str
    policy: str
    found: Correlation
    human: float
    apart: Difference | None = None


def base_of(policy: str) -> str:
    """The policy that another was trained from; itself for one that no run has trained."""
    return policy.partition(", ")[0]


def by_policy(rated: pd.DataFrame) -> list[PolicyRho]:
    """ρ of each task's total on each policy's completions, the base before what was trained from it.

    Args:
        rated: rows of ``rated_scores``.
    """
    totals, found = rated[rated["component"] == "total"], []
    for task in in_order([str(task) for task in totals["task"].unique()]):
        of_task = totals[totals["task"] == task]
        for policy in sorted(of_task["policy"].unique()):
            mine = of_task[of_task["policy"] == policy]
            (c,) = correlate(mine["human"], mine[["value"]], mine["prompt_id"].tolist())
            found.append(PolicyRho(task, policy, c, float(mine["human"].mean()), _apart(of_task, policy)))
    return found


def _apart(of_task: pd.DataFrame, policy: str) -> Difference | None:
    both = of_task[of_task["policy"].isin([policy, base_of(policy)])]
    if base_of(policy) == policy or both["policy"].nunique() < 2:
        return None
    return subset_difference(both["human"], both["value"], both["prompt_id"].tolist(), both["policy"] == policy)


def policy_words(policy: str) -> Text:
    """A policy as people read it: a trained one's run is named in both languages."""
    name, _, trained = policy.partition(", ")
    name = _NAMES.get(name, name)
    for en, pt in _TRAINED.items():
        trained = trained.replace(en, pt)
    return Text(policy, f"{name}, {trained}" if trained else name)


_NAMES = {"attack": "ataque"}  # of the finds of backend.audit.attack
_TRAINED = {"tuned in ": "treinado em ", "step ": "passo ", " of ": " de ", "after the warm-up": "após o aquecimento"}


def rests_on(policies: Sequence[str]) -> Text:
    """Whose completions a gate rests on, most first: ``rests on completions of nano (28)``."""
    counts = pd.Series(policies, dtype=str).value_counts()
    listed = joined([fill("{p} ({n})", "{p} ({n})", p=policy_words(str(p)), n=n) for p, n in counts.items()])
    return fill("rests on completions of {listed}", "apoia-se em respostas de {listed}", listed=listed)


def lost(found: Sequence[PolicyRho]) -> list[PolicyRho]:
    """Trained policies on whose answers the reward surely ranks worse than on the base's, and which people like no better.

    Where training made all answers good, little is left to rank.
    """
    of_base = {(p.task, p.policy): p.human for p in found}
    return [
        p
        for p in found
        if p.apart is not None
        and p.apart.high is not None
        and p.apart.high < 0
        and p.human <= of_base.get((p.task, base_of(p.policy)), p.human)
    ]
