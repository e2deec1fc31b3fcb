"""How a data set stands in the store."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import Dataset


def entity(name: str, digest: str, profile: Mapping[str, int]) -> "Dataset":
    """What a stage read or wrote, by its path in the project: no machine's folder gets into a store."""
    from mlflow.entities import Dataset

    source = json.dumps({"uri": name})
    return Dataset(
        name=name, digest=digest, source_type="local", source=source, profile=json.dumps(profile)
    )  # fmt: skip
