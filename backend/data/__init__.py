"""Prompts: load them by name or from files, measure similarity and quality, and add worked examples."""
