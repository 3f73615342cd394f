"""Image-to-image translation for ganzoo."""
