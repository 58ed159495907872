"""The tables. Data flows down the file: prompts -> completions -> scores -> ratings -> runs -> evaluations.

Times are UTC. JSON columns hold only what is read whole (facts, configurations); anything filtered on has a column.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    UniqueConstraint,
    literal,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backend.store.types import Json, String, Text, UtcTime


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def scattered(identifier: Any) -> ColumnElement[int]:
    """A fixed pseudo-random sort key: the first rows in this order are a sample of all rows, the same one each time."""
    return (identifier * literal(2654435761, BigInteger)) % literal(4294967291, BigInteger)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {dict[str, Any]: Json, list[Any]: Json, datetime: UtcTime}


class Prompt(Base):
    """A prompt; its id is the hash of its content."""

    __tablename__ = "prompts"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    task: Mapped[str] = mapped_column(String(40), index=True)
    split: Mapped[str] = mapped_column(String(10), index=True)
    messages: Mapped[list[Any]]
    user_text: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]]
    form: Mapped[str] = mapped_column(String(4), default="text", server_default="text")
    """How the data had it: ``text``, or ``chat`` for messages."""
    source: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class PromptSet(Base):
    """Prompts that belong together, with each one's split; its id is the hash of its content."""

    __tablename__ = "prompt_sets"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    members: Mapped[list[Any]]
    """[prompt id, split] of each."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Run(Base):
    """A training run. ``folder`` holds everything it leaves; ``handle`` names where it runs."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    preset: Mapped[str] = mapped_column(String(40))
    config: Mapped[dict[str, Any]]
    seed: Mapped[int]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    """The run of several seeds or settings that this one belongs to."""
    folder: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), index=True)
    """queued, running, finished, stopped, failed or cancelled."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why it stopped or failed, in words."""
    handle: Mapped[dict[str, Any] | None] = mapped_column(Json(none_as_null=True))
    """``backend.runs.handle.Handle``: its launcher, the machine that judges it, and its job; None before its first start."""
    stop_asked: Mapped[str] = mapped_column(String(10), default="", server_default="")
    """``stop`` or ``force`` since somebody asked for its end; the machine it runs on carries it out."""
    place: Mapped[float | None] = mapped_column(Float)
    """Its place in the queue, lowest first; None when it is not in the queue."""
    exit_code: Mapped[int | None]
    """The exit code of its process, where it is known; negative: the signal that ended it."""
    heartbeat_at: Mapped[datetime | None]
    """When its process last reported that it is running."""
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    tags: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    profile: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(12))
    prompt_set: Mapped[str | None] = mapped_column(String(12))
    """The set it trains and is evaluated on."""
    metrics_read: Mapped[int] = mapped_column(default=0)
    """How many bytes of the run's metrics.jsonl have been read into the store."""
    set_aside: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """What in its folder could not be read into the store: file, where in it, and why; see ``backend.runs.sync``."""
    is_example: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def pid(self) -> int | None:
        """The pid of its process on the machine that its handle names, where it is one."""
        return ((self.handle or {}).get("job") or {}).get("pid")


class Metric(Base):
    """One logged number of a run; writing the same (run, step, name) again replaces it."""

    __tablename__ = "metrics"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[float]


class Evaluation(Base):
    """A policy scored on a run's prompts: at a step of it, before it (base) or with its best adapter (tuned)."""

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("run_id", "label", "step"),)

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(20))
    """base, step or tuned."""
    split: Mapped[str] = mapped_column(String(10), default="eval", server_default="eval")
    """``eval``: the prompts of the curves, on which the best step is chosen; ``test``: prompts nothing was chosen on."""
    step: Mapped[int]
    policy: Mapped[str] = mapped_column(String(200))
    profile: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Completion(Base):
    """What a policy wrote for a prompt, with every generation parameter."""

    __tablename__ = "completions"
    __table_args__ = (
        Index("completions_evaluation", "evaluation_id", "prompt_id"),
        Index("completions_policy", "policy", "prompt_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    prompt_id: Mapped[str] = mapped_column(ForeignKey("prompts.id"), index=True)
    evaluation_id: Mapped[str | None] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    tokens: Mapped[int]
    truncated: Mapped[bool]
    policy: Mapped[str] = mapped_column(String(200))
    generation: Mapped[dict[str, Any]]
    sample: Mapped[int]
    """Which of the prompt's samples this is, from 0."""
    columns: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What stood beside it in the file it came from."""
    key: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Names an imported completion by its content, so that the same file again adds nothing."""
    step: Mapped[int | None]
    """The training step it was sampled at, where its file says so."""
    is_example: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Score(Base):
    """One component of a completion's score under one reward profile; component ``total`` is the clipped sum."""

    __tablename__ = "scores"

    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), primary_key=True)
    profile: Mapped[str] = mapped_column(String(40), primary_key=True)
    component: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[float]
    fingerprint: Mapped[str] = mapped_column(String(12))


