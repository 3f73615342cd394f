"""Auxiliary classifier GANs, as a plugin."""
