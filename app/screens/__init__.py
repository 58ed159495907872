"""One page a file. Importing a page runs it: what pages share is in app/ui."""
