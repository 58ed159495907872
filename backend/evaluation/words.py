"""A comparison in plain words, in both languages; the pages, the terminal and the reports all use these."""

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from backend.evaluation.compare import MOST_GAIN, MOST_LOSE, TaskComparison, Verdict
from backend.evaluation.length import EqualLength, at_equal_length
from backend.evaluation.settings import ALPHA, ComparisonSettings
from backend.suites import label_of, pay_from_0_to_1
from backend.wording import Text, decimal, fill, general, joined, p_value
from rewards.types import NO_TEXT

if TYPE_CHECKING:
    from backend.evaluation.stored import Compared

EXAMPLE = Text(
    "Recorded example: real nano runs; the ratings recorded with it are readings by a language model, not by people.",
    "Exemplo gravado: treinos reais do nano; as notas gravadas com ele são leituras de um modelo de linguagem, não de pessoas.",
)
"""Said wherever the example's results stand, on a page or in a file that is passed on."""

VERDICTS: dict[Verdict, Text] = {  # in the order in which a reader wants them
    "improved": Text("improved", "melhorou"),
    "regressed": Text("regressed", "piorou"),
    MOST_GAIN: Text(MOST_GAIN, "a maioria ganha, poucos podem perder muito"),
    MOST_LOSE: Text(MOST_LOSE, "a maioria perde, poucos podem ganhar muito"),
    "possibly better": Text("possibly better", "talvez melhor"),
    "possibly worse": Text("possibly worse", "talvez pior"),
    "no detectable change": Text("no detectable change", "sem mudança detectável"),
    "not enough data": Text("not enough data", "dados insuficientes"),
}


def summary_sentence(comparisons: Sequence[TaskComparison], bold: str = "") -> Text:
    """One sentence, a clause per task, improvements first; ``bold`` is put around each task's name.

    A "possibly" is followed by a second one, with its odds.
    """
    order = list(VERDICTS)
    tasks = sorted((c for c in comparisons if c.task != "overall"), key=lambda c: order.index(c.verdict))
    said = fill("{clauses}.", "{clauses}.", clauses=joined([clause(c, bold) for c in tasks]))
    if (odds := odds_beside(tasks)) is not None:
        return fill("{said} {odds}", "{said} {odds}", said=said, odds=odds)
    return said


def odds_beside(tasks: Sequence[TaskComparison]) -> Text | None:
    """``odds_words`` where one of the tasks is said to be possibly better or worse; otherwise None."""
    possibly = any(c.verdict in ("possibly better", "possibly worse") for c in tasks)
    return odds_words(len(tasks)) if possibly else None


def odds_words(tasks: int, alpha: float = ALPHA) -> Text:
    """How often a table of that many tasks says "possibly" although nothing changed: up to 34 of 100 with four tasks.

    Each task has two chances of ``alpha``, which are not corrected. docs/coverage.md has what is measured.
    """
    return fill(
        "By chance alone, up to {n} of 100 such tables say “possibly” of a task.",
        "Só por acaso, até {n} em cada 100 tabelas assim dizem “talvez” de uma tarefa.",
        n=round(100 * (1 - (1 - 2 * alpha) ** tasks)),
    )


def method_words(settings: ComparisonSettings) -> Text:
    """How the verdicts, the p-values and the intervals come about."""
    return fill(
        "Wilcoxon signed-rank, Holm over the tasks (α = {alpha}); 95 % intervals of the mean are Student's t, widened where "
        "the differences are skewed. “Improved” and “regressed” need both the ranks and the mean, and a mean that outweighs "
        "the few prompts a sample can miss, each as far off as the furthest in the table.",
        "Wilcoxon, Holm entre as tarefas (α = {alpha}); os intervalos de 95 % da média são t de Student, alargados onde as "
        "diferenças são assimétricas. “Melhorou” e “piorou” exigem os postos e a média, e uma média que pese mais que os "
        "poucos prompts que uma amostra pode deixar de ver, cada um tão longe quanto o mais distante da tabela.",
        alpha=general(settings.alpha),
    )  # fmt: skip


