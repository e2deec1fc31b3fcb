"""What the README says holds: its commands run, in order, in one project; its scores are those of the run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clintune.files import sha256
from clintune.graph import TABLE
from tests.project import ROOT, RUNNING, Project, is_default_run

VARIABLE = re.compile(r"\bCLINTUNE_[A-Z_]+\b")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "make repro": "set-up and `dvc repro`: tests/test_pipeline.py, tests/test_setup.py",
    "make ui": "a server in the foreground: tests/test_browser.py",
    "make test": "this",
    "dvc exp run --queue -S train.learning_rate=0.0003": "four: tests/test_experiments.py",
    "dvc queue start -j 2": "the same, with -j 4",
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


def lines_of(readme: str) -> list[tuple[str, str]]:
    """The lines of its shell blocks: each command and its comment."""
    blocks = BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))
    lines = (line.partition(" #") for block in blocks for line in block.splitlines())
    return [(command.strip(), comment) for command, _, comment in lines if command.strip()]


def commands(readme: str) -> list[str]:
    return [command for command, _ in lines_of(readme)]


def test_both_readmes_have_the_same_commands_and_the_same_table():
    english, chinese = READMES
    assert commands(english) == commands(chinese)
    tables = {TABLE.search((ROOT / readme).read_text(encoding="utf-8"))[0] for readme in READMES}
    assert len(tables) == 1


@pytest.mark.parametrize("readme", READMES)
def test_every_variable_that_a_program_reads_is_named(readme):
    programs = [path for folder in ("src", "setup", "pipeline") for path in (ROOT / folder).rglob("*.py")]
    read = {name for path in programs for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert len(read) > 4
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / readme).read_text(encoding="utf-8"), re.MULTILINE))
    assert named == read | {"MLFLOW_TRACKING_URI"}


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
    assert set(commands("README.md")) > ELSEWHERE.keys()
    project = finished.copy(tmp_path / "copy")
    project.commit("the first results")
    corpus = made_up_corpus(tmp_path / "corpus")
    for command, comment in lines_of("README.md"):
        if command not in ELSEWHERE:
            said = shell(project, command.replace(CORPUS, str(corpus)))
            expect_stages(said, comment)
        if command.startswith("clintune use"):
            project.params(
                {**QUICK, "ingest": {"sha256": {one.name: sha256(one) for one in corpus.iterdir()}}}
            )


def shell(project: Project, command: str) -> str:
    done = project.run("bash", "-c", command, ok=False, timeout=900)
    # `clintune check` ends with 1 where it has a finding: the copy may have another environment.
    accepted = (0, 1) if command == "clintune check" else (0,)
    assert done.returncode in accepted, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def expect_stages(said: str, comment: str) -> None:
    """What a comment says of the stages that run is so."""
    _, reruns, stages = comment.partition("reruns ")
    if reruns:
        assert RUNNING.findall(said) == stages.split(", ")


QUICK = {
    "model": {
        "weights_sha256": None,
        "scratch": {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 32},
    },
    "numerics": {"threads": 1},
    "train": {"epochs": 1},
    "evaluate": {"resamples": 20},
}


def made_up_corpus(folder: Path) -> Path:
    """Files as those of NCBI-disease, with sentences of our own."""
    folder.mkdir()
    for part, documents in {"train": 24, "develop": 6, "test": 8}.items():
        records = (record(f"{part}-{number}") for number in range(documents))
        (folder / f"NCBI{part}set_corpus.txt").write_text("\n".join(records), encoding="utf-8")
    return folder


def record(name: str) -> str:
    title, abstract, mention = "A case.", f"Patient {name} had gout.", "gout"
    start = f"{title} {abstract}".index(mention)
    place = f"{start}\t{start + len(mention)}"
    return f"{name}|t|{title}\n{name}|a|{abstract}\n{name}\t{place}\t{mention}\tSpecificDisease\tD0\n"
