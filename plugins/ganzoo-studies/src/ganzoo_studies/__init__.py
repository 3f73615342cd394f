"""Studies: a spec trained in several variants, with several seeds each, and what came of it."""
