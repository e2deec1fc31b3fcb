"""Stage train: fine-tune the base model on windows; keep the weights that are best on validation."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from clintune import params
from clintune.checkpoints import TOKENIZERS, Outputs
from clintune.devices import Compute
from clintune.encoders import tokenizer_file, with_sums
from clintune.files import whole_folder, write_json
from clintune.networks import Network, build, save
from clintune.tasks.scorers import SCORERS
from clintune.tracking.run import Origin
from clintune.training.acceleration import accelerate_network, put_back
from clintune.training.adapters import add_adapters, merge_adapters
from clintune.training.batches import MappedWindows, mapped_windows
from clintune.training.census import label_totals, tokens_in
from clintune.training.course import Course
from clintune.training.history import Report
from clintune.training.learner import Learner
from clintune.training.loop import Planned, fit, plan_of
from clintune.training.losses import criterion_of
from clintune.training.resuming import keeper
from clintune.training.selection import LOSS, Best, Validate
from clintune.training.used_rows import UsedRows
from clintune.training.validation import validation
from clintune.training.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of training: the state that was kept, and the verdict on the curves."""

    best: Best
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How many parameters the first step trains, of how many, and how many steps there are at most."""

    trained: int
    parameters: int
    steps: int


def train(
    chosen: params.Params,
    compute: Compute,
    *,
    windows: Path,
    examples: Path,
    checkpoint: Path,
    report: Report,
    origin: Origin | None = None,
) -> Trained:
    """Write a checkpoint: weights, configuration, tokenizers, meaning of the outputs, curves, params.

    `windows` and `examples` are the folders of the stages tokenize and preprocess; of the examples only
    validation is read, as the gold. `report` receives numbers while training runs. With `origin`, a run
    that was interrupted goes on where it stood, to the same bytes.
    """
    outputs = Outputs.read(windows / "outputs.json")
    mapped = mapped_windows(windows / "train.parquet")
    with keeper(origin and origin.on(compute.facts())) as kept:
        ready = _prepare(chosen, compute, outputs, mapped, windows=windows, examples=examples)
        falling = _falls(chosen.train, outputs)
        course = Course.begin(ready.learner, falling=falling, seed=chosen.seed, report=report)
        fit(course, mapped, ready.plan, validate=ready.validate, keeper=kept)
        with whole_folder(checkpoint) as draft:
            save(_at_last(course.best.weights, ready.tables, chosen, outputs), draft)
            verdict = course.conclude(draft)
            _write_facts(draft, chosen, outputs)
    return Trained(course.best, verdict)


def rehearse(chosen: params.Params, compute: Compute, *, windows: Path, examples: Path) -> Rehearsed:
    """All that `train` does before its first step: whatever refuses params or data then does so here."""
    outputs = Outputs.read(windows / "outputs.json")
    mapped = mapped_windows(windows / "train.parquet")
    ready = _prepare(chosen, compute, outputs, mapped, windows=windows, examples=examples)
    everything = sum(tensor.numel() for tensor in ready.learner.network.parameters())
    return Rehearsed(ready.learner.trained(), everything, len(ready.plan))


@dataclass(frozen=True, slots=True)
class _Ready:
    """What training needs for its first step; `tables` are the embeddings of tokens in use."""

    tables: Mapping[str, UsedRows]
    validate: Validate
    plan: Sequence[Planned]
    learner: Learner


def _prepare(
    chosen: params.Params,
    compute: Compute,
    outputs: Outputs,
    mapped: MappedWindows,
    *,
    windows: Path,
    examples: Path,
) -> _Ready:
    section, table, held_out = chosen.train, windows / "train.parquet", windows / "validation.parquet"
    network = _at_first(chosen, outputs)
    known = tokens_in(table, held_out, companions=len(chosen.model.companions))
    tables = accelerate_network(network, compute, known)
    network.to(compute.device)
    criterion = criterion_of(section.loss, outputs, label_totals(table, outputs))
    validate = validation(
        network, criterion, outputs, windows=held_out,
        examples=examples / "validation.parquet", batch_tokens=section.batch_tokens,
    )  # fmt: skip
    plan = plan_of(mapped.lengths(), section, seed=chosen.seed)
    learner = Learner.prepare(network, criterion, section, steps=len(plan), compute=compute)
    return _Ready(tables, validate, plan, learner)


def _at_first(chosen: params.Params, outputs: Outputs) -> Network:
    """The network before its first step."""
    network = build(chosen.model, outputs, seed=chosen.seed, dropout=chosen.train.dropout)
    add_adapters(network, chosen.train, seed=chosen.seed + 2)  # apart from head and dropout
    return network


def _at_last(
    weights: Mapping[str, Tensor], tables: Mapping[str, UsedRows], chosen: params.Params, outputs: Outputs
) -> Network:
    """The trained network with the tensors of the base model, whatever the strategy."""
    network = put_back(weights, tables, _at_first(chosen, outputs))
    merge_adapters(network, chosen.train)
    return network


def _write_facts(folder: Path, chosen: params.Params, outputs: Outputs) -> None:
    """What stands beside weights and curves: tokenizers, meaning of the outputs, params."""
    outputs.write(folder / "outputs.json")
    (folder / TOKENIZERS).mkdir()
    for name, encoder in zip(outputs.tokenizers, chosen.model.encoders, strict=True):
        shutil.copyfile(tokenizer_file(encoder), folder / TOKENIZERS / name)
    sections = {"numerics": chosen.numerics, "model": with_sums(chosen.model), "train": chosen.train}
    made_by = {name: one.model_dump(mode="json") for name, one in sections.items()}
    write_json(folder / "params.json", {"seed": chosen.seed, **made_by})


def _falls(section: params.Train, outputs: Outputs) -> bool:
    """Whether the score that training stops by is better the lower it is."""
    return section.stopping.metric in SCORERS[outputs.task].errors | {LOSS}


def describe(chosen: params.Params, trained: Trained) -> str:
    """What happened, for a reviewer, in Markdown."""
    section, best = chosen.train, trained.best
    start = "random weights" if chosen.model.scratch else f"`{chosen.model.name}`"
    beside = ", ".join(f"`{one.name}`" for one in chosen.model.companions)
    companions = f" with {beside} beside it, fused by {chosen.model.fusion}," if beside else ""
    kept = f"the {section.stopping.restore}"
    if section.averaging is not None:
        kept += f" running mean of the weights (decay {section.averaging:g})"
    return (
        f"The base model ({start}){companions} was fine-tuned ({section.strategy.kind}) for at most"
        f" {section.epochs} epochs with {section.optimizer.kind}, learning rate {section.learning_rate:g},"
        f" batches of at most {section.batch_tokens} tokens, seed {chosen.seed}. The weights kept are {kept};"
        f" the best on validation: {section.stopping.metric} {best.score:.4f} after step {best.step}."
        " The test split was not read: it is no dependency of this stage."
        f"\n\n**Verdict**: {trained.verdict}."
    )
