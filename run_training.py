#!/usr/bin/env python
"""Train a policy with GRPO from the terminal; the run appears on the app's pages as if launched there.

python run_training.py --preset nano                         # minutes, on a CPU
python run_training.py --preset nano --set max_steps=3       # a smoke test
python run_training.py --preset nano --preflight             # look for known failures, train nothing
python run_training.py --preset nano --seeds 42,123,456      # three runs, one after the other, as one
python run_training.py --grid learning_rate=3e-4,6e-4 --seeds 1,2 --hours 2   # a small grid, within a budget
python run_training.py --resume 20261121-101500-ab12         # go on from the last whole checkpoint
python run_training.py --preset v4.1 --prompts mine.jsonl    # the real model; needs a CUDA GPU
python run_training.py --folder F --preset nano              # without a store; `workbench runs sync F` takes it in
python run_training.py --list                                # presets, fields and their ranges
accelerate launch --num_processes 4 run_training.py ...      # several GPUs

The same as ``workbench train``; what it does is in backend/commands/train.py.
"""

from backend.cli import command_line
from backend.commands.train import app

if __name__ == "__main__":
    command_line(app)
