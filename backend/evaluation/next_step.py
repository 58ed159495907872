"""Advice after a run: first about tasks that got worse or may have, then from the suite's decision tree, then from the verdicts."""

from collections.abc import Sequence
from dataclasses import replace

from backend.evaluation.compare import MOST_LOSE, TaskComparison
from backend.evaluation.evidence import Evidence
from backend.suites import NextStep, label_of, suite_of, task_names
from backend.wording import Text, decimal, fill, joined, p_value

FEWEST_STEPS = 20
"""A run of fewer steps that shows no gain says nothing of its recipe."""


def next_step(
    comparisons: Sequence[TaskComparison], evidence: Sequence[Evidence] = (), steps: int | None = None
) -> NextStep:
    """The next step after a run.

    A reward that rose without better answers, or that nobody has audited, comes before any larger model.

    Args:
        comparisons: of base and tuned, with the ``overall`` row.
        evidence: what is known beside the reward.
        steps: how many the run has made; None where no run of ours made the difference.
    """
    tasks = [c for c in comparisons if c.task != "overall"]
    if worse := [c for c in tasks if c.verdict == "regressed"]:
        return _regressed(worse)
    if doubtful := [c for c in tasks if c.verdict in ("possibly worse", MOST_LOSE)]:
        return _doubtful(doubtful)
    if gamed := [e for e in evidence if e.change.verdict == "improved" and e.against]:
        return _gamed(gamed)
    if unknown := [e for e in evidence if e.change.verdict == "improved" and not e.trusted and not e.in_favour]:
        return _unaudited(unknown)
    if refuted := [e for e in evidence if e.refuted]:
        return _refuted(refuted)
    return _of_recipe(comparisons, tasks, steps)


def _of_recipe(comparisons: Sequence[TaskComparison], tasks: Sequence[TaskComparison], steps: int | None) -> NextStep:
    """What to change where nothing got worse and the reward is not in doubt: the suite's decision tree, or the verdicts alone."""
    improved = any(c.verdict == "improved" for c in tasks)
    if steps is not None and steps < FEWEST_STEPS and not improved:
        return _too_short(steps)
    known = [suite_of(c.task) for c in tasks if c.task in task_names()]
    step = known[0].next_step(comparisons) if known and known[0].next_step is not None else None
    if step is None:
        return _by_verdicts(tasks)
    return step if improved else replace(step, reasons=(_NOTHING_TO_SHIP, *step.reasons))


_NOTHING_TO_SHIP = Text(
    "no task is seen to have improved, so there is nothing to ship",
    "não se vê melhora em nenhuma tarefa, então não há o que publicar",
)


def _too_short(steps: int) -> NextStep:
    return NextStep(
        "",
        fill(
            "Train longer before you change the data, the reward or the model: {n} {n:step is|steps are} too few to judge a recipe by.",
            "Treine por mais tempo antes de mudar os dados, a recompensa ou o modelo: {n} {n:passo é|passos são} pouco para julgar "
            "uma receita.",
            n=steps,
        ),
        (_NOTHING_TO_SHIP,),
    )


def _names(tasks: Sequence[TaskComparison]) -> Text:
    return joined([label_of(c.task) for c in tasks], ", ")


def _regressed(worse: Sequence[TaskComparison]) -> NextStep:
    en, pt = _names(worse)
    return NextStep(
        "",
        Text(
            f"Do not ship this: {en} got worse. Read its worst moves, and audit its reward on the tuned answers.",
            f"Não publique: {pt} piorou. Leia as maiores quedas e audite a recompensa nas respostas treinadas.",
        ),
        tuple(
            Text(
                f"{label_of(c.task).en} fell by {-c.delta:.2f} (Holm-corrected p = {c.p_holm:.3f})",
                f"{label_of(c.task).pt} caiu {-c.delta:.2f} (p corrigido por Holm = {c.p_holm:.3f})".replace(".", ","),
            )
            for c in worse
        ),
    )


