"""Path length regularization, as a plugin."""
