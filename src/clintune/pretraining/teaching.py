"""Stage pretrain: encoders of the project's own, taught to guess masked tokens. They see no label."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from clintune import params
from clintune.devices import Compute
from clintune.encoders import CONFIG, TOKENIZER, WEIGHTS
from clintune.errors import TrainingError
from clintune.examples import IGNORED, Window
from clintune.files import whole_folder
from clintune.networks import write_weights
from clintune.pretraining.guessing import build, criterion, validation
from clintune.pretraining.listing import write_list
from clintune.pretraining.masking import MaskedWindows, Masks
from clintune.pretraining.vocabulary import learn
from clintune.tables import read_texts, write_windows
from clintune.tracking.run import Origin
from clintune.training.acceleration import put_back, use_fast_parts
from clintune.training.batches import mapped_windows
from clintune.training.course import Course
from clintune.training.history import Report
from clintune.training.learner import Learner
from clintune.training.loop import fit, plan_of
from clintune.training.resuming import Keeper, keeper
from clintune.training.selection import LOSS
from clintune.training.verdict import Verdict
from clintune.windows import load_cutter

_TRAIN, _VALIDATION = 0, 1
"""Which stream of masks."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """What came of one encoder: its pieces and parameters, its best score on validation, the verdict."""

    pieces: int
    parameters: int
    metric: str
    score: float
    verdict: Verdict


def pretrain(
    chosen: params.Params,
    compute: Mapping[str, Compute],
    *,
    examples: Path,
    pretrained: Path,
    report: Report,
    origin: Origin | None = None,
) -> dict[str, Pretrained]:
    """Write a folder for each encoder that params.yaml describes, and a list of them with their sums.

    `compute` is that of each encoder. Of `examples` the texts of train and validation are read, and no
    target. `report` receives numbers while training runs. With `origin`, a run that was interrupted goes on
    where it stood.
    """
    found: dict[str, Pretrained] = {}
    with whole_folder(pretrained) as draft:
        for name, section in chosen.pretrain.items():
            own = origin and origin.part(name).on(compute[name].facts())
            (draft / name).mkdir()
            with keeper(own) as kept, _blamed(name):
                course = _teach(
                    section, compute[name], seed=chosen.seed, examples=examples, folder=draft / name,
                    report=_named(report, name), kept=kept,
                )  # fmt: skip
            found[name] = _save(course, section, seed=chosen.seed, folder=draft / name)
        write_list(draft, found)
    return found


@contextmanager
def _blamed(name: str) -> Iterator[None]:
    """What the training complains of is a key below `pretrain`, and no key of the section train."""
    try:
        yield
    except TrainingError as error:
        next_step = error.next_step.replace("train.", f"pretrain.{name}.train.")
        raise TrainingError(f"pretrain.{name}, {error.place}", error.problem, next_step) from None


def _teach(
    section: params.Pretraining,
    compute: Compute,
    *,
    seed: int,
    examples: Path,
    folder: Path,
    report: Report,
    kept: Keeper | None,
) -> Course:
    """Write the tokenizer, and train an encoder on what it makes of the texts."""
    tokenizer = learn(read_texts(examples / "train.parquet"), section.vocabulary)
    tokenizer.save(str(folder / TOKENIZER))
    pieces = tokenizer.get_vocab_size()
    network = build(section, pieces=pieces, seed=seed)
    use_fast_parts(network, compute)
    network.to(compute.device)
    measured = criterion(network, section.train.loss)
    masks = Masks(section.masked, pieces, (seed, _TRAIN))
    with TemporaryDirectory() as scratch:
        train, held_out = (Path(scratch, f"{split}.parquet") for split in ("train", "validation"))
        for file in (train, held_out):
            write_windows(file, _windows(examples / file.name, folder / TOKENIZER, section), pa.int32())
        others = replace(masks, seed=(seed, _VALIDATION))
        validate = validation(network, measured, held_out, others, batch_tokens=section.train.batch_tokens)
        mapped = mapped_windows(train)
        plan = plan_of(mapped.lengths(), section.train, seed=seed)
        learner = Learner.prepare(network, measured, section.train, steps=len(plan), compute=compute)
        falling = section.train.stopping.metric == LOSS
        course = Course.begin(learner, falling=falling, seed=seed, report=report)
        fit(course, MaskedWindows(mapped, masks), plan, validate=validate, keeper=kept)
    return course


def _save(course: Course, section: params.Pretraining, *, seed: int, folder: Path) -> Pretrained:
    """Write the best weights, the configuration and the curves."""
    pieces = course.learner.network.encoder.config.vocab_size
    fresh = put_back(course.best.weights, {}, build(section, pieces=pieces, seed=seed))
    write_weights(fresh.encoder, folder / WEIGHTS)
    fresh.encoder.config.to_json_file(folder / CONFIG)
    size = sum(tensor.numel() for tensor in fresh.encoder.parameters())
    verdict = course.conclude(folder)
    return Pretrained(pieces, size, section.train.stopping.metric, course.best.score, verdict)


def _windows(examples: Path, tokenizer: Path, section: params.Pretraining) -> Iterator[Window]:
    """The texts in windows without overlap: each token is asked for as often as any other."""
    cutter = load_cutter(tokenizer, max_tokens=section.max_tokens, overlap=0)
    for number, (_, text) in enumerate(read_texts(examples)):
        tokens = cutter.tokens(text)
        yield from cutter.cut(str(number), tokens, [IGNORED] * len(tokens))


def _named(report: Report, name: str) -> Report:
    return lambda values, step: report({f"{name}/{key}": value for key, value in values.items()}, step)


def describe(found: Mapping[str, Pretrained]) -> str:
    """What happened, for a reviewer, in Markdown."""
    lines = [
        "Encoders that started from random weights and learnt to guess masked tokens of the texts of train."
        " Their vocabulary is learnt from the same texts; a piece that only few groups have is left out. No"
        " label was read, and no text of test.",
        "",
        "| encoder | pieces | parameters | best on validation | verdict |",
        "| --- | --: | --: | --: | --- |",
    ]
    for name, one in found.items():
        best = f"{one.metric} {one.score:.4f}"
        lines.append(f"| {name} | {one.pieces:,} | {one.parameters:,} | {best} | {one.verdict.word} |")
    return "\n".join(lines)
