"""The commerce suite's backend: the shop's data, prompts made from it, SQL execution, masking, and advice after a run."""
