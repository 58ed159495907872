"""The runs of one run of several, compared as one: base against tuned per setting, over the setting's seeds where it has several.

No setting is called the best. A reward that rose says no more than that; beside it stands what the truth behind the prompts and
people say, and what choosing among settings does to the numbers of the chosen one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import isnan, nan, sqrt
from statistics import fmean, variance
from typing import Any

from scipy.stats import norm
from sqlalchemy.orm import Session

from backend.evaluation.evidence import Evidence
from backend.evaluation.findings import evidence_sentence
from backend.evaluation.seeds import SeedComparison, compare_seeds
from backend.evaluation.stored import Compared, base_and_tuned, compare_stored
from backend.evaluation.words import chosen_words, on_prompts
from backend.settings import as_setting
from backend.store.tables import Run
from backend.suites import label_of
from backend.wording import Text, decimal, fill, joined

OTHER_REWARD, OTHER_PROMPTS = {"profile"}, {"prompts", "tasks", "test_prompts", "few_shot"}
"""Fields that make the rewards, or the prompts, of two settings different ones."""
STOPPED = "stopped by the median rule"
"""Begins the reason of a run that the rule has stopped."""


@dataclass(frozen=True)
class Setting:
    """The runs that differ in their seed alone.

    Attributes:
        differs: field -> value, where settings differ; empty where there is one setting.
        runs: how many runs it has.
        seeds: seed -> base against tuned, of those that have finished.
        stopped: seed -> why the median rule stopped it, of those that it has; they have no verdict.
    """

    differs: dict[str, Any]
    runs: int
    seeds: dict[int, Compared]
    stopped: dict[int, str] = field(default_factory=dict)

    @property
    def name(self) -> Text:
        """``learning_rate=0.0003 · profile=v5 · seeds 1, 2``."""
        seeds = ", ".join(map(str, self.seeds))
        one = len(self.seeds) == 1
        words = fill("seed {n}" if one else "seeds {n}", "semente {n}" if one else "sementes {n}", n=seeds)
        return joined([*([self.short] if self.differs else []), words], " · ")

    @property
    def short(self) -> Text:
        """The same without the seeds."""
        text = " · ".join(f"{field}={as_setting(value)}" for field, value in self.differs.items())
        return Text(text, text)

    @cached_property
    def tasks(self) -> list["Outcome"]:
        """Base against tuned per task, then overall; empty while no run has finished."""
        compared = list(self.seeds.values())
        if not compared:
            return []
        found = zip(*(c.tasks for c in compared), strict=True)
        return [
            Outcome(
                over,
                fmean(c.base for c in of_task),
                fmean(c.tuned for c in of_task),
                _truth(over.task, compared),
                _people(over.task, compared),
            )
            for over, of_task in zip(self._over_seeds(), found, strict=True)
        ]

    def _over_seeds(self) -> list[SeedComparison]:
        if len(self.seeds) > 1:
            found = compare_seeds({seed: c.paired for seed, c in self.seeds.items()})["tasks"]
            return [SeedComparison(**task) for task in found]
        (one,) = self.seeds.values()
        return [SeedComparison(c.task, [c.delta], c.delta, nan, nan, None) for c in one.tasks]


@dataclass(frozen=True)
class TruthOver:
    """A task's truth measure: shares right, as means over the seeds, and in how many seeds it surely rose above what one gets
    without reading."""

    label: Text
    base: float
    tuned: float
    rose: int
    seeds: int


@dataclass(frozen=True)
class PeopleOver:
    """What people say of a task's change: the mean difference in points (of 5) over the seeds that have enough rated pairs, and
    in how many of them they surely score it higher, and lower."""

    delta: float
    higher: int
    lower: int
    seeds: int


@dataclass(frozen=True)
class Outcome:
    """A setting's task, or overall.

    Attributes:
        over: the reward's change over the seeds; without an interval where there is one seed.
        base, tuned: the mean rewards.
        truth, people: what is known without the reward; None where it is not.
    """

    over: SeedComparison
    base: float
    tuned: float
    truth: TruthOver | None
    people: PeopleOver | None


def settings_among(session: Session, children: Sequence[Run]) -> list[Setting]:
    """The settings among the runs of a run of several, in order, each with what has finished of it."""
    varying = [
        name
        for name in dict.fromkeys(name for child in children for name in child.config)
        if name not in ("seed", "name") and len({as_setting(child.config.get(name)) for child in children}) > 1
    ]
    found: dict[str, Setting] = {}
    for child in sorted(children, key=lambda run: (run.created_at, run.id)):
        differs = {name: child.config.get(name) for name in varying}
        setting = found.get(str(differs), Setting(differs, 0, {}))
        stopped = {child.seed: child.reason} if is_stopped_early(child) else {}
        pair = None if stopped else base_and_tuned(session, child.id)
        finished = {child.seed: compare_stored(session, *pair)} if pair is not None else {}
        found[str(differs)] = Setting(differs, setting.runs + 1, setting.seeds | finished, setting.stopped | stopped)
    return list(found.values())


def is_stopped_early(run: Run) -> bool:
    """Whether the median rule has stopped the run (see ``backend.runs.median``), and nobody has gone on with it since."""
    return run.status == "stopped" and run.reason.startswith(STOPPED)


def _evidence(task: str, compared: Sequence[Compared]) -> list[Evidence]:
    return [e for c in compared for e in c.evidence if e.change.task == task]


def _truth(task: str, compared: Sequence[Compared]) -> TruthOver | None:
    known = [e.truth for e in _evidence(task, compared) if e.truth is not None]
    if not known:
        return None
    base, tuned = fmean(t.base for t in known), fmean(t.tuned for t in known)
    return TruthOver(known[0].label, base, tuned, sum(t.rose for t in known), len(known))


def _people(task: str, compared: Sequence[Compared]) -> PeopleOver | None:
    known = [
        (p.delta, p.low, p.high)
        for c in compared
        for p in c.people
        if p.task == task and p.delta is not None and p.low is not None and p.high is not None
    ]
    if not known:
        return None
    higher, lower = sum(low > 0 for _, low, _ in known), sum(high < 0 for _, _, high in known)
    return PeopleOver(fmean(delta for delta, _, _ in known), higher, lower, len(known))


# --- in words -----------------------------------------------------------------------------------------------------
def several_words(settings: Sequence[Setting]) -> list[Text]:
    """What a reader has to know beside the table: a sentence or two each."""
    shown = [setting for setting in settings if setting.seeds]
    one = next(iter(shown[0].seeds.values()))
    words = [fill("{on}.", "{on}.", on=on_prompts(one)), *filter(None, [chosen_words(one)])]
    runs, finished = sum(s.runs for s in settings), sum(len(s.seeds) for s in settings)
    if finished < runs:
        words.append(
            fill(
                "{n} of {all} runs have finished; the others are missing here, and those that end early need not be like the rest.",
                "{n} de {all} treinos terminaram; os outros faltam aqui, e os que param cedo podem ser diferentes dos demais.",
                n=finished, all=runs,
            )
        )  # fmt: skip
    if early := sum(len(s.stopped) for s in settings):
        words.append(
            fill(
                "The median rule stopped {n} of them early: they have no verdict, and who takes the best of the others has chosen "
                "among all {all}.",
                "A regra da mediana parou {n} deles antes do fim: não têm veredito, e quem fica com o melhor dos outros escolheu "
                "entre todos os {all}.",
                n=early, all=runs,
            )
        )  # fmt: skip
    if any(len(s.seeds) == 1 for s in shown):
        words.append(
            Text(
                "A setting with one seed has no interval: how far another seed would be from it is not known.",
                "Uma configuração com uma só semente não tem intervalo: não se sabe quão longe outra semente ficaria.",
            )
        )
    if len(shown) > 1:
        words += [*_not_alike(shown), _known(shown), _flatters(shown, one.tuned.split)]
    return words


def _not_alike(shown: Sequence[Setting]) -> list[Text]:
    """What of the settings' numbers cannot be compared."""
    words = []
    if OTHER_REWARD & shown[0].differs.keys():
        words.append(
            Text(
                "The profiles score differently, so a reward of one is not a reward of another: across them only the truth and "
                "people tell.",
                "Os perfis pontuam de modo diferente, e a recompensa de um não é a de outro: entre eles só a verdade e as "
                "pessoas dizem algo.",
            )
        )
    if OTHER_PROMPTS & shown[0].differs.keys():
        words.append(
            Text(
                "The settings are not judged on the same prompts, so their numbers differ for that alone.",
                "As configurações não são julgadas nos mesmos prompts, e só por isso os números já diferem.",
            )
        )
    return words


