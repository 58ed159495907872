"""From shop data to prompts: commerce.db, prompt sets, and the import of a user's own prompts."""
