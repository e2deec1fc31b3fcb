"""What the README says holds: its commands run, in order, in one project; its scores are those of the run."""

import json
import re
from collections.abc import Iterator

import pytest

from clintune.graph import TABLE
from tests.corpora import find_corpus
from tests.project import ROOT, Project, is_default_run

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "make repro": "set-up and `dvc repro`: tests/test_pipeline.py, tests/test_setup.py",
    "make ui": "a server in the foreground: tests/test_browser.py",
    "make test": "this",
}
CORPUS = "path/to/corpus"
READMES = ("README.md", "README.zh-CN.md")
SCORES = re.compile(r"^\| [^|]+ \| [\d.]+ \([^|]+\) \| [\d.]+ \| [\d.]+ \| [\d,]+ \|$", re.MULTILINE)
ROWS = {
    "README.md": {
        "strict": "all",
        "seen": "mentions seen in train",
        "unseen": "not seen in train",
        "to": "to",
    },
    "README.zh-CN.md": {"strict": "全部", "seen": "训练中见过的", "unseen": "没见过的", "to": "至"},
}

pytestmark = pytest.mark.pipeline


def commands(readme: str) -> list[str]:
    """The lines of its shell blocks, comments taken off."""
    blocks = BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))
    lines = (line.partition(" #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def test_both_readmes_have_the_same_commands_and_the_same_table():
    english, chinese = READMES
    assert commands(english) == commands(chinese)
    tables = {TABLE.search((ROOT / readme).read_text(encoding="utf-8"))[0] for readme in READMES}
    assert len(tables) == 1


@pytest.mark.parametrize("readme", READMES)
def test_the_scores_of_the_default_run_are_those_of_its_metrics(readme):
    if not is_default_run():
        pytest.skip("params.yaml is not the recipe synthetic: data/evaluation holds other scores")
    metrics = json.loads((ROOT / "data/evaluation/metrics.json").read_text(encoding="utf-8"))
    found = SCORES.findall((ROOT / readme).read_text(encoding="utf-8"))
    assert found == list(score_rows(metrics, ROWS[readme])), "write these rows into the README"


def score_rows(metrics: dict, words: dict[str, str]) -> Iterator[str]:
    """The table under "Results", in percent."""
    scores = {words[key]: metrics[key] for key in ("strict", "seen", "unseen")} | metrics["label"]
    for name, score in scores.items():
        f1, low, high, precision, recall = (
            f"{100 * score[key]:.1f}" for key in ("f1", "f1_low", "f1_high", "precision", "recall")
        )
        interval = f"({low} {words['to']} {high})"
        yield f"| {name} | {f1} {interval} | {precision} | {recall} | {score['gold']:,} |"


@pytest.mark.timeout(1200)
def test_every_command_of_the_readme_runs(finished, tmp_path):
    project = finished.copy(tmp_path / "copy")
    project.commit("the first results")
    for command in commands("README.md"):
        if command not in ELSEWHERE:
            shell(project, command)


def shell(project: Project, command: str) -> None:
    if CORPUS in command:
        real = find_corpus("ncbi-disease/original")
        if real is None:  # a clone has no corpora: the rest of the commands still run
            return
        command = command.replace(CORPUS, str(real))
    done = project.run("bash", "-c", command, ok=False, timeout=900)
    # `clintune check` ends with 1 where it has a finding: the copy may have another environment.
    accepted = (0, 1) if command == "clintune check" else (0,)
    assert done.returncode in accepted, f"{command}\n{done.stdout}\n{done.stderr}"
    if command.startswith("clintune use"):
        project.params({**QUICK, "model": TINY})


TINY = {"weights_sha256": None, "scratch": {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 32}}
QUICK = {"numerics": {"threads": 1}, "train": {"epochs": 1}, "evaluate": {"resamples": 20}}
