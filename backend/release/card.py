"""The model card of an exported model: what it is, its training, its comparison with the base, and its licence."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from backend.audit.gates import standing_gates
from backend.evaluation.findings import evidence_sentence
from backend.evaluation.stored import base_and_tuned, compare_stored
from backend.evaluation.words import chosen_words, markdown_table, method_words, on_prompts, unit_words
from backend.files import read_json
from backend.models.smollm2 import ORIGINAL
from backend.store.engine import reading
from backend.training.config import TrainConfig

if TYPE_CHECKING:
    from backend.release.export import MergeCheck

_SHOWN = ("learning_rate", "max_steps", "prompts_per_step", "num_generations", "max_completion_length", "beta",
          "loss_type", "aggregation", "task_weighting", "lora_r", "lora_alpha", "four_bit", "seed")  # fmt: skip
_USE = {
    "adapter": "A LoRA adapter: load it over the base model, `PeftModel.from_pretrained(base, folder)`.",
    "merged": "The adapter merged into the base's weights: `AutoModelForCausalLM.from_pretrained(folder)`, or "
    "`vllm serve folder`.",
    "gguf": "For llama.cpp and what is built on it.",
}


def model_card(run_id: str, folder: Path, config: TrainConfig, kind: str, check: "MergeCheck | None" = None) -> str:
    """Markdown with the metadata block that model hubs read.

    Args:
        run_id: the run.
        folder: its folder.
        config: how it was trained.
        kind: what is exported with this card: adapter, merged or gguf.
        check: the result of the check after merging, if it was merged.
    """
    run_config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    environment = read_json(folder / "environment.json") or {}
    licence, why = base_licence(config.model)
    head = {
        "base_model": ORIGINAL if config.model == "smollm2" else config.model,
        "language": ["pt"],
        "library_name": "peft" if kind == "adapter" else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["grpo", "lora", *(["gguf"] if kind == "gguf" else [])],
        **({"license": licence} if licence else {}),
    }
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---",
        f"# {config.name or run_id}",
        f"{config.model} tuned with GRPO by run `{run_id}`. {_USE[kind]}",
        _comparison(run_id),
        _reward(run_config, environment),
        f"## Data\n\nPrompt set `{environment.get('prompts', '?')}` (the hash of its content), "
        f"`{run_config.get('prompts', '?')}` in the configuration.",
        "## Training\n\n" + "\n".join(f"- {name}: {run_config[name]}" for name in _SHOWN if name in run_config),
    ]
    if check is not None and kind == "merged":
        parts.append(
            f"## Merge\n\n{check.dtype} weights. Against the adapter: logits differ by {check.difference:.3%} of their "
            f"spread, and {check.same_text} of {check.prompts} eval prompts get the same greedy completion."
        )
    versions = environment.get("versions", {})
    made = [f"{name} {version}" for name, version in versions.items() if version]
    parts.append("## Made with\n\n" + (", ".join([*made, f"commit {environment.get('commit') or '?'}"])))
    parts.append(f"## Licence of the base\n\n{licence or 'Not known.'} {why}")
    return "\n\n".join(parts) + "\n"


def _comparison(run_id: str) -> str:
    with reading() as session:
        pair = base_and_tuned(session, run_id)
        if pair is None:
            return "## Base against tuned\n\nThe run did not end with an evaluation of the tuned model."
        compared = compare_stored(session, *pair)
    return (
        f"## Base against tuned\n\n{evidence_sentence(compared.evidence)} {chosen_words(compared) or ''}\n\n"
        f"{markdown_table(compared.tasks)}\n\n{on_prompts(compared)}. Rewards{unit_words(compared)} under profile {compared.profile}, "
        f"which say what the reward pays for and no more. {method_words(compared.settings)}"
    )


def _reward(run_config: dict[str, Any], environment: dict[str, Any]) -> str:
    profile = run_config.get("profile", "?")
    with reading() as session:
        gates = standing_gates(session, profile)
    lines = [f"- {task}: {gate.verdict} ({gate.reason})" for task, gate in sorted(gates.items())]
    verdicts = "\n".join(lines) or "No gate has been decided: nobody has checked that this reward ranks as people do."
    return f"## Reward\n\nProfile {profile}, fingerprint `{environment.get('fingerprint', '?')}`.\n\n{verdicts}"


def base_licence(model: str) -> tuple[str, str]:
    """(the base model's licence according to its card, empty if not known; a sentence about where it comes from)."""
    if model == "nano":
        return "", "nano is made by this workbench from synthetic data, so nobody else's terms apply to it."
    if model == "smollm2":
        return "apache-2.0", f"That of {ORIGINAL}, of which the base's weights are a Q4_1 quantisation."
    card = Path(model).expanduser() / "README.md"
    if card.is_file():
        text = card.read_text(encoding="utf-8", errors="replace")
        try:
            named = yaml.safe_load(text.split("---")[1]).get("license", "") if text.startswith("---") else ""
        except (yaml.YAMLError, AttributeError):
            named = ""
        return str(named or ""), "From the card in the folder of the base's weights."
    if Path(model).expanduser().is_dir():
        return "", "The base's folder has no card; read its terms before you pass this on."
    try:
        from huggingface_hub import model_info

        data = model_info(model, timeout=5).card_data
        return str(getattr(data, "license", "") or ""), "From the base's page on the hub."
    except Exception as error:  # no network, or no such page: the export works without it
        return "", f"The hub could not be asked ({type(error).__name__}); read its terms before you pass this on."