class ScoreGap(Base):
    """A component that has no value for a completion under a profile, and why: a judge did not answer, or not with a score.

    Where the component counts in the total, the completion has no total either."""

    __tablename__ = "score_gaps"

    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), primary_key=True)
    profile: Mapped[str] = mapped_column(String(40), primary_key=True)
    component: Mapped[str] = mapped_column(String(60), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    """The reason's name, such as ``timed out``."""
    what: Mapped[str] = mapped_column(Text)
    is_final: Mapped[bool]
    """Whether asking again would give the same; the others are asked again with the next audit."""
    fingerprint: Mapped[str] = mapped_column(String(12))


class QueueItem(Base):
    """A completion in the raters' queue. ``rated`` and ``is_open`` are kept up to date with its ratings, so that an index
    finds the next one."""

    __tablename__ = "queue"
    __table_args__ = (
        Index("queue_fresh", "is_open", "rated", "stratum", "shuffle"),
        Index("queue_started", "is_open", "rated", "shuffle"),
    )

    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), primary_key=True)
    stratum: Mapped[str] = mapped_column(String(60))
    """Task and quarter of the reward, such as ``reply/2``. Raters get completions of every stratum, so that ρ covers the
    whole range of the reward."""
    rated: Mapped[int] = mapped_column(default=0)
    """How many raters have scored it (a skip is no score)."""
    human: Mapped[float | None] = mapped_column(Float)
    """Their mean score."""
    wanted: Mapped[int]
    """How many raters should score it; at least three where two scores differ by two or more."""
    is_open: Mapped[bool]
    shuffle: Mapped[int]
    """A fixed random place in its stratum."""


class Stratum(Base):
    """Counts and sums of one stratum of the queue; updated together with its items, so that they need no counting."""

    __tablename__ = "strata"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    items: Mapped[int] = mapped_column(default=0)
    open: Mapped[int] = mapped_column(default=0)
    """How many of them still need a score."""
    rated: Mapped[int] = mapped_column(default=0)
    """How many of them somebody has scored."""
    total: Mapped[float] = mapped_column(default=0.0)
    """Sum of those items' human scores."""
    squares: Mapped[float] = mapped_column(default=0.0)
    """Sum of their squares."""


class Claim(Base):
    """A completion that a rater has on the screen. Until it expires it counts as one of the ``wanted`` raters."""

    __tablename__ = "claims"

    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), primary_key=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("raters.id", ondelete="CASCADE"), primary_key=True, index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    draft: Mapped[str] = mapped_column(Text, default="")
    """A comment not yet saved with a score."""
    is_repeat: Mapped[bool] = mapped_column(default=False)
    """A hidden repeat: the rater has scored it before and is not informed of it. It measures self-agreement."""


