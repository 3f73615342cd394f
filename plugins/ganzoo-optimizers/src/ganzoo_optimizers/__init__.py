"""Optimizers for games, and algorithms that differ from the standard one in how they take a step."""
