"""GRPO training: presets, reward functions, the trainer, and the function that runs a whole training."""
