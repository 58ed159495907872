"""Statistical claims, checked by simulation: what the pages state, and what is measured. ``python -m benchmarks.coverage``."""
