"""Calling reward functions that teams already have, unchanged: TRL's batch functions, row functions, sync or async.

Which parameters a function names decides how it is called: ``completions`` means batch (TRL: lists in, a list out), and
``completion`` means row (one in, one out). Every other parameter is filled by name from what stands beside the prompt, as TRL
does: ``prompts`` or ``prompt``, ``completion_ids``, ``trainer_state``, ``log_extra``, ``log_metric``, and every column of
the data. A chat is handed over as messages, plain text as text; a function that fails on one form is tried with the other.

A value is a finite number, None where the function does not apply, or a ``Gap`` where a judge gave none. Anything else is a
``RewardFault`` that names the function and the row; nothing is turned into a 0.
"""

import asyncio
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal


@dataclass(frozen=True)
class Gap:
    """In place of a value that could not be had, with the reason. It is never counted as a number.

    Attributes:
        kind: the reason's name, such as ``timed out``; gaps are counted by it.
        what: the reason in words.
        is_final: whether asking again would give the same; otherwise the value may still come.
    """

    kind: str
    what: str = ""
    is_final: bool = True

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}" if self.what else self.kind


MOST_GAPS = 0.1
"""With gaps in more than this share of the completions, what is left does not stand for all of them."""
Value = float | Gap | None
_NO_COLUMNS = frozenset(
    "prompt prompts completion completions completion_ids trainer_state log_extra log_metric".split()
)
"""Parameters that stand for no column of the data."""
Message = dict[str, str]
Form = Literal["text", "chat"]

FORBIDDEN_NAMES = frozenset({"total", "overall", "mean", "std", "all"})
"""Names of our own numbers, beside which a reward's would be mistaken."""
LONGEST_NAME = 59
_WRONG_FORM = (TypeError, AttributeError, KeyError, IndexError)
"""What a function raises that was given text where it wants messages, or the other way round."""


class RewardFault(Exception):
    """A reward function that cannot be used, or gave something that is no reward.

    Attributes:
        function: its name.
        row: which of the rows it was given, from 0; None where no single row is to blame.
    """

    def __init__(self, function: str, what: str, row: int | None = None) -> None:
        place = "" if row is None else f", row {row + 1}"
        super().__init__(f"reward function {function}{place}: {what}")
        self.function, self.what, self.row = function, what, row


class _NoTokens:
    """In place of ``completion_ids`` where there are texts alone: a function may name them, but not read them."""

    def _refuse(self, *_: object) -> Any:
        raise LookupError("it reads completion_ids, which only a trainer has; these data hold texts")

    __iter__ = __len__ = __getitem__ = __contains__ = __array__ = _refuse


@dataclass(frozen=True)
class Row:
    """One completion as a reward function may see it.

    Attributes:
        prompt: the chat that was asked.
        completion: what the model wrote.
        columns: what stands beside it in the data.
        form: how the data had the prompt: as plain text, or as messages.
    """

    prompt: Sequence[Message]
    completion: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    form: Form = "text"

    def prompt_as(self, form: Form) -> Any:
        """The prompt as text (what the user asked) or as messages."""
        if form == "chat":
            return [dict(m) for m in self.prompt]
        return "\n".join(m["content"] for m in self.prompt if m["role"] == "user")

    def completion_as(self, form: Form) -> Any:
        """The completion as text, or as the assistant's message."""
        return [{"role": "assistant", "content": self.completion}] if form == "chat" else self.completion


