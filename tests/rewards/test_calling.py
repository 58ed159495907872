"""A team's reward functions are called as they are: every way of calling, every fault."""

import asyncio
import functools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from rewards.calling import (
    LONGEST_NAME,
    RewardFault,
    Row,
    check_name,
    is_reward_function,
    name_of,
    reward_function,
    total_of,
)

ANSWERS = ("yes", "no", "maybe")


def rows(form: Any = "text", texts: Sequence[str] = ("a yes", "unsure", "maybe so")) -> list[Row]:
    """Three completions with a system prompt, a question, and a right answer beside it."""
    return [
        Row(
            [{"role": "system", "content": "Be short."}, {"role": "user", "content": f"question {i}"}],
            text,
            {"answer": answer, "level": i},
            form,
        )
        for i, (text, answer) in enumerate(zip(texts, ANSWERS, strict=True))
    ]


def values(call: Callable[..., Any], given: list[Row] | None = None, **offered: Any) -> list[float | None]:
    return reward_function("mine", call).values(given or rows(), offered)


# --- the ways of calling ------------------------------------------------------------------------------------------------


def batch(completions, answer, **kwargs):
    return [1.0 if a in c else 0.0 for c, a in zip(completions, answer, strict=True)]


def row(completion, answer):
    return float(answer in completion)


async def async_batch(completions, answer):
    await asyncio.sleep(0)
    return batch(completions, answer)


async def async_row(completion, answer):
    await asyncio.sleep(0)
    return row(completion, answer)


def needle(completions, needle, **kwargs):
    return [float(needle in c) for c in completions]


def needles(wanted, completion):
    return float(wanted in completion)


class Judge:
    """Can be called, and has a method that can be."""

    def __call__(self, completions, answer):
        return batch(completions, answer)

    def judge(self, completion, answer):
        return row(completion, answer)


@functools.wraps(row)
def wrapped(*args, **kwargs):
    return row(*args, **kwargs)


def a_generator(completions, answer):
    yield from batch(completions, answer)


@pytest.mark.parametrize(
    ("call", "style"),
    [
        (batch, "batch"),
        (row, "row"),
        (async_batch, "batch"),
        (async_row, "row"),
        (Judge(), "batch"),
        (Judge().judge, "row"),
        (wrapped, "row"),
        (a_generator, "batch"),
        (lambda completions, answer: tuple(batch(completions, answer)), "batch"),
        (lambda completion, answer: float(answer in completion), "row"),
        (functools.lru_cache(row), "row"),
    ],
    ids=lambda x: x if isinstance(x, str) else name_of(x),
)
def test_every_way_of_calling_gives_the_same(call: Callable[..., Any], style: str) -> None:
    assert is_reward_function(call)
    assert reward_function("mine", call).style == style
    assert values(call) == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        functools.partial(needle, needle="yes"),
        functools.partial(needles, "yes"),
        functools.partial(needles, wanted="yes"),
    ],
)
def test_what_a_partial_has_filled_is_not_handed_over_once_more(call: Callable[..., Any]) -> None:
    given = [Row(r.prompt, r.completion, {**r.columns, "needle": "never", "wanted": "never"}) for r in rows()]
    assert values(call, given) == [1.0, 0.0, 0.0]


def test_a_notebooks_running_loop_does_not_matter() -> None:
    async def notebook() -> list[list[float | None]]:
        return [values(async_row), values(async_batch)]

    assert asyncio.run(notebook()) == [[1.0, 0.0, 1.0]] * 2


def test_async_rows_wait_together() -> None:
    waiting: list[int] = []

    async def all_here(completion):
        waiting.append(1)
        while len(waiting) < 3:
            await asyncio.sleep(0)
        return 1.0

    assert values(all_here) == [1.0, 1.0, 1.0]


def test_numbers_of_other_kinds_are_numbers() -> None:
    import numpy as np

    assert values(lambda completions: np.array([1, 0, -2], dtype=np.float32)) == [1.0, 0.0, -2.0]
    assert values(lambda completion: np.float64(0.5)) == [0.5] * 3
    assert values(lambda completion: True) == [1.0] * 3


def test_none_is_kept_and_does_not_count() -> None:
    assert values(lambda completions, level: [None if n == 1 else n for n in level]) == [0.0, None, 2.0]
    assert values(lambda completion, level: None if level else 3) == [3.0, None, None]
    assert total_of({"a": 2.0, "b": None, "c": 1.0}, {"a": 0.5, "b": 9.0, "c": -2.0}) == -1.0
    assert total_of({"a": None}, {"a": 1.0}) == 0.0


# --- what is handed over ------------------------------------------------------------------------------------------------


def seen_by(call: Callable[..., Any], given: list[Row], **offered: Any) -> None:
    values(call, given, **offered)


