"""Small shared pieces of the pages."""
