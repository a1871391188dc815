"""Where the plants' own files are: the folder that MEDLOOM_DATA names, else ../shared/data beside here.

Where there is no such folder, the tests that would read it go over generated data.
"""

import os
from pathlib import Path

from tools.fault import ROOT

DATA = Path(os.environ.get("MEDLOOM_DATA", ROOT.parent / "shared" / "data"))
