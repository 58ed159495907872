"""Advice after a run: the handoff's decision tree ("Decision Tree", Scenarios A, B and C) as a function.

The default thresholds are the handoff's, for a 0.5B model and these four rewards. They are settings, because another
model or another reward needs other thresholds.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from backend.suites.suite import NextStep
from rewards.types import Text

if TYPE_CHECKING:  # it brings the statistics, and every program knows its suites
    from backend.evaluation.compare import TaskComparison


class Thresholds(BaseModel):
    """The thresholds of the decision tree's branches."""

    model_config = ConfigDict(frozen=True)

    good: float = Field(0.55, ge=0, le=1)
    """Scenario A: with a tuned mean reward of at least this, a larger model is the next step."""
    plateau: float = Field(0.03, ge=0, le=1)
    """Scenario B: a gain below this counts as no gain."""
    no_json: float = Field(0.20, ge=0, le=1)
    """Scenario B: extraction below this means that the model writes no valid JSON."""
    lagging: float = Field(0.20, ge=0, le=1)
    """Scenario C: a task below this counts as too low (extraction: below ``lagging_extraction``)."""
    lagging_extraction: float = Field(0.25, ge=0, le=1)


def next_step(comparisons: "Sequence[TaskComparison]", thresholds: Thresholds | None = None) -> NextStep | None:
    """The next step from a comparison of base and tuned (with its ``overall`` row), in the tree's order.

    A: the mean is good and was raised by this run. B: no gain is seen, and extraction writes no JSON. C: one task is too low.
    Otherwise: train longer, where a task improved. A level that no verdict supports is no reason to go on with a recipe. None
    if a task got worse: ``backend.evaluation.next_step`` handles that before, for every suite.
    """
    limits = thresholds or Thresholds()
    tasks = {c.task: c for c in comparisons if c.task != "overall"}
    overall = next(c for c in comparisons if c.task == "overall")
    if any(c.verdict == "regressed" for c in tasks.values()):
        return None
    lagging = _lagging(tasks, limits)
    if overall.tuned >= limits.good and lagging is None and overall.verdict == "improved":
        return NextStep(
            "A",
            Text(
                "This size has given what it can: take the same recipe to the 3.7B model.",
                "Este tamanho já deu o que podia: leve a mesma receita ao modelo de 3,7B.",
            ),
            (_mean_reason(overall, limits.good), _change_reason(overall)),
            "scenario-a-3.7b",
        )
    extraction = tasks.get("extraction")
    stands = overall.delta < limits.plateau and overall.verdict != "improved"
    if stands and extraction is not None and extraction.tuned < limits.no_json:
        return NextStep(
            "B",
            Text(
                "No gain is seen and there is no valid JSON to reward: start from the base model with an SFT warm-up.",
                "Não se vê ganho e não há JSON válido para premiar: comece do modelo base com um aquecimento por SFT.",
            ),
            (_gain_reason(overall, limits.plateau), _level_reason(extraction, limits.no_json)),
            "scenario-b-sft",
        )
    if lagging is not None:
        return _targeted(lagging, limits)
    if any(c.verdict == "improved" for c in tasks.values()):
        return NextStep(
            "",
            Text(
                "The recipe moves the reward but has not reached its level: train longer or on more prompts, and rate the "
                "tuned answers.",
                "A receita move a recompensa mas não chegou ao nível: treine mais ou com mais prompts, e avalie as respostas "
                "treinadas.",
            ),
            (_mean_reason(overall, limits.good),),
        )
    return NextStep(
        "",
        Text(
            "This run has not shown that the recipe works: compare on more prompts, or look at the rewards' spread inside a "
            "group and at the learning rate.",
            "Este treino não mostrou que a receita funciona: compare em mais prompts, ou veja a dispersão das recompensas "
            "num grupo e a taxa de aprendizado.",
        ),
        (_change_reason(overall),),
    )


def _lagging(tasks: "dict[str, TaskComparison]", limits: Thresholds) -> "TaskComparison | None":
    """The task with the lowest reward among those below their limit; None if there is none."""
    below = [
        c for c in tasks.values() if c.tuned < (limits.lagging_extraction if c.task == "extraction" else limits.lagging)
    ]
    return min(below, key=lambda c: c.tuned, default=None)


_FIXES: dict[str, tuple[Text, str | None]] = {
    "extraction": (
        Text(
            "Refine extraction's reward: score the fields' values, not only their presence.",
            "Refine a recompensa de extração: pontue os valores dos campos, não só a presença.",
        ),
        None,
    ),
    "sql_qa": (
        Text(
            "SQL is beyond this size: leave it out of training and route it to a larger model.",
            "SQL está além deste tamanho: deixe-o fora do treino e envie-o a um modelo maior.",
        ),
        "drop-sql",
    ),
    "insights": (
        Text(
            "Insights starves for data: write about 200 more prompts (350 in all) from orders_enriched.",
            "Faltam dados para insights: escreva cerca de 200 prompts a mais (350 no total) a partir de orders_enriched.",
        ),
        None,
    ),
    "push": (
        Text(
            "Push starves for data: put examples in its system prompt, or train on 500 push prompts.",
            "Faltam dados para push: ponha exemplos no prompt de sistema, ou treine com 500 prompts de push.",
        ),
        "push-few-shot",
    ),
}


def _targeted(c: "TaskComparison", limits: Thresholds) -> NextStep:
    general = Text(
        f"Fix {c.task} alone: look at its reward's ceiling and at how many prompts it has.",
        f"Corrija só {c.task}: veja o teto da recompensa e quantos prompts há.",
    )
    what, preset = _FIXES.get(c.task, (general, None))
    limit = limits.lagging_extraction if c.task == "extraction" else limits.lagging
    return NextStep("C", what, (_level_reason(c, limit),), preset)


def _mean_reason(overall: "TaskComparison", good: float) -> Text:
    return _numbers(
        f"the tuned mean reward is {overall.tuned:.2f}; the level for moving up is {good:.2f}",
        f"a recompensa média treinada é {overall.tuned:.2f}; o nível para subir é {good:.2f}",
    )


def _change_reason(overall: "TaskComparison") -> Text:
    return _numbers(
        f"the mean moved by {overall.delta:+.2f} ({overall.low:+.2f} to {overall.high:+.2f})",
        f"a média mudou {overall.delta:+.2f} ({overall.low:+.2f} a {overall.high:+.2f})",
    )


def _gain_reason(overall: "TaskComparison", plateau: float) -> Text:
    return _numbers(
        f"the mean moved by {overall.delta:+.2f}, less than {plateau:.2f}",
        f"a média mudou {overall.delta:+.2f}, menos que {plateau:.2f}",
    )


def _level_reason(c: "TaskComparison", limit: float) -> Text:
    return _numbers(
        f"{c.task} is at {c.tuned:.2f}, below {limit:.2f}", f"{c.task} está em {c.tuned:.2f}, abaixo de {limit:.2f}"
    )


def _numbers(en: str, pt: str) -> Text:
    """The Portuguese with decimal commas (its sentences have no other full stops)."""
    return Text(en, pt.replace(".", ","))
