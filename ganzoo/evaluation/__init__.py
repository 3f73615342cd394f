"""How good samples are: features once, every metric from the same features, and honest reports."""
