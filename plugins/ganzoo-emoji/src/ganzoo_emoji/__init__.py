"""Emoji of two designers, as data sets for ganzoo."""
