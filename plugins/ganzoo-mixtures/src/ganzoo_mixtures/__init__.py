"""Points from mixtures of Gaussians for ganzoo."""
