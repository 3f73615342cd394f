"""Residual GAN networks for ganzoo."""
