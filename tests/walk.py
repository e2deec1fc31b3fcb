"""The whole walk on a tiny model that really finds something: examples, windows, checkpoint, evaluation."""

from dataclasses import dataclass
from pathlib import Path

from clintune.checkpoints import Outputs
from clintune.evaluation import evaluate
from clintune.examples import Example, Span
from clintune.exporting import export
from clintune.files import write_json
from clintune.params import Params
from clintune.tables import SPANS, write_examples
from clintune.tokenization import tokenize

DRUGS = ("aspirin", "metformin", "warfarin", "insulin")
TEXT = "Visit {number}. The patient takes {drug} daily and feels {mood}."


@dataclass(frozen=True)
class Walk:
    """What the stages before export leave, and the params that they had."""

    params: Params
    root: Path

    def folder(self, name: str) -> Path:
        """For example examples, or checkpoint."""
        return self.root / name

    def export(self, bundle: Path):
        """Write a bundle."""
        folders = {name: self.folder(name) for name in ("checkpoint", "examples", "evaluation")}
        return export(self.params, **folders, bundle=bundle)


def note(number: int) -> Example[tuple[Span, ...]]:
    """A note that names a drug; its group and id are its number."""
    drug = DRUGS[number % len(DRUGS)]
    text = TEXT.format(number=number, drug=drug, mood="well" if number % 3 else "tired")
    start = text.index(drug)
    return Example(f"n{number}", f"n{number}", text, (Span(start, start + len(drug), "Drug"),))


def walk(tiny: Params, root: Path) -> Walk:
    """From notes to an evaluation."""
    from clintune.devices import prepare
    from clintune.inference import predictions
    from clintune.training.fine_tuning import train

    stopping = tiny.train.stopping.model_copy(update={"patience": 12})
    quick = {"epochs": 12, "batch_tokens": 256, "log_every": 9, "learning_rate": 0.01, "stopping": stopping}
    params = tiny.model_copy(update={
        "tokenize": tiny.tokenize.model_copy(update={"max_tokens": 32, "overlap": 8}),
        "train": tiny.train.model_copy(update=quick),
        "evaluate": tiny.evaluate.model_copy(update={"resamples": 20}),
    })  # fmt: skip
    made = Walk(params, root)
    examples, windows, checkpoint = (made.folder(name) for name in ("examples", "windows", "checkpoint"))
    splits = {"train": range(48), "validation": range(100, 108), "test": range(200, 212)}
    for split, numbers in splits.items():
        write_examples(examples / f"{split}.parquet", map(note, numbers), SPANS)
    write_json(examples / "summary.json", _summary({split: len(one) for split, one in splits.items()}))
    tokenize(params.tokenize, task="entities", model=params.model, examples=examples, windows=windows)
    compute = prepare(params.numerics)
    folders = {"windows": windows, "examples": examples, "checkpoint": checkpoint}
    train(params, compute, **folders, report=lambda values, step: None)
    said = predictions(checkpoint, windows / "test.parquet", device=compute.device, batch_tokens=512)
    evaluate(
        params.evaluate, seed=params.seed, outputs=Outputs.read(checkpoint / "outputs.json"),
        examples=examples, windows=windows, predictions=said,
        folder=made.folder("evaluation"),
    )  # fmt: skip
    return made


def _summary(counts: dict[str, int]) -> dict:
    """As preprocess writes it, where the card looks."""
    kept = sum(counts.values())
    return {
        "labels": ["Drug"],
        "records": {"in": kept, "kept": kept, "quarantined": 0, "left_out": 0},
        "splits": {
            split: {"examples": count, "groups": count, "characters": 70 * count, "spans": {"Drug": count}}
            for split, count in counts.items()
        },
    }
