"""Activations and normalizations for ganzoo."""
