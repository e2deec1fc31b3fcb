"""The commands that a reviewer asks for: verify, replay, diff."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clintune.cli.answer import FINDING, tell

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]


def add_evidence(commands: "Commands") -> None:
    """Their names and arguments."""
    verify = commands.add_parser("verify", help="hash all of it again: what is not as it was sealed")
    verify.set_defaults(run=_verify)
    replay = commands.add_parser("replay", help="run a commit again from nothing, compare, certify")
    replay.add_argument(
        "revision", nargs="?", help="HEAD, with dvc.lock as it lies there, where none is named"
    )
    replay.set_defaults(run=_replay)
    diff = commands.add_parser("diff", help="the change record between two commits or runs, beside a plan")
    diff.add_argument("a", metavar="A", help="a commit with a dvc.lock, or a run or an execution")
    diff.add_argument("b", metavar="B", nargs="?", help="dvc.lock as it lies there, where none is named")
    diff.set_defaults(run=_diff)
    for command in (verify, replay, diff):
        command.add_argument("--json", action="store_true", help="for a program to read")


def _verify(arguments: argparse.Namespace) -> int:
    from clintune.evidence.verification.verifying import verify
    from clintune.tracking.home import home

    verdict = verify(Path(), home())
    tell(arguments, verdict.as_json(), verdict.lines())
    return FINDING if verdict.findings else 0


def _replay(arguments: argparse.Namespace) -> int:
    from clintune.cli.replay import replay_and_certify
    from clintune.tracking.home import home

    certificate = replay_and_certify(Path(), home(), arguments.revision)
    tell(arguments, certificate.as_json(), certificate.lines())
    return FINDING if certificate.tier == "diverged" else 0


def _diff(arguments: argparse.Namespace) -> int:
    from clintune.evidence.changes.changing import changes
    from clintune.tracking.home import home

    record = changes(Path(), home(), arguments.a, arguments.b)
    tell(arguments, record.as_json(), record.lines())
    return FINDING if record.is_finding else 0