def clause(c: TaskComparison, bold: str = "") -> Text:
    """One comparison in words."""
    task = bold_label(c, bold)
    if c.verdict == "no detectable change" and isnan(c.detectable):
        return fill(
            "{task}: no change this test could see (with so few prompts it could have seen none)",
            "{task}: nenhuma mudança que este teste pudesse ver (com tão poucos prompts não veria nenhuma)",
            task=task,
        )
    if c.verdict == "no detectable change":
        return fill(
            "{task}: no change this test could see (it could have seen ±{seen})",
            "{task}: nenhuma mudança que este teste pudesse ver (veria ±{seen})",
            task=task, seen=decimal(c.detectable),
        )  # fmt: skip
    if c.verdict == "not enough data":
        return fill(
            "{task}: not enough data ({changed} of {n} prompts changed)",
            "{task}: dados insuficientes ({changed} de {n} prompts mudaram)",
            task=task, changed=c.wins + c.losses, n=c.n,
        )  # fmt: skip
    if c.verdict in (MOST_GAIN, MOST_LOSE):
        return fill(
            "{task}: {verdict}; the mean moved by {moved}",
            "{task}: {verdict}; a média mudou {moved}",
            task=task, verdict=VERDICTS[c.verdict], moved=moved(c, signed=True),
        )  # fmt: skip
    sure = c.verdict in ("improved", "regressed")
    return fill(
        "{task} {verdict} by {moved}" if sure else "{task} {verdict}, by {moved}",
        "{task} {verdict} em {moved}" if sure else "{task} {verdict}, em {moved}",
        task=task, verdict=VERDICTS[c.verdict], moved=moved(c),
    )  # fmt: skip


def bold_label(c: TaskComparison, bold: str) -> Text:
    """The task's label with ``bold`` around it."""
    return fill("{b}{task}{b}", "{b}{task}{b}", b=bold, task=label_of(c.task))


def moved(c: TaskComparison, signed: bool = False) -> Text:
    """By how much the mean moved: ``0.47 (from 0.53 to 1.00)``."""
    return fill(
        "{by} (from {base} to {tuned})",
        "{by} (de {base} para {tuned})",
        by=decimal(c.delta if signed else abs(c.delta), signed=signed), base=decimal(c.base), tuned=decimal(c.tuned),
    )  # fmt: skip


def unit_words(compared: "Compared") -> Text:
    """What stands after "Rewards": that they are from 0 to 1, where those that were compared are; nothing where not."""
    tasks = [c.task for c in compared.tasks if c.task != "overall"]
    return Text(" from 0 to 1", " de 0 a 1") if pay_from_0_to_1(tasks) else NO_TEXT


def chosen_words(compared: "Compared") -> Text | None:
    """A warning beside the verdicts where a step was picked by its score on the prompts that judge it; otherwise None.

    The figures are those of docs/coverage.md.
    """
    if not compared.chosen_here:
        return None
    return Text(
        "Chosen on these prompts: the step was picked by its score on them. In simulated runs that learned nothing this "
        "alone gave about +0.02 (of rewards from 0 to 1), and “improved” in 2 to 13 % of the runs.",
        "Escolhido nestes prompts: o passo foi escolhido pela nota neles. Em treinos simulados que nada aprenderam, só isso "
        "deu cerca de +0,02 (em recompensas de 0 a 1), e “melhorou” em 2 a 13 % dos treinos.",
    )


def split_words(split: str) -> Text:
    """Which prompts: those that a step is chosen on, or the test prompts."""
    return Text("test", "teste") if split == "test" else Text("eval", "avaliação")


def prompts_words(split: str, prompts: int, *answers: int) -> Text:
    """The prompts that a number is on: ``65 test prompts, 2 answers each``.

    Args:
        split: eval or test.
        prompts: how many.
        answers: completions of each prompt, of every evaluation that is meant.
    """
    each = tuple(dict.fromkeys(answers))
    return fill(
        "{n} {split} prompts, {each} " + ("answer" if each == (1,) else "answers") + " each",
        "{n} prompts de {split}, {each} " + ("resposta" if each == (1,) else "respostas") + " cada",
        n=prompts,
        split=split_words(split),
        each=Text(" and ".join(map(str, each)), " e ".join(map(str, each))),
    )


def on_prompts(compared: "Compared") -> Text:
    """``prompts_words`` of a comparison."""
    return prompts_words(compared.tuned.split, compared.tasks[-1].n, *compared.answers)


def noise_words(compared: "Compared") -> Text:
    """How much of the spread of the differences is chance in sampling answers, and what would help."""
    shares = [
        fill("{task} {share} %", "{task} {share} %", task=label_of(task), share=round(100 * share))
        for task, share in compared.sampling_share.items()
        if share is not None
    ]
    if not shares:
        return Text(
            "With one answer to each prompt, chance in sampling and differences between prompts cannot be told apart.",
            "Com uma resposta por prompt, o acaso da amostragem e as diferenças entre prompts não se distinguem.",
        )
    return fill(
        "Prompts differ in how much they changed. So much of that is only that a model answers a prompt differently each "
        "time: {shares}. More answers to each prompt make this part smaller; more prompts also help with the rest.",
        "Os prompts diferem em quanto mudaram. Tanto disso é só porque o modelo responde diferente a cada vez: {shares}. Mais "
        "respostas por prompt reduzem essa parte; mais prompts ajudam também no resto.",
        shares=joined(shares, ", "),
    )