def test_a_batch_gets_prompts_columns_and_what_trl_has() -> None:
    seen: dict[str, Any] = {}

    def all_of_it(completions, **kwargs):
        seen.update(kwargs)
        return [0.0] * len(completions)

    state, logged = SimpleNamespace(global_step=7), list[Any]()
    seen_by(all_of_it, rows(), completion_ids=[[1], [2], [3]], trainer_state=state, log_extra=logged.append)
    assert seen.pop("log_metric")("name", 1.0) is None
    assert seen.pop("log_extra") == logged.append
    assert seen == {
        "prompts": ["question 0", "question 1", "question 2"],
        "answer": list(ANSWERS),
        "level": [0, 1, 2],
        "completion_ids": [[1], [2], [3]],
        "trainer_state": state,
    }


def test_a_row_gets_its_own_prompt_columns_and_ids() -> None:
    seen: list[dict[str, Any]] = []

    def all_of_it(completion, prompt, answer, level, completion_ids, trainer_state, log_metric):
        log_metric("level", level)
        seen.append({"prompt": prompt, "answer": answer, "ids": completion_ids, "state": trainer_state})
        return 0.0

    seen_by(all_of_it, rows(), completion_ids=[[1], [2], [3]])
    assert seen[1] == {"prompt": "question 1", "answer": "no", "ids": [2], "state": None}


def test_outside_of_a_trainer_its_things_are_there_and_silent() -> None:
    def logs(completions, trainer_state, log_extra, log_metric):
        log_extra("texts", completions)
        log_metric("count", 1.0)
        assert trainer_state is None
        return [0.0] * len(completions)

    assert values(logs) == [0.0, 0.0, 0.0]


def test_a_function_that_needs_token_ids_is_not_given_empty_ones() -> None:
    def by_length(completions, completion_ids):
        return [float(len(ids)) for ids in completion_ids]

    with pytest.raises(RewardFault, match="completion_ids"):
        values(by_length)


def test_a_column_that_some_rows_lack_is_none_there() -> None:
    given = [*rows(), Row([{"role": "user", "content": "q"}], "text", {"extra": 5})]
    assert values(lambda completions, extra: [e or 0 for e in extra], given) == [0.0, 0.0, 0.0, 5.0]
    assert values(lambda completions, answer: [a is None for a in answer], given) == [0.0, 0.0, 0.0, 1.0]


def test_columns_that_are_no_python_names_reach_kwargs() -> None:
    given = [Row([{"role": "user", "content": "q"}], "text", {"right answer": "x", "class": 2})]
    assert values(lambda completions, **k: k["class"] if k["right answer"] == ["x"] else [0], given) == [2.0]


@pytest.mark.parametrize("form", ["text", "chat"])
def test_the_form_of_the_data_is_the_form_that_is_handed_over(form: str) -> None:
    seen: dict[str, Any] = {}

    def look(completions, prompts):
        seen.update(completion=completions[0], prompt=prompts[0])
        return [0.0] * len(completions)

    values(look, rows(form))
    expected: dict[str, dict[str, Any]] = {
        "text": {"completion": "a yes", "prompt": "question 0"},
        "chat": {
            "completion": [{"role": "assistant", "content": "a yes"}],
            "prompt": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "question 0"}],
        },
    }
    assert seen == expected[form]


def reads_messages(completions, **kwargs):
    return [float(len(c[0]["content"])) for c in completions]


def reads_text(completions, **kwargs):
    return [float(len(c.strip())) for c in completions]


@pytest.mark.parametrize(
    "call",
    [
        reads_messages,
        reads_text,
        lambda completion: len(completion[-1]["content"]),
        lambda completion: len(completion.strip()),
        lambda completion, prompt: len(completion[0]["content"]) if prompt[-1]["role"] == "user" else -1,
    ],
)
@pytest.mark.parametrize("form", ["text", "chat"])
def test_a_function_that_fails_on_one_form_is_tried_with_the_other(call: Callable[..., Any], form: str) -> None:
    assert values(call, rows(form)) == [5.0, 6.0, 8.0]


def test_the_form_that_works_is_remembered() -> None:
    calls: list[type] = []

    def picky(completions):
        calls.append(type(completions[0]))
        return reads_messages(completions)

    function = reward_function("picky", picky)
    function.values(rows())
    assert function.form == "chat"
    calls.clear()
    function.values(rows())
    assert calls == [list]


def test_a_fault_in_both_forms_is_told_as_the_data_had_it() -> None:
    def broken(completions):
        raise KeyError("gold")

    with pytest.raises(RewardFault, match="KeyError: 'gold'"):
        values(broken)


# --- names --------------------------------------------------------------------------------------------------------------


