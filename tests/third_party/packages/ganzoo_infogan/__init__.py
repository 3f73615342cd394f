"""InfoGAN, as a plugin."""
