"""How a command answers: lines for a person or JSON for a program, and a code for the shell."""

import argparse
import codecs
import json
import sys
from collections.abc import Sequence

FINDING, USER_ERROR = 1, 2


def tell(arguments: argparse.Namespace, content: object, lines: Sequence[str]) -> int:
    """The same twice: for a program, or for a person."""
    print(as_json(content, indent=2) if arguments.json else "\n".join(lines))
    return 0


def as_json(content: object, *, indent: int | None = None) -> str:
    """JSON for standard output, which is UTF-8 whatever the locale: its escapes are, in GBK as in ASCII."""
    utf8 = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    return json.dumps(content, ensure_ascii=not utf8, indent=indent)
