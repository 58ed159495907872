"""What a comparison is evidence of. A reward that rose says that the reward rose, and no more.

Beside it stand what is known without it: the truth behind the prompts, what people said, whether the reward has passed its
audit and holds against an attack, and what anyone can count in the answers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pandas as pd

from backend.audit.attacks import Standing
from backend.audit.gate import Gate
from backend.evaluation.compare import TaskComparison
from backend.evaluation.paired import mean_interval
from backend.evaluation.people import PeopleEstimate
from backend.evaluation.truth import TruthChange, truth_change
from backend.suites import find_task
from backend.wording import Text, decimal, fill
from rewards.types import Count, Functions, Task

REPEATED = 3
"""A line that stands this often in an answer is repeated."""
_MANY = 0.25
"""A share of the answers that grew by this much since base is said."""


@dataclass(frozen=True)
class Counted:
    """What anyone can count in a task's answers, one of each prompt.

    Attributes:
        answers: how many there are.
        distinct: how many different ones, letters' case and white space aside.
        alike: how many are the most frequent one.
        repeating: how many repeat a line ``REPEATED`` times or more.
        characters: their mean length.
    """

    answers: int
    distinct: int
    alike: int
    repeating: int
    characters: float


@dataclass(frozen=True)
class Tally:
    """One of the task's own counts before and after, over the prompts where it can be told of both answers.

    Attributes:
        count: what is counted.
        answers: how many prompts.
        base, tuned: the sums over them: answers that are one, or how many there are in all.
        shares: whether it is a yes or no of each answer.
        low, high: 95 % interval of the mean change; NaN where there are too few prompts.
    """

    count: Count
    answers: int
    base: int
    tuned: int
    shares: bool
    low: float
    high: float

    @property
    def against(self) -> bool:
        """Whether it says that the answers did not get better."""
        if self.count.meaning == "needed":
            return self.high < 0 or self.tuned == 0
        stands = self.tuned <= self.base and self.tuned < self.answers
        return self.count.meaning == "right" and (self.high < 0 or stands)

    @property
    def in_favour(self) -> bool:
        """Whether it says that they did."""
        return self.count.meaning == "right" and self.low > 0

    @property
    def words(self) -> Text:
        """``queries that run: 1 of 15 (8 before)``."""
        template = Text("{label}: {now} of {n} ({before} before)", "{label}: {now} de {n} ({before} antes)")
        if not self.shares:
            template = Text(
                "{label}: {now} in {n} answers ({before} before)", "{label}: {now} em {n} respostas ({before} antes)"
            )
        return fill(*template, label=self.count.label, now=self.tuned, n=self.answers, before=self.base)


@dataclass(frozen=True)
class Evidence:
    """All that is known of a task's change.

    Attributes:
        change: of the reward.
        gate: the standing decision on the reward; None where there is none.
        truth, people: the change by either; None where it is not known.
        before, after: what can be counted in base's and tuned's answers.
        attack: what an attack on the reward as it is now came to; None where nobody has made one.
        tallies: the task's own counts.
        carrier: of a team's several reward functions the one that brought nearly all of the reward's rise; "" where none did.
    """

    change: TaskComparison
    gate: Gate | None
    truth: TruthChange | None
    people: PeopleEstimate | None
    before: Counted
    after: Counted
    attack: Standing | None = None
    tallies: tuple[Tally, ...] = ()
    carrier: str = ""

    @property
    def broken(self) -> bool:
        """Whether an attack has shown that the reward pays for cheap texts."""
        return self.attack is not None and self.attack.broke

    @property
    def trusted(self) -> bool:
        """Whether the reward, as it is now, has passed its audit, and no attack has broken it."""
        return self.gate is not None and self.gate.verdict == "pass" and not self.broken

    @property
    def refuted(self) -> bool:
        """Whether the reward, as it is now, has failed its audit, or an attack has broken it."""
        return self.broken or (self.gate is not None and self.gate.verdict == "fail")

    @property
    def shown(self) -> bool:
        """Whether more than the reward says that the answers got better, or the reward is trusted and nothing is in doubt."""
        return bool(self.in_favour) or (
            self.trusted and not (self.truth is not None and self.truth.no_more_than_constant)
        )

    @property
    def against(self) -> list[Text]:
        """What says that the answers did not get better."""
        said = []
        if (p := self.people) is not None and p.delta is not None and p.high is not None and p.high < 0:
            said.append(
                fill(
                    "people score them {by} lower (of 5)",
                    "as pessoas dão a elas {by} a menos (de 5)",
                    by=decimal(-p.delta, 1),
                )
            )
        if (t := self.truth) is not None and t.tuned <= t.base and t.low < 0:
            word = Text("fell", "caíram") if t.high < 0 else Text("did not rise", "não subiram")
            said.append(
                fill("{label} {word} ({base} to {tuned})", "{label} {word} ({base} a {tuned})", word=word, **shares(t))
            )
        before, after = self.before, self.after
        if after.answers and after.alike >= after.answers / 2 and before.alike < before.answers / 2:
            said.append(
                fill(
                    "{alike} of {n} answers are one and the same ({distinct} different ones; {before} before)",
                    "{alike} de {n} respostas são uma só ({distinct} diferentes; {before} antes)",
                    alike=after.alike, n=after.answers, distinct=after.distinct, before=before.distinct,
                )
            )  # fmt: skip
        if after.repeating / max(1, after.answers) >= before.repeating / max(1, before.answers) + _MANY:
            said.append(
                fill(
                    "{now} of {n} answers repeat a line {times} times or more ({before} before)",
                    "{now} de {n} respostas repetem uma linha {times} vezes ou mais ({before} antes)",
                    now=after.repeating, n=after.answers, times=REPEATED, before=before.repeating,
                )
            )  # fmt: skip
        return [*said, *(tally.words for tally in self.tallies if tally.against)]

    @property
    def in_favour(self) -> list[Text]:
        """What says, without the reward, that the answers got better."""
        said = []
        if (p := self.people) is not None and p.delta is not None and p.low is not None and p.low > 0:
            said.append(
                fill(
                    "people score them {by} higher (of 5)",
                    "as pessoas dão a elas {by} a mais (de 5)",
                    by=decimal(p.delta, 1),
                )
            )
        if (t := self.truth) is not None and t.rose:
            said.append(
                fill(
                    "{label} rose ({base} to {tuned}; {unread} gets {constant})",
                    "{label} subiram ({base} a {tuned}; {unread} chega a {constant})",
                    **shares(t),
                )
            )
        return [*said, *(tally.words for tally in self.tallies if tally.in_favour)]


def shares(t: TruthChange) -> dict[str, Text | str]:
    """For sentences: a truth measure's label, its shares in per cent, and what one gets without reading, in words."""
    found = {"base": t.base, "tuned": t.tuned, "constant": t.constant}
    label = fill("{label} (balanced)", "{label} (balanceados)", label=t.label) if t.facts else t.label
    unread = Text("one and the same answer to every prompt", "uma mesma resposta a todos os prompts")
    if t.copies:
        unread = Text(
            "one constant answer with the stated value copied",
            "uma só resposta constante com o valor dado copiado",
        )
    return {"label": label, "unread": unread} | {name: f"{share:.0%}" for name, share in found.items()}


