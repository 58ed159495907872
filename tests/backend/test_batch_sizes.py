"""How many sequences are generated at once never changes a greedy text, on the real nano."""

import pytest

from backend.data.jsonl import read_prompts
from backend.models.generate import generate
from backend.models.load import PolicyConfig, load_policy
from backend.records import Sampling
from tests.recorded import RUN_FOLDER

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nano")]


def test_greedy_texts_are_the_same_in_every_batch_size() -> None:
    prompts = read_prompts(RUN_FOLDER / "prompts.jsonl")
    asked = [p for p in prompts if p.split == "eval"][::7]  # of all tasks, of unequal lengths
    policy = load_policy(PolicyConfig())
    sampling = Sampling(temperature=0, max_new_tokens=32)
    texts = {
        size: [group[0].text for group in generate(policy, [p.chat for p in asked], sampling, batch_size=size)]
        for size in (1, 4, len(asked))
    }
    assert len({p.task for p in asked}) == 4 and len(set(texts[1])) > 4
    assert all(found == texts[1] for found in texts.values())