@dataclass
class RewardFunction:
    """A team's function, and how it is called.

    Attributes:
        name: of the reward; what every table shows.
        call: the function itself.
        style: ``batch`` or ``row``.
        wants: parameters it names; None where it takes whatever it is given (``**kwargs``).
        bound: parameters that a partial has filled already, which are not handed over once more.
        form: text or chat, once a call has shown which it needs; None until then.
    """

    name: str
    call: Callable[..., Any]
    style: Literal["batch", "row"]
    wants: frozenset[str] | None
    bound: frozenset[str] = frozenset()
    form: Form | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that it names, in the order of its parameters."""
        columns = _named(self.call) - self.bound - _NO_COLUMNS
        return tuple(name for name in _signature(self.call) if name in columns)

    def values(
        self,
        rows: Sequence[Row],
        offered: Mapping[str, Any] | None = None,
        at: Callable[[int], None] = lambda row: None,
    ) -> list[Value]:
        """The function's value for every row.

        Args:
            rows: at least one.
            offered: what a trainer has beside the rows: ``completion_ids``, ``trainer_state``, ``log_extra``, ``log_metric``.
            at: called with a row's place before a row function is called for it, so that a watcher knows where it hangs.

        Raises:
            RewardFault: the function fails, or a value is no finite number and not None.
        """
        own = self.form or rows[0].form
        try:
            found = self._values(rows, own, offered or {}, at)
        except RewardFault as fault:
            if self.form is not None or not isinstance(fault.__cause__, _WRONG_FORM):
                raise
            other: Form = "text" if own == "chat" else "chat"
            try:
                found, own = self._values(rows, other, offered or {}, at), other
            except RewardFault:
                raise fault from fault.__cause__
        self.form = own
        return found

    def _values(
        self, rows: Sequence[Row], form: Form, offered: Mapping[str, Any], at: Callable[[int], None]
    ) -> list[Value]:
        if self.style == "batch":
            given = self._in_one_call(rows, form, offered)
        else:
            given = self._row_by_row(rows, form, offered, at)
        return [self._value(value, row) for row, value in enumerate(given)]

    def _in_one_call(self, rows: Sequence[Row], form: Form, offered: Mapping[str, Any]) -> Sequence[Any]:
        names = dict.fromkeys(name for row in rows for name in row.columns)
        arguments: dict[str, Any] = {name: [row.columns.get(name) for row in rows] for name in names}
        arguments |= {"prompts": [row.prompt_as(form) for row in rows]}
        arguments |= {"completions": [row.completion_as(form) for row in rows]}
        arguments = {
            "completion_ids": _NoTokens(),
            "trainer_state": None,
            **_silent_logs(),
            **arguments,
            **offered,
        }
        try:
            given = _awaited(self.call(**self._wanted(arguments)))
        except (Exception, SystemExit) as error:
            raise self._fault(error, self._row_to_blame(rows, form, offered)) from error
        try:
            if isinstance(given, str | bytes | Mapping | Set):
                raise TypeError("it has no order of its own, or is one text")
            values = list(given)
        except TypeError as error:
            raise RewardFault(
                self.name,
                f"gave {type(given).__name__}; a batch function returns a list, one value for each completion",
            ) from error
        if len(values) != len(rows):
            raise RewardFault(self.name, f"gave {len(values)} values for {len(rows)} completions")
        return values

    def _row_to_blame(self, rows: Sequence[Row], form: Form, offered: Mapping[str, Any]) -> int | None:
        """The first row on which the function fails when it is alone; None where none does."""
        if len(rows) == 1:
            return 0
        for place, row in enumerate(rows):
            one = {
                name: value[place : place + 1] if isinstance(value, list) else value for name, value in offered.items()
            }
            try:
                self._in_one_call([row], form, one)
            except RewardFault:
                return place
        return None

    def _row_by_row(
        self, rows: Sequence[Row], form: Form, offered: Mapping[str, Any], at: Callable[[int], None]
    ) -> Sequence[Any]:
        found: list[Any] = []
        for place, row in enumerate(rows):
            at(place)
            ids = offered.get("completion_ids")
            arguments: dict[str, Any] = {**row.columns, "prompt": row.prompt_as(form)}
            arguments |= {"completion": row.completion_as(form)}
            arguments |= {"completion_ids": ids[place] if ids else _NoTokens(), "trainer_state": None} | _silent_logs()
            arguments |= {name: value for name, value in offered.items() if name != "completion_ids"}
            try:
                found.append(self.call(**self._wanted(arguments)))
            except (Exception, SystemExit) as error:
                raise self._fault(error, place) from error
        waiting = [place for place, value in enumerate(found) if inspect.isawaitable(value)]
        if waiting:
            try:
                given = _all_awaited([found[place] for place in waiting])
            except SystemExit as error:
                raise self._fault(error, waiting[0] if len(waiting) == 1 else None) from error
            for place, value in zip(waiting, given, strict=True):
                if isinstance(value, Exception):
                    raise self._fault(value, place) from value
                found[place] = value
        return found

    def _wanted(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value
            for name, value in arguments.items()
            if name not in self.bound and (self.wants is None or name in self.wants)
        }

    def _fault(self, error: BaseException, row: int | None) -> RewardFault:
        if isinstance(error, SystemExit):
            return RewardFault(self.name, f"called sys.exit({error.code!r}); it must return a value", row)
        said = f"{type(error).__name__}: {_words_of(error)}"
        if isinstance(error, TypeError) and "missing" in said and "argument" in said:
            said += ". It names a column that these data do not have"
        return RewardFault(self.name, said, row)

    def _value(self, value: Any, row: int) -> Value:
        if value is None or isinstance(value, Gap):
            return value
        try:
            number = float("text" if isinstance(value, str | bytes) else value)  # no text is a number, not even "0.7"
        except (TypeError, ValueError, OverflowError) as error:
            raise RewardFault(
                self.name, f"gave {_short(value)}; a reward is a number, or None where it does not apply", row
            ) from error
        if not math.isfinite(number):
            raise RewardFault(self.name, f"gave {number}; a reward is a finite number, or None", row)
        return number


_MOST_WORDS = 500


def _words_of(error: BaseException) -> str:
    """An exception's message, as long as a reader needs it."""
    try:
        words = str(error)
    except Exception:  # a team's class may raise anything
        return "(its message cannot be read)"
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}… ({len(words):,} characters)"


