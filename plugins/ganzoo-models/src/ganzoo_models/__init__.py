"""Small trained generators for ganzoo."""
