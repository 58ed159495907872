"""One page per file. Importing a page runs it, so code that pages share is in app/ui."""
