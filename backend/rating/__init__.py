"""Rating: which completion a rater sees next, and what happens to a score."""
