"""MLflow for ganzoo."""
