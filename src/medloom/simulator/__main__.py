"""`python -m medloom.simulator`; the processes it starts import `command`, which has a name."""

import sys

from medloom.simulator.command import main

sys.exit(main())
