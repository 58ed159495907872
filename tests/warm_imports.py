"""What a training process imports before it trains: read once, by the server of ``tests.warm``."""

from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, EarlyStoppingCallback, Qwen3ForCausalLM
from trl import GRPOTrainer, SFTTrainer

import backend.evaluation.stored
import backend.runs.worker
import backend.training.evaluator
import backend.training.preflight
import backend.training.reward_functions
import backend.training.trainer
import backend.training.warm_up

IMPORTED = (
    AutoModelForCausalLM, AutoTokenizer, EarlyStoppingCallback, GRPOTrainer, LoraConfig, PeftModel, Qwen3ForCausalLM,
    SFTTrainer, backend,
)  # fmt: skip
