"""A run's adapter exported, served by a real engine behind the gateway, and refused where merging went wrong."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.testclient import TestClient

from backend.data.jsonl import read_prompts
from backend.errors import UserError
from backend.models.generate import generate
from backend.models.load import PolicyConfig, load_policy
from backend.records import Sampling
from backend.release.card import base_licence
from backend.release.export import MergeCheck, export_run
from backend.runs.create import create_run
from backend.serving.config import Engine, ServingConfig
from backend.serving.engines import Engines
from backend.serving.gateway import make_gateway
from backend.serving.local_engine import make_engine
from backend.store.engine import reading
from backend.store.events import latest_events
from backend.store.tables import Run
from backend.training.config import TrainConfig

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tiny_config: TrainConfig) -> str:
    """A run whose best adapter does something: its weights are drawn, not trained."""
    import torch

    run_id = create_run(tiny_config)
    policy = load_policy(tiny_config, trainable=True)
    torch.manual_seed(1)
    for name, weight in policy.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    policy.model.save_pretrained(folder_of(run_id) / "best")
    policy.tokenizer.save_pretrained(folder_of(run_id) / "best")
    return run_id


def folder_of(run_id: str) -> Path:
    with reading() as session:
        return Path(session.get_one(Run, run_id).folder)


def test_merged_weights_do_what_the_adapter_does(run: str, tiny_config: TrainConfig, tmp_path: Path) -> None:
    done = export_run(run, tmp_path / "out")
    assert sorted(p.name for p in done.iterdir()) == ["adapter", "merged"]
    check = json.loads((done / "merged" / "merge_check.json").read_text())
    chats = [p.chat for p in read_prompts(folder_of(run) / "prompts.jsonl") if p.split == "eval"]
    assert check["prompts"] == check["same_text"] == len(chats) and check["difference"] < 0.01
    assert not list(done.rglob("*.bin")) and list((done / "merged").glob("*.safetensors"))

    greedy = Sampling(temperature=0, max_new_tokens=8)
    said = {
        name: [g[0].text for g in generate(policy, chats, greedy)]
        for name, policy in {
            "base": load_policy(tiny_config),
            "merged": load_policy(PolicyConfig(model=str(done / "merged"))),
            "adapter": load_policy(tiny_config, adapter=done / "adapter"),
        }.items()
    }
    assert said["merged"] == said["adapter"] != said["base"]

    card = (done / "merged" / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---")[1])
    assert head["base_model"] == tiny_config.model and head["library_name"] == "transformers"
    assert "No gate has been decided" in card and "fingerprint" in card and "Licence of the base" in card
    with reading() as session:
        assert latest_events(session)["what"].tolist()[0] == "exported a model"


def test_an_export_is_whole_or_not_there(run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(
        "backend.release.export.MergeCheck", lambda **values: MergeCheck(**{**values, "difference": 0.5})
    )
    with pytest.raises(UserError, match="not the adapter's: its logits differ by 50"):
        export_run(run, out)
    monkeypatch.setattr("backend.release.export.MergeCheck", lambda **values: MergeCheck(**{**values, "same_text": 0}))
    with pytest.raises(UserError, match="another greedy completion"):
        export_run(run, out)
    assert not list(tmp_path.glob("*out*"))
    with pytest.raises(UserError, match="GGUF is written by Unsloth"):
        export_run(run, out, ["gguf"])
    with pytest.raises(UserError, match="unknown kind"):
        export_run(run, out, ["onnx"])
    with pytest.raises(UserError, match="there is no run"):
        export_run("nobody", out)
    out.mkdir()
    (out / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="not an empty folder"):
        export_run(run, out)
    shutil.rmtree(folder_of(run) / "best")
    with pytest.raises(UserError, match="no best adapter"):
        export_run(run, tmp_path / "other")


def test_the_exported_model_answers_behind_the_gateway(run: str, tmp_path: Path) -> None:
    """The same words as the model itself, whole and streamed."""
    done = export_run(run, tmp_path / "out", ["merged"])
    policy = load_policy(PolicyConfig(model=str(done / "merged")))
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "Crie um push para o app 1"}]
    ((expected,),) = generate(policy, [messages], Sampling(temperature=0, max_new_tokens=8))
    engines = {"tuned": Engine(url="http://tuned/v1", model="tuned")}
    config = ServingConfig(
        engines=engines, routes=dict.fromkeys(("extraction", "sql_qa", "insights", "push"), ("tuned",))
    )
    over = Engines(engines, httpx.ASGITransport(make_engine(policy)))
    client = TestClient(make_gateway(config, engines=over))

    def ask(**more: Any) -> httpx.Response:
        return client.post("/v1/chat/completions", json={"messages": messages, "max_tokens": 8, **more})

    assert ask().json()["choices"][0]["message"]["content"] == expected.text
    events = [json.loads(line[6:]) for line in ask(stream=True).text.splitlines() if line.startswith("data: {")]
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in events) == expected.text
    assert events[-1]["workbench"]["task"] == "push"


def test_the_licence_is_what_the_base_says(tmp_path: Path) -> None:
    assert base_licence(str(tmp_path))[0] == ""
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n# x")
    assert base_licence(str(tmp_path))[0] == "apache-2.0"
    (tmp_path / "README.md").write_text("---\n[\n---")
    assert base_licence(str(tmp_path))[0] == ""
    assert "synthetic" in base_licence("nano")[1]
