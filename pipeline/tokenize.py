"""tokenize: cut the examples into overlapping windows that fit the model, with a label for each token."""

from collections.abc import Mapping
from pathlib import Path

from clintune.params import Params
from clintune.stage import run_stage
from clintune.tokenization import describe, flat, tokenize
from clintune.tracking import Run


def work(params: Params, run: Run, paths: Mapping[str, Path]) -> None:
    summary = tokenize(
        params.tokenize,
        task=params.task,
        model=params.model.located(paths["pretrained"]),
        examples=paths["examples"],
        windows=paths["windows"],
    )
    run.metrics(flat(summary))
    run.describe(describe(summary))


if __name__ == "__main__":
    keys = ("source", "name", "revision", "tokenizer_sha256", "config_sha256", "companions")
    base = tuple(f"model.{key}" for key in keys)
    run_stage(
        "tokenize", work, paths=("examples", "pretrained", "windows"), sections=("task", *base, "tokenize")
    )
