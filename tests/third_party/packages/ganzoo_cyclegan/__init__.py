"""CycleGAN, as a plugin."""
