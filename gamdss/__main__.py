"""`python -m gamdss`: the command `gamdss`."""

import sys

from gamdss.cli import main

if __name__ == "__main__":
    sys.exit(main())
