"""Training: the loop, the standard game, and what keeps a run exact."""
