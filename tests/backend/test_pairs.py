"""Two completions side by side: which pair comes next, the choice, strengths, accuracy and the export."""

import json
import random
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import delete, func, select

from backend.audit.pairs import bradley_terry, pairwise_accuracy, same_choice, strengths
from backend.audit.preferences import preferences
from backend.errors import UserError
from backend.rating.pairs import Shown, next_pair, save_pair, telling, undo_pair
from backend.rating.queue import save_for_raters
from backend.records import Completion, Message, PromptRecord, Sampling
from backend.settings import get_settings
from backend.store.engine import reading, writing
from backend.store.pairs import pair_ratings
from backend.store.prompts import save_prompts
from backend.store.ratings import get_rater
from backend.store.tables import PairRating, Score
from backend.suites import default_profile
from tests.backend.test_audit_command import Call, call, rewards  # noqa: F401  a fixture


def queued(prompts: int = 4, each: int = 3, same: bool = False) -> list[list[int]]:
    """Completions of some prompts before the raters; their ids by prompt."""
    records = [PromptRecord(task="push", messages=(Message(role="user", content=f"Crie {i}"),)) for i in range(prompts)]
    with writing() as session:
        save_prompts(session, records)
        groups = [
            [Completion("Oferta!" if same else f"Oferta {i}! " + "Corra " * j, 5, False) for j in range(each)]
            for i in range(prompts)
        ]
        ids = save_for_raters(session, [r.id for r in records], groups, "nano", Sampling())
    return [ids[i * each : (i + 1) * each] for i in range(prompts)]


def rater(name: str = "Ana") -> int:
    with writing() as session:
        return get_rater(session, name).id


def test_every_pair_comes_once_and_no_pair_of_two_prompts(workbench: Path) -> None:
    groups, ana = queued(), rater()
    seen = set()
    for _ in range(12):
        with writing() as session:
            pair = next_pair(session, ana)
            assert pair is not None
            save_pair(session, ana, pair, 1)
        seen.add(frozenset((pair.left, pair.right)))
    assert len(seen) == 12 and all(any(pair <= set(group) for group in groups) for pair in seen)
    with reading() as session:
        assert next_pair(session, ana) is None


def test_a_pair_wants_as_many_raters_as_a_completion(workbench: Path) -> None:
    queued(1, 2)
    assert get_settings().raters_per_completion == 2
    for name in ("a", "b"):
        number = rater(name)
        with writing() as session:
            pair = next_pair(session, number)
            assert pair is not None
            save_pair(session, number, pair, 0)
    number = rater("c")
    with reading() as session:
        assert next_pair(session, number) is None


def test_the_same_text_twice_is_no_pair(workbench: Path) -> None:
    queued(3, 3, same=True)
    number = rater()
    with reading() as session:
        assert next_pair(session, number) is None


def test_sides_are_drawn_and_a_choice_is_of_the_completion_not_of_the_side(workbench: Path) -> None:
    ((a, b),), ana = queued(1, 2), rater()
    with reading() as session:
        shown = [next_pair(session, ana, random.Random(seed)) for seed in range(60)]
    left = [pair.left for pair in shown if pair is not None]
    assert 15 < left.count(a) < 45 and len(left) == 60
    for pair, key, better in ((Shown(a, b), 2, 2), (Shown(b, a), 2, 1), (Shown(b, a), 1, 2), (Shown(b, a), 0, 0)):
        with writing() as session:
            save_pair(session, ana, pair, key, 1.5)
        with reading() as session:
            (row,) = pair_ratings(session).to_dict("records")
        assert (row["first"], row["second"], row["better"], row["swapped"]) == (a, b, better, pair.left == b)
    with writing() as session:
        assert undo_pair(session, ana) == Shown(b, a)
        assert undo_pair(session, ana) is None
        assert session.scalar(select(func.count()).select_from(PairRating)) == 0


def test_a_choice_that_does_not_fit_is_refused(workbench: Path) -> None:
    (a, b), (c, _) = queued(2, 2)
    ana = rater()
    for shown, better in (
        (Shown(a, c), 1),
        (Shown(a, a), 1),
        (Shown(a, 999), 1),
        (Shown(a, b), 3),
        (Shown(a, b), True),
    ):
        with writing() as session, pytest.raises(UserError):
            save_pair(session, ana, shown, better)
    with writing() as session, pytest.raises(UserError, match="no rater"):
        save_pair(session, 999, Shown(a, b), 1)


