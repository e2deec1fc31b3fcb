"""The list of encoders that were pretrained, with the sums of their files; often an empty one."""

from collections.abc import Iterable
from pathlib import Path

from clintune.encoders import CONFIG, TOKENIZER, WEIGHTS
from clintune.files import sha256, whole_folder, write_json

NOBODY = "No encoder is pretrained: the section `pretrain` of params.yaml is empty."


def write_list(folder: Path, names: Iterable[str]) -> None:
    """Write encoders.json: the SHA-256 of each file, by encoder."""
    files = (TOKENIZER, CONFIG, WEIGHTS)
    sums = {name: {file: sha256(folder / name / file) for file in files} for name in names}
    write_json(folder / "encoders.json", sums)


def write_none(pretrained: Path) -> None:
    """The folder of a pipeline that pretrains nothing. It waits for no torch."""
    with whole_folder(pretrained) as draft:
        write_list(draft, ())
