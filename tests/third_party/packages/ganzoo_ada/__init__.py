"""Adaptive discriminator augmentation, as a plugin."""
