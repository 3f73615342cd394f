"""The program in this process."""

from fixtures import program

__all__ = ["program"]