class Rater(Base):
    """A person who rates."""

    __tablename__ = "raters"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    left_out: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why this rater's scores do not count; empty where they do."""
    is_example: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Rating(Base):
    """A rater's judgement of a completion: a score from 1 to 5, or a skip with its reason. One per rater and item."""

    __tablename__ = "ratings"
    __table_args__ = (
        UniqueConstraint("completion_id", "rater_id"),
        CheckConstraint("score BETWEEN 1 AND 5", name="score_1_to_5"),
        CheckConstraint("(score IS NULL) <> (skip_reason IS NULL)", name="score_or_skip"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), index=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("raters.id"), index=True)
    score: Mapped[float | None] = mapped_column(Float)
    """1 to 5; a whole number unless it was imported."""
    skip_reason: Mapped[str | None] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(Text, default="")
    flags: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Of ``FLAGS``: what is wrong with the item itself."""
    seconds: Mapped[float | None]
    """Time the item was on screen before the score."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CriterionScore(Base):
    """A rater's score of one named criterion of a completion, beside the overall score: 0 not met, 1 in part, 2 met.

    It is saved as soon as it is given, with or before the rating."""

    __tablename__ = "criterion_scores"
    __table_args__ = (CheckConstraint("value BETWEEN 0 AND 2", name="value_0_to_2"),)

    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), primary_key=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("raters.id"), primary_key=True, index=True)
    criterion: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class RatingEvent(Base):
    """What happened to a rating, append-only: rate, change, skip, undo, import. A repeat is a rater's second score of the
    same completion, used only to measure self-agreement; unrepeat takes it back."""

    __tablename__ = "rating_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), index=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("raters.id"), index=True)
    action: Mapped[str] = mapped_column(String(10))
    score: Mapped[float | None] = mapped_column(Float)
    skip_reason: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class PairRating(Base):
    """Which of two completions of one prompt a rater finds better; one per rater and pair."""

    __tablename__ = "pair_ratings"
    __table_args__ = (
        UniqueConstraint("first_id", "second_id", "rater_id"),
        CheckConstraint("better BETWEEN 0 AND 2", name="better_0_to_2"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    first_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("completions.id", ondelete="CASCADE"), index=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("raters.id"), index=True)
    better: Mapped[int]
    """1 the first, 2 the second, 0 neither."""
    swapped: Mapped[bool] = mapped_column(default=False)
    """Whether the second one stood on the left."""
    seconds: Mapped[float | None]
    """Time the pair was on screen."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class SuiteVersion(Base):
    """The source of a team's reward file as it was when it was audited: one row per task and fingerprint."""

    __tablename__ = "suite_versions"

    fingerprint: Mapped[str] = mapped_column(String(12), primary_key=True)
    task: Mapped[str] = mapped_column(String(60), primary_key=True)
    suite: Mapped[str] = mapped_column(String(60))
    source: Mapped[dict[str, Any]]
    """Relative path -> text, of every file of the team's own that was loaded."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class GateDecision(Base):
    """A decision on whether a task's reward may be trained on; it holds for one fingerprint and one set of ratings."""

    __tablename__ = "gate_decisions"
    __table_args__ = (Index("gate_decisions_task", "task", "profile", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(40))
    profile: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(12))
    ratings: Mapped[str] = mapped_column(String(12))
    """Hash of the task's ratings (``ratings_hashes``): every rater's score of every completion."""
    verdict: Mapped[str] = mapped_column(String(30))
    reason: Mapped[str] = mapped_column(Text)
    numbers: Mapped[dict[str, Any]]
    """n, rho and its interval, within-prompt rho and its interval."""
    settings: Mapped[dict[str, Any]]
    decided_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


ATTACK = "attack"
"""The policy of the texts that an attack made for the raters."""


def made_by_attack() -> ColumnElement[bool]:
    """Whether an attack wrote a completion, in a query that reads it; an imported one may have any policy's name."""
    return (Completion.policy == ATTACK) & Completion.key.is_(None)


class AttackMade(Base):
    """A search for cheap texts that a task's reward scores high; it holds for one fingerprint."""

    __tablename__ = "attacks"
    __table_args__ = (Index("attacks_task", "task", "profile", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(40))
    profile: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(12))
    calls: Mapped[int]
    """How many calls of the reward were made."""
    target: Mapped[float] = mapped_column(Float)
    """The total that counts as high."""
    best: Mapped[float] = mapped_column(Float)
    """The highest total of a text that is no copy."""
    to_target: Mapped[int | None]
    """Calls until the target was reached first; None where it was not."""
    finds: Mapped[list[Any]]
    """[prompt id, text] of each text that reaches the target."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Event(Base):
    """Something a person did; never changed or deleted."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    person: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]]


class Answer(Base):
    """An answer given in production, with its score. Its texts are stored only if the settings say so, and masked."""

    __tablename__ = "answers"
    __table_args__ = (Index("answers_task_at", "task", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    task: Mapped[str] = mapped_column(String(40))
    engine: Mapped[str] = mapped_column(String(60))
    """Which engine of the route gave it."""
    profile: Mapped[str] = mapped_column(String(40))
    reward: Mapped[float] = mapped_column(Float)
    components: Mapped[dict[str, Any]]
    unparsable: Mapped[bool]
    """Whether a task that asks for JSON got none."""
    characters: Mapped[int]
    retries: Mapped[int]
    milliseconds: Mapped[float] = mapped_column(Float)
    messages: Mapped[list[Any] | None]
    """The prompt, masked; None where texts are not kept."""
    text: Mapped[str | None] = mapped_column(Text)
    completion_id: Mapped[int | None] = mapped_column(ForeignKey("completions.id", ondelete="SET NULL"), index=True)
    """The completion that raters were given, once it was sent to them."""


class Alarm(Base):
    """A problem found in production; it is closed after several days without the problem."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index(
            "alarms_open", "task", "kind", unique=True,
            sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(default=utc_now)
    closed_at: Mapped[datetime | None]
    task: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    """mean, reward, unparsable or length."""
    words: Mapped[dict[str, Any]]
    """What was found, by language (en, pt)."""
    quiet_days: Mapped[int] = mapped_column(default=0)
    """Days in a row on which the problem was not found."""
    last_day: Mapped[datetime]
    """The newest day that has been checked for it."""
    reference: Mapped[list[Any] | None] = mapped_column(Json(none_as_null=True))
    """The days that it was raised against, each [answers, means, variances]: while it is open, days are held against these."""
    accepted_at: Mapped[datetime | None]
    """When somebody accepted the change as the new usual: the days before it count no longer."""
    untold: Mapped[str] = mapped_column(String(10))
    """What still has to be sent to the webhook: ``opened``, ``closed``, or empty if nothing."""
