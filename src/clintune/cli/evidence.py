"""The commands that a reviewer asks for: verify, replay, checklist."""

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
    checklist = commands.add_parser("checklist", help="43 things that a reviewer asks, and what holds here")
    checklist.set_defaults(run=_checklist)
    for command in (verify, replay, checklist):
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


def _checklist(arguments: argparse.Namespace) -> int:
    from clintune.evidence.checklist.checking import checklist
    from clintune.evidence.subject import subject_of
    from clintune.evidence.verification.verifying import verify
    from clintune.lockfile import read_lock
    from clintune.tracking.home import home

    place, root = home(), Path()
    findings = verify(root, place).findings
    found = checklist(subject_of(root, place, read_lock(root / "dvc.lock")), findings)
    tell(arguments, found.as_json(), found.lines())
    return FINDING if found.counts["FAIL"] else 0
