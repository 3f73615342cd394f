"""Pages of the site that are generated from the code, so that they are never out of date."""
