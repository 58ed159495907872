"""Advice after a run: first about tasks that got worse or may have, then from the suite's decision tree, then from the verdicts."""

from collections.abc import Sequence

from backend.evaluation.compare import MOST_LOSE, TaskComparison
from backend.evaluation.evidence import Evidence
from backend.suites import NextStep, label_of, suite_of, task_names
from backend.wording import Text, decimal, fill, joined, p_value


def next_step(comparisons: Sequence[TaskComparison], evidence: Sequence[Evidence] = ()) -> NextStep:
    """The next step from a comparison of base and tuned (with its ``overall`` row), and what is known beside the reward.

    A reward that rose without better answers, or that nobody has audited, comes before any larger model.
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
    known = [suite_of(c.task) for c in tasks if c.task in task_names()]
    if known and known[0].next_step is not None and (step := known[0].next_step(comparisons)) is not None:
        return step
    return _by_verdicts(tasks)


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
