"""`python -m poisonscan`."""

from __future__ import annotations

import sys

from poisonscan.cli import main

if __name__ == "__main__":
    sys.exit(main())
