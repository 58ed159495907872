"""The seeds' training configurations as presets, with the seed sections they come from."""

from typing import Any

from backend.suites.suite import Preset
from backend.wording import Text

_TUCANO = "Polygl0t/Tucano2-qwen-0.5B-Instruct"
_V41: dict[str, Any] = {  # handoff, "V4.1 Config Summary"; final report §10
    "profile": "v4.1",  # the handoff's numbers (0.17, 0.476, the target of 0.55) are in its units
    "gate": "required",
    "model": _TUCANO,
    "four_bit": True,
    "max_steps": 600,
    "learning_rate": 5e-6,
    "prompts_per_step": 2,
    "num_generations": 16,
    "max_completion_length": 512,
    "aggregation": "sum_then_normalize",
    "eval_steps": 10,
    "patience": 60,  # all 600 steps: the handoff asks what happens until there, and has no early stopping
}
_V42: dict[str, Any] = {  # final report §3, "The 8 systematic changes", and §10
    **_V41,
    "profile": "v4.2.1",
    "max_steps": 1500,
    "aggregation": "normalize_then_sum",
    "task_weighting": "reward",
    "eval_steps": 50,
    "patience": 15,
}

_SMOLLM2: dict[str, Any] = {  # what two cores do in about 80 minutes (docs/engineers.md)
    "model": "smollm2",
    "profile": "v5",  # the rewards to begin with; the seeds' presets keep theirs
    "tasks": ("extraction", "push"),
    "sft_epochs": 1,  # the base writes no JSON, and GRPO reinforces only what a model already writes
    "sft_tasks": ("extraction",),
    "max_seq_length": 512,
    "max_completion_length": 112,  # a reference answer of extraction has 85 to 94 tokens of this vocabulary
    "max_steps": 100,
    "learning_rate": 1e-4,
    "prompts_per_step": 2,
    "num_generations": 4,
    "eval_steps": 25,
    "eval_batch_size": 35,  # all eval prompts of the two tasks
    "final_samples": 2,  # of the 70 test prompts of the two tasks
}

PRESETS = {
    "smollm2": Preset(
        Text(
            "SmolLM2 135M-Instruct on a CPU, extraction and push; first `workbench model smollm2`",
            "SmolLM2 135M-Instruct numa CPU, extração e push; antes, `workbench model smollm2`",
        ),
        _SMOLLM2,
    ),
    "v4.1": Preset(
        Text(
            "Tucano2 0.5B-Instruct, 600 steps, 5e-6, constant schedule (handoff)",
            "Tucano2 0.5B-Instruct, 600 passos, 5e-6, taxa constante (handoff)",
        ),
        _V41,
    ),
    "v4.2": Preset(
        Text(
            "v4.1 with 1,500 steps, GDPO and improvement-aware task weights; three seeds: --seeds 42,123,456 (final report)",
            "v4.1 com 1.500 passos, GDPO e pesos de tarefa por melhora; três sementes: --seeds 42,123,456 (relatório final)",
        ),
        _V42,
    ),
    "drop-sql": Preset(
        Text(
            "v4.2 without the SQL prompts, which a 0.5B model cannot learn (final report §9)",
            "v4.2 sem os prompts de SQL, que um modelo de 0,5B não aprende (relatório final §9)",
        ),
        {**_V42, "tasks": ("extraction", "insights", "push")},
    ),
    "scenario-a-3.7b": Preset(
        Text(
            "v4.1's recipe on Tucano2 3.7B-Instruct (handoff, Scenario A)",
            "a receita da v4.1 no Tucano2 3.7B-Instruct (handoff, cenário A)",
        ),
        {
            **_V41,
            "model": "Polygl0t/Tucano2-qwen-3.7B-Instruct",
            "num_generations": 8,
            "max_completion_length": 1024,
            "learning_rate": 2e-6,
            "max_steps": 400,
            "max_seq_length": 2048,
            "final_samples": 2,  # its completions take longest
        },
    ),
    "scenario-b-sft": Preset(
        Text(
            "Tucano2 0.5B-Base: SFT on extraction pairs, then v4.1 on top (handoff, Scenario B)",
            "Tucano2 0.5B-Base: SFT com pares de extração, e depois a v4.1 (handoff, cenário B)",
        ),
        {**_V41, "model": "Polygl0t/Tucano2-qwen-0.5B-Base", "sft_epochs": 1, "sft_tasks": ("extraction",)},
    ),
    "scenario-c": Preset(
        Text(
            "v4.2 on extraction and push alone; SQL and insights go to a larger model (handoff, Scenario C)",
            "v4.2 só com extração e push; SQL e insights vão para um modelo maior (handoff, cenário C)",
        ),
        {**_V42, "tasks": ("extraction", "push")},
    ),
    "1.5b": Preset(
        Text(
            "v4.2's recipe on Qwen2.5 1.5B-Instruct, where SQL begins to be learned (final report §9)",
            "a receita da v4.2 no Qwen2.5 1.5B-Instruct, onde o SQL começa a ser aprendido (relatório final §9)",
        ),
        {**_V42, "model": "Qwen/Qwen2.5-1.5B-Instruct"},
    ),
    "base-1.5b": Preset(
        Text(
            "Qwen2.5 1.5B base, 3,000 steps at 1e-6; wants 3,000 train prompts or more (final report §9)",
            "Qwen2.5 1.5B base, 3.000 passos a 1e-6; pede 3.000 prompts de treino ou mais (relatório final §9)",
        ),
        {**_V42, "model": "Qwen/Qwen2.5-1.5B", "max_steps": 3000, "learning_rate": 1e-6, "patience": 30},
    ),
    "push-few-shot": Preset(
        Text(
            "v4.2 with three push examples in the system prompt (final report §9)",
            "v4.2 com três exemplos de push no prompt de sistema (relatório final §9)",
        ),
        {**_V42, "few_shot": 3},
    ),
}
