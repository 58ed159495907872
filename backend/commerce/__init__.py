"""The commerce suite's backend: the shop's data, prompts made from them, SQL execution, masking, and what follows a run."""
