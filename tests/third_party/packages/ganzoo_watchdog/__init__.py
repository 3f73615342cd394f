"""Callbacks that act on a run, as a plugin."""
