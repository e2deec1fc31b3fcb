"""How a command answers: lines for a person or JSON for a program, and a code for the shell."""

import argparse
import codecs
import json
import re
import sys
from collections.abc import Sequence

FINDING, USER_ERROR = 1, 2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""What a terminal obeys: with it the subject of a commit, or a declarer's name, could hide or forge lines."""


def tell(arguments: argparse.Namespace, content: object, lines: Sequence[str]) -> int:
    """The same twice: for a program, or for a person. At once, for more may take hours."""
    print(as_json(content, indent=2) if arguments.json else "\n".join(map(_plain, lines)), flush=True)
    return 0


def _plain(line: str) -> str:
    """One line that is nothing else, whoever wrote what stands in it."""
    return _CONTROL.sub(" ", line)


def as_json(content: object, *, indent: int | None = None) -> str:
    """JSON for standard output, which is UTF-8 whatever the locale: its escapes are, in GBK as in ASCII."""
    utf8 = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    return json.dumps(content, ensure_ascii=not utf8, indent=indent)
