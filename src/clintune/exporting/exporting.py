"""Stage export: a checkpoint into a bundle that predicts exactly what the evaluation saw."""

import shutil
from importlib.metadata import version
from pathlib import Path

from clintune import params
from clintune.checkpoints import TOKENIZERS, Outputs
from clintune.devices import prepare
from clintune.encoders import CONFIG, WEIGHTS
from clintune.errors import BundleError
from clintune.exporting.card_facts import Facts
from clintune.exporting.cards import CARDS
from clintune.exporting.comparing import Comparison, compare
from clintune.exporting.model_card import model_card
from clintune.exporting.onnx_file import write_onnx
from clintune.files import read_json, whole_file, whole_folder
from clintune.networks import forward_of, load
from clintune.serving import Predictor, load_bundle
from clintune.serving.manifest import seal
from clintune.serving.predictor import MODEL
from clintune.serving.self_check import PROBE, TOLERANCE, Answer, SelfCheck, self_check
from clintune.windows import cutter_of

CARD = "MODEL_CARD.md"
_MADE_WITH = ("clintune", "numpy", "onnx", "onnxruntime", "onnxscript", "tokenizers", "torch", "transformers")


def export(
    chosen: params.Params, *, checkpoint: Path, examples: Path, evaluation: Path, bundle: Path
) -> Comparison:
    """Write `bundle`, load it back, and compare what it predicts of test with evaluation's predictions.

    Raises BundleError where anything differs: then there is no bundle.
    """
    outputs = Outputs.read(checkpoint / "outputs.json")
    threads = chosen.numerics.threads
    with whole_folder(bundle) as draft:
        for name in (WEIGHTS, CONFIG):
            shutil.copyfile(checkpoint / name, draft / name)
        for name in outputs.tokenizers:
            shutil.copyfile(checkpoint / TOKENIZERS / name, draft / name)
        expected = _write_model(chosen, checkpoint, outputs, draft)
        _seal(draft, chosen.export, outputs)
        comparison = compare(
            load_bundle(draft, threads=threads),
            test=examples / "test.parquet",
            predictions=evaluation / "predictions.parquet",
            tolerance=TOLERANCE,
        )
        check = SelfCheck(comparison.examples, comparison.items, TOLERANCE, PROBE, expected)
        check.write(draft, outputs.task)
        _write_card(draft, chosen, outputs, checkpoint, examples, evaluation)
        _seal(draft, chosen.export, outputs)
        _, differences = self_check(draft, threads=threads)
        if differences:
            problem = f"ONNX Runtime and torch disagree on our own sentence: {'; '.join(differences)}"
            raise BundleError(str(bundle), problem, "do not deploy this model; report it")
    return comparison


def _write_model(chosen: params.Params, checkpoint: Path, outputs: Outputs, draft: Path) -> Answer:
    """Write model.onnx; returns what torch says of our own sentence."""
    # Only for threads and determinism: what is deployed runs on a CPU, and is compared there.
    prepare(chosen.numerics)
    network = load(checkpoint, outputs)
    device = next(network.parameters()).device
    by_torch = Predictor(
        cutter_of(draft, outputs), outputs, forward_of(network, device), chosen.export.batch_tokens
    )
    answer = Answer.of(by_torch, PROBE)
    write_onnx(network, draft / MODEL)
    return answer


def _seal(draft: Path, section: params.Export, outputs: Outputs) -> None:
    # Without the build (+cpu): the same bundle where another build made the same bytes.
    versions = {name: version(name).partition("+")[0] for name in _MADE_WITH}
    seal(draft, name=section.name, outputs=outputs, batch_tokens=section.batch_tokens, versions=versions)


def _write_card(
    draft: Path, chosen: params.Params, outputs: Outputs, checkpoint: Path, examples: Path, evaluation: Path
) -> None:
    facts = Facts(
        name=chosen.export.name,
        synthetic=chosen.ingest.source == "synthetic",
        outputs=outputs,
        made_by=read_json(checkpoint / "params.json"),
        examples=read_json(examples / "summary.json"),
        metrics=read_json(evaluation / "metrics.json"),
        level=chosen.evaluate.level,
    )
    with whole_file(draft / CARD) as card:
        card.write_text(model_card(facts), encoding="utf-8", newline="\n")


def metrics(comparison: Comparison) -> dict[str, float]:
    """For the run."""
    return {
        "compared/examples": comparison.examples,
        "compared/items": comparison.items,
        "compared/largest_score_difference": comparison.apart,
    }


def describe(section: params.Export, comparison: Comparison, evaluation: Path) -> str:
    """What was made and what holds of it, for a reviewer, in Markdown."""
    card = CARDS[comparison.task]
    return (
        f"{card.headline(read_json(evaluation / 'metrics.json'))}\n\n"
        f"The bundle `{section.name}` was written, loaded back with ONNX Runtime as a consumer loads it, and"
        f" compared with the evaluation: all {comparison.examples:,} examples of test came out with the same"
        f" {comparison.items:,} {card.items}, and {card.scores_of_items} at most {comparison.apart:.1e}"
        " apart. The MLflow model holds that same bundle; `MODEL_CARD.md` in the artifacts says what it is"
        " for and what not."
    )
