"""The commands that a reviewer asks for: verify, pack, sign, replay, diff, checklist."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clintune.cli.answer import FINDING, tell
from clintune.errors import UserError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]


def add_evidence(commands: "Commands") -> None:
    """Their names and arguments."""
    verify = commands.add_parser("verify", help="hash all of it again: what is not as it was sealed")
    verify.add_argument("--pack", type=Path, metavar="FILE", help="an evidence file alone, in any folder")
    verify.add_argument("--files", type=Path, metavar="FOLDER", help="with --pack: a checkout, or a bundle")
    verify.add_argument("--signers", type=Path, metavar="FILE", help="with --pack: who may sign (ssh-keygen)")
    verify.add_argument(
        "--authorities", type=Path, metavar="FILE", help="with --pack: who may stamp the time (PEM)"
    )
    verify.add_argument("--threats", action="store_true", help="what this detects, and what it cannot")
    verify.set_defaults(run=_verify)
    pack = commands.add_parser("pack", help="the evidence for what dvc.lock names, in one file")
    pack.add_argument("-o", "--output", type=Path, default=Path("evidence.zip"), metavar="FILE")
    pack.add_argument("--since", metavar="REV|RUN", help="with the change record from there, changes.json")
    pack.set_defaults(run=_pack)
    sign = commands.add_parser("sign", help="sign an evidence file with an SSH key")
    sign.add_argument("pack", type=Path, metavar="FILE", help="what `clintune pack` wrote")
    sign.add_argument("--role", required=True, help="author, reviewer, approver; an author may not approve")
    sign.add_argument("--meaning", required=True, help='what it says, as "reviewed and approved"')
    sign.add_argument(
        "--name", "--signer", help="by which the list of signers knows the key; else user.email"
    )
    sign.add_argument("--key", required=True, type=Path, metavar="FILE", help="the private SSH key")
    sign.add_argument("--timestamp", metavar="URL", help="of an authority that stamps the time (RFC 3161)")
    sign.set_defaults(run=_sign)
    for command in (verify, pack, sign, *_add_comparisons(commands)):
        command.add_argument("--json", action="store_true", help="for a program to read")


def _add_comparisons(commands: "Commands") -> Iterator[argparse.ArgumentParser]:
    replay = commands.add_parser("replay", help="run a commit or a run again from nothing, compare, certify")
    replay.add_argument(
        "named",
        nargs="?",
        metavar="REV|RUN",
        help="HEAD, with dvc.lock as it lies there, if none is named",
    )
    replay.add_argument(
        "--vary", nargs="?", const="all", choices=("all", "each"),
        help="change what must not matter, all at once, or ten times one thing (--vary=each)",
    )  # fmt: skip
    replay.add_argument(
        "--build-environment", action="store_true", help="install the commit's locked packages into the clone"
    )
    replay.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the clone there")
    replay.set_defaults(run=_replay)
    diff = commands.add_parser("diff", help="the change record between two commits or runs, beside a plan")
    diff.add_argument("a", metavar="A", help="a commit with a dvc.lock, or a run or an execution")
    diff.add_argument("b", metavar="B", nargs="?", help="dvc.lock as it lies there, where none is named")
    diff.set_defaults(run=_diff)
    checklist = commands.add_parser("checklist", help="43 things that a reviewer asks, and what holds here")
    checklist.set_defaults(run=_checklist)
    yield from (replay, diff, checklist)


def _verify(arguments: argparse.Namespace) -> int:
    from clintune.evidence.verification.verifier import THREATS
    from clintune.evidence.verification.verifying import verify
    from clintune.tracking.home import home

    if arguments.threats:
        return tell(arguments, {"threats": THREATS}, THREATS.split("\n"))
    if arguments.pack is not None:
        return _verify_pack(arguments)
    if any(one is not None for one in (arguments.files, arguments.signers, arguments.authorities)):
        named = "--files, --signers, --authorities"
        raise UserError(named, "they go with --pack", "name the evidence file too")
    verdict = verify(Path(), home())
    tell(arguments, verdict.as_json(), verdict.lines())
    return FINDING if verdict.findings else 0


def _verify_pack(arguments: argparse.Namespace) -> int:
    from clintune.evidence.packing.judging import judge_file

    verdict = judge_file(
        arguments.pack, files=arguments.files, signers=arguments.signers, authorities=arguments.authorities
    )
    tell(arguments, verdict.as_json(), verdict.lines())
    return FINDING if verdict.findings else 0


def _pack(arguments: argparse.Namespace) -> int:
    from clintune.evidence.packing.assembling import pack
    from clintune.evidence.verification.verifier import shown
    from clintune.tracking.home import home

    findings, count, not_here = pack(Path(), home(), arguments.output, since=arguments.since)
    last = f"{arguments.output}: {count} parts, {arguments.output.stat().st_size / 1e6:.1f} MB"
    what = f"; findings packed with it: {len(findings)}" if findings else ""
    away = [f"commit {one} is not here: who wrote it could approve, and nobody notice" for one in not_here]
    content = {"file": str(arguments.output), "findings": findings, "commits_not_here": not_here}
    tell(arguments, content, [*map(shown, findings), *away, last + what])
    return FINDING if findings else 0


def _sign(arguments: argparse.Namespace) -> int:
    from clintune.evidence.packing.signing import name_of_signer, sign

    signer = arguments.name or name_of_signer(Path())
    name = sign(
        arguments.pack, role=arguments.role, meaning=arguments.meaning, signer=signer, key=arguments.key,
        authority=arguments.timestamp,
    )  # fmt: skip
    lines = [f"{arguments.pack}: {name}, by {signer}"]
    return tell(arguments, {"signature": name, "signer": signer}, lines)


def _replay(arguments: argparse.Namespace) -> int:
    from clintune.cli.replay import replay_and_certify
    from clintune.tracking.home import home

    certificates = []
    for one in replay_and_certify(
        Path(), home(), arguments.named, vary=arguments.vary, keep=arguments.keep,
        own_environment=arguments.build_environment,
    ):  # fmt: skip
        certificates.append(one)
        if not arguments.json:
            tell(arguments, {}, one.lines())
    if arguments.json:
        content = [one.as_json() for one in certificates]
        tell(arguments, content if arguments.vary == "each" else content[0], [])
    return 0 if all(one.holds for one in certificates) else FINDING


def _diff(arguments: argparse.Namespace) -> int:
    from clintune.evidence.changes.changing import changes
    from clintune.tracking.home import home

    record = changes(Path(), home(), arguments.a, arguments.b)
    tell(arguments, record.as_json(), record.lines())
    return FINDING if record.is_finding else 0


def _checklist(arguments: argparse.Namespace) -> int:
    from clintune.evidence.checklist.checking import checklist
    from clintune.evidence.subject import subject_of
    from clintune.evidence.verification.findings import as_findings
    from clintune.evidence.verification.verifying import verify
    from clintune.tracking.home import home

    place, root = home(), Path()
    findings = as_findings(verify(root, place).findings)
    found = checklist(subject_of(root, place), findings)
    tell(arguments, found.as_json(), found.lines())
    return FINDING if found.counts["FAIL"] else 0
