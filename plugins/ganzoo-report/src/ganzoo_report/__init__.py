"""A run as one page: ``report.html``, which opens from disk and asks no other host for anything."""
