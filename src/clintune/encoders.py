"""Pretrained encoders: where their files come from, compared with their SHA-256 before anyone reads them."""

import importlib.util
from pathlib import Path

from clintune import params
from clintune.errors import ModelError
from clintune.files import read_json, sha256

TOKENIZER, CONFIG, WEIGHTS = "tokenizer.json", "config.json", "model.safetensors"

_POSITIONS_AFTER_PADDING = frozenset({
    "camembert", "data2vec-text", "esm", "ibert", "longformer", "luke", "mpnet", "roberta",
    "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
})  # fmt: skip
"""Types of models that number positions from pad_token_id + 1 on, as fairseq does: RoBERTa's 514 hold 512."""


def tokenizer_file(model: params.Encoder) -> Path:
    """The encoder's tokenizer. Raises ModelError if it is absent or not the one declared."""
    return _verified(model, TOKENIZER, model.tokenizer_sha256, key="tokenizer_sha256")


def config_file(model: params.Encoder) -> Path:
    """The encoder's configuration. Raises ModelError if it is absent or not the one declared."""
    return _verified(model, CONFIG, model.config_sha256, key="config_sha256")


def longest_window(model: params.Encoder) -> int | None:
    """Tokens that the encoder has positions for, special ones included; None where it sets no limit."""
    config = read_json(config_file(model))
    positions: int | None = config.get("max_position_embeddings")
    if positions is None or config.get("model_type") not in _POSITIONS_AFTER_PADDING:
        return positions
    padding: int = config.get("pad_token_id", 1)
    return positions - padding - 1


def weights_file(model: params.Encoder) -> Path | None:
    """The pretrained weights, safetensors only: other formats can carry code. None for random ones.

    Raises ModelError if they are absent or not the ones declared.
    """
    if model.scratch is not None:
        return None
    return _verified(model, WEIGHTS, model.weights_sha256, key="weights_sha256")


def with_sums(model: params.Model) -> params.Model:
    """The model with the sums of the files that the stage pretrain made, which params.yaml cannot know."""
    names = {"tokenizer_sha256": TOKENIZER, "config_sha256": CONFIG, "weights_sha256": WEIGHTS}
    return model.completed(
        lambda one: {key: sha256(_folder(one, name) / name) for key, name in names.items()}
    )


def _folder(model: params.Encoder, name: str) -> Path:
    match model.source:
        case "package":
            return _package_folder(model.name)
        case "folder" | "pretrained":
            return Path(model.name)
        case "hub":
            return _hub_folder(model, name)


def _package_folder(name: str) -> Path:
    """Found without importing the package: its code does not run."""
    package, _, inside = name.partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"params.yaml: model, encoder {name}", f"no Python package {package!r} is installed",
                         "install it, or name another model")  # fmt: skip
    return Path(spec.submodule_search_locations[0]) / inside


def _hub_folder(model: params.Encoder, name: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(model.name, name, revision=model.revision)).parent
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        problem = f"{name} of {model.name} could not be fetched ({type(error).__name__})"
        place = f"params.yaml: model, encoder {model.name}"
        raise ModelError(place, problem, "check name, revision and network") from None


def _verified(model: params.Encoder, name: str, declared: str | None, *, key: str) -> Path:
    """A file with the sum that params.yaml declares; without one where the pipeline made the file itself."""
    path = _folder(model, name) / name
    if not path.is_file():
        raise ModelError(str(path), "no such file", "check source and name of the model in params.yaml")
    if declared is None:
        return path
    found = sha256(path)
    if found != declared:
        raise ModelError(str(path), f"has SHA-256 {found}, params.yaml declares {declared}",
                         f"restore the file, or declare its sum as {key} of the model")  # fmt: skip
    return path
