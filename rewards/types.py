"""What a suite is made of: tasks, their rewards, and what goes with them. Everything else here and in the backend reads these.

A *suite* is what one team trains on. A *task* is one kind of prompt in it, and ``Task`` is the one place that says
everything about it: a new task is one file that makes one.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from rewards.calling import Gap

Components = dict[str, float]
Columns = Mapping[str, Any]
"""What stands beside a prompt in the data (a reference answer, the facts behind a text): column -> value."""


class Text(NamedTuple):
    """The same words in English and in Portuguese."""

    en: str
    pt: str

    def __str__(self) -> str:
        return self.en

    def within(self, lang: str) -> str:
        """The words in one language: ``pt``, or else English."""
        return self.pt if lang == "pt" else self.en


NO_TEXT = Text("", "")


@dataclass(frozen=True)
class Profile:
    """A named version of a suite's rules; a suite with flags of its own extends it.

    Attributes:
        name: unique in the suite.
        summary: what it changes, in a line.
        measured_by: who measures the components that no text tells, with its version; empty: they do not count.
        edition: which edition of the tasks' rewards it applies; empty: the first (``Reward.editions``).
    """

    name: str
    summary: Text
    measured_by: str = ""
    edition: str = ""


@dataclass(frozen=True)
class Score:
    """One completion's score: ``total`` and the components it is the (clipped) sum of.

    Attributes:
        total: in the task's bounds; NaN where a component that counts in it has a gap.
        components: name -> value, of those that apply and have no gap.
        gaps: component -> why it has no value.
    """

    total: float
    components: Components = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)


@dataclass(frozen=True)
class Reward:
    """A task's reward.

    Attributes:
        maxima: each component's name and the most it gives; a penalty's is negative.
        components_of: (completion, prompt, profile) -> value of every component in ``maxima``. Pure, total
            (any string), linear in the length of its input.
        measured: components that no text tells, such as whether a query gives the true result, and the most each gives.
            They count under a profile that names who measures them (``Profile.measured_by``), and are handed to
            the scoring; the others then share what is left of 1.
        editions: later rewards of the same task, written anew beside this one: a profile names the edition it applies, and
            nothing of the others, fingerprints included, changes.

    Raises:
        ValueError: it names no components.
    """

    maxima: Mapping[str, float]
    components_of: Callable[[str, str, Any], Components]
    measured: Mapping[str, float] = field(default_factory=dict)
    editions: "Mapping[str, Reward]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.maxima:
            raise ValueError("a reward names at least one component and the most it gives")

    def under(self, profile: Profile) -> "Reward":
        """The edition that a profile applies; this one where it names none, or one that this task does not have."""
        return self.editions.get(profile.edition, self)

    def maxima_under(self, profile: Profile) -> dict[str, float]:
        """Each component's name and the most it gives under a profile."""
        reward, share = self.under(profile), self.text_share(profile)
        return {name: share * most for name, most in reward.maxima.items()} | (
            dict(reward.measured) if share < 1 else {}
        )

    def text_share(self, profile: Profile) -> float:
        """How much of the reward the text's own components make up under a profile."""
        return 1.0 - sum(self.under(profile).measured.values()) if profile.measured_by else 1.0


@dataclass(frozen=True)
class Functions:
    """A team's own reward functions, in place of a ``Reward``: they are called where their files are loaded.

    Attributes:
        weights: function -> its weight; the total is the sum of weight x value over those that apply.
        bounds: the least and the most a total can be; None for any finite number.
        columns: of the data, that the functions name; raters see them too.
    """

    weights: Mapping[str, float]
    bounds: tuple[float, float] | None = None
    columns: tuple[str, ...] = ()

    @property
    def maxima(self) -> Mapping[str, float]:
        """Each function's weight, where a ``Reward`` has the most a component gives."""
        return self.weights

    def maxima_under(self, profile: Profile) -> dict[str, float]:
        """Each function's weight; it has one version of its rules only."""
        return dict(self.weights)


@dataclass(frozen=True)
class Guideline:
    """The question a rater answers, and what a 1, a 3 and a 5 look like (where a team says so)."""

    question: Text
    one: Text = NO_TEXT
    three: Text = NO_TEXT
    five: Text = NO_TEXT


GENERAL_GUIDELINE = Guideline(
    Text("Would you send this answer to the user as it is?", "Você enviaria esta resposta ao usuário como está?"),
    Text("Useless or wrong.", "Inútil ou errada."),
    Text("Usable after correction.", "Aproveitável depois de correção."),
    Text("Send it as it is.", "Pode enviar como está."),
)


MOST_CRITERIA = 6
"""Of a task: each has a key of its own on the raters' page."""


@dataclass(frozen=True)
class Criterion:
    """One thing that a rater may score beside the overall score: 0 not met, 1 met in part, 2 met.

    Attributes:
        key: its name in the store, at most 40 characters.
        label: for people, a word or two.
        what: when it is met, in a line.
    """

    key: str
    label: Text
    what: Text


@dataclass(frozen=True)
class Probe:
    """A completion written to cheat a reward, and the most it may score."""

    name: str
    completion: str
    limit: float
    prompt: str = ""


@dataclass(frozen=True)
class Parsed:
    """The object that a parser found (None when there is none), and whether strict JSON was enough to read it."""

    value: dict[str, Any] | None
    strict: bool = False


