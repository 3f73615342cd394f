"""Objectives that use classes and codes for ganzoo, and discriminators with the heads they need."""
