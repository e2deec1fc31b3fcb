"""params.yaml as types: every knob of a run, validated whole, frozen. The code holds no defaults."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clintune.errors import ParamsError
from clintune.params_faults import explain, parse_yaml

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
"""Below 1: what is left of the whole is divided by, or nothing would be."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Name = Annotated[str, Field(min_length=1)]
# YAML knows lists only; everything else stays strict, so that '2e-5' in quotes is not taken for a number.
Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]


class Section(BaseModel):
    """A part of params.yaml: unknown keys are errors, values are never converted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Numerics(Section):
    """How numbers are computed. Bits repeat only inside one numeric class: see the README's limits.

    `portable` asks the math libraries for the code path that they promise on every x86-64 CPU, and is
    slower; `native` takes the fastest that this CPU has.
    """

    profile: Literal["portable", "native"]
    threads: Annotated[int, Field(ge=1, le=1024)]


class Scratch(Section):
    """Sizes of an encoder that starts from random weights."""

    layers: Count
    hidden: Count
    heads: Count
    intermediate: Count

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError("hidden must be a multiple of heads")
        return self


class Model(Section):
    """Where the base model comes from. Each file is compared with its SHA-256 before use.

    `name` is `package/folder` for a Python package that carries the files, a path for a folder, and
    `organisation/name` for the Hugging Face Hub, which needs a 40-digit `revision`. With `scratch`, the
    tokenizer and the configuration come from there and the weights are random.
    """

    source: Literal["package", "folder", "hub"]
    name: Name
    revision: Annotated[str, Field(pattern="^[0-9a-f]{40}$")] | None
    tokenizer_sha256: Sha256
    config_sha256: Sha256
    weights_sha256: Sha256 | None
    scratch: Scratch | None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.source == "hub") != (self.revision is not None):
            raise ValueError("revision belongs to source hub: 40 hex digits there, null elsewhere")
        if (self.scratch is None) != (self.weights_sha256 is not None):
            raise ValueError("give either weights_sha256 or scratch, and null for the other")
        return self


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


class SplitByHash(Section):
    """Each group falls into a split by a hash of its name and the seed."""

    by: Literal["hash"]
    train: Fraction
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise ValueError("train, validation and test must add up to 1")
        if not (self.train and self.validation and self.test):
            raise ValueError("train, validation and test must each be above 0")
        return self


class SplitByFile(Section):
    """The corpus comes with its splits: each is a glob pattern of paths below data/raw/files."""

    by: Literal["file"]
    train: Name
    validation: Name
    test: Name


class Conll(Section):
    """Columns of a CoNLL file: which separator, which column is the token and which the tag."""

    scheme: Literal["iob1", "iob2", "iobes"]
    separator: Literal["space", "tab"]
    token: Annotated[int, Field(ge=0)]
    tag: Annotated[int, Field(ge=0)]
    joiner: Literal["", " "]


class Preprocess(Section):
    """How raw files become checked examples. `labels` renames; a label mapped to null is left out."""

    format: Literal["jsonl", "pubtator", "brat", "conll"]
    conll: Conll | None
    split: SplitByHash | SplitByFile = Field(discriminator="by")
    labels: Mapping[str, str | None]
    max_quarantined: Fraction

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.format == "conll") != (self.conll is not None):
            raise ValueError("conll belongs to format conll: give its keys there, null elsewhere")
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


class Dropout(Section):
    """Shares of numbers set to 0 while training; null: as the base model's configuration has it."""

    hidden: Share | None
    attention: Share | None


class Full(Section):
    """Every weight is trained, from the first step on."""

    kind: Literal["full"]


class Partial(Section):
    """Some weights stay as they are: the embeddings, the first `layers` layers, tensors by their names."""

    kind: Literal["partial"]
    embeddings: bool
    layers: Annotated[int, Field(ge=0)]
    names: Annotated[tuple[Name, ...], Field(strict=False)]


class Gradual(Section):
    """The head and the `initially` topmost layers are trained at first; then one layer more, from the top.

    `every` so many epochs, steps, or validations without a gain in a row (`plateau`). After the last layer
    come the embeddings, if `embeddings` says so. Howard and Ruder 2018, arXiv:1801.06146.
    """

    kind: Literal["gradual"]
    initially: Annotated[int, Field(ge=0)]
    every: Count
    unit: Literal["epoch", "step", "plateau"]
    embeddings: bool


