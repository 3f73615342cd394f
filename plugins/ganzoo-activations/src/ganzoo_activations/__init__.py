"""Activation functions for ganzoo."""
