"""One training run after the other on the same windows: transformers.Trainer in two settings, and clintune.

    python benchmarks/training.py --windows data/windows --examples data/examples

`trainer` is the usual script: batches of 8 windows in random order, padded to the longest, fp32. `trainer at
its best` has bf16 and batches of similar length. All start from the base model of params.yaml and see the
same windows for `--epochs` epochs at its learning rate. Prints for each: tokens per second (real ones, no
padding) while it trains, strict F1 on the test windows, peak memory; then the ratios. A GPU is used where
torch finds one. For it, an encoder of BERT-base's size with random weights, for speed alone:

    python benchmarks/training.py --attention-dropout 0 --base-size --peak-tflops 989
"""

import argparse
import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commands import run

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

ARMS = ("trainer", "trainer at its best", "clintune")


def main() -> None:
    """Every arm in a process of its own, in turns."""
    arguments = parse()
    if arguments.arm:
        print(json.dumps(measure(arguments)))
        return
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in ARMS}
    for _ in range(arguments.rounds):
        for arm in ARMS:
            said = run(ROOT, sys.executable, __file__, *sys.argv[1:], "--arm", arm)
            found[arm].append(json.loads(said.splitlines()[-1]))
            print(arm, found[arm][-1], flush=True)
    best = {arm: max(one["tokens_per_second"] for one in runs) for arm, runs in found.items()}
    if arguments.peak_tflops:
        # 6 a weight and token: 2 forward, 4 backward (Kaplan et al. 2020, arXiv:2001.08361).
        reached = 6 * found["clintune"][0]["weights"] * best["clintune"] / 1e12
        print(f"clintune reaches {reached:.2f} TFLOP/s, {reached / arguments.peak_tflops:.1%} of the peak")
    for arm in ARMS[:-1]:
        print(f"clintune trains {best['clintune'] / best[arm]:.2f} times as fast as {arm}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--windows", type=Path, default=ROOT / "data/windows")
    parser.add_argument("--examples", type=Path, default=ROOT / "data/examples")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--attention-dropout", type=float, help="of clintune; the base model's otherwise")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--base-size", action="store_true", help="12 layers of 768, random weights")
    parser.add_argument("--peak-tflops", type=float, help="of the device in bf16: prints the share")
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """One arm in this process."""
    from clintune.numerics import set_numerics
    from clintune.params import Numerics, load_params

    numerics = Numerics(profile="native", threads=arguments.threads)
    if arguments.arm == "clintune":  # Trainer computes in the environment of a usual script
        set_numerics(numerics)
    params = load_params(ROOT / "params.yaml").model_copy(update={"numerics": numerics})
    if arguments.base_size:
        params = params.model_copy(update={"model": at_base_size(params.model)})
    arm = by_clintune if arguments.arm == "clintune" else by_trainer
    with tempfile.TemporaryDirectory() as scratch:
        seconds, tokens, model, forward = arm(arguments, params, Path(scratch))
        return {
            "tokens_per_second": round(tokens / seconds),
            "f1": round(strict_f1(arguments, forward), 4),
            "peak_mib": peak_mib(),
            "weights": sum(one.numel() for name, one in model.named_parameters() if "embeddings" not in name),
        }


def at_base_size(model: Any) -> Any:
    """As BERT-base: 86 million weights beside the embeddings."""
    from clintune.params import Scratch

    sizes = Scratch(layers=12, hidden=768, heads=12, intermediate=3072)
    return model.model_copy(update={"scratch": sizes, "weights_sha256": None})


def peak_mib() -> int:
    """Of the GPU's memory what torch held at most, else of the process."""
    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def strict_f1(arguments: argparse.Namespace, forward: Callable[[Any], Any]) -> float:
    """On test, by the same decoding for all."""
    from clintune.batching import predict
    from clintune.checkpoints import Outputs
    from clintune.tables import SPANS, read_examples, read_windows
    from clintune.tasks.scorers import SCORERS

    outputs = Outputs.read(arguments.windows / "outputs.json")
    said = predict(read_windows(arguments.windows / "test.parquet"), forward, outputs, batch_tokens=4096)
    gold = read_examples(arguments.examples / "test.parquet", SPANS)
    pairs = [(one.target, two.target) for one, two in zip(gold, said, strict=True)]
    return SCORERS[outputs.task].score(pairs)["f1"]