def test_names_are_those_that_people_know() -> None:
    assert name_of(batch) == "batch"
    assert name_of(functools.partial(functools.partial(needle, needle="a"))) == "needle"
    assert name_of(Judge()) == "Judge"
    assert name_of(Judge().judge) == "judge"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "needs a name"),
        ("  ", "needs a name"),
        ("overall", "taken by a number of the workbench's own"),
        ("mean", "taken by"),
        ("Total", "taken by"),
        ("std", "taken by"),
        ("all", "taken by"),
        ("a/b", "no slash"),
        ("a\nb", "no control character"),
        ("n" * (LONGEST_NAME + 1), "60 characters; at most 59 fit"),
    ],
)
def test_a_name_that_no_table_can_carry_is_refused(name: str, said: str) -> None:
    with pytest.raises(RewardFault, match=said):
        check_name(name)
    with pytest.raises(RewardFault, match=said):
        reward_function(name, batch)


@pytest.mark.parametrize("name", ["n" * LONGEST_NAME, "ação", "means", "two words", "über_all"])
def test_other_names_pass(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("call", [lambda: 0, lambda text: 0, lambda **kwargs: [0], Judge, "text", None, 3, print])
def test_what_names_no_completion_is_no_reward_function(call: Any) -> None:
    assert not is_reward_function(call)


def test_a_function_that_names_no_completion_is_refused() -> None:
    with pytest.raises(RewardFault, match="names neither `completions`"):
        reward_function("mine", lambda text: 0.0)


@pytest.mark.parametrize("call", [math.log, math.hypot, max, min], ids=lambda c: c.__name__)
def test_a_built_in_that_does_not_say_what_it_takes_is_no_reward_function(call: Any) -> None:
    assert not is_reward_function(call)


# --- faults -------------------------------------------------------------------------------------------------------------

ONE_BAD = [
    (math.nan, "gave nan; a reward is a finite number, or None"),
    (math.inf, "gave inf; a reward is a finite number, or None"),
    (-math.inf, "gave -inf"),
    ("good", "gave 'good'; a reward is a number, or None"),
    ([1.0], r"gave \[1.0\]; a reward is a number"),
    ({"score": 1}, "gave {'score': 1}; a reward is a number"),
    (1j, "gave 1j; a reward is a number"),
    (10**400, r"gave 10+…; a reward is a number"),
    ("x" * 500, "gave 'x{56}…; a reward"),
]


@pytest.mark.parametrize(("bad", "said"), ONE_BAD, ids=[said[:12] for _, said in ONE_BAD])
def test_a_value_that_is_no_finite_number_names_its_row(bad: Any, said: str) -> None:
    for call in (
        lambda completions, level: [bad if n == 1 else 0.5 for n in level],
        lambda completion, level: bad if level == 1 else 0.5,
    ):
        with pytest.raises(RewardFault, match=f"^reward function mine, row 2: {said}") as raised:
            values(call)
        assert (raised.value.function, raised.value.row) == ("mine", 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([1.0], "gave 1 values for 3 completions"),
        ([], "gave 0 values for 3 completions"),
        ([1.0] * 4, "gave 4 values for 3 completions"),
        (None, "gave NoneType; a batch function returns a list"),
        (0.5, "gave float; a batch function returns a list, one value for each completion"),
    ],
)
def test_a_batch_that_is_no_list_of_the_right_length_is_a_fault(given: Any, said: str) -> None:
    with pytest.raises(RewardFault, match=f"^reward function mine: {said}") as raised:
        values(lambda completions: given)
    assert raised.value.row is None


@pytest.mark.parametrize("given", ["101", {0: "a", 1: "b", 2: "c"}, {0.1, 0.2, 0.3}], ids=["text", "dict", "set"])
def test_what_only_looks_like_a_list_is_a_fault(given: Any) -> None:
    with pytest.raises(RewardFault, match="a batch function returns a list"):
        values(lambda completions: given)


def fails_in_the_second(completions, level, **kwargs):
    if 1 in level:
        raise ZeroDivisionError("division by zero")
    return [0.0] * len(completions)


def fails_on_its_row(completion, level):
    return 1 / (level - 1)


async def fails_on_its_row_later(completion, level):
    await asyncio.sleep(0)
    return 1 / (level - 1)


async def fails_in_the_second_later(completions, level):
    await asyncio.sleep(0)
    return fails_in_the_second(completions, level)


@pytest.mark.parametrize(
    "call", [fails_in_the_second, fails_on_its_row, fails_on_its_row_later, fails_in_the_second_later]
)
def test_an_exception_names_the_row_it_came_from(call: Callable[..., Any]) -> None:
    with pytest.raises(RewardFault, match=r"^reward function mine, row 2: ZeroDivisionError: .*division by zero$"):
        values(call)


