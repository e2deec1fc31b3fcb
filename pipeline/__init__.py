"""The stages. They use the library beside them, also in a copy of the tree (a temporary experiment)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