def _known(shown: Sequence[Setting]) -> Text:
    """Which settings more than the reward speaks for, and against."""
    rose, liked, disliked = [], [], []
    for setting in shown:
        for outcome in setting.tasks:
            where = fill("{task} ({name})", "{task} ({name})", task=label_of(outcome.over.task), name=setting.short)
            if (t := outcome.truth) is not None and t.rose == t.seeds:
                rose.append(where)
            if (p := outcome.people) is not None and p.higher == p.seeds:
                liked.append(where)
            if (p := outcome.people) is not None and p.lower:
                disliked.append(where)
    none = Text("nowhere", "em nenhum caso")
    people = [
        fill("people score higher in: {where}", "as pessoas dão mais em: {where}", where=joined(liked, ", ") if liked else none),
        *([fill("and lower in: {where}", "e menos em: {where}", where=joined(disliked, ", "))] if disliked else []),
    ]  # fmt: skip
    asked = any(outcome.people is not None for setting in shown for outcome in setting.tasks)
    return fill(
        "The reward picks no winner. The truth surely rose, with every seed, in: {rose}; {people}.",
        "A recompensa não escolhe um vencedor. A verdade subiu com certeza, com toda semente, em: {rose}; {people}.",
        rose=joined(rose, ", ") if rose else none,
        people=joined(people, ", ") if asked else Text("people have not rated enough of it", "pessoas avaliaram pouco"),
    )


