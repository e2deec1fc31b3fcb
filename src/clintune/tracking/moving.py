"""A project that was moved or copied. MLflow wrote down where its artifacts lie, as whole paths."""

from typing import TYPE_CHECKING

from clintune.locks import is_held
from clintune.tracking.home import Home
from clintune.tracking.trail.opening import opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ADDRESSES = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}
_FOLDER = "/.clintune/mlflow/artifacts"
"""How the address of every project's own artifacts ends."""


def bring_along(home: Home) -> None:
    """Tell the project's own store where its artifacts lie now.

    A copy would write those of its runs into the folder of the first project. What the store said before is
    in its trail. Where nothing lies here of what is said to lie elsewhere, that stays as it is.
    """
    here = home.artifacts.as_uri()
    with opened(home, writable=True) as (store, _):
        for there in _elsewhere(store, here):
            if _is_here(store, there, home):
                for table, column in _ADDRESSES.items():
                    _tell(store, table, column, there, here)


def is_sent_to(home: Home) -> bool:
    """Whether a sender is at work: in a container it may know the same project by another path."""
    return home.sender_lock.exists() and is_held(home.sender_lock)


def _elsewhere(store: "Connection", here: str) -> list[str]:
    """Folders of other places that hold artifacts of a project, by the experiments."""
    said = store.exec_driver_sql("SELECT DISTINCT artifact_location FROM experiments").scalars()
    return [one for one in said if one and one.endswith(_FOLDER) and one != here]


def _is_here(store: "Connection", there: str, home: Home) -> bool:
    """Whether a run that is said to have its artifacts there has them here; or no run is."""
    asked = "SELECT artifact_uri FROM runs WHERE substr(artifact_uri, 1, ?) = ?"
    below = [uri.removeprefix(there) for (uri,) in store.exec_driver_sql(asked, (len(there), there))]
    return not below or any((home.artifacts / path.strip("/")).exists() for path in below)


def _tell(store: "Connection", table: str, column: str, there: str, here: str) -> None:
    """Addresses begin with that of the experiment, and go on with a slash."""
    store.exec_driver_sql(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column} || '/', 1, ?) = ?",
        (here, len(there) + 1, len(there) + 1, f"{there}/"),
    )
