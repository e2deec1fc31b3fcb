"""params.yaml as types: every knob of a run, validated whole, frozen. The code holds no defaults."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from clintune.errors import ParamsError
from clintune.params_base import (
    Count,
    Fraction,
    Name,
    Names,
    Section,
    Sha256,
)  # fmt: skip
from clintune.params_faults import expect_told_apart, explain, parse_yaml
from clintune.params_models import Encoder, Model, Pretrain, Pretraining, Scratch, Vocabulary
from clintune.params_records import (
    TABLES,
    Conll,
    Preprocess,
    SplitByFile,
    SplitByHash,
    SplitByScaffold,
    Table,
)  # fmt: skip
from clintune.params_training import (
    LOSSES,
    METRICS,
    AbsoluteError,
    Adam,
    AdamW,
    BinaryCrossEntropy,
    CrossEntropy,
    Dropout,
    Full,
    Gradual,
    Group,
    Huber,
    Hybrid,
    Lora,
    Loss,
    Optimizer,
    Partial,
    Penalty,
    Sgd,
    Single,
    SquaredError,
    Stopping,
    Strategy,
    Train,
)

__all__ = [
    "AbsoluteError", "Adam", "AdamW", "BinaryCrossEntropy", "Conll", "CrossEntropy", "Dropout",
    "Encoder", "Evaluate", "Export", "Full", "Gradual", "Group", "Huber", "Hybrid", "Ingest", "Lora", "Loss",
    "Model", "Numerics", "Optimizer", "Params", "Partial", "Penalty", "Preprocess", "Pretraining",
    "Scratch", "Section", "Sgd", "Single", "SplitByFile", "SplitByHash", "SplitByScaffold",
    "SquaredError", "Stopping", "Strategy", "Synthetic", "Table", "Tokenize", "Train", "Vocabulary",
    "leaves", "load_params",
]  # fmt: skip


class Numerics(Section):
    """How numbers are computed. Bits repeat only inside one numeric class: see the README's limits.

    `portable` asks the math libraries for the code path that they promise on every x86-64 CPU, and is
    slower; `native` takes the fastest that this CPU has.
    """

    profile: Literal["portable", "native"]
    threads: Annotated[int, Field(ge=1, le=1024)]


class Synthetic(Section):
    """How many notes the synthetic source writes, and how hard they are to read."""

    patients: Count
    notes_per_patient: Annotated[int, Field(ge=1, le=1000)]
    misspelled: Fraction


class Ingest(Section):
    """Where the records come from: `path` is a corpus (file or folder), or the synthetic vocabulary."""

    source: Literal["synthetic", "files"]
    path: Name
    include: Names
    sha256: Mapping[str, Sha256]
    synthetic: Synthetic | None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.source == "synthetic") != (self.synthetic is not None):
            raise ValueError("synthetic belongs to source synthetic: give its keys there, null elsewhere")
        return self


class Tokenize(Section):
    """Windows of at most `max_tokens` (special tokens included) that share `overlap` tokens."""

    max_tokens: Annotated[int, Field(ge=8)]
    overlap: Annotated[int, Field(ge=0)]
    scheme: Literal["bio", "bioes"]

    @model_validator(mode="after")
    def _advances(self) -> Self:
        if self.overlap * 2 > self.max_tokens:
            raise ValueError("overlap must be at most half of max_tokens")
        return self


Baseline = Literal["constant", "words", "characters", "fingerprints"]


class Evaluate(Section):
    """`shareable`: texts, ids, values of attributes may be shown; else positions, rows, common values.

    `baselines` are fitted on train and scored beside the model, for tasks on whole texts.
    """

    batch_tokens: Count
    resamples: Count
    level: Annotated[float, Field(gt=0, lt=1)]
    shareable: bool
    shown: Annotated[int, Field(ge=0, le=10**9)]
    baselines: Annotated[tuple[Baseline, ...], Field(strict=False)]


class Export(Section):
    """The bundle. `name` is the registered model in MLflow."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    batch_tokens: Count


