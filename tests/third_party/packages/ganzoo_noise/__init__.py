"""A generator that injects noise, as a plugin."""
