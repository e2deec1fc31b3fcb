"""The program `clintune`. Exit codes: 0 holds, 1 a finding, 2 a user's error or could not be checked."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from clintune.errors import UserError

FINDING, USER_ERROR = 1, 2


class _Parser(argparse.ArgumentParser):
    """Wrong arguments are a user's error like any other: one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; each imports what it needs when it runs, so that every start is quick."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except UserError as error:
        print(error, file=sys.stderr)
        return USER_ERROR
    except BrokenPipeError:  # whoever reads has seen enough, as in `| head`; the last flush must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="clintune", description="Run from the project's folder.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    recipes = commands.add_parser("recipes", help="list the shipped recipes")
    recipes.set_defaults(run=_recipes)
    use = commands.add_parser("use", help="set params.yaml from a recipe, and say what changed")
    use.add_argument("recipe")
    use.add_argument("--corpus", type=Path, metavar="PATH", help="the corpus on this machine: ingest.path")
    use.set_defaults(run=_use)
    check = commands.add_parser("check", help="before a long run: params, corpus, model, environment, code")
    check.set_defaults(run=_check)
    why = commands.add_parser("why", help="which key or file made a stage stale")
    why.add_argument("stage", nargs="?")
    why.set_defaults(run=_why)
    summary = commands.add_parser("summary", help="what the pipeline made, its scores, where to look next")
    summary.set_defaults(run=_summary)
    verify = commands.add_parser("verify", help="hash all of it again: what is not as it was sealed")
    verify.set_defaults(run=_verify)
    replay = commands.add_parser("replay", help="run a commit again from nothing, compare, certify")
    replay.add_argument(
        "revision", nargs="?", help="HEAD, with dvc.lock as it lies there, where none is named"
    )
    replay.set_defaults(run=_replay)
    for command in (recipes, use, check, why, summary, verify, replay):
        command.add_argument("--json", action="store_true", help="for a program to read")

    predict = commands.add_parser("predict", help="predict with a bundle, one line of JSON per document")
    predict.add_argument("bundle", type=Path, help="for example data/bundle")
    predict.add_argument("documents", type=Path, metavar="file", help="a .txt, a .jsonl, or - for JSON lines")
    predict.set_defaults(run=_predict)
    send = commands.add_parser("send", help="send the records that the tracking store has not got yet")
    send.set_defaults(run=_send)
    snapshot = commands.add_parser("snapshot", help="record which run made each stage's outputs")
    snapshot.set_defaults(run=_snapshot)
    ui = commands.add_parser("ui", help="open MLflow on the local store, and print the link")
    ui.add_argument("--port", type=_port, default=5000)
    ui.set_defaults(run=_ui)
    return parser


def _port(text: str) -> int:
    """A port that a person may ask for; argparse says what raises here."""
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, which is a number from 1 to 65535")
    return int(text)


def _recipes(arguments: argparse.Namespace) -> int:
    from clintune.recipes import RECIPES

    width = max(map(len, RECIPES))
    lines = [f"{name:{width}}  {what}" for name, what in RECIPES.items()]
    return _tell(arguments, dict(RECIPES), lines)


def _use(arguments: argparse.Namespace) -> int:
    from clintune.cli.use import use

    chosen = use(arguments.recipe, corpus=arguments.corpus, root=Path())
    return _tell(arguments, chosen.as_json(), chosen.lines())


def _check(arguments: argparse.Namespace) -> int:
    from clintune.cli.check import check, exit_code

    findings = check(Path())
    _tell(arguments, [finding.as_json() for finding in findings], [str(finding) for finding in findings])
    return exit_code(findings)


def _why(arguments: argparse.Namespace) -> int:
    from clintune.cli.why import why

    reasons = why(Path(), arguments.stage)
    lines = [f"{stage}: {reason}" for stage, found in reasons.items() for reason in found]
    return _tell(arguments, reasons, lines or ["Nothing is stale."])


def _summary(arguments: argparse.Namespace) -> int:
    from clintune.cli.summary import summarize

    summary = summarize(Path())
    return _tell(arguments, summary.as_json(), summary.lines())


def _verify(arguments: argparse.Namespace) -> int:
    from clintune.evidence.verifying import verify
    from clintune.tracking.home import home

    verdict = verify(Path(), home())
    _tell(arguments, verdict.as_json(), verdict.lines())
    return FINDING if verdict.findings else 0


def _replay(arguments: argparse.Namespace) -> int:
    from clintune.cli.replay import replay_and_certify
    from clintune.tracking.home import home

    certificate = replay_and_certify(Path(), home(), arguments.revision)
    _tell(arguments, certificate.as_json(), certificate.lines())
    return FINDING if certificate.tier == "diverged" else 0


def _predict(arguments: argparse.Namespace) -> int:
    from clintune.cli.predict import predict

    for line in predict(arguments.bundle, arguments.documents):
        print(line)
    return 0


def _send(_arguments: argparse.Namespace) -> int:
    from clintune.cli.send import send

    return send()


def _snapshot(_arguments: argparse.Namespace) -> int:
    from clintune.tracking.snapshot import main as snapshot

    return snapshot()


def _ui(arguments: argparse.Namespace) -> int:
    from clintune.cli.ui import ui

    return ui(port=arguments.port)


def _tell(arguments: argparse.Namespace, content: object, lines: Sequence[str]) -> int:
    """The same twice: for a program, or for a person."""
    print(json.dumps(content, ensure_ascii=False, indent=2) if arguments.json else "\n".join(lines))
    return 0
