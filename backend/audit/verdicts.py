"""Each reward on its own: may it be trained on, and why, in a sentence. Rules and judges pass through the same gate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from backend.audit.correlation import Correlation, correlate, spearman, within_prompt
from backend.audit.gate import decide
from backend.audit.table import length_note, weights_of
from backend.suites import GateSettings
from backend.wording import Text, fill, joined

_MAY = {
    "pass": Text("may be trained on", "pode ser usada no treino"),
    "fail": Text("may not be trained on", "não pode ser usada no treino"),
    "more ratings needed": Text("is not decided", "não está decidida"),
}


@dataclass(frozen=True)
class RewardVerdict:
    """The gate's word on one reward alone.

    Attributes:
        name: of the reward function.
        model: of a judge; "" for a rule.
        verdict: pass, fail or more ratings needed.
        reason: why.
        findings: what it also goes by; they change no verdict.
    """

    name: str
    model: str
    verdict: str
    reason: Text
    findings: tuple[Text, ...] = field(default=())

    @property
    def sentence(self) -> Text:
        """It as a sentence."""
        kind = (
            fill("a judge, {model}", "um juiz, {model}", model=self.model)
            if self.model
            else Text("a rule", "uma regra")
        )
        why = joined([self.reason, *self.findings])
        return fill("{name} ({kind}) {may}: {why}.", "{name} ({kind}) {may}: {why}.",
                    name=self.name, kind=kind, may=_MAY[self.verdict], why=why)  # fmt: skip


def verdict_of(
    name: str, rows: pd.DataFrame, settings: GateSettings, weight: float = 1.0, gaps: int = 0, model: str = "",
    findings: Sequence[Text] = (),
) -> RewardVerdict:  # fmt: skip
    """Decide on one reward alone, by the same rules as on a total.

    Args:
        name: of the reward.
        rows: completion_id, prompt_id, value, human, length: of the rated completions that it has a value for.
        settings: thresholds.
        weight: its weight; with a negative one, what it ranks low is what is wanted.
        gaps: rated completions that it has no value for.
        model, findings: of a judge.
    """
    value = rows["value"] * (-1 if weight < 0 else 1)
    prompts = rows["prompt_id"].tolist()
    (c,) = (
        correlate(rows["human"], value.to_numpy(float)[:, None], prompts, weights_of(rows))
        if len(rows)
        else (Correlation(0, None),)
    )
    notes = length_note(c, spearman(rows["human"], rows["length"]))
    gate = decide(c, settings, within_prompt(rows["human"], value, prompts), notes, gaps)
    return RewardVerdict(name, model, gate.verdict, gate.reason, tuple(findings))


def rewards_of(rated: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """reward -> its rows, of one task's ``rated_scores``; the total is none."""
    if rated.empty:
        return {}
    kept = rated[(rated["component"] != "total") & np.isfinite(rated["value"])]
    return {str(name): rows for name, rows in kept.groupby("component", sort=False)}