def reward_function(name: str, call: Callable[..., Any]) -> RewardFunction:
    """A team's function as it can be called.

    Raises:
        RewardFault: the name cannot stand in a table, or the function names neither ``completion`` nor ``completions``.
    """
    check_name(name)
    style = _style_of(call)
    if style is None:
        raise RewardFault(
            name,
            "names neither `completions` (a batch, as TRL's) nor `completion` (one row), so it is no reward function",
        )
    return RewardFunction(name, call, style, *_parameters(call))


def check_name(name: str) -> None:
    """Pass a name that every table, chart and column can carry.

    Raises:
        RewardFault: it is empty, too long, one of our own words, or holds a slash or a control character.
    """
    if not name.strip():
        raise RewardFault(repr(name), "a reward needs a name")
    if len(name) > LONGEST_NAME:
        raise RewardFault(name[:20] + "…", f"its name has {len(name)} characters; at most {LONGEST_NAME} fit")
    if name.lower() in FORBIDDEN_NAMES:
        raise RewardFault(name, "this name is taken by a number of the workbench's own; rename the function")
    if "/" in name or not name.isprintable():
        raise RewardFault(repr(name), "a name holds no slash and no control character")


def is_reward_function(call: Any) -> bool:
    """Whether something can be called as a reward function: its parameters name ``completion`` or ``completions``."""
    return callable(call) and not inspect.isclass(call) and _style_of(call) is not None


def name_of(call: Any) -> str:
    """What a callable is called: a function's own name, a partial's function's, an object's class."""
    while isinstance(call, partial):
        call = call.func
    return str(getattr(call, "__name__", None) or type(call).__name__)


def _style_of(call: Callable[..., Any]) -> Literal["batch", "row"] | None:
    named, bound = _named(call), _parameters(call)[1]
    if {"completions", "completion_ids"} & (named - bound) and "completion" not in named:
        return "batch"
    return "row" if "completion" in named - bound else None


def _parameters(call: Callable[..., Any]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """(the parameters it names, or None where it takes everything; those that a partial has filled)."""
    bound = frozenset(call.keywords) if isinstance(call, partial) else frozenset()
    open_ended = any(p.kind is p.VAR_KEYWORD for p in _signature(call).values())
    return None if open_ended else _named(call), bound


def _named(call: Callable[..., Any]) -> frozenset[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(n for n, p in _signature(call).items() if p.kind in kinds)


def _signature(call: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(call).parameters
    except (TypeError, ValueError):  # a built-in that does not say what it takes
        return {}


def total_of(values: Mapping[str, Value], weights: Mapping[str, float]) -> float:
    """Σ weight x value over the functions that apply: what GRPO sees. Never clipped; 0 where none applies, as in TRL."""
    return sum(weights[name] * value for name, value in values.items() if isinstance(value, float | int))


def gap_of(values: Mapping[str, Value], weights: Mapping[str, float]) -> tuple[str, Gap] | None:
    """The first function that counts in the total and has a gap: then there is no total. None where there is one."""
    gaps = ((name, value) for name, value in values.items() if isinstance(value, Gap) and weights[name] != 0)
    return next(gaps, None)


def _awaited(value: Any) -> Any:
    return _all_awaited([value], raising=True)[0] if inspect.isawaitable(value) else value


def _all_awaited(waiting: Iterable[Any], raising: bool = False) -> list[Any]:
    """What awaitables give, all of them in one event loop; an exception stands in its place unless it is raised."""

    async def gather() -> list[Any]:
        return await asyncio.gather(*waiting, return_exceptions=not raising)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(gather())
    # Inside a running loop (a notebook's) another thread has a loop of its own.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(gather())).result()


def _silent_logs() -> dict[str, Callable[..., None]]:
    """TRL's logging hooks where nobody listens."""
    return {"log_extra": lambda *_, **__: None, "log_metric": lambda *_, **__: None}


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else said[:57] + "…"
