"""Adversarial losses and regularizers for ganzoo."""
