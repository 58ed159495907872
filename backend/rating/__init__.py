"""Rating: choose which completion a rater sees next, and save, change or undo a rating."""
