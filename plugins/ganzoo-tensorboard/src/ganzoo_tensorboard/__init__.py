"""TensorBoard for ganzoo."""
