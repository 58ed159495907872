"""The audit card: what it says, in three forms, and what it is bound to."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.store.engine import reading
from backend.store.tables import QueueItem
from tests.backend.judge_server import judge_server
from tests.backend.test_audit_command import FAILS, Call, call, data, ratings, rewards  # noqa: F401  fixtures

CARDS = ("card.html", "card.md", "card.json")


class Words(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:  # noqa: F811
        self.words.append(data)


def written(call: Call, folder: Path, *options: object) -> dict[str, str]:  # noqa: F811
    files = rewards(folder), folder / "completions.jsonl", "--ratings", folder / "ratings.csv"
    done = call("audit", *files, *[part for name in CARDS for part in ("--card", folder / name)], *options)
    assert done.code in (0, 1), done.err
    return {name: (folder / name).read_text(encoding="utf-8") for name in CARDS}


def test_a_card_says_who_rated_what_and_is_bound_to_its_version(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811  # fmt: skip
    said = written(call, tmp_path, "--attack-calls", 300)
    card = json.loads(said["card.json"])
    (task,) = card["tasks"]
    found = json.loads(call("audit", tmp_path / "mine.py", tmp_path / "completions.jsonl", "--json").out)["tasks"][0]
    assert task["fingerprint"] == found["fingerprint"] and len(task["ratings"]) == 12
    assert task["rewards"] == found["rewards"] and task["held_out"] == found["held_out"]
    assert (task["rated"]["completions"], task["rated"]["prompts"], task["rated"]["ratings"]) == (60, 20, 120)
    assert [(r["rater"], r["ratings"]) for r in task["rated"]["raters"]] == [("rater 1", 60), ("rater 2", 60)]
    assert task["attack"]["calls"] <= 300 + 40 and len(task["limits"]) >= 2
    assert f"{task['agreement']['alpha']:.2f}" in said["card.md"]
    total = next(r for r in task["rewards"] if r["name"] == "total")
    assert f"| total | 60 | {total['rho']:.2f} | {total['low']:.2f} to {total['high']:.2f} |" in said["card.md"]
    page = Words()
    page.feed(said["card.html"])
    assert "script" not in page.tags and "link" not in page.tags
    words = " ".join(page.words)
    assert all(part in words for part in (task["fingerprint"], task["ratings"], task["sentence"], "rater 2"))


def test_without_an_attack_the_limits_say_so(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811  # fmt: skip
    card = json.loads(written(call, tmp_path, "--attack-calls", 0)["card.json"])
    assert card["tasks"][0]["attack"] is None
    assert any("No attack was run" in words for words in card["tasks"][0]["limits"])


def test_raters_names_stand_nowhere_and_text_is_text(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811  # fmt: skip
    names = ["Ana <b>Lima</b>", "Zoe | Careless"]
    lines = ["id,rater,score"]
    for i, (one, _) in enumerate(data["seen"]):
        lines += [f"c{i},{names[0]},{one}", f"c{i},Bo Nunes,{one}", f"c{i},{names[1]},{(i * 7) % 5 + 1}"]
    (tmp_path / "ratings.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = written(call, tmp_path, "--attack-calls", 0)
    assert json.loads(said["card.json"])["tasks"][0]["reason"].count("rater 3") == 1
    for text in said.values():
        assert not re.search("Lima|Careless|Nunes", text)


def test_another_ending_is_refused_before_anything_is_done(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811  # fmt: skip
    done = call("audit", rewards(tmp_path), tmp_path / "completions.jsonl", "--card", tmp_path / "card.pdf")
    assert done.code == 2 and "ending in .html, .md, .json" in done.err
    assert "completions," not in done.err


@pytest.mark.slow
def test_a_judge_stands_on_the_card_and_its_worst_go_to_raters(call: Call, data: dict[str, list[Any]], tmp_path: Path) -> None:  # noqa: F811  # fmt: skip
    with judge_server() as endpoint:
        mine = tmp_path / "judged.py"
        mine.write_text(
            f"from backend.suites.judge import Judge\nkind = Judge('length', {endpoint.url!r}, price=(1, 1))\n"
            "def brief(completion):\n    return 1.0 / len(completion)\nWEIGHTS = {'kind': 1.0, 'brief': 0.0}\n",
            encoding="utf-8",
        )
        files = mine, tmp_path / "completions.jsonl", "--ratings", tmp_path / "ratings.csv"
        done = call("audit", *files, "--card", tmp_path / "card.md", "--judge-checks", 5, "--to-raters", 4)
        assert "4 completions go to raters first" in done.err
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "## Judges" in text and "| kind | length |" in text and "No attack was run" in text
    with reading() as session:
        open_ = select(func.count()).select_from(QueueItem).where(QueueItem.is_open, QueueItem.rated == 2)
        assert session.scalar(open_) == 4
