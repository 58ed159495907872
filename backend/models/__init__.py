"""Policies: load one, build the embedded nano, generate from any."""
