"""`python -m autograd_dl` is the command `autograd-dl`."""

import sys

from autograd_dl.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