def test_an_exception_that_no_single_row_gives_names_none() -> None:
    def only_together(completions):
        raise RuntimeError("too many") if len(completions) > 1 else AssertionError

    def together(completions):
        if len(completions) > 1:
            raise RuntimeError("too many")
        return [0.0]

    with pytest.raises(RewardFault, match=r"^reward function mine: RuntimeError: too many$"):
        values(together)
    with pytest.raises(RewardFault, match=r"row 1: RuntimeError: too many$"):
        values(only_together)


@pytest.mark.parametrize(
    "call",
    [
        lambda completions: sys.exit(3),
        lambda completion: sys.exit(3),
    ],
)
def test_sys_exit_is_a_fault(call: Callable[..., Any]) -> None:
    with pytest.raises(RewardFault, match=r"row 1: called sys.exit\(3\); it must return a value"):
        values(call)


def test_sys_exit_in_an_async_row_is_a_fault() -> None:
    async def leaves(completion):
        sys.exit(3)

    with pytest.raises(RewardFault, match=r"called sys.exit\(3\)"):
        values(leaves)


@pytest.mark.parametrize("call", [lambda completions, gold: [0.0], lambda completion, gold: 0.0])
def test_a_column_that_is_not_there_is_named(call: Callable[..., Any]) -> None:
    with pytest.raises(RewardFault, match=r"'gold'\. It names a column that these data do not have"):
        values(call)


def test_a_default_is_enough_for_a_column_that_is_not_there() -> None:
    assert values(lambda completion, gold="yes": float(gold in completion)) == [1.0, 0.0, 0.0]


def test_the_place_is_told_before_each_row() -> None:
    places: list[int] = []
    reward_function("mine", row).values(rows(), at=places.append)
    assert places == [0, 1, 2]


# --- TRL's own ----------------------------------------------------------------------------------------------------------

THOUGHTS = ("<think>\nI think.\n</think>\nyes", "<think>never ends", "nothing")


@pytest.fixture(scope="module")
def trl_rewards() -> Iterator[Any]:
    import trl.rewards

    yield trl.rewards


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "chat"])
def test_trls_format_reward_works_on_both_forms(trl_rewards: Any, form: str) -> None:
    assert values(trl_rewards.think_format_reward, rows(form, THOUGHTS)) == [1.0, 0.0, 0.0]


@pytest.mark.slow
def test_trls_rewards_of_token_ids_need_a_trainers_ids(trl_rewards: Any) -> None:
    ids = [[1, 2, 3, 4], [5, 5, 5, 5, 5], [1] * 9]
    repetition = trl_rewards.get_repetition_penalty_reward(ngram_size=2, max_penalty=-1.0)
    overlong = trl_rewards.get_soft_overlong_punishment(max_completion_len=8, soft_punish_cache=4)
    assert name_of(repetition) == "repetition_penalty_reward"
    assert values(repetition, completion_ids=ids) == [0.0, -0.75, -0.875]
    assert values(overlong, completion_ids=ids) == [0.0, -0.25, -1.0]
    for call in (repetition, overlong):
        with pytest.raises(RewardFault, match="reads completion_ids, which only a trainer has"):
            values(call)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy_reward", "reasoning_accuracy_reward", "get_cosine_scaled_reward"])
def test_trls_accuracy_rewards_are_called_and_say_what_they_lack(trl_rewards: Any, name: str) -> None:
    from trl.import_utils import is_math_verify_available

    made = getattr(trl_rewards, name)
    call = made(max_len=100) if name.startswith("get_") else made
    texts = (r"</think>\boxed{\frac{1}{3}}", r"</think>\boxed{\frac{1}{2}}", r"</think>\boxed{4}")
    given = [Row(r.prompt, r.completion, {"solution": r"\frac{1}{3}"}, "chat") for r in rows("chat", texts)]
    offered = {"completion_ids": [[1] * 50] * 3}
    if is_math_verify_available():
        found = values(call, given, **offered)
        assert found[0] is not None and found[1] is not None and found[0] > found[1]
    else:
        with pytest.raises(RewardFault, match="ImportError: Please install the `math_verify` package"):
            values(call, given, **offered)


@pytest.mark.parametrize(
    ("call", "columns"),
    [
        (lambda completions, answer, tone=None, **kwargs: [], ("answer", "tone")),
        (lambda prompt, completion: 0.0, ()),
        (lambda completions, prompts, completion_ids, trainer_state, log_extra, **rest: [], ()),
        (functools.partial(lambda completion, limit, answer: 0.0, limit=3), ("answer",)),
    ],
)
def test_the_columns_that_a_function_names_are_known(call: Any, columns: tuple[str, ...]) -> None:
    assert reward_function("one", call).columns == columns
