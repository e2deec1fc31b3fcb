"""The whole walk of each task on whole texts, on a tiny model that learns something."""

from pathlib import Path

from clintune.checkpoints import Outputs
from clintune.evaluation import evaluate
from clintune.examples import Example
from clintune.files import write_json
from clintune.params import BinaryCrossEntropy, Params, SquaredError
from clintune.preprocessing.counting import Counts
from clintune.tables import write_examples
from clintune.tasks.admission import Admitted
from clintune.tasks.intakes import INTAKES
from clintune.tokenization import tokenize
from tests.walk import Walk

SPLITS = {"train": range(60), "validation": range(100, 112), "test": range(200, 230)}
WORDS = ("aspirin", "metformin", "warfarin")
TARGETS = {
    "classification": lambda kind, number: ("pain", "sugar", "blood")[kind],
    "multilabel": lambda kind, number: (("pain",), ("sugar", "taken"), ())[kind],
    "regression": lambda kind, number: (100.0 + 40 * kind, None if number % 5 == 0 else -1.0 * kind),
}
LOSSES = {
    "multilabel": BinaryCrossEntropy(
        kind="binary_cross_entropy", class_weights=None, label_smoothing=0.0, focal_gamma=0.0
    ),
    "regression": SquaredError(kind="mse"),
}
METRICS = {"classification": "macro_f1", "multilabel": "macro_f1", "regression": "rmse"}
NAMES = {"regression": ("dose", "effect")}


def note(task: str, number: int) -> Example:
    """A note of which one word decides the target; every fourth is longer than a window."""
    kind = number % 3
    text = f"Visit {number}. " + f"The patient takes {WORDS[kind]} daily. " * (6 if number % 4 == 0 else 1)
    return Example(f"n{number}", f"g{number}", text, TARGETS[task](kind, number), {"sex": "fm"[number % 2]})


def text_walk(task: str, tiny: Params, root: Path, *, shareable: bool = True) -> Walk:
    """From notes to an evaluation."""
    from clintune.devices import prepare
    from clintune.inference import predictions
    from clintune.training.fine_tuning import train

    params = params_of(task, tiny, shareable=shareable)
    made = Walk(params, root)
    examples, windows, checkpoint = (made.folder(name) for name in ("examples", "windows", "checkpoint"))
    intake = INTAKES[task]
    counts = Counts.of(intake)
    for split, numbers in SPLITS.items():
        notes = [note(task, number) for number in numbers]
        write_examples(examples / f"{split}.parquet", notes, intake.target)
        for one in notes:
            counts.add(None, split, Admitted(one, names=NAMES.get(task, ())))
    write_json(examples / "summary.json", counts.summary({split: len(one) for split, one in SPLITS.items()}))
    tokenize(params.tokenize, task=task, model=params.model, examples=examples, windows=windows)
    compute = prepare(params.numerics)
    folders = {"windows": windows, "examples": examples, "checkpoint": checkpoint}
    train(params, compute, **folders, report=lambda values, step: None)
    said = predictions(checkpoint, windows / "test.parquet", device=compute.device, batch_tokens=512)
    evaluate(
        params.evaluate, seed=params.seed, outputs=Outputs.read(checkpoint / "outputs.json"),
        examples=examples, windows=windows, predictions=said, folder=made.folder("evaluation"),
    )  # fmt: skip
    return made


def params_of(task: str, tiny: Params, *, shareable: bool) -> Params:
    """Small windows, a high rate, few resamples."""
    quick = {"epochs": 20, "batch_tokens": 256, "log_every": 9, "learning_rate": 0.01,
             "validations_per_epoch": 1, "loss": LOSSES.get(task, tiny.train.loss),
             "stopping": tiny.train.stopping.model_copy(update={"patience": 40, "metric": METRICS[task]}),
             }  # fmt: skip
    judged = {"resamples": 20, "shareable": shareable, "baselines": ("constant", "words"), "shown": 5}
    return tiny.model_copy(update={
        "task": task,
        "tokenize": tiny.tokenize.model_copy(update={"max_tokens": 24, "overlap": 8}),
        "train": tiny.train.model_copy(update=quick),
        "evaluate": tiny.evaluate.model_copy(update=judged),
    })  # fmt: skip