Strategy: TypeAlias = Annotated[Full | Partial | Gradual, Field(discriminator="kind")]


class Sgd(Section):
    """Stochastic gradient descent (Sutskever et al. 2013 for both kinds of momentum)."""

    kind: Literal["sgd"]
    momentum: Share
    nesterov: bool

    @model_validator(mode="after")
    def _ahead_of_something(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs momentum above 0")
        return self


class Adam(Section):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980)."""

    kind: Literal["adam"]
    beta1: Share
    beta2: Share
    epsilon: Positive


class AdamW(Section):
    """AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

    kind: Literal["adamw"]
    beta1: Share
    beta2: Share
    epsilon: Positive
    weight_decay: NotNegative


Optimizer: TypeAlias = Annotated[Sgd | Adam | AdamW, Field(discriminator="kind")]


class Group(Section):
    """Tensors whose name fits the pattern `names` have settings of their own; null: as the others."""

    names: Name
    learning_rate: Positive | None
    weight_decay: NotNegative | None


class CrossEntropy(Section):
    """Cross-entropy over classes; `class_weights` and `focal_gamma` for rare ones. See training.losses."""

    kind: Literal["cross_entropy"]
    class_weights: Literal["balanced"] | Mapping[str, NotNegative] | None
    label_smoothing: Share
    focal_gamma: NotNegative

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.label_smoothing and self.focal_gamma:
            raise ValueError("label_smoothing and focal_gamma exclude each other: set one of them to 0")
        return self


Loss: TypeAlias = CrossEntropy


class Penalty(Section):
    """Added to the loss: `l1` times the sum of |w|, `l2` / 2 times the sum of w², over weight matrices."""

    l1: NotNegative
    l2: NotNegative


class Stopping(Section):
    """When training ends early, and which weights are kept: by a score on validation."""

    metric: Name
    patience: Count
    min_change: NotNegative
    restore: Literal["best", "last"]


class Train(Section):
    """Fine-tuning. `warmup` is the share of steps in which the learning rate rises to its full height.

    `layer_decay` lowers the learning rate of each layer below the top by this factor once more.
    """

    strategy: Strategy
    epochs: Count
    learning_rate: Positive
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    groups: Annotated[tuple[Group, ...], Field(strict=False)]
    schedule: Literal["linear", "cosine", "constant"]
    warmup: Fraction
    optimizer: Optimizer
    loss: Loss
    penalty: Penalty
    batch_tokens: Count
    accumulation: Count
    clip_norm: Positive
    dropout: Dropout
    precision: Literal["fp32", "bf16", "auto"]
    validations_per_epoch: Count
    stopping: Stopping
    log_every: Count

    @model_validator(mode="after")
    def _decay_by_adamw(self) -> Self:
        if self.optimizer.kind != "adamw" and any(group.weight_decay is not None for group in self.groups):
            raise ValueError("weight_decay of a group belongs to the optimizer adamw; others have penalty.l2")
        return self


class Evaluate(Section):
    """`shareable`: texts, ids, values of attributes may be shown; else positions, rows, common values."""

    batch_tokens: Count
    resamples: Count
    level: Annotated[float, Field(gt=0, lt=1)]
    shareable: bool
    shown: Annotated[int, Field(ge=0)]


class Export(Section):
    """The bundle. `name` is the registered model in MLflow."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    batch_tokens: Count


class Params(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    task: Literal["entities"]
    numerics: Numerics
    model: Model
    ingest: Ingest
    preprocess: Preprocess
    tokenize: Tokenize
    train: Train
    evaluate: Evaluate
    export: Export

    @model_validator(mode="after")
    def _same_on_every_cpu(self) -> Self:
        if self.numerics.profile == "portable" and self.train.precision == "bf16":
            raise ValueError("train.precision bf16 differs between CPUs, and numerics.profile is portable")
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
        return Params.model_validate(tree)
    except ValidationError as error:
        raise explain(path, text, error, Params) from None
