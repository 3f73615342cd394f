"""Fully connected GAN networks for ganzoo."""
