"""The program `clintune`. Exit codes: 0 holds, 1 a finding, 2 a user's error or could not be checked."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from clintune.cli.answer import USER_ERROR, tell
from clintune.cli.evidence import add_evidence
from clintune.errors import UserError
from clintune.startup import begin

_INTERRUPTED = 128 + signal.SIGINT


class _Parser(argparse.ArgumentParser):
    """Wrong arguments are a user's error like any other: one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; each imports what it needs when it runs, so that every start is quick."""
    begin()
    if isinstance(sys.stdout, TextIOWrapper):  # a name that is no text, or none in this locale, stops nobody
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except UserError as error:
        print(error, file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
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
    check.add_argument(
        "--trace", nargs="*", metavar="STAGE", help="run stages traced in a copy: what they use undeclared"
    )
    check.set_defaults(run=_check)
    why = commands.add_parser("why", help="which key, line, file or stage made a stage stale")
    why.add_argument("stage", nargs="?")
    why.set_defaults(run=_why)
    summary = commands.add_parser("summary", help="what the pipeline made, its scores, where to look next")
    summary.set_defaults(run=_summary)
    for command in (recipes, use, check, why, summary):
        command.add_argument("--json", action="store_true", help="for a program to read")

    add_evidence(commands)

    predict = commands.add_parser("predict", help="predict with a bundle, one line of JSON per document")
    predict.add_argument("bundle", type=Path, help="for example data/bundle")
    predict.add_argument("documents", type=Path, metavar="file", help="a .txt, a .jsonl, or - for JSON lines")
    predict.set_defaults(run=_predict)
    send = commands.add_parser("send", help="send the records that the tracking store has not got yet")
    send.set_defaults(run=_send)
    mend = commands.add_parser("mend", help="make whole what a kill left half written of DVC's files")
    mend.set_defaults(run=_mend)
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


def _expect_project() -> None:
    """Elsewhere a command would make a second params.yaml, or find a store of its own empty."""
    if not Path("dvc.yaml").exists():
        raise UserError("dvc.yaml", "no such file", "run from the project's folder")


def _recipes(arguments: argparse.Namespace) -> int:
    from clintune.recipes import RECIPES

    width = max(map(len, RECIPES))
    lines = [f"{name:{width}}  {what}" for name, what in RECIPES.items()]
    return tell(arguments, dict(RECIPES), lines)


def _use(arguments: argparse.Namespace) -> int:
    from clintune.cli.use import use

    _expect_project()
    chosen = use(arguments.recipe, corpus=arguments.corpus, root=Path())
    return tell(arguments, chosen.as_json(), chosen.lines())


def _check(arguments: argparse.Namespace) -> int:
    if arguments.trace is not None:
        from clintune.cli.trace import trace_stages

        return trace_stages(arguments)
    from clintune.cli.check import check
    from clintune.cli.findings import exit_code

    findings = check(Path())
    tell(arguments, [finding.as_json() for finding in findings], [str(finding) for finding in findings])
    return exit_code(findings)


def _why(arguments: argparse.Namespace) -> int:
    from clintune.cli.why import why
    from clintune.tracking.home import home

    _expect_project()
    reasons = why(Path(), home(), arguments.stage)
    return tell(arguments, reasons.as_json(), reasons.lines())


def _summary(arguments: argparse.Namespace) -> int:
    from clintune.cli.summary import summarize

    summary = summarize(Path())
    return tell(arguments, summary.as_json(), summary.lines())


def _predict(arguments: argparse.Namespace) -> int:
    from clintune.cli.predict import predict

    for line in predict(arguments.bundle, arguments.documents):
        print(line)
    return 0


def _send(_arguments: argparse.Namespace) -> int:
    from clintune.cli.send import send

    _expect_project()
    return send()


def _mend(_arguments: argparse.Namespace) -> int:
    from clintune.cli.mend import mend
    from clintune.tracking.home import home

    _expect_project()
    for said in mend(Path(), home()):
        print(said)
    return 0


def _snapshot(_arguments: argparse.Namespace) -> int:
    from clintune.tracking.snapshot import main as snapshot

    _expect_project()
    return snapshot()


def _ui(arguments: argparse.Namespace) -> int:
    from clintune.cli.ui import ui

    _expect_project()
    return ui(port=arguments.port)
