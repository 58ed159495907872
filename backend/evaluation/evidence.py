"""What a comparison is evidence of. A reward that rose says that the reward rose, and no more.

Beside it stand what is known without it: the truth behind the prompts, what people said, whether the reward has passed its
audit, and what anyone can count in the answers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from backend.audit.gate import Gate
from backend.evaluation.compare import TaskComparison
from backend.evaluation.paired import mean_interval
from backend.evaluation.people import PeopleEstimate
from backend.suites import find_task
from backend.wording import Text, decimal, fill
from rewards.types import Truth

REPEATED = 3
"""A line that stands this often in an answer is repeated."""
_CONSTANTS = 60
"""The most frequent answers that are tried as a constant one."""
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
class TruthChange:
    """A truth measure before and after: the mean over prompts of the share that is right.

    Attributes:
        label: of the measure.
        base, tuned: the means.
        low, high: 95 % interval of the change.
        constant: what the best single answer reaches when it is given to every prompt; of the answers that were seen.
        over_low, over_high: 95 % interval of tuned minus that.
    """

    label: Text
    base: float
    tuned: float
    low: float
    high: float
    constant: float
    over_low: float
    over_high: float

    @property
    def rose(self) -> bool:
        """Whether it surely rose, and above what a constant answer reaches."""
        return self.low > 0 and self.over_low > 0

    @property
    def no_more_than_constant(self) -> bool:
        """Whether it surely rose, but not surely above what a constant answer reaches."""
        return self.low > 0 >= self.over_low


@dataclass(frozen=True)
class Evidence:
    """All that is known of a task's change.

    Attributes:
        change: of the reward.
        gate: the standing decision on the reward; None where there is none.
        truth, people: the change by either; None where it is not known.
        before, after: what can be counted in base's and tuned's answers.
    """

    change: TaskComparison
    gate: Gate | None
    truth: TruthChange | None
    people: PeopleEstimate | None
    before: Counted
    after: Counted

    @property
    def trusted(self) -> bool:
        """Whether the reward has passed its audit, as it is now."""
        return self.gate is not None and self.gate.verdict == "pass"

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
        return said

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
                    "{label} rose ({base} to {tuned}; one constant answer gets {constant})",
                    "{label} subiram ({base} a {tuned}; uma só resposta constante chega a {constant})",
                    **shares(t),
                )
            )
        return said


def shares(t: TruthChange) -> dict[str, Text | str]:
    """A truth measure's label and its shares in per cent, for sentences."""
    found = {"base": t.base, "tuned": t.tuned, "constant": t.constant}
    return {"label": t.label} | {name: f"{share:.0%}" for name, share in found.items()}


def gather(
    changes: Sequence[TaskComparison],
    paired: pd.DataFrame,
    texts: tuple[pd.DataFrame, pd.DataFrame],
    gates: Mapping[str, Gate],
    people: Sequence[PeopleEstimate],
) -> list[Evidence]:
    """All that is known of each task's change.

    Args:
        changes: of the reward, per task and overall.
        paired: columns prompt_id, task, base, tuned; one row per prompt.
        texts: of base and of tuned: columns prompt_id, text, facts; one row per completion.
        gates: task -> the standing decision on its reward.
        people: the change by people, per task and overall.
    """
    by_people = {p.task: p for p in people}
    found = []
    for change in changes:
        if change.task == "overall":
            continue
        prompts = paired.loc[paired["task"] == change.task, "prompt_id"]
        base, tuned = (frame[frame["prompt_id"].isin(prompts)] for frame in texts)
        before, after = (count(frame.drop_duplicates("prompt_id")["text"].tolist()) for frame in (base, tuned))
        truth, gate = _truth(change.task, base, tuned), gates.get(change.task)
        found.append(Evidence(change, gate, truth, by_people.get(change.task), before, after))
    return found


def count(texts: Sequence[str]) -> Counted:
    """Count what can be counted in answers."""
    alike = Counter(" ".join(text.casefold().split()) for text in texts)
    repeating = sum(any(n >= REPEATED for n in _lines(text).values()) for text in texts)
    most = max(alike.values(), default=0)
    return Counted(len(texts), len(alike), most, repeating, fmean(map(len, texts)) if texts else 0.0)


def _lines(text: str) -> Counter[str]:
    return Counter(line for raw in text.splitlines() if len(line := " ".join(raw.casefold().split())) > 3)


def _truth(task: str, base: pd.DataFrame, tuned: pd.DataFrame) -> TruthChange | None:
    """The change of a task's truth measure over the prompts that it applies to; None where there are fewer than two."""
    known = find_task(task)
    truth = known.truth if known is not None else None
    if truth is None:
        return None
    both = pd.concat([_right(truth, frame) for frame in (base, tuned)], axis=1, keys=["base", "tuned"], join="inner")
    if len(both) < 2:
        return None
    prompts = tuned.drop_duplicates("prompt_id")
    seen = pd.concat([base["text"], tuned["text"]]).value_counts().index[:_CONSTANTS]
    constants = [_right(truth, prompts.assign(text=text)).reindex(both.index) for text in seen]
    best = max(constants, key=lambda shares: float(shares.mean()))
    changes = [(both["tuned"] - other).round(9).to_numpy(float) for other in (both["base"], best)]
    (low, high), (over_low, over_high) = (mean_interval([change]) for change in changes)
    return TruthChange(
        label=truth.label,
        base=float(both["base"].mean()),
        tuned=float(both["tuned"].mean()),
        low=low,
        high=high,
        constant=float(best.mean()),
        over_low=over_low,
        over_high=over_high,
    )


def _right(truth: Truth, frame: pd.DataFrame) -> pd.Series:
    """prompt_id -> the share of its facts that its answers get right; prompts without facts are left out."""
    right: dict[str, list[float]] = {}
    for row in frame.itertuples():
        if judged := truth.judge(str(row.text), row.facts):
            right.setdefault(str(row.prompt_id), []).append(fmean(judged))
    return pd.Series({prompt: fmean(shares) for prompt, shares in right.items()}, dtype=float)
