"""From data sets to batches on the training device."""
