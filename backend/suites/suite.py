"""What a suite says of itself: its tasks and the versions of their rules, and optionally where prompts come from, what is masked,
what a run is followed by, and which thresholds decide.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.records import PromptRecord
from rewards.calling import Gap
from rewards.types import NO_TEXT, Columns, Profile, Score, Task, Text

if TYPE_CHECKING:
    import typer


class GateSettings(BaseModel):
    """When a reward is fit to train on; kept with each decision."""

    model_config = ConfigDict(frozen=True)

    least_ratings: int = Field(30, ge=3)
    least_rho: float = Field(0.60, ge=-1, le=1)
    least_low: float = Field(0.30, ge=-1, le=1)


class MonitorSettings(BaseModel):
    """When production is not as it should be."""

    model_config = ConfigDict(frozen=True)

    mean_limit: float = Field(0.50, ge=0, le=1)
    """A mean reward below this, by more than chance, raises an alarm (final report §11, step 9)."""
    mean_over: float = Field(0.52, ge=0, le=1)
    """From here on the alarm may end; between the two nothing changes."""


@dataclass(frozen=True)
class Preset:
    """Where a configuration starts.

    Attributes:
        note: what it is, in a line.
        fields: of ``TrainConfig``, as far as they differ from its defaults.
    """

    note: Text
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FormField:
    """A whole number that a prompt source asks for."""

    name: str
    label: Text
    default: int
    low: int
    high: int
    help: Text = NO_TEXT


@dataclass(frozen=True)
class FileImport:
    """Files that replace a prompt source's data, whole or not at all.

    Attributes:
        label: of the tab on the Data page.
        what: what the files are, in a sentence or two.
        files: patterns of the names that are read (``*.csv``).
        take: (folder with the files, called with what is being done) -> the report's lines.
        done: said when it has worked.
    """

    label: Text
    what: Text
    files: tuple[str, ...]
    take: Callable[[Path, Callable[[str], None]], Sequence[str]]
    done: Text


@dataclass(frozen=True)
class PromptSource:
    """Something that prompts are made from.

    Attributes:
        name: what a configuration's ``prompts`` calls it.
        aliases: names it had before.
        label: of its form on the Data page.
        now: what it holds now, in words.
        build: the prompts; called with a value for every field, or with none for the usual set.
        fields: what the form asks for.
        files: how its data are replaced.
    """

    name: str
    label: Text
    now: Callable[[], str]
    build: Callable[..., list[PromptRecord]]
    fields: tuple[FormField, ...] = ()
    files: FileImport | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """What the embedded default model, nano, is taught.

    Attributes:
        pairs: (scratch folder, how many, seed) -> (chat, answer) pairs.
        sources: the files that shape them: a change to one is another nano.
    """

    pairs: Callable[[Path, int, int], list[tuple[list[dict[str, str]], str]]]
    sources: tuple[Path, ...]


@dataclass(frozen=True)
class NextStep:
    """Advice after a run.

    Attributes:
        scenario: the branch of a decision tree that gave it; "" where there is none.
        what: what to do, in a sentence.
        reasons: the numbers that chose it, one sentence each.
        preset: where to start, when there is a preset for it.
    """

    scenario: str
    what: Text
    reasons: tuple[Text, ...]
    preset: str | None = None


@dataclass(frozen=True)
class ToScore:
    """A completion on its way to a reward.

    Attributes:
        messages: the chat that was asked.
        completion: what the model wrote.
        columns: what stands beside it in the data.
        form: how the data had the prompt: ``text`` or ``chat``.
        token_ids: of the completion, where a model has just written it.
    """

    messages: Sequence[Mapping[str, str]]
    completion: str
    columns: Columns
    form: Literal["text", "chat"] = "text"
    token_ids: Sequence[int] | None = None

    @classmethod
    def of(cls, prompt: PromptRecord, completion: str, token_ids: Sequence[int] | None = None) -> "ToScore":
        """A completion of a prompt that has no columns of its own."""
        return cls(prompt.chat, completion, prompt.facts, prompt.form, token_ids)

    @property
    def user_text(self) -> str:
        """What the user asked."""
        return "\n".join(m["content"] for m in self.messages if m["role"] == "user")


@dataclass(frozen=True)
class JudgeOf:
    """A judge among a team's reward functions (``backend.suites.judge``), as others need to know it.

    Attributes:
        name: of the reward function.
        model, endpoint: whom it asks, and where.
        fingerprint: of its template, model and parameters.
        price: dollars for a million tokens of (prompt, completion); None where the file does not say.
        seconds_per_row: the longest that a row may take, over many.
        again: (prompt, completion, columns) of each, which sample -> its values, whatever the completions say.
        choose: (prompt, first, second, columns) of each -> 1, 2 or 0 for neither.
    """

    name: str
    model: str
    endpoint: str
    fingerprint: str
    price: tuple[float, float] | None
    seconds_per_row: float
    again: Callable[[Sequence[tuple[str, str, Columns]], int], list[float | Gap]]
    choose: Callable[[Sequence[tuple[str, str, str, Columns]]], list[float | Gap]]


@dataclass(frozen=True)
class Scored:
    """How the completions of a team's own reward file are scored, where that is not in this process.

    Attributes:
        score: (task, completions) -> their scores, in order.
        fingerprint: task -> what names the rules as they are now.
        source: the team's own files as they are now: relative path -> text.
        spec: of the file, for a process that loads it itself (the trainer's).
        judges: those of its reward functions that ask a model, by name.
    """

    score: Callable[[Task, Sequence[ToScore]], list[Score]]
    fingerprint: Callable[[str], str]
    source: Callable[[], dict[str, str]]
    spec: str
    judges: Mapping[str, JudgeOf] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Suite:
    """One team's tasks, and what belongs to them. Only the first two have to be given.

    Attributes:
        name: unique in an installation.
        tasks: in the order in which every page shows them.
        profiles: versions of the rules, oldest first.
        default_profile: the one that counts unless another is named; the last where left out.
        classify: user's text -> task, for prompts that carry no label.
        measure: (task, completion, columns, profile) -> shares of the components that no text tells. Asked only where the
            profile has such; raises ``UserError`` where they cannot be measured here.
        mask: text -> (the text without personal data, how many of each kind were masked).
        sources: what prompts are made from.
        presets: name -> where a configuration starts.
        next_step: comparisons (``backend.evaluation.compare``) -> advice; None leaves it to the general one.
        corpus: what nano is taught.
        commands: adds sub-commands to ``workbench data``.
        scorer: set where the rewards are a team's own functions.
        is_open: whether a task that the data name and this suite does not is scored by the same functions.
        scale: the lowest and highest number a rater gives in imported ratings.
        former: fingerprints that earlier versions of the workbench gave -> today's of the same rules, so that decisions made
            then still hold.
        gate, monitor: thresholds.
    """

    name: str
    tasks: tuple[Task, ...]
    profiles: tuple[Profile, ...] = (Profile("current", Text("the rules as they are", "as regras como estão")),)
    default_profile: str = ""
    classify: Callable[[str], str] | None = None
    measure: Callable[[Task, str, Columns, Profile], Mapping[str, float]] | None = None
    mask: Callable[[str], tuple[str, Counter[str]]] | None = None
    sources: tuple[PromptSource, ...] = ()
    presets: Mapping[str, Preset] = field(default_factory=dict)
    next_step: Callable[[Sequence[Any]], NextStep | None] | None = None
    corpus: Corpus | None = None
    commands: "Callable[[typer.Typer], None] | None" = None
    scorer: Scored | None = None
    is_open: bool = False
    scale: tuple[float, float] = (1, 5)
    former: Mapping[str, Collection[str]] = field(default_factory=dict)
    gate: GateSettings = field(default_factory=GateSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)

    def __post_init__(self) -> None:
        if not self.default_profile:
            object.__setattr__(self, "default_profile", self.profiles[-1].name)

    def profile(self, name: str) -> Profile:
        """The profile of that name; the default one where this suite has none of it (another suite may)."""
        by_name = {p.name: p for p in self.profiles}
        return by_name.get(name, by_name[self.default_profile])
