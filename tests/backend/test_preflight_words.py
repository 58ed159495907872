"""What preflight finds is said in both languages, kept beside the English and read again; no model is needed for it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from backend.audit.gate import Gate
from backend.records import Completion, Message, PromptRecord
from backend.runs.reasons import reason_words
from backend.training import preflight, sample_checks, static_checks
from backend.training.checks import LABELS, Check, as_dicts, from_dicts
from backend.training.config import TrainConfig, get_preset, override
from backend.training.preflight import Sampled
from backend.wording import Text
from rewards.types import NO_TEXT, Score
from tests.backend.test_reasons import ENGLISH

pytestmark = pytest.mark.slow  # a training library makes the schedule

NANO = get_preset("nano")
LIVELY = [Score(i / 4, {"cta": i / 4}) for i in range(4)]
FLAT = [Score(1.0, {"json": 0.5})] * 4


class Words:
    """A tokenizer whose tokens are words."""

    def apply_chat_template(self, chat: list[dict[str, str]], **_: object) -> str:
        return chat[-1]["content"]

    def __call__(self, texts: list[str], **_: object) -> dict[str, list[list[str]]]:
        return {"input_ids": [text.split() for text in texts]}


class Thinks(Words):
    """Its template opens <think>."""

    def apply_chat_template(self, chat: list[dict[str, str]], **_: object) -> str:
        return chat[-1]["content"] + "<think>"


def asked(task: str, n: int, split: str, words: int = 1) -> list[PromptRecord]:
    return [
        PromptRecord(task=task, messages=(Message(role="user", content=f"{task} {i} " + "ok " * words),), split=split)
        for i in range(n)
    ]


def of_static(folder: Path, **changes: object) -> Iterator[Check]:
    """Once with no gate, and once with every prompt of insights too long, one of push, and a gate that failed."""
    config = override(NANO, changes)
    few = [*asked("push", 20, "train"), *asked("insights", 5, "eval")]
    yield from static_checks.static_checks(config, few, {}, folder)
    many = [*asked("push", 200, "train"), *asked("push", 1, "train", config.max_seq_length)]
    yield from static_checks.static_checks(config, many, {"push": Gate("fail", NO_TEXT)}, folder, Words())
    yield from static_checks.static_checks(config, asked("push", 200, "train"), {}, folder, Words())


def of_policy(config: TrainConfig, **generation: float) -> Iterator[Check]:
    policy = SimpleNamespace(
        backend="unsloth" if config.adaptive_entropy else "transformers",
        model=SimpleNamespace(generation_config=SimpleNamespace(temperature=generation.get("still", 1.0))),
        declared_generation={name: value for name, value in generation.items() if name != "still"},
    )
    yield from preflight.policy_checks(config, policy)


def of_samples(
    config: TrainConfig, tokenizer: Words, text: str, scores: list[Score], cut: bool = False
) -> Iterator[Check]:
    sampled = [
        Sampled(p, [Completion(f"{text} {i}", 3, cut) for i in range(4)], scores)
        for task in ("extraction", "push")
        for p in asked(task, 2, "train")
    ]
    yield from sample_checks.sample_checks(config, SimpleNamespace(tokenizer=tokenizer), sampled)
    judged = {task: asked(task, 30, "eval") for task in ("extraction", "push")}
    yield sample_checks.eval_size_check(config, judged, {}, sampled, sampled)
    yield sample_checks.eval_size_check(config, judged, {"push": asked("push", 3, "test")}, sampled, sampled)


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> list[Check]:
    """Every check, made to say everything that it can say."""
    folder = tmp_path_factory.mktemp("preflight")
    usage = shutil.disk_usage(folder)._replace(free=500_000_000)
    searched = iter(
        SimpleNamespace(to_target=to, best=0.5, calls=50, finds=[SimpleNamespace(text="olá")]) for to in [None, 7] * 9
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static_checks.shutil, "disk_usage", lambda _: usage)
        patch.setattr(sample_checks, "search", lambda *_, **__: next(searched))
        patch.setattr(preflight, "needed_memory", lambda config, *_: 1.0 if config.adaptive_entropy else 1e6)
        warmed = override(NANO, {"sft_epochs": 1})
        return [
            *of_static(folder),
            *of_static(folder, learning_rate=0.1, lr_scheduler_type="cosine", warmup_ratio=0.3, max_steps=5),
            *of_policy(NANO, still=0.1),
            *of_policy(override(NANO, {"adaptive_entropy": True}), temperature=0.1, repetition_penalty=1.2),
            *of_policy(NANO),
            *of_samples(NANO, Words(), "olá", LIVELY),
            *of_samples(warmed, Thinks(), "olá </think>", FLAT, cut=True),
            *of_samples(NANO, Words(), "olá", [Score(0.98, {"cta": 1.0}), Score(1.0, {"cta": 1.0})] * 2),
        ]


def test_every_check_is_among_them_and_has_a_label(checks: list[Check]) -> None:
    assert {check.name for check in checks} == set(LABELS)
    assert all(label.en != label.pt and not ENGLISH.search(label.pt) for label in LABELS.values())


def test_what_every_check_says_is_said_in_portuguese(checks: list[Check]) -> None:
    for check in checks:
        for text in (check.found, check.story):
            assert text.en and text.pt != text.en, check
            assert not ENGLISH.search(text.pt), text.pt
            assert not re.search(r"(?<![Vv]\d)(?<![Vv]\d\.\d)\.\d", text.pt), f"a decimal point: {text.pt}"


def test_a_file_keeps_both_and_scripts_read_the_english(checks: list[Check]) -> None:
    kept = json.loads(json.dumps(as_dicts(checks)))
    assert from_dicts(kept) == checks
    assert [(row["name"], row["found"], row["story"]) for row in kept] == [
        (c.name, c.found.en, c.story.en) for c in checks
    ]


def test_a_file_of_an_earlier_version_is_read() -> None:
    old = {"name": "disk", "status": "pass", "found": "9.0 GB free", "story": "a story"}
    assert from_dicts([old]) == [Check("disk", "pass", Text("9.0 GB free", "9.0 GB free"), Text("a story", "a story"))]
    assert from_dicts([{**old, "name": "of another version"}])[0].label == Text(
        "of another version", "of another version"
    )


def test_a_run_that_preflight_ended_says_why_in_portuguese(checks: list[Check]) -> None:
    failed = [check for check in checks if check.name in ("learning-rate", "schedule") and check.status == "fail"]
    said = "; ".join(f"{c.name}: {c.found}" for c in failed)
    reason = f"preflight failed: {said}. Mend it, or say why to train all the same: --set override_reason='...'"
    words = reason_words(reason, checks)
    assert len(failed) == 2 * 3 and words.en == reason and not ENGLISH.search(words.pt), words.pt
    assert words.pt.startswith("a verificação falhou: taxa de aprendizado: taxa de aprendizado 0,1; ")