class Params(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    task: Literal["entities", "classification", "multilabel", "regression"]
    numerics: Numerics
    model: Model
    ingest: Ingest
    preprocess: Preprocess
    pretrain: Pretrain
    tokenize: Tokenize
    train: Train
    evaluate: Evaluate
    export: Export

    def located(self, pretrained: Path) -> Self:
        """With the folders of the encoders that the stage pretrain makes in place of their names."""
        model = self.model.located(pretrained)
        return self if model is self.model else self.model_copy(update={"model": model})

    @model_validator(mode="after")
    def _same_on_every_cpu(self) -> Self:
        trainings = (self.train, *(one.train for one in self.pretrain.values()))
        if self.numerics.profile == "portable" and "bf16" in {one.precision for one in trainings}:
            raise ValueError("train.precision bf16 differs between CPUs, and numerics.profile is portable")
        return self

    @model_validator(mode="after")
    def _encoders_of_the_strategy(self) -> Self:
        strategy, count = self.train.strategy, len(self.model.encoders)
        if (strategy.kind == "hybrid") != (count > 1):
            raise ValueError("train.strategy hybrid and model.companions belong together")
        if strategy.kind == "hybrid" and len(strategy.encoders) != count:
            problem = f"train.strategy.encoders has {len(strategy.encoders)} items"
            raise ValueError(f"{problem} for {count} encoders: the base model and its companions")
        for encoder in self.model.encoders:
            if encoder.source == "pretrained" and encoder.name not in self.pretrain:
                raise ValueError(f"the section pretrain makes no encoder called {encoder.name!r}")
        own = self.pretrain.get(self.model.name) if self.model.source == "pretrained" else None
        if own is not None and self.tokenize.max_tokens > own.max_tokens:
            raise ValueError(f"tokenize.max_tokens is more than the {own.max_tokens} of pretrain")
        return self

    @model_validator(mode="after")
    def _formats_of_the_task(self) -> Self:
        spans, tables = self.task == "entities", self.preprocess.format in TABLES
        if spans == tables:
            wanted = (
                "marks mentions: jsonl, pubtator, brat or conll" if spans else "is a table: csv, tsv, parquet"
            )
            raise ValueError(f"task {self.task} needs a preprocess.format that {wanted}")
        if spans and self.evaluate.baselines:
            raise ValueError("task entities has no evaluate.baselines: write []")
        if self.train.loss.kind not in LOSSES[self.task]:
            losses = " or ".join(sorted(LOSSES[self.task]))
            raise ValueError(f"task {self.task} needs the train.loss {losses}")
        if self.train.stopping.metric not in METRICS[self.task]:
            metrics = " or ".join(sorted(METRICS[self.task]))
            raise ValueError(f"task {self.task} needs the train.stopping.metric {metrics}")
        return self

    @model_validator(mode="after")
    def _targets_apart(self) -> Self:
        names = [name for name in self.preprocess.labels.values() if name is not None]
        if self.task == "regression" and len({*names}) < len(names):
            raise ValueError("task regression has one column per target: preprocess.labels names one twice")
        return self


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name with dots and value of each leaf. Lists and empty sections are leaves."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def load_params(path: Path) -> Params:
    """Read and check params.yaml.

    YAML 1.2, as DVC reads it: 2e-05 is a number there and a text for YAML 1.1.
    Raises ParamsError with the line, the key, what was found and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(str(path), "no such file", "run from the project's folder") from None
    except (UnicodeDecodeError, OSError) as error:
        raise ParamsError(
            str(path),
            f"cannot be read as UTF-8 text ({type(error).__name__})",
            "restore it, for example with git checkout",
        ) from None
    tree = parse_yaml(path, text)
    try:
        found = Params.model_validate(tree)
    except ValidationError as error:
        raise explain(path, text, error, Params) from None
    expect_told_apart(path, text, tree)
    return found
