"""Trains a run's folder in this process, on a CPU: through Unsloth's own trainer, or through plain TRL's.

python -m tests.unsloth_run FOLDER unsloth|plain

Unsloth's loader wants a GPU, so transformers loads the model; everything else is what a GPU would do: Unsloth is imported
first, it writes its GRPO trainer, and ours extends that one. Prints the class that ours extends.
"""

import sys
from pathlib import Path

folder, kind = Path(sys.argv[1]), sys.argv[2]
if kind == "unsloth":
    import unsloth.models.rl

    unsloth.models.rl.patch_trl_rl_trainers()

from backend.models import load  # noqa: E402
from backend.training.run import train  # noqa: E402

if kind == "unsloth":
    from functools import partial

    from unsloth import FastLanguageModel

    def loaded(*arguments: object) -> tuple[object, object]:
        """The model with what Unsloth's loader gives it: its switches between training and generation."""
        model = load._load_transformers(*arguments)  # type: ignore[arg-type]
        model.for_training = partial(FastLanguageModel.for_training, model)
        model.for_inference = partial(FastLanguageModel.for_inference, model)
        return model, load.load_tokenizer(arguments[0])  # type: ignore[arg-type]

    load.choose_backend = lambda config: "unsloth"
    load._load_unsloth = loaded

outcome = train(folder)

from backend.training.trainer import WorkbenchTrainer  # noqa: E402

print(f"{outcome.status}: {outcome.reason}")
print(WorkbenchTrainer.__mro__[1].__name__)
