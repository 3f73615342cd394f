"""5,000 real MNIST digits for ganzoo."""