def gather(
    changes: Sequence[TaskComparison],
    paired: pd.DataFrame,
    texts: tuple[pd.DataFrame, pd.DataFrame],
    gates: Mapping[str, Gate],
    people: Sequence[PeopleEstimate],
    attacks: Mapping[str, Standing],
    components: pd.DataFrame,
) -> list[Evidence]:
    """All that is known of each task's change.

    Args:
        changes: of the reward, per task and overall.
        paired: columns prompt_id, task, base, tuned; one row per prompt.
        texts: of base and of tuned: columns prompt_id, text, user_text, facts; one row per completion.
        gates: task -> the standing decision on its reward.
        people: the change by people, per task and overall.
        attacks: task -> what an attack on its reward came to.
        components: columns task, component, part: what each component brought to the mean change, 0 where it does not apply.
    """
    by_people = {p.task: p for p in people}
    found = []
    for change in changes:
        if change.task == "overall":
            continue
        prompts = paired.loc[paired["task"] == change.task, "prompt_id"]
        base, tuned = (frame[frame["prompt_id"].isin(prompts)] for frame in texts)
        before, after = (count(frame.drop_duplicates("prompt_id")["text"].tolist()) for frame in (base, tuned))
        known = find_task(change.task)
        truth = truth_change(known.truth, base, tuned) if known is not None and known.truth is not None else None
        tallies = [tally(one, base, tuned) for one in (known.counts if known is not None else ())]
        found.append(
            Evidence(
                change,
                gates.get(change.task),
                truth,
                by_people.get(change.task),
                before,
                after,
                attacks.get(change.task),
                tuple(t for t in tallies if t is not None),
                carrier(known, components[components["task"] == change.task], change.delta),
            )
        )
    return found


