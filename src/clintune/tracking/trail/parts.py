"""What the trail consists of in a database, and which tables of MLflow it watches.

MLflow lets anybody change a run that is over, and keeps no old value. The triggers write down what was
changed, deleted or added once a run is over, `mlflow gc` included; rows of the trail itself can be neither
changed nor deleted. Of a run that is set back to RUNNING the trail has just that: what is changed until it
ends again, only the comparison with the sealed record shows. Whoever owns the database may still drop the
triggers, or rewrite a column as a whole: that the triggers are there is verified, and values are compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection

TRAIL = "clintune_trail"
"""The table; the names of all other parts begin with it."""

RUNS = "runs"
OF_RUNS = ("metrics", "latest_metrics", "params", "tags")
"""Tables that belong to a run: of these, what is added later is written down, too."""
OTHERS = (
    "experiments", "experiment_tags", "datasets", "inputs", "input_tags", "logged_models",
    "logged_model_metrics", "logged_model_params", "logged_model_tags", "registered_models",
    "registered_model_aliases", "registered_model_tags", "model_versions", "model_version_tags",
)  # fmt: skip
"""In the order in which MLflow writes them: laid in the same one, no trigger waits for who waits for it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table, function or trigger: as the database tells it when it is right, and what makes it so."""

    name: str
    definition: str
    statements: tuple[str, ...]


class Dialect(Protocol):
    """How one kind of database is told to keep a trail."""

    def stamp(self) -> Mapping[str, str]:
        """By column, what a row says of when it was written, and by whom."""

    def alone(self, store: "Connection") -> None:
        """Let nobody else lay the trail before this transaction ends."""

    def there(self, store: "Connection") -> dict[str, str]:
        """The definition of each part that there is, by name."""

    def wanted(self, store: "Connection") -> Iterator[Part]:
        """What the tables of this MLflow need, in the order in which it can be made."""

    def columns(self, store: "Connection", table: str) -> list[str]:
        """None of a table that this version of MLflow does not have."""
