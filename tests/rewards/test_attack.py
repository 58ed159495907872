"""The search for cheap texts: it breaks what can be broken, finds nothing where nothing is cheap, and is deterministic."""

from collections.abc import Mapping, Sequence

import pytest

from rewards import score
from rewards.attack import Bank, attack, make_bank, string_constants

COMPLETIONS = [
    "Our gift for you today: free delivery on all shoes!",
    "Come back soon, we miss you.\nYour cart is waiting.",
]
PROMPTS = ["Write a push about shoes", "Write a push about books"]


def bank() -> Bank:
    return make_bank(COMPLETIONS, PROMPTS)


def keywords(_place: int, texts: Sequence[str]) -> list[tuple[float, Mapping[str, float]]]:
    """A reward that counts words: cheap."""
    wanted = ("free", "gift", "today", "cart")
    return [(sum(w in t for w in wanted) / 4, {w: float(w in t) for w in wanted}) for t in texts]


def equality(_place: int, texts: Sequence[str]) -> list[tuple[float, Mapping[str, float]]]:
    """A reward for one long text alone: no climb leads there."""
    return [(float(t == "x" * 999), {}) for t in texts]


def test_a_reward_that_counts_words_falls_and_the_find_is_short() -> None:
    found = attack(keywords, bank(), 2, calls=5_000)
    assert found.to_target is not None and found.to_target <= found.calls <= 5_000
    assert found.best == 1.0 and found.climb[-1][1] == 1.0
    first = found.finds[0]
    assert len(first.text.split()) <= 8 and first.components == dict.fromkeys(("free", "gift", "today", "cart"), 1.0)
    assert first.holds == 1, "it holds on the other prompt too"


def test_the_highest_total_is_shown_where_a_find_was_made_shorter_than_it() -> None:
    def counts(_place: int, texts: Sequence[str]) -> list[tuple[float, Mapping[str, float]]]:
        return [(float(t.count("free")), {}) for t in texts]

    found = attack(counts, bank(), 2, target=2.0, calls=3_000)
    assert all(find.total >= 2.0 for find in found.finds) and found.top is not None
    assert found.top.total == found.best == found.top.text.count("free")
    assert (found.higher is not None) == (found.best > max(find.total for find in found.finds))
    (bounded,) = {attack(keywords, bank(), 2, calls=5_000, target=1.0).higher}
    assert bounded is None, "no total is above the finds'"


def test_where_nothing_is_cheap_every_call_is_spent_and_none_found() -> None:
    found = attack(equality, bank(), 2, calls=3_000)
    assert (found.calls, found.best, found.to_target, found.finds) == (3_000, 0.0, None, ())
    assert not found.timed_out


def test_the_same_seed_gives_the_same_search_and_another_seed_another() -> None:
    one, again, other = (attack(keywords, bank(), 2, calls=2_000, seed=seed) for seed in (1, 1, 2))
    assert one == again != other


def test_the_time_is_a_cap_that_is_said() -> None:
    found = attack(equality, bank(), 1, calls=10**6, seconds=0.2)
    assert found.timed_out and 0 < found.calls < 10**6


def test_a_copy_of_a_good_completion_is_no_find() -> None:
    def only_the_original(_place: int, texts: Sequence[str]) -> list[tuple[float, Mapping[str, float]]]:
        return [(float("free delivery on all shoes" in t), {}) for t in texts]

    free = attack(only_the_original, bank(), 1, calls=2_000)
    guarded = attack(
        only_the_original, bank(), 1, calls=2_000, is_copy=lambda text: "free delivery on all shoes" in text
    )
    assert free.finds and not guarded.finds and guarded.best == 0.0


def test_rewards_of_any_scale_have_their_own_target() -> None:
    def long_ones(_place: int, texts: Sequence[str]) -> list[tuple[float, Mapping[str, float]]]:
        return [(float(len(t)), {}) for t in texts]

    found = attack(long_ones, bank(), 1, target=300.0, calls=5_000)
    assert found.to_target is not None and all(find.total >= 300 for find in found.finds)


def test_the_pieces_come_from_the_data_and_the_rewards_own_words() -> None:
    made = make_bank(
        COMPLETIONS, PROMPTS, ['"""Said."""\nWORDS = ("coupon code",)\ndef f():\n    "also said"\n    return "x"']
    )
    assert {"coupon code", "Your cart is waiting.", "Write a push about books"} <= set(made.pieces)
    assert {"coupon", "cart"} <= set(made.words) and "Said." not in made.pieces
    assert string_constants("not python (") == []


@pytest.mark.parametrize("texts", [[""], ["\n\n", " "], ["\ud800", "a" * 10_000]])
def test_strange_data_break_nothing(texts: list[str]) -> None:
    assert attack(keywords, make_bank(texts, texts), 1, calls=300).calls == 300


def test_the_seeds_push_reward_falls_to_two_words() -> None:
    def paid(_place: int, texts: Sequence[str]) -> list[tuple[float, Mapping[str, float]]]:
        scores = (score("push", t, "Crie um push de reengajamento", "v4.2.1") for t in texts)
        return [(s.total, s.components) for s in scores]

    found = attack(paid, make_bank(["Aproveite: frete grátis hoje na sua loja!"], ["Crie um push"]), 1, calls=2_000)
    assert found.to_target is not None and min(len(find.text.split()) for find in found.finds) <= 4
