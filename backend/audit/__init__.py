"""The audit: whether the rewards rank completions as people do, and the gate before training."""
