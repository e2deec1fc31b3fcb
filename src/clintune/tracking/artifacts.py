"""What lies at the addresses that a store gives its artifacts and models, as SHA-256 by path."""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlparse
from urllib.request import url2pathname

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from clintune.errors import TrackingError
from clintune.files import sha256
from clintune.sealing.hashing import sums
from clintune.tracking.home import without_password
from clintune.tracking.reported import DESCRIPTION, description_sum

_DESCRIBES = {
    "artifact_path", "flavors", "is_signature_from_type_hint", "mlflow_version", "model_id",
    "model_size_bytes", "model_uuid", "prompts", "run_id", "saved_input_example_info", "signature",
    "type_hint_from_example", "utc_time_created",
}  # fmt: skip
"""What MLflow itself writes into the description of a model."""

_LOADED = "registered_model_meta"


_BY_ITSELF = "null", "null"
"""The version as which it was loaded, of none."""


def artifact_sums(uri: str) -> dict[str, str]:
    """SHA-256 by path of all artifacts below; those of a server are fetched for it."""
    with _local(uri) as folder:
        return _sums_of(folder)


def model_sums(uri: str, run: str, versions: Collection[tuple[str, str]] = ()) -> dict[str, str]:
    """The same of a model that this run made, in whose description ids are left out.

    MLflow notes beside a model as which of its `versions`, name and number, somebody loaded it last: as none
    where he named the model itself.
    """
    with _local(uri) as folder:
        description = folder / DESCRIPTION
        own = _described(description, run) if description.is_file() else {}
        found = {**_sums_of(folder), **own}
        if found.get(_LOADED) in {one for version in [*versions, _BY_ITSELF] for one in _loaded_as(*version)}:
            del found[_LOADED]
        return found


def _loaded_as(name: str, number: str) -> Iterator[str]:
    """The sums of that note: the number is a text where a server says it."""
    for said in (number, f"'{number}'"):
        yield hashlib.sha256(f"model_name: {name}\nmodel_version: {said}\n".encode()).hexdigest()


def _described(file: Path, run: str) -> dict[str, str]:
    """What loads a model; beside it whatever the description says that MLflow does not, or of another run."""
    found = {DESCRIPTION: sha256(file)}
    try:
        found = {DESCRIPTION: description_sum(file)}
        tree = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        said = {str(key): one for key, one in tree.items() if key not in _DESCRIBES and one}
    except (ValueError, AttributeError, YAMLError, RecursionError):
        return found  # its sum is another, too
    if tree.get("run_id", run) != run:
        said["run_id"] = tree["run_id"]
    return found | {f"{DESCRIPTION}: {key}": str(one) for key, one in said.items()}


def as_text(path: str) -> str:
    """A name that is not UTF-8 is spelt so that it can be written down."""
    return path.encode(errors="backslashreplace").decode()


def folder_of(uri: str) -> Path | None:
    """Where artifacts lie in the file system, there or not; None for those of a server.

    As MLflow reads the address: in one without a scheme, ? and # are letters like others.
    """
    if not uri or urlparse(uri).scheme not in ("", "file"):
        return None
    return Path(url2pathname(urlparse(uri).path if uri.startswith("file:") else uri))


@contextmanager
def _local(uri: str) -> Iterator[Path]:
    if (there := folder_of(uri)) is not None:
        yield there
        return
    with TemporaryDirectory() as folder:
        yield _fetched(uri, folder) if uri else Path(folder)


def _fetched(uri: str, folder: str) -> Path:
    """Raises TrackingError where nobody is at the address, or the library is missing that reads such ones."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        return Path(download_artifacts(artifact_uri=uri, dst_path=folder))
    except (MlflowException, ImportError, OSError, ValueError) as error:
        said = without_password((str(error) or type(error).__name__).splitlines()[0])
        step = "mend the address in the store, or install what reads it"
        raise TrackingError(without_password(uri), f"these artifacts cannot be read: {said}", step) from error


def _sums_of(folder: Path) -> dict[str, str]:
    """A link to a folder has no sum, and MLflow shows what lies behind it."""
    found = {path: one["sha256"] for path, one in sums(folder, ["."]).items()}
    links = [place for place in folder.rglob("*") if place.is_symlink() and place.is_dir()]
    found |= {place.relative_to(folder).as_posix(): "a link to a folder" for place in links}
    return {as_text(path): one for path, one in found.items()}
