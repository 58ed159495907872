"""Texts of the commerce suite that a person scored 1 to 5 before any reward saw them, and the small shop they are about."""
