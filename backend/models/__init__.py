"""Policies (language models): load one, build the embedded model nano, and generate completions."""
