"""How a command answers: lines for a person or JSON for a program, and a code for the shell."""

import argparse
import json
from collections.abc import Sequence

FINDING, USER_ERROR = 1, 2


def tell(arguments: argparse.Namespace, content: object, lines: Sequence[str]) -> int:
    """The same twice: for a program, or for a person."""
    print(json.dumps(content, ensure_ascii=False, indent=2) if arguments.json else "\n".join(lines))
    return 0
