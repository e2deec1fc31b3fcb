"""The stages before training, and what training does before its first step; nothing is kept."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from clintune.cli.findings import Finding
from clintune.encoders import tokenizer_file, weights_file
from clintune.errors import ModelError, UserError
from clintune.ingesting import ingest
from clintune.params import Encoder, Model, Params
from clintune.preprocessing import preprocess
from clintune.tasks.intakes import INTAKES
from clintune.tokenization import Summary, tokenize, unread


def rehearsal(root: Path, params: Params) -> Iterator[Finding]:
    """Read and cut every record, and make ready to train on them. Raises UserError where a stage would."""
    section = params.ingest.model_copy(update={"path": str(root / params.ingest.path)})
    with TemporaryDirectory() as scratch:
        raw, examples, windows = (Path(scratch, name) for name in ("raw", "examples", "windows"))
        ingest(section, seed=params.seed, raw=raw)
        found = preprocess(
            params.preprocess, seed=params.seed, intake=INTAKES[params.task], raw=raw, examples=examples
        )
        splits = ", ".join(f"{split} {one['examples']}" for split, one in found["splits"].items())
        records = found["records"]
        seen = f"{records['in']} records read, {records['quarantined']} quarantined; {splits}"
        yield Finding("records", "ok", seen)
        if "pretrained" in {one.source for one in params.model.encoders}:
            missing, step = "a tokenizer of the model is yet to be made", "pretrain makes it"
        elif not _at_hand(params.model, tokenizer_file):
            missing, step = "a tokenizer is not on this machine yet", "tokenize fetches it"
        else:
            yield from _with_tokenizers(params, examples=examples, windows=windows)
            return
        yield Finding("windows", "unknown", missing, step)


def _with_tokenizers(params: Params, *, examples: Path, windows: Path) -> Iterator[Finding]:
    cut = tokenize(params.tokenize, task=params.task, model=params.model, examples=examples, windows=windows)
    yield _windows(cut)
    if _at_hand(params.model, weights_file):
        yield _training(params, windows=windows, examples=examples)


def _windows(cut: Summary) -> Finding:
    caution = unread(cut)
    if caution:
        return Finding("windows", "finding", caution, "choose a base model for this language")
    number = sum(counts["windows"] for counts in cut.values())
    return Finding("windows", "ok", f"{number} windows; the tokenizer knows the text")


def _training(params: Params, *, windows: Path, examples: Path) -> Finding:
    """What train would refuse before its first step: layers, names and labels that are not there."""
    from clintune.devices import prepare
    from clintune.training.fine_tuning import rehearse

    try:
        compute = prepare(params.numerics, params.train.precision)
        found = rehearse(params, compute, windows=windows, examples=examples)
    except UserError as error:
        return Finding("training", "finding", str(error))
    seen = f"{found.trained:,} of {found.parameters:,} parameters from the first step on"
    return Finding("training", "ok", f"{seen}, {found.steps:,} steps at most")


def _at_hand(model: Model, file: Callable[[Encoder], object]) -> bool:
    """What is wrong with one that is to lie here is for those to say who read it."""
    try:
        for encoder in model.encoders:
            if encoder.source == "hub":
                file(encoder)
    except ModelError:
        return False
    return True
