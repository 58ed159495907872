"""Synthetic shop, prompt sets, and the import of a user's own prompts."""

import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from backend.commerce import source
from backend.commerce.grammar import Noun
from backend.commerce.phrasings import filled, phrasings
from backend.commerce.prompts import LEAK, build_prompts, counts_for
from backend.commerce.synthetic import build_commerce_db
from backend.data.jsonl import read_prompts, write_prompts
from backend.data.quality import quality
from backend.data.similarity import Neighbours, shingles
from backend.errors import UserError
from backend.records import Message, PromptRecord, content_hash
from rewards import classify_task
from rewards.commerce.extraction import nota_of

pytestmark = pytest.mark.xdist_group("shop")  # one worker builds it, for all of them


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as db:
        return list(db.iterdump())


def test_the_shop_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    a, b = (build_commerce_db(tmp_path / name, orders=300) for name in ("a.db", "b.db"))
    assert dump(a) == dump(b)
    assert dump(a) != dump(build_commerce_db(tmp_path / "c.db", orders=300, seed=1))


def test_orders_enriched_has_what_the_questions_ask_for(shop: Path) -> None:
    with sqlite3.connect(shop) as db:
        (orders, states, late) = db.execute(
            "SELECT COUNT(DISTINCT order_id), COUNT(DISTINCT customer_state), SUM(delay_days > 0) FROM orders_enriched"
        ).fetchone()
        items, several, same = db.execute(
            "SELECT SUM(n), SUM(n > 1), SUM(n > kinds) FROM (SELECT COUNT(*) AS n, COUNT(DISTINCT product) AS kinds FROM "
            "orders_enriched GROUP BY order_id)"
        ).fetchone()
    assert orders == 6000 and states == 15 and late > 500
    assert items > 1.3 * orders and several > 1500 and same > 300, "rows and orders can be told apart"


@pytest.mark.slow
def test_the_mix_is_the_seeds(prompts: list[PromptRecord]) -> None:
    """1,480 prompts 40/40/10/10 (handoff, Change 2); 65 for evaluation 20/15/15/15 (final report §3)."""
    counts = Counter((p.split, p.task) for p in prompts)
    assert sum(n for (split, _), n in counts.items() if split == "train") == 1480
    assert [counts["eval", t] for t in ("extraction", "sql_qa", "insights", "push")] == [20, 15, 15, 15]
    assert counts["train", "extraction"] == counts["train", "sql_qa"] == 592


def test_train_and_eval_share_nothing(prompts: list[PromptRecord]) -> None:
    assert len({p.id for p in prompts}) == len(prompts)
    train, evaluation = ([p for p in prompts if p.split == s] for s in ("train", "eval"))
    for key in ("order_id", "gold_sql", "slice"):
        seen = {p.facts[key] for p in train if key in p.facts}
        assert not seen & {p.facts[key] for p in evaluation if key in p.facts}


def test_every_prompt_is_classified_as_its_label(prompts: list[PromptRecord]) -> None:
    assert [p.user_text for p in prompts if classify_task(p.user_text) != p.task] == []


def test_gold_results_are_true(prompts: list[PromptRecord], shop: Path) -> None:
    with sqlite3.connect(shop) as db:
        for p in [p for p in prompts if p.task == "sql_qa"][:50]:
            assert [list(r) for r in db.execute(p.facts["gold_sql"])] == p.facts["gold_result"]


@pytest.mark.slow
def test_the_set_is_the_same_for_the_same_seed(prompts: list[PromptRecord], shop: Path) -> None:
    assert content_hash(prompts) == content_hash(build_prompts(shop))
    assert content_hash(prompts) != content_hash(build_prompts(shop, seed=1))


def test_the_shops_prompts_are_written_once_for_all_processes(
    monkeypatch: pytest.MonkeyPatch, workbench: Path, prompts: list[PromptRecord]
) -> None:
    written: list[Path] = []

    def build(shop: Path, *asked: object) -> list[PromptRecord]:
        written.append(shop)
        return prompts[: 10 + len(written)]

    monkeypatch.setattr(source, "build_prompts", build)

    def as_another_process(seed: int = 1) -> list[PromptRecord]:
        source._kept.cache_clear()
        return source.shop_prompts(seed=seed)

    assert as_another_process() == as_another_process() == prompts[:11]
    build_commerce_db(workbench / "data" / "commerce.db", orders=100)
    assert as_another_process() == prompts[:12]  # another shop, other prompts
    for seed in range(2, 9):
        as_another_process(seed)
    assert len(list((workbench / "data" / "prompts").glob("*.jsonl"))) == 4
    source._kept.cache_clear()


def test_asking_for_more_than_the_data_gives_says_so(tmp_path: Path) -> None:
    small = build_commerce_db(tmp_path / "small.db", orders=100)
    with pytest.raises(UserError, match=r"give only \d+ different extraction prompts"):
        build_prompts(small)


def test_prompts_survive_a_round_trip(prompts: list[PromptRecord], tmp_path: Path) -> None:
    write_prompts(tmp_path / "p.jsonl", prompts[:20])
    assert read_prompts(tmp_path / "p.jsonl") == prompts[:20]


