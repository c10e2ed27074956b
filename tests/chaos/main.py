"""What survives a crash, a lost database and a full disk. README.md says how to read it."""
import sys

from harness.main import main

if __name__ == "__main__":
    sys.exit(main())