def carrier(task: Task | None, components: pd.DataFrame, rise: float) -> str:
    """Of a team's several reward functions the one whose weighted change is nearly all of the total's rise; "" where none is.

    Args:
        task: whose reward; the built-in ones' components are told apart in the table of components.
        components: columns component, part.
        rise: of the total's mean.
    """
    if task is None or not isinstance(task.reward, Functions) or rise <= 0:
        return ""
    part = dict(zip(components["component"], components["part"], strict=True))
    brought = {name: weight * part.get(name, 0.0) for name, weight in task.reward.weights.items() if weight}
    first = max(brought, key=brought.__getitem__, default="")
    adds_up = abs(sum(brought.values()) - rise) <= (1 - _NEARLY_ALL) * rise  # else something is known of a part alone
    return first if len(brought) > 1 and adds_up and _NEARLY_ALL * rise <= brought[first] <= rise / _NEARLY_ALL else ""


_NEARLY_ALL = 0.9


def tally(one: Count, base: pd.DataFrame, tuned: pd.DataFrame) -> Tally | None:
    """One of a task's counts in the first answer to each prompt; None where it can be told of no prompt's answers."""
    sides = [_told(one, frame.drop_duplicates("prompt_id")) for frame in (base, tuned)]
    prompts = [prompt for prompt in sides[0] if prompt in sides[1]]
    if not prompts:
        return None
    before, after = ([side[prompt] for prompt in prompts] for side in sides)
    low, high = mean_interval([np.subtract(after, before, dtype=float)])
    shares = all(isinstance(value, bool) for value in before + after)
    return Tally(one, len(prompts), sum(before), sum(after), shares, low, high)


def _told(one: Count, answers: pd.DataFrame) -> dict[str, bool | int]:
    """prompt_id -> what is counted in its answer, where that can be told."""
    values = ((str(r.prompt_id), one.of(str(r.text), str(r.user_text), r.facts)) for r in answers.itertuples())
    return {prompt: value for prompt, value in values if value is not None}


def count(texts: Sequence[str]) -> Counted:
    """Count what can be counted in answers."""
    alike = Counter(" ".join(text.casefold().split()) for text in texts)
    repeating = sum(any(n >= REPEATED for n in _lines(text).values()) for text in texts)
    most = max(alike.values(), default=0)
    return Counted(len(texts), len(alike), most, repeating, fmean(map(len, texts)) if texts else 0.0)


def _lines(text: str) -> Counter[str]:
    return Counter(line for raw in text.splitlines() if len(line := " ".join(raw.casefold().split())) > 3)
