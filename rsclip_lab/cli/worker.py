"""The command line in one of several processes that `start` has started."""

import sys

from rsclip_lab.cli import main
from rsclip_lab.training.processes import stop_when_input_ends

if __name__ == "__main__":
    stop_when_input_ends()
    sys.exit(main())
