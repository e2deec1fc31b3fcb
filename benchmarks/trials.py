"""One run of a recipe, in a clone of HEAD, with some params changed: what it scored, and what it cost."""

import argparse
import csv
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from commands import Cost, measured, run
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))


@dataclass(frozen=True, slots=True)
class Score:
    """A score that models are compared by. Shares are given in points, errors in their units."""

    name: str
    title: str
    falling: bool

    @property
    def digits(self) -> int:
        """How many decimals are worth printing."""
        return 3 if self.falling else 2

    def shown(self, value: float) -> float:
        """As it is printed."""
        return round(value if self.falling else 100 * value, self.digits)


@dataclass(frozen=True, slots=True)
class Trial:
    """`test` has the headline over all of test, then over each label of entities; `baselines` theirs."""

    changes: Mapping[str, Any]
    headline: Score
    test: Mapping[str, float]
    baselines: Mapping[str, float]
    validation: Sequence[float]
    trained: int
    train: Cost
    checkpoint_sha256: str

    def as_json(self) -> str:
        """One line."""
        return json.dumps({**asdict(self), "headline": self.headline.title}, ensure_ascii=False)


def parser(description: str | None) -> argparse.ArgumentParser:
    """What every benchmark of recipes understands."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("recipe")
    made.add_argument("--corpus", type=Path, help="its folder or file; the recipe synthetic has none")
    made.add_argument("--seeds", type=int, nargs="+", default=[17, 18, 19])
    made.add_argument(
        "--set", type=_setting, nargs="*", default=[], metavar="KEY=VALUE", help="params, as train.epochs=1"
    )
    made.add_argument("--scratch", type=Path, help="where to work; the system's temporary folder otherwise")
    return made


def _setting(text: str) -> tuple[str, Any]:
    key, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, YAML(typ="safe").load(value)


@contextmanager
def clones(scratch: Path | None, *names: str) -> Iterator[list[Path]]:
    """Clones of HEAD in one temporary folder, without the results that are committed."""
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        made = [Path(folder, name) for name in names]
        for clone in made:
            run(clone.parent, "git", "clone", "-q", str(ROOT), str(clone))
            (clone / "dvc.lock").unlink(missing_ok=True)
        yield made


def trial(clone: Path, recipe: str, corpus: Path | None, changes: Mapping[str, Any]) -> Trial:
    """Run the recipe up to evaluate, whatever params.yaml of the clone was before."""
    place = [] if corpus is None else ["--corpus", str(corpus.resolve())]
    run(clone, "clintune", "use", recipe, *place)
    set_params(clone / "params.yaml", changes)
    run(clone, "dvc", "repro", "tokenize")
    said, cost = measured(clone, "dvc", "repro", "train")
    if "Running stage 'train'" not in said:
        sys.exit(f"train did not run with {dict(changes)}: DVC had its outputs of a run before")
    run(clone, "dvc", "repro", "evaluate")
    checkpoint = clone / "data/checkpoint"
    task = _json(checkpoint / "outputs.json")["task"]
    metrics, score = _json(clone / "data/evaluation/metrics.json"), headline_of(task)
    places = {"all": metrics["strict"], **metrics["label"]} if task == "entities" else {"all": metrics}
    trained = _columns(checkpoint / "training.csv")["trained_parameters"]
    return Trial(
        changes=changes,
        headline=score,
        test={name: score.shown(found[score.name]) for name, found in places.items()},
        baselines={name: score.shown(one[score.name]) for name, one in metrics.get("baseline", {}).items()},
        validation=_curve(checkpoint / "validation.csv", task),
        trained=int(max(trained)),
        train=Cost(round(cost.seconds, 1), round(cost.peak_mib)),
        checkpoint_sha256=hashlib.sha256((checkpoint / "model.safetensors").read_bytes()).hexdigest(),
    )


def headline_of(task: str) -> Score:
    """What the report of a task shows first."""
    from clintune.evaluation.texts.judging import MANNERS

    if task == "entities":
        return Score("f1", "strict F1", falling=False)
    measure = MANNERS[task].headline
    return Score(measure.name, measure.title, falling=measure.best == "low")


def _curve(path: Path, task: str) -> list[float]:
    """The last column of validation.csv: the score that training stopped by."""
    from clintune.tasks.scorers import SCORERS

    name, values = list(_columns(path).items())[-1]
    score = Score(name, name, falling=name in SCORERS[task].errors | {"loss"})
    return [score.shown(value) for value in values]


def _columns(path: Path) -> dict[str, list[float]]:
    with path.open(newline="", encoding="utf-8") as stream:
        heads, *rows = csv.reader(stream)
    columns = [list(map(float, column)) for column in zip(*rows, strict=True)]
    return dict(zip(heads, columns, strict=True))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def set_params(path: Path, changes: Mapping[str, Any]) -> None:
    """Change keys of params.yaml, each named by its path with dots."""
    yaml = YAML()
    tree = yaml.load(path)
    for key, value in changes.items():
        *sections, leaf = key.split(".")
        section = tree
        for name in sections:
            section = section[name]
        section[leaf] = value
    yaml.dump(tree, path)


def output_hashes(clone: Path) -> dict[str, str]:
    """Every output in dvc.lock with its hash."""
    stages = YAML(typ="safe").load(clone / "dvc.lock")["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
