"""Prompts: by name, from files, how alike and how good they are, and worked examples for them."""
