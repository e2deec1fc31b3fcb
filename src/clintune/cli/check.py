"""clintune check: what would go wrong in a long run, said before it."""

import math
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from safetensors import safe_open

from clintune.cli.environment import unlike_lock
from clintune.cli.findings import Finding
from clintune.cli.rehearsal import rehearsal
from clintune.encoders import config_file, tokenizer_file, weights_file
from clintune.errors import ModelError, UserError
from clintune.evidence.git import refusal
from clintune.files import sha256, size
from clintune.graph import misdeclared
from clintune.lockfile import cache_folder
from clintune.params import Encoder, Params, load_params
from clintune.serving.predictor import LARGEST
from clintune.tokenization import check_fits
from clintune.tracking.home import Home, home
from clintune.tracking.probe import silence

_SPARE = 1 << 30
_ENCODER_FILES = (tokenizer_file, config_file, weights_file)
_COPIES = 10  # of weights and corpus: checkpoint, bundle, ONNX, each in data/ and in DVC's cache, and drafts


def check(root: Path) -> list[Finding]:
    """All checks, each by itself: one that fails hides no other. Some need valid params first."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # a check fetches nothing; read when huggingface_hub is imported
    findings = [
        *_guarded("environment", _environment, root), *_guarded("dvc.yaml", _graph, root),
        *_guarded("git", _git, root), *_guarded("experiments", _experiments, root),
    ]  # fmt: skip
    try:
        params = load_params(root / "params.yaml")
    except UserError as error:
        return [Finding("params", "finding", str(error)), *findings]
    findings.insert(0, Finding("params", "ok", "params.yaml is whole and valid"))
    for subject, one in (
        ("corpus", _corpus),
        ("base model", _model),
        ("export", _export),
        ("molecules", _molecules),
        ("disk", _disk),
    ):
        findings += _guarded(subject, one, root, params)
    return [*findings, *_guarded("tracking", _tracking, root)]


def _guarded(subject: str, one: Callable[..., Iterator[Finding]], *arguments: Any) -> list[Finding]:
    try:
        return list(one(*arguments))
    except UserError as error:
        return [Finding(subject, "finding", str(error))]
    except SyntaxError as error:
        place = f"{error.filename}:{error.lineno}"
        return [Finding(subject, "finding", f"{place} is no Python ({error.msg})", "mend that line")]
    except OSError as error:
        return [Finding(subject, "unknown", f"{type(error).__name__}: {error}")]


def _environment(root: Path) -> Iterator[Finding]:
    different = list(unlike_lock(root))
    for name, wanted, found in different:
        yield Finding("environment", "finding", f"{name} is {found}, the lock says {wanted}", "make setup")
    if not different:
        yield Finding("environment", "ok", "every package is the one of requirements.lock")


def _graph(root: Path) -> Iterator[Finding]:
    wrong = misdeclared(root)
    for stage, (missing, needless) in wrong.items():
        seen = f"{stage} lists {len(needless)} files that it never runs, misses {len(missing)} that it does"
        yield Finding("dvc.yaml", "finding", seen, "make graph")
    if not wrong:
        yield Finding("dvc.yaml", "ok", "each stage lists exactly the code that it runs")


def _git(root: Path) -> Iterator[Finding]:
    """An unpacked archive of the project is no repository, and DVC says no more than that."""
    said = refusal(root)
    if said and any((one / ".git").exists() for one in (root.resolve(), *root.resolve().parents)):
        step = "git status says more: the owner of the folder, or the variable GIT_DIR"
        yield Finding("git", "finding", f"a repository that git does not open ({said})", step)
    elif said:
        step = "clone the project, or git init && git add -A && git commit -m start"
        yield Finding("git", "finding", "no git repository, and DVC runs nothing outside of one", step)


def _experiments(root: Path) -> Iterator[Finding]:
    """DVC writes the path of its cache into a temporary experiment's settings as ASCII, or fails."""
    if str(root.resolve()).isascii() or not (root / ".dvc").is_dir():
        return
    if not str(cache_folder(root)).isascii():
        seen = "DVC runs none with --temp or --queue while the path of its cache is not ASCII"
        link = 'mkdir -p .dvc/cache && ln -s "$PWD/.dvc/cache" LINK && dvc cache dir --local LINK'
        step = f"{link}, LINK being an absolute path in ASCII"
        yield Finding("experiments", "finding", seen, step)


