"""``python -m ganzoo``: the same program as ``ganzoo``."""

from ganzoo.cli import main

if __name__ == "__main__":
    main()