def test_close_and_contradicting_pairs_tell_most() -> None:
    contradicts = telling({"x": 1, "y": 0, "total": 1}, {"x": 0, "y": 1, "total": 1})
    close = telling({"x": 0.5, "y": 0.1, "total": 0.55}, {"x": 0.4, "y": 0.1, "total": 0.5})
    plain = telling({"x": 1, "y": 1, "total": 2}, {"x": 0, "y": 0, "total": 0})
    assert contradicts == 2 > close > plain == 0
    assert telling({}, {"total": 1}) == 0


def test_the_pair_that_tells_most_comes_first_apart_from_a_random_share(
    workbench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, number = queued(6, 3), rater()
    with writing() as session:
        every = [sorted(pair) for group in groups for pair in combinations(group, 2)]
        session.execute(delete(Score))
        head = {"profile": default_profile(), "fingerprint": "x"}
        for place, (a, b) in enumerate(
            every[1::3]
        ):  # the first and third of each prompt: one pair contradicts itself most
            for i, x, y in ((a, 1.0, 0.0), (b, 0.0, place / 5)):
                values = {"x": x, "y": y, "total": x + y}
                session.add_all([Score(completion_id=i, component=c, value=v, **head) for c, v in values.items()])

    def seen(share: str) -> list[list[int]]:
        monkeypatch.setenv("WORKBENCH_RANDOM_SHARE", share)
        get_settings.cache_clear()
        with reading() as session:
            found = [next_pair(session, number, random.Random(seed)) for seed in range(20)]
        return [sorted((pair.left, pair.right)) for pair in found if pair is not None]

    told = seen("0")
    assert len(told) == 20 and len({tuple(pair) for pair in seen("1")}) > 5
    assert told.count(every[-2]) >= 10, "most random places to start from lie before its prompt"


def test_two_completions_strengths_are_the_log_odds() -> None:
    wins = np.array([[0.0, 6.0], [2.0, 0.0]])
    found = bradley_terry(wins, prior=0)
    assert found[0] - found[1] == pytest.approx(np.log(3))
    assert found.sum() == pytest.approx(0)
    always = bradley_terry(np.array([[0.0, 4.0], [0.0, 0.0]]))
    assert 1 < always[0] < 10


def test_strengths_are_found_again() -> None:
    chance, true = np.random.default_rng(4), np.array([1.2, 0.3, -0.4, -1.1])
    wins = np.zeros((4, 4))
    for i in range(4):
        for j in range(i + 1, 4):
            won = chance.binomial(4000, 1 / (1 + np.exp(true[j] - true[i])))
            wins[i, j], wins[j, i] = won, 4000 - won
    assert bradley_terry(wins) == pytest.approx(true - true.mean(), abs=0.08)


def choices(seed: int, follow: float, prompts: int = 40) -> tuple[pd.DataFrame, dict[int, float]]:
    """Choices of two raters between three completions of each prompt, who follow the reward in this share."""
    chance, rows, values = np.random.default_rng(seed), [], {}
    for p in range(prompts):
        ids = [3 * p + i for i in range(3)]
        values |= {i: float(chance.normal()) for i in ids}
        for a, b in ((0, 1), (0, 2), (1, 2)):
            for name in "xy":
                right = 1 if values[ids[a]] > values[ids[b]] else 2
                better = right if chance.random() < follow else 3 - right
                rows.append({"prompt_id": f"p{p}", "first": ids[a], "second": ids[b], "rater": name, "better": better})
    return pd.DataFrame(rows), values


def test_accuracy_counts_by_hand_and_ties_count_half() -> None:
    frame = pd.DataFrame(
        [("p", 1, 2, 1), ("p", 1, 2, 2), ("p", 1, 3, 2), ("q", 4, 5, 1), ("q", 4, 5, 0), ("q", 4, 6, 1)],
        columns=["prompt_id", "first", "second", "better"],
    ).assign(rater="a")
    found = pairwise_accuracy(frame, {1: 0.9, 2: 0.1, 3: 0.9, 4: 0.2, 5: 0.7})
    assert (found.pairs, found.choices, found.ties) == (3, 4, 0.25)
    assert found.accuracy == pytest.approx((1 + 0 + 0.5 + 0) / 4)
    assert found.low is None
    assert pairwise_accuracy(frame, {}).accuracy is None


def test_the_interval_covers_and_is_of_prompts() -> None:
    covered = 0
    for seed in range(60):
        frame, values = choices(seed, 0.8)
        found = pairwise_accuracy(frame, values)
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.8 <= found.high
    assert covered >= 53
    doubled = pd.concat([frame, frame.assign(rater="z")])
    again = pairwise_accuracy(doubled, values)
    assert again.low == pytest.approx(found.low), "the same choices again are no more evidence"
    assert same_choice(frame).accuracy == pytest.approx(0.8**2 + 0.2**2, abs=0.1)


def test_the_export_has_trls_columns_and_no_draw(workbench: Path) -> None:
    groups, (ana, bo) = queued(2, 3), (rater("Ana"), rater("Bo"))
    (a, b, c), (d, e, _) = groups
    with writing() as session:
        for number, shown, better in (
            (ana, Shown(b, a), 1),
            (bo, Shown(a, b), 2),
            (ana, Shown(a, c), 1),
            (bo, Shown(a, c), 2),
            (ana, Shown(d, e), 0),
        ):
            save_pair(session, number, shown, better)
    with reading() as session:
        (row,) = preferences(session)
        scores = strengths(pair_ratings(session))
    assert row["prompt"] == [{"role": "user", "content": "Crie 0"}]
    assert (
        row["chosen"] == [{"role": "assistant", "content": "Oferta 0! Corra "}]
        and row["rejected"][0]["content"] == "Oferta 0! "
    )
    assert (row["chose_it"], row["chose_the_other"], row["chose_neither"]) == (2, 0, 0)
    assert row["score_chosen"] == scores[b] > row["score_rejected"] == scores[a]


@pytest.mark.slow
def test_trl_takes_the_export_as_preference_data(workbench: Path, tmp_path: Path, call: Call) -> None:  # noqa: F811
    ((a, b),), ana = queued(1, 2), rater()
    with writing() as session:
        save_pair(session, ana, Shown(a, b), 2)
    from datasets import Dataset, load_dataset
    from trl.data_utils import is_conversational, maybe_extract_prompt

    for name in ("pairs.jsonl", "pairs.parquet"):
        assert f"wrote 1 pairs to {tmp_path / name}" in call("ratings", "preferences", tmp_path / name).out
        kind = "json" if name.endswith("jsonl") else "parquet"
        data = load_dataset(kind, data_files=str(tmp_path / name), split="train", cache_dir=str(tmp_path / "cache"))
        assert isinstance(data, Dataset) and is_conversational(data[0])
        assert maybe_extract_prompt(data[0])["chosen"] == [{"role": "assistant", "content": "Oferta 0! Corra "}]
    done = call("ratings", "preferences", tmp_path / "pairs.txt")
    assert done.code == 2 and ".jsonl or .parquet" in done.err


def test_the_audit_reports_accuracy_beside_rho(call: Call, tmp_path: Path) -> None:  # noqa: F811
    chance = random.Random(5)
    rows: list[dict[str, Any]] = [
        {
            "id": f"c{i}",
            "prompt": f"q {i // 3}",
            "completion": "x" * (i + 1),
            "quality": chance.random(),
            "rating": chance.randint(1, 5),
        }
        for i in range(90)
    ]
    (tmp_path / "completions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    lines = ["first,second,rater,better"]
    for p in range(30):
        for i, j in ((3 * p, 3 * p + 1), (3 * p + 2, 3 * p + 1)):
            lines += [
                f"c{i},c{j},{name},{1 if rows[i]['quality'] > rows[j]['quality'] else 2}" for name in ("ana", "bo")
            ]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = rewards(tmp_path), tmp_path / "completions.jsonl", "--pairs", pairs
    done = call("audit", *files, "--json", "--card", tmp_path / "card.md", "--attack-calls", 0)
    found = json.loads(done.out)["tasks"][0]["pairs"]
    by_name = {r["name"]: r for r in found["rewards"]}
    assert (by_name["good"]["accuracy"], by_name["reversed_"]["accuracy"], by_name["good"]["choices"]) == (
        1.0,
        0.0,
        120,
    )
    assert by_name["total"]["low"] == 1.0 and found["people"]["accuracy"] == 1.0
    assert "## Of two completions" in (tmp_path / "card.md").read_text(encoding="utf-8")
    pairs.write_text("first,second,rater,better\nc0,c9,ana,1\nc0,nobody,ana,1\nc0,c1,ana,5\n", encoding="utf-8")
    bad = call("audit", *files, "--json")
    assert bad.code == 2 and "'nobody'" in bad.err and "not '5'" in bad.err
    pairs.write_text("first,second,rater,better\nc0,c9,ana,1\n", encoding="utf-8")
    bad = call("audit", *files, "--json")
    assert bad.code == 2 and "not two completions of one prompt" in bad.err