def balanced_words(comparisons: Sequence[TaskComparison]) -> Text | None:
    """The mean over the tasks, each counting the same, beside overall's over the prompts; None for one task alone."""
    overall = comparisons[-1]
    if len(comparisons) < 3 or overall.balanced is None or isnan(overall.balanced[1]):
        return None
    delta, low, high = (decimal(x, signed=True) for x in overall.balanced)
    return fill(
        "Each task counting the same: {delta} ({low} to {high}).",
        "Com cada tarefa valendo o mesmo: {delta} ({low} a {high}).",
        delta=delta, low=low, high=high,
    )  # fmt: skip


def not_worse_words(comparisons: Sequence[TaskComparison], settings: ComparisonSettings) -> Text:
    """Which tasks are not worse by more than the margin that was fixed beforehand."""
    tasks = [label_of(c.task) for c in comparisons if c.non_inferior and c.task != "overall"]
    margin = decimal(settings.margin)
    if not tasks:
        return fill(
            "For no task does the interval rule out a fall of {margin}.",
            "Em nenhuma tarefa o intervalo exclui uma queda de {margin}.",
            margin=margin,
        )  # fmt: skip
    return fill(
        "Not worse by {margin} or more (the interval rules it out): {tasks}.",
        "Não piorou {margin} ou mais (o intervalo exclui isso): {tasks}.",
        margin=margin, tasks=joined(tasks, ", "),
    )  # fmt: skip


def length_words(paired: pd.DataFrame) -> list[Text]:
    """Each task's gain at equal length; see ``at_equal_length``."""
    found = [x for x in at_equal_length(paired) if not isnan(x.delta)]
    return [_at_equal_length(x) if x.high - x.low < _TOLD else _not_told(x) for x in found]


_TOLD = 0.5
"""A wider interval of the gain at equal length says nothing: length moved with the answers."""


def _not_told(x: EqualLength) -> Text:
    return fill(
        "{task}: what the gain is at equal length cannot be told, because length moved with the answers",
        "{task}: o ganho com o mesmo tamanho não se pode dizer, porque o tamanho mudou junto com as respostas",
        task=label_of(x.task),
    )


def _at_equal_length(x: EqualLength) -> Text:
    en, pt = ("longer", "a mais") if x.longer >= 0 else ("shorter", "a menos")
    delta, low, high = (decimal(value, signed=True) for value in (x.delta, x.low, x.high))
    return fill(
        f"{{task}}: at equal length the gain is {{delta}} ({{low}} to {{high}}); tuned answers are {{by}} characters {en}"
        + (", all of them, so this is extrapolated" if x.outside else ""),
        f"{{task}}: com o mesmo tamanho o ganho é {{delta}} ({{low}} a {{high}}); as respostas treinadas têm {{by}} caracteres {pt}"
        + (", todas elas, então isto é extrapolado" if x.outside else ""),
        task=label_of(x.task), delta=delta, low=low, high=high, by=decimal(abs(x.longer), 0),
    )  # fmt: skip


def comparison_table(comparisons: Sequence[TaskComparison]) -> str:
    """The comparison as aligned text for a terminal or a log."""
    lines = [f"{'task':<12}{'n':>4}{'base':>8}{'tuned':>8}{'delta':>8}  {'95 % interval':<18}{'p (Holm)':>9}  verdict"]
    for c in comparisons:
        interval = "–" if isnan(c.low) else f"[{c.low:+.2f}, {c.high:+.2f}]"
        lines.append(
            f"{c.task:<12}{c.n:>4}{c.base:>8.2f}{c.tuned:>8.2f}{c.delta:>+8.2f}  {interval:<18}{c.p_holm:>9.4f}  {c.verdict}"
        )
    return "\n".join(lines)


def markdown_table(comparisons: Sequence[TaskComparison], lang: str = "en") -> str:
    """The comparison as a Markdown table, for a pull request."""
    head = Text(
        "| Task | n | base | tuned | Δ | 95 % interval | p (Holm) | verdict on the reward |",
        "| Tarefa | n | base | treinado | Δ | intervalo de 95 % | p (Holm) | veredito da recompensa |",
    )
    rows = [head.within(lang), "|---|--:|--:|--:|--:|--:|--:|---|"]
    for c in comparisons:
        base, tuned, delta, low, high = (
            decimal(x, signed=i > 1).within(lang) for i, x in enumerate((c.base, c.tuned, c.delta, c.low, c.high))
        )
        p = p_value(c.p_holm).within(lang)
        name, verdict = label_of(c.task).within(lang), VERDICTS[c.verdict].within(lang)
        rows.append(f"| {name} | {c.n} | {base} | {tuned} | {delta} | {low} … {high} | {p} | {verdict} |")
    return "\n".join(rows)