def test_a_users_prompt_may_be_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('\ufeff{"task": "push", "prompt": "Crie um push", "facts": {"a": 1}}\n\n', encoding="utf-8")
    (prompt,) = read_prompts(path)
    assert prompt.user_text == "Crie um push"
    assert prompt.messages[0].role == "system"
    assert (prompt.split, prompt.source, prompt.facts) == ("train", "mine.jsonl", {"a": 1})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"task": "poetry", "prompt": "x"}', "unknown task 'poetry'"),
        ('{"task": "push"}', "either prompt"),
        ('{"task": "push", "prompt": 3}', "prompt must be text"),
        ('{"task": "push", "prompt": ""}', "at least 1 character"),
        ('{"task": "push", "messages": []}', "at least 1 item"),
        ('{"task": "push", "messages": [{"role": "assistant", "content": "x"}]}', "last message must be the user's"),
        ('{"task": "push", "prompt": "x", "split": "dev"}', "split"),
        ('{"task": "push", "prompt": "x", "extra": 1}', "extra"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_read(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"task": "push", "prompt": "good"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_prompts(path)
    assert "bad.jsonl:2:" in str(error.value)
    assert reason in str(error.value)


def test_a_prompt_that_stands_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl"
    path.write_text(json.dumps({"task": "push", "prompt": "x"}) * 1 + "\n" + '{"task": "push", "prompt": "x"}\n')
    with pytest.raises(UserError, match="same prompt as line 1"):
        read_prompts(path)


def test_a_missing_and_an_empty_file_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="UTF-8 JSONL"):
        read_prompts(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(UserError, match="has no prompts"):
        read_prompts(tmp_path / "empty.jsonl")


def test_there_are_forty_ways_of_asking_a_task_and_each_is_read_as_its_task() -> None:
    ways = {
        "extraction": phrasings("extraction"),
        "sql_qa": phrasings("sql_single") + phrasings("sql_ranked") + phrasings("sql_best"),
        "insights": phrasings("insights"),
        "push": phrasings("push"),
    }
    parts = {
        "nota": "2", "produto": "bola", "texto": "chegou quebrado", "m": Noun("frete médio por item", "o"), "f": "em SP",
        "n": Noun("3 estados", "os"), "tema": Noun("cupom de 10%", "o"), "categoria": "livros", "estado": Noun("Acre", "o"),
    }  # fmt: skip
    for task, templates in ways.items():
        assert len(set(templates)) >= 40, task
        for template in templates:
            text = filled(template, **parts)
            assert "{" not in text and classify_task(text) == task, text
            if task == "extraction":
                assert nota_of(text) == 2, text


def test_braces_in_a_customers_words_stay() -> None:
    assert filled("{nota}: {texto}", nota="1", texto="veio {nota} e {x}") == "1: veio {nota} e {x}"


@pytest.mark.slow
def test_asking_for_more_keeps_what_was_there(prompts: list[PromptRecord], shop: Path) -> None:
    more = build_prompts(shop, counts_for(2000, insights=350))
    assert len([p for p in more if p.split == "train"]) == 2000
    assert len([p for p in more if p.split == "train" and p.task == "insights"]) == 350
    assert [p.id for p in more if p.split == "eval"] == [p.id for p in prompts if p.split == "eval"]
    kept = {p.id for p in more}
    assert all(p.id in kept for p in prompts)
    assert len(kept) == len(more)


def test_counts_that_cannot_be_are_refused() -> None:
    assert sum(counts_for(1001).values()) == 1001
    with pytest.raises(UserError, match="not the 100 asked for"):
        counts_for(100, push=200)
    with pytest.raises(UserError, match="poetry=3"):
        counts_for(100, poetry=3)


def test_similarity_is_jaccards() -> None:
    texts = ["Crie um push para SP", "crie  um PUSH para sp", "Crie um push para RJ", "outra coisa", "abc"]
    neighbours = Neighbours(texts[1:])
    assert neighbours.nearest(texts[0]) == (1.0, 0)
    a, b = shingles("Crie um push para o Acre"), shingles(texts[2])
    likeness, which = Neighbours(texts[2:]).nearest("Crie um push para o Acre")
    assert which == 0 and likeness == pytest.approx(len(a & b) / len(a | b))
    assert Neighbours().nearest("x") == (0.0, -1)
    assert neighbours.nearest("zzzzzzzz")[0] == 0.0


def test_the_quality_of_the_default_set_has_nothing_to_mend(prompts: list[PromptRecord]) -> None:
    found = quality(prompts)
    assert [q.task for q in found] == ["extraction", "sql_qa", "insights", "push"]
    assert all(q.problems() == [] for q in found)
    assert all(q.nearest is not None and q.nearest < LEAK for q in found)
    assert sum(q.share for q in found) == pytest.approx(1.0)
    assert found[0].difficulty == {f"nota {n}": 4 for n in range(1, 6)}


def test_each_fault_of_a_set_is_named(prompts: list[PromptRecord]) -> None:
    train = [p for p in prompts if p.task == "sql_qa" and p.split == "train"][:120]
    leak = train[0].model_copy(update={"split": "eval"})
    near = train[1].model_copy(
        update={"messages": (*train[1].messages[:1], Message(role="user", content=train[1].user_text + "!"))}
    )
    wrong = train[2].model_copy(update={"messages": (Message(role="user", content="Crie um push para SP"),)})
    (found,) = quality([*train, leak, near, wrong], limit=60)
    words = " | ".join(map(str, found.problems()))
    for fault in (
        "longer than the limit",
        "nearly repeat",
        "stands in several splits",
        "of different splits are 1.00 alike",
        "like another task",
        "only 1 eval",
    ):
        assert fault in words, fault
