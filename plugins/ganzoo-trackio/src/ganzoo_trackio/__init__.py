"""Trackio for ganzoo."""
