"""Attacks a running server and counts how many attacks it withstands. README.md lists them."""
import sys

from harness.main import main

if __name__ == "__main__":
    sys.exit(main())
