"""Stage train: fine-tune the base model on windows; keep the weights that are best on validation."""

import shutil
import tempfile
from pathlib import Path

import datasets
import torch
from accelerate import Accelerator

from clintune import params
from clintune.batching import predict
from clintune.checkpoints import Outputs
from clintune.devices import prepare, uses_bf16
from clintune.encoders import TOKENIZER, tokenizer_file
from clintune.files import whole_folder, write_json
from clintune.networks import Network, build, forward_of, save
from clintune.tables import read_examples, read_windows
from clintune.tasks.codecs import CODECS
from clintune.tasks.heads import HEADS
from clintune.tasks.scorers import SCORERS
from clintune.training.batches import MappedWindows
from clintune.training.history import History, Report
from clintune.training.learner import Learner
from clintune.training.loop import Validate, epochs, fit
from clintune.training.selection import Best


def train(chosen: params.Params, *, windows: Path, examples: Path, checkpoint: Path, report: Report) -> Best:
    """Write a checkpoint: weights, configuration, tokenizer, meaning of the outputs, curves, params.

    `windows` and `examples` are the folders of the stages tokenize and preprocess; of the examples only
    validation is read, as the gold. `report` receives numbers while training runs.
    """
    section = chosen.train
    device = prepare(chosen.numerics)
    precision = "bf16" if uses_bf16(section.precision, chosen.numerics, device) else "no"
    accelerator = Accelerator(mixed_precision=precision, cpu=device.type == "cpu")
    outputs = Outputs.read(windows / "outputs.json")
    network = build(chosen.model, outputs, seed=chosen.seed, dropout=section.dropout).to(device)
    history = History(report)
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as scratch:
        mapped = MappedWindows(windows / "train.parquet", Path(scratch))
        plan = epochs(mapped.lengths(), section, seed=chosen.seed)
        learner = Learner.prepare(
            network, HEADS[outputs.task], section, steps=sum(map(len, plan)), accelerator=accelerator
        )
        torch.manual_seed(chosen.seed + 1)  # dropout: apart from the first weights, which the seed decides
        validate = _validation(network, outputs, windows, examples, section.batch_tokens)
        height = SCORERS[outputs.task].height
        best = fit(learner, mapped, section, plan=plan, validate=validate, height=height, history=history)
    network.load_state_dict(best.weights)
    best.score = SCORERS[outputs.task].sign * best.score
    with whole_folder(checkpoint) as draft:
        save(network, draft)
        shutil.copyfile(tokenizer_file(chosen.model), draft / TOKENIZER)
        outputs.write(draft / "outputs.json")
        history.write(draft)
        sections = {"numerics": chosen.numerics, "model": chosen.model, "train": section}
        made_by = {name: one.model_dump(mode="json") for name, one in sections.items()}
        write_json(draft / "params.json", {"seed": chosen.seed, **made_by})
    return best


def _validation(
    network: Network, outputs: Outputs, windows: Path, examples: Path, batch_tokens: int
) -> Validate:
    forward = forward_of(network, next(network.parameters()).device)
    target, score = CODECS[outputs.task].target, SCORERS[outputs.task].score

    def validate() -> dict[str, float]:
        predictions = predict(
            read_windows(windows / "validation.parquet"), forward, outputs, batch_tokens=batch_tokens
        )
        gold = read_examples(examples / "validation.parquet", target)
        return score((one.target, two.target) for one, two in zip(gold, predictions, strict=True))

    return validate


def describe(chosen: params.Params, best: Best) -> str:
    """What happened, for a reviewer, in Markdown."""
    section = chosen.train
    start = "random weights" if chosen.model.scratch else f"`{chosen.model.name}`"
    return (
        f"The base model ({start}) was fine-tuned for at most {section.epochs} epochs with AdamW, learning"
        f" rate {section.learning_rate:g}, batches of at most {section.batch_tokens} tokens, seed"
        f" {chosen.seed}. The weights kept are those after step {best.step}, the best on validation"
        f" ({best.score:.4f}). The test split was not read: it is no dependency of this stage."
    )
