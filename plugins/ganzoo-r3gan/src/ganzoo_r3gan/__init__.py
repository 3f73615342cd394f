"""The networks of R3GAN for ganzoo."""
