"""Pictures of runs: grids, animations and curves."""
