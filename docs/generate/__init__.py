"""Pages of the site that are made from the program itself, so that they cannot be out of date."""
