"""StyleGAN2 for ganzoo."""