def _corpus(root: Path, params: Params) -> Iterator[Finding]:
    path = root / params.ingest.path
    if not path.exists():
        yield Finding(
            "corpus", "finding", f"nothing lies at {params.ingest.path}", "clintune use RECIPE --corpus PATH"
        )
        return
    folder = path if path.is_dir() else path.parent
    wrong = False
    for name, wanted in sorted(params.ingest.sha256.items()):
        if not (folder / name).is_file():
            wrong = True
            yield Finding("corpus", "finding", f"{name} is missing", f"put it into {folder}")
        elif sha256(folder / name) != wanted:
            wrong = True
            yield Finding(
                "corpus", "finding", f"{name} has another SHA-256 than params.yaml demands", "restore it"
            )
    if wrong:
        return
    yield Finding("corpus", "ok", f"{params.ingest.path}, {len(params.ingest.sha256)} sums compared")
    yield from rehearsal(root, params)


def _model(_root: Path, params: Params) -> Iterator[Finding]:
    for number, encoder in enumerate(params.model.encoders):
        yield from _encoder("base model" if not number else f"companion {number}", encoder, params)


def _encoder(subject: str, encoder: Encoder, params: Params) -> Iterator[Finding]:
    if encoder.source == "pretrained":
        yield Finding(subject, "ok", f"{encoder.name}: pretrain makes it")
        return
    try:
        files = [file for file in (one(encoder) for one in _ENCODER_FILES) if file is not None]
    except ModelError as error:
        if encoder.source != "hub":
            raise
        yield Finding(subject, "unknown", f"not on this machine yet ({error.problem})", "train fetches it")
        return
    if encoder is params.model:
        check_fits(params.tokenize, params.model)
    yield Finding(subject, "ok", f"{encoder.name}, {len(files)} files compared with their SHA-256")


def _export(_root: Path, params: Params) -> Iterator[Finding]:
    """A model that no ONNX file can hold would stop export, after training. Random weights are smaller."""
    files = [weights_file(one) for one in params.model.encoders if one.source in {"package", "folder"}]
    if (wanted := sum(_weights(file) for file in files if file is not None)) > LARGEST:
        seen = f"{wanted / 2**30:.1f} GiB of weights do not fit into one ONNX file (2 GiB)"
        yield Finding("export", "finding", seen, "choose a smaller base model")


def _weights(file: Path) -> int:
    """Bytes of all its tensors in fp32, from the names and shapes at its beginning."""
    with safe_open(file, framework="numpy") as tensors:
        names = tensors.keys()
        numbers: int = sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
    return 4 * numbers


def _molecules(_root: Path, params: Params) -> Iterator[Finding]:
    """Without RDKit a fingerprint would stop evaluation, after training."""
    asked = [params.preprocess.split.by == "scaffold", "fingerprints" in params.evaluate.baselines]
    if not any(asked):
        return
    if find_spec("rdkit") is None:
        yield Finding("molecules", "finding", "RDKit is not installed", "pip install -e '.[molecules]'")
    else:
        yield Finding("molecules", "ok", "RDKit is there")


def _disk(root: Path, params: Params) -> Iterator[Finding]:
    free = shutil.disk_usage(root).free
    sizes = [size(root / params.ingest.path)]
    at_hand = (one for one in params.model.encoders if one.source in {"package", "folder"})
    sizes += [size(file) for file in map(weights_file, at_hand) if file is not None]
    needed = _SPARE + _COPIES * sum(sizes)
    seen = f"{free / 1e9:.1f} GB free, about {needed / 1e9:.1f} GB wanted"
    if free < needed:
        yield Finding("disk", "finding", seen, "make room, for example with dvc gc --workspace")
    else:
        yield Finding("disk", "ok", seen)


def _local_store(root: Path, store: Home, file: Path) -> Finding:
    if file == store.database:
        where, folder = f"a file below {store.root.name}/", store.root if store.root.exists() else root
    else:
        where, folder = f"the file {file}", root / file.parent
    if not folder.is_dir():
        return Finding("tracking", "finding", f"{where}, whose folder is missing", "make that folder")
    if not os.access(folder, os.W_OK):
        return Finding("tracking", "finding", where, "make it writable")
    return Finding("tracking", "ok", where)


def _tracking(root: Path) -> Iterator[Finding]:
    store = home()
    if store.sqlite is not None:
        yield _local_store(root, store, store.sqlite)
        return
    kind = "server" if store.is_server else "database"
    if (why := silence(store.uri, within=5)) is None:
        yield Finding("tracking", "ok", f"the {kind} answers")
    else:
        later = "runs are kept and sent later: start it, then clintune send"
        yield Finding(
            "tracking", "finding", f"the {kind} that MLFLOW_TRACKING_URI names does not answer ({why})", later
        )