def _flatters(shown: Sequence[Setting], split: str) -> Text:
    """What choosing the best of the settings by these numbers does to them."""
    by = best_by_chance([[c.tasks[-1].delta for c in setting.seeds.values()] for setting in shown])
    size = Text("by how much cannot be told with one seed each", "quanto, não se sabe com uma semente cada")
    if by is not None:
        size = fill(
            "by about {by} overall or more if they were all alike, from the spread of the seeds",
            "cerca de {by} no geral ou mais se fossem todas iguais, pela dispersão das sementes",
            by=decimal(by, signed=True),
        )
    once = Text("", "")
    if split == "test":
        once = Text(
            " The test prompts judge each setting once; choose by the curves (the eval prompts), and read the test numbers of "
            "that one alone.",
            " Os prompts de teste julgam cada configuração uma vez; escolha pelas curvas (prompts de avaliação), e leia os "
            "números de teste só dessa.",
        )
    return fill(
        "Who takes the best of these {n} has chosen it on these prompts, and its number flatters it: {size}.{once}",
        "Quem fica com a melhor destas {n} a escolheu nestes prompts, e o número a favorece: {size}.{once}",
        n=len(shown), size=size, once=once,
    )  # fmt: skip


def best_by_chance(deltas: Sequence[Sequence[float]]) -> float | None:
    """By how much the best of several settings would exceed their mean if only the seeds made them differ.

    The expected largest of k normal means (Blom 1958), with the variance pooled within settings. It leaves out what is chance
    in the prompts, so it is rather too small. None where no setting has two seeds.

    Args:
        deltas: of each setting, its seeds' mean differences.
    """
    several = [of for of in deltas if len(of) > 1]
    if len(deltas) < 2 or not several:
        return None
    within = sum(variance(of) * (len(of) - 1) for of in several) / sum(len(of) - 1 for of in several)
    k = len(deltas)
    return float(norm.ppf((k - 0.375) / (k + 0.25))) * sqrt(within * fmean(1 / len(of) for of in deltas))


