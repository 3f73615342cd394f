"""A page to play with a trained generator."""
