"""Do the rewards rank completions as people do? Correlation with human ratings, and the gate before training."""
