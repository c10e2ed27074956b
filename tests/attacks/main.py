"""Attacks on a running server, and how many of them it withstands. README.md says what is tried."""
import sys

from harness.main import main

if __name__ == "__main__":
    sys.exit(main())
