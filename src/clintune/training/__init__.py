"""Stage train: fine-tune the base model on windows; keep the weights that are best on validation."""

import shutil
import tempfile
from pathlib import Path

import datasets
from torch import manual_seed

from clintune import params
from clintune.checkpoints import Outputs
from clintune.devices import Compute
from clintune.encoders import TOKENIZER, tokenizer_file
from clintune.files import whole_folder, write_json
from clintune.networks import build, save
from clintune.training.acceleration import accelerate_network, put_back
from clintune.training.batches import MappedWindows
from clintune.training.census import label_counts, tokens_in
from clintune.training.history import History, Report
from clintune.training.learner import Learner
from clintune.training.loop import fit, plan_of
from clintune.training.losses import criterion_of
from clintune.training.selection import Best
from clintune.training.validation import validation


def train(
    chosen: params.Params,
    compute: Compute,
    *,
    windows: Path,
    examples: Path,
    checkpoint: Path,
    report: Report,
) -> Best:
    """Write a checkpoint: weights, configuration, tokenizer, meaning of the outputs, curves, params.

    `windows` and `examples` are the folders of the stages tokenize and preprocess; of the examples only
    validation is read, as the gold. `report` receives numbers while training runs.
    """
    section = chosen.train
    outputs = Outputs.read(windows / "outputs.json")
    network = build(chosen.model, outputs, seed=chosen.seed, dropout=section.dropout)
    tables = [windows / f"{split}.parquet" for split in ("train", "validation")]
    rows = accelerate_network(network, compute, tokens_in(*tables))
    network.to(compute.device)
    history = History(report)
    criterion = criterion_of(section.loss, outputs.labels, label_counts(tables[0]))
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as scratch:
        mapped = MappedWindows(tables[0], Path(scratch))
        plan = plan_of(mapped.lengths(), section, seed=chosen.seed)
        learner = Learner.prepare(network, criterion, section, steps=len(plan), compute=compute)
        manual_seed(chosen.seed + 1)  # dropout: apart from the first weights, which the seed decides
        validate = validation(
            network, criterion, outputs, windows=tables[1],
            examples=examples / "validation.parquet", batch_tokens=section.batch_tokens,
        )  # fmt: skip
        best = fit(learner, mapped, plan, validate=validate, history=history)
    fresh = build(chosen.model, outputs, seed=chosen.seed, dropout=section.dropout)
    with whole_folder(checkpoint) as draft:
        save(put_back(best.weights, rows, fresh), draft)
        shutil.copyfile(tokenizer_file(chosen.model), draft / TOKENIZER)
        outputs.write(draft / "outputs.json")
        history.write(draft)
        sections = {"numerics": chosen.numerics, "model": chosen.model, "train": section}
        made_by = {name: one.model_dump(mode="json") for name, one in sections.items()}
        write_json(draft / "params.json", {"seed": chosen.seed, **made_by})
    return best


def describe(chosen: params.Params, best: Best) -> str:
    """What happened, for a reviewer, in Markdown."""
    section = chosen.train
    start = "random weights" if chosen.model.scratch else f"`{chosen.model.name}`"
    kept = f"the {section.stopping.restore}"
    return (
        f"The base model ({start}) was fine-tuned ({section.strategy.kind}) for at most {section.epochs}"
        f" epochs with {section.optimizer.kind}, learning rate {section.learning_rate:g}, batches of at most"
        f" {section.batch_tokens} tokens, seed {chosen.seed}. The weights kept are {kept}; the best on"
        f" validation: {section.stopping.metric} {best.score:.4f} after step {best.step}. The test split was"
        " not read: it is no dependency of this stage."
    )