@dataclass(frozen=True)
class JsonAnswer:
    """A task whose completion must hold a JSON object.

    Attributes:
        parse: how it is read out of a text.
        retry: what a model is told in production when there is none; ``{reason}`` is replaced by why.
        nothing, empty: that why, where there is no object at all, or one with nothing in it.
    """

    parse: Callable[[str], Parsed]
    retry: str = "Your answer holds no valid JSON object ({reason}). Answer again with the JSON object alone."
    nothing: str = "there is no object"
    empty: str = "the object is empty"


@dataclass(frozen=True)
class Fact:
    """One fact behind a prompt, and what a completion says of it.

    Attributes:
        label: of the fact, for people; the same for every prompt.
        said: what the completion says; None where it says nothing.
        true: what is so.
        copied: what one says by copying from the prompt alone; None where the prompt does not state it.
    """

    label: Text
    said: Hashable
    true: Hashable
    copied: Hashable = None

    @property
    def right(self) -> bool:
        """Whether the completion says what is so."""
        return self.said == self.true


@dataclass(frozen=True)
class Truth:
    """A measure of the truth behind a prompt, which the reward does not see: only so can reward hacking be noticed.

    Attributes:
        name: of the metric.
        label: for people.
        help: what it is, for people.
        judge: (completion, columns) -> one True or False per fact; None where the columns carry no such facts.
        facts: (completion, columns) -> the same facts with what is said and what is so; None likewise. Where a measure has
            it, each fact is also held against the best constant answer and the copy, and rare answers count as much as
            common ones.
    """

    name: str
    label: Text
    help: Text
    judge: Callable[[str, Columns], Sequence[bool] | None]
    facts: Callable[[str, Columns], Sequence[Fact] | None] | None = None


@dataclass(frozen=True)
class Count:
    """Something that anyone can count in an answer, without a model and without the reward.

    Attributes:
        label: for people, of the answers or of what is counted in one: "queries that run".
        of: (completion, user's text, columns) -> whether the answer is one, or how many it has; None where that does not
            apply or cannot be told here.
        meaning: ``right``: an answer that is one is right, so more of them are better answers; ``needed``: without it no
            answer is good, so fewer are worse ones, and more prove nothing; empty: it informs.
    """

    label: Text
    of: Callable[[str, str, Columns], bool | int | None]
    meaning: Literal["right", "needed", ""] = ""


@dataclass(frozen=True)
class Bubble:
    """A completion that a phone shows as a notification.

    Attributes:
        sender: from whom it seems to come.
        most: characters that are shown.
    """

    sender: Text
    most: int


@dataclass(frozen=True)
class Result:
    """What a completion gives when it is run.

    Attributes:
        columns: their names.
        rows: of a table.
        why: it was not run; empty where it was.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Task:
    """Everything about one task of a suite. Only the first two have to be given.

    Attributes:
        name: as prompts carry it; unique over all suites.
        reward: what a completion is worth.
        label: as people call it; the name where left out.
        guideline: what raters are asked; a general question where left out.
        criteria: what raters may score beside the overall score, at most ``MOST_CRITERIA``.
        rendering: how a completion is shown: Markdown, plain text, or a notification on a phone. A task with ``json``
            is shown as JSON.
        json: set where the answer must be a JSON object.
        probes: completions written to cheat the reward.
        system_prompt: put before a prompt that brings none.
        examples: worked examples that a configuration may add to the system prompt; the first line introduces them.
        truth: a measure of the truth behind a prompt.
        counts: what anyone can count in an answer; Results shows it for base and tuned.
        reference: columns -> a right answer, for supervised warm-up; None where the columns do not give one.
        by_rule: prompt -> an answer made without a model; None where there is no rule.
        floor: an evaluation mean below this after step 100 is a warning; None for none.
        unique: columns whose values may stand in one split only (an order, a query): elsewhere they would leak.
        run: completion -> what it gives when it is run, for people to read; None where nothing can be run.
    """

    name: str
    reward: Reward | Functions
    label: Text = NO_TEXT
    guideline: Guideline | None = None
    criteria: tuple[Criterion, ...] = ()
    rendering: Literal["markdown", "text"] | Bubble = "markdown"
    json: JsonAnswer | None = None
    probes: tuple[Probe, ...] = ()
    system_prompt: str = ""
    examples: tuple[str, ...] = ()
    truth: Truth | None = None
    counts: tuple[Count, ...] = ()
    reference: Callable[[Columns], str | None] | None = None
    by_rule: Callable[[str], str | None] | None = None
    floor: float | None = None
    unique: tuple[str, ...] = ()
    run: Callable[[str], Result] | None = None

    def __post_init__(self) -> None:
        if not self.label.en:
            object.__setattr__(self, "label", Text(self.name, self.name))
        keys = [criterion.key for criterion in self.criteria]
        if len(set(keys)) < len(keys) or len(keys) > MOST_CRITERIA or not all(0 < len(key) <= 40 for key in keys):
            raise ValueError(
                f"{self.name}: at most {MOST_CRITERIA} criteria, with different keys of 1 to 40 characters"
            )

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the most a total can be; None for any finite number."""
        return self.reward.bounds if isinstance(self.reward, Functions) else (0.0, 1.0)
