"""`python -m rsclip_lab.cli`, where the script `rsclip-lab` is not on the path."""

import sys

from rsclip_lab.cli import main

sys.exit(main())
