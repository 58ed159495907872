"""What a training process or an app imports and builds before it works: once, by the server of ``tests.warm``."""

from pathlib import Path
from tempfile import TemporaryDirectory

from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, EarlyStoppingCallback, Qwen3ForCausalLM
from trl import GRPOTrainer, SFTTrainer

import app.__main__
import app.server
import backend.commands.train
import backend.evaluation.stored
import backend.release.start
import backend.runs.worker
import backend.training.evaluator
import backend.training.preflight
import backend.training.reward_functions
import backend.training.trainer
import backend.training.warm_up
from backend.commerce.source import shop_prompts
from benchmarks.workbenches import workbench_at

IMPORTED = (
    AutoModelForCausalLM, AutoTokenizer, EarlyStoppingCallback, GRPOTrainer, LoraConfig, PeftModel, Qwen3ForCausalLM,
    SFTTrainer, app, backend,
)  # fmt: skip

with TemporaryDirectory() as _folder, workbench_at(Path(_folder)):
    shop_prompts()  # kept in the process, and two seconds for each store's first start
