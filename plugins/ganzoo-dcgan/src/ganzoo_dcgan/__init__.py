"""Deep convolutional GAN networks for ganzoo."""