def truth_words(truth: TruthOver | None) -> Text:
    """``31% → 40%, surely rose with 1 of 2 seeds``."""
    if truth is None:
        return Text("–", "–")
    return fill(
        "{base} → {tuned}, surely rose with {rose} of {seeds}",
        "{base} → {tuned}, subiu com certeza em {rose} de {seeds}",
        base=f"{truth.base:.0%}", tuned=f"{truth.tuned:.0%}", rose=truth.rose, seeds=truth.seeds,
    )  # fmt: skip


def people_words(people: PeopleOver | None) -> Text:
    """``+0.4, surely higher with 1 of 2 seeds``."""
    if people is None:
        return Text("–", "–")
    return fill(
        "{delta}, surely higher with {higher} of {seeds}",
        "{delta}, com certeza maior em {higher} de {seeds}",
        delta=decimal(people.delta, 1, signed=True), higher=people.higher, seeds=people.seeds,
    )  # fmt: skip


def several_table(settings: Sequence[Setting]) -> str:
    """The comparison as aligned text: a block per setting, a line per task."""
    lines = []
    for setting in settings:
        why = "; ".join(setting.stopped.values()) or "no run of it has finished"
        lines += ["", str(setting.name) if setting.seeds else f"{setting.short}: {why}"]
        if not setting.seeds:
            continue
        seeds = "".join(f"{'seed ' + str(seed):>12}" for seed in setting.seeds) if len(setting.seeds) > 1 else ""
        lines.append(
            f"{'task':<12}{'base':>7}{'tuned':>8}{'delta':>9}  {'95 % interval':<18}{seeds}  truth; people (of 5)"
        )
        for o in setting.tasks:
            c = o.over
            each = "".join(f"{delta:>+12.3f}" for delta in c.deltas) if seeds else ""
            interval = "one seed" if not seeds else "–" if isnan(c.low) else f"[{c.low:+.3f}, {c.high:+.3f}]"
            known = "–" if o.truth is o.people is None else f"{truth_words(o.truth)}; {people_words(o.people)}"
            lines.append(f"{c.task:<12}{o.base:>7.3f}{o.tuned:>8.3f}{c.delta:>+9.3f}  {interval:<18}{each}  {known}")
    return "\n".join(lines[1:])


def as_plain(settings: Sequence[Setting]) -> dict[str, Any]:
    """The comparison as plain values, for JSON; an interval is None where there is none."""
    return {
        "settings": [
            {
                "differs": setting.differs,
                "runs": setting.runs,
                "seeds": list(setting.seeds),
                "stopped": {str(seed): why for seed, why in setting.stopped.items()},
                "tasks": [_plain(outcome) for outcome in setting.tasks],
                "evidence": {str(seed): str(evidence_sentence(c.evidence)) for seed, c in setting.seeds.items()},
            }
            for setting in settings
        ],
        "words": [str(words) for words in several_words(settings)],
    }


def _plain(outcome: Outcome) -> dict[str, Any]:
    over = {
        name: None if isinstance(value, float) and isnan(value) else value
        for name, value in asdict(outcome.over).items()
    }
    truth = asdict(outcome.truth) | {"label": str(outcome.truth.label)} if outcome.truth is not None else None
    people = asdict(outcome.people) if outcome.people is not None else None
    return over | {"base": outcome.base, "tuned": outcome.tuned, "truth": truth, "people": people}