def _doubtful(doubtful: Sequence[TaskComparison]) -> NextStep:
    en, pt = _names(doubtful)
    return NextStep(
        "",
        Text(
            f"Before you go on: {en} may have got worse. Compare on more prompts, and read the worst moves.",
            f"Antes de seguir: {pt} pode ter piorado. Compare em mais prompts e leia as maiores quedas.",
        ),
        tuple(
            fill(
                "{task}: {delta} ({low} to {high}), p for worse {p}",
                "{task}: {delta} ({low} a {high}), p de piora {p}",
                task=label_of(c.task),
                delta=decimal(c.delta, signed=True),
                low=decimal(c.low, signed=True),
                high=decimal(c.high, signed=True),
                p=p_value(c.p_worse),
            )
            for c in doubtful
        ),
    )


def _gamed(gamed: Sequence[Evidence]) -> NextStep:
    """The reasons are the findings themselves, which every reader of this has before."""
    en, pt = _names([e.change for e in gamed])
    return NextStep(
        "",
        Text(
            f"Do not ship this. Mend the reward before a larger model or a longer run: in {en} the model learned to score, not to answer. Read "
            "the best moves, attack the reward, and let people rate the tuned answers.",
            f"Não publique. Conserte a recompensa antes de um modelo maior ou de um treino mais longo: em {pt} o modelo aprendeu a pontuar, "
            "não a responder. Leia os maiores ganhos, ataque a recompensa e peça avaliações das respostas treinadas.",
        ),
        (),
    )


def _unaudited(unknown: Sequence[Evidence]) -> NextStep:
    en, pt = _names([e.change for e in unknown])
    return NextStep(
        "",
        Text(
            f"Audit the reward before you ship this or train a larger model: let people rate the tuned answers of {en}.",
            f"Audite a recompensa antes de publicar isto ou de treinar um modelo maior: peça avaliações das respostas "
            f"treinadas de {pt}.",
        ),
        (
            Text(
                "their reward rose, and nothing but the reward says that the answers got better",
                "a recompensa subiu, e nada além dela diz que as respostas melhoraram",
            ),
        ),
    )


def _refuted(refuted: Sequence[Evidence]) -> NextStep:
    """Nothing is seen to have moved, and the reward is known to be wrong: more of it teaches the wrong thing."""
    en, pt = _names([e.change for e in refuted])
    return NextStep(
        "",
        Text(
            f"Mend the reward of {en} before you train longer or change the data or the model: it does not pay for what people want.",
            f"Conserte a recompensa de {pt} antes de treinar mais ou de mudar os dados ou o modelo: ela não paga pelo que as pessoas "
            "querem.",
        ),
        tuple(
            fill("{task}: {words}", "{task}: {words}", task=label_of(e.change.task), words=e.attack.words)
            if e.broken and e.attack is not None
            else fill("{task} failed its audit", "{task} foi reprovada na auditoria", task=label_of(e.change.task))
            for e in refuted
        ),
    )


def _by_verdicts(tasks: Sequence[TaskComparison]) -> NextStep:
    """Advice from the verdicts alone, for a suite that has no decision tree."""
    improved = sum(c.verdict == "improved" for c in tasks)
    counted = Text(
        f"{improved} of {len(tasks)} tasks improved, and none is seen to have got worse",
        f"{improved} de {len(tasks)} tarefas melhoraram, e em nenhuma se vê piora",
    )
    if improved == len(tasks):
        what = Text(
            "Every task's reward went up: let people rate the tuned answers before you believe it.",
            "A recompensa subiu em todas as tarefas: peça avaliações das respostas treinadas antes de acreditar.",
        )
    elif improved:
        what = Text(
            "Some tasks moved and some did not: read those that did not, and audit their rewards.",
            "Algumas tarefas mudaram e outras não: leia as que não mudaram e audite suas recompensas.",
        )
    else:
        what = Text(
            "Nothing moved that this test could detect: check the rewards' spread inside a group, and the learning rate.",
            "Nada mudou que este teste pudesse ver: veja a dispersão das recompensas num grupo e a taxa de aprendizado.",
        )
    return NextStep("", what, (counted,))
