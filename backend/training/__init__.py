"""GRPO training: presets, reward functions, the trainer, and the one function that runs it all."""