def by_clintune(arguments: argparse.Namespace, params: Any, scratch: Path) -> tuple[float, int, Any, Any]:
    """Stage train itself, without early stopping, the speed as it reports it."""
    from clintune.checkpoints import Outputs
    from clintune.devices import prepare
    from clintune.networks import forward_of, load
    from clintune.training.fine_tuning import train

    dropout = params.train.dropout.model_copy(update={"attention": arguments.attention_dropout})
    stopping = params.train.stopping.model_copy(update={"patience": 10**6, "restore": "last"})
    section = params.train.model_copy(update={
        "epochs": arguments.epochs, "precision": "auto", "dropout": dropout, "stopping": stopping,
        "validations_per_epoch": 1, "batch_tokens": 2048,
    })  # fmt: skip
    speeds: list[float] = []

    def report(values: Any, _step: int) -> None:
        speeds.extend(value for name, value in values.items() if name == "train/tokens_per_second")

    params = params.model_copy(update={"train": section})
    compute = prepare(params.numerics, "auto")
    train(
        params, compute, windows=arguments.windows, examples=arguments.examples,
        checkpoint=scratch / "checkpoint", report=report,
    )  # fmt: skip
    network = load(scratch / "checkpoint", Outputs.read(scratch / "checkpoint" / "outputs.json"))
    network = network.to(compute.device)
    mean = len(speeds) / sum(1 / speed for speed in speeds)  # the harmonic one, of equal parts
    return 1.0, round(mean), network, forward_of(network, compute.device)


def by_trainer(arguments: argparse.Namespace, params: Any, scratch: Path) -> tuple[float, int, Any, Any]:
    """transformers.Trainer with its collator for tokens."""
    import datasets
    import numpy as np
    import torch
    from transformers import (
        DataCollatorForTokenClassification,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )

    from clintune.checkpoints import Outputs
    from clintune.encoders import tokenizer_file
    from clintune.tables import read_windows

    torch.set_num_threads(params.numerics.threads)
    outputs = Outputs.read(arguments.windows / "outputs.json")
    model = token_classifier(params.model, labels=len(outputs.labels))
    windows = list(read_windows(arguments.windows / "train.parquet"))
    rows = datasets.Dataset.from_list([
        {"input_ids": one.input_ids, "labels": one.labels, "attention_mask": [1] * len(one.input_ids)}
        for one in windows
    ])  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_file(params.model)), pad_token="[PAD]")
    best = arguments.arm != ARMS[0]
    steps = math.ceil(len(windows) / 8) * arguments.epochs
    settings = TrainingArguments(
        str(scratch), per_device_train_batch_size=8, num_train_epochs=arguments.epochs,
        use_cpu=not torch.cuda.is_available(), learning_rate=params.train.learning_rate,
        warmup_steps=round(steps * params.train.warmup),
        weight_decay=params.train.optimizer.weight_decay, report_to="none", save_strategy="no",
        logging_strategy="no", disable_tqdm=True, seed=params.seed, bf16=best,
        train_sampling_strategy="group_by_length" if best else "random",
    )  # fmt: skip
    trainer = Trainer(
        model, settings, train_dataset=rows, data_collator=DataCollatorForTokenClassification(tokenizer)
    )
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    model.eval()

    @torch.inference_mode()
    def forward(batch: Any) -> Any:
        ids, mask = (torch.from_numpy(one).to(model.device) for one in (batch.input_ids, batch.mask))
        return model(ids, attention_mask=mask).logits.float().cpu().numpy().astype(np.float32)

    return seconds, arguments.epochs * sum(len(one.input_ids) for one in windows), model, forward


def token_classifier(model: Any, *, labels: int) -> Any:
    """As transformers builds it, from the base model or of its kind in another size."""
    from transformers import AutoConfig, AutoModelForTokenClassification

    from clintune.encoders import config_file
    from clintune.networks import resized

    folder = config_file(model).parent
    if model.scratch is None:
        return AutoModelForTokenClassification.from_pretrained(folder, num_labels=labels)
    config = AutoConfig.from_pretrained(folder, num_labels=labels)
    return AutoModelForTokenClassification.from_config(resized(config, model.scratch))


if __name__ == "__main__":
    main()
