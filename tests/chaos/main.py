"""Tests crash recovery, database outages and full disks. README.md explains the output."""
import sys

from harness.main import main

if __name__ == "__main__":
    sys.exit(main())
