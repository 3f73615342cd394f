"""Callbacks for ganzoo."""
