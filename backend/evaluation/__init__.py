"""Score a policy on the eval prompts, and compare two such evaluations."""
