"""Where tracking keeps its files: `.clintune/` in the repository that DVC names."""

import os
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder. `root` is absolute, and the same for a temporary experiment and its parent."""

    root: Path

    @property
    def spool(self) -> Path:
        """One folder per run that is not yet whole in the store."""
        return self.root / "spool"

    @property
    def database(self) -> Path:
        """The SQLite store, where MLFLOW_TRACKING_URI does not name another."""
        return self.root / "mlflow" / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """The artifacts of the SQLite store."""
        return self.root / "mlflow" / "artifacts"

    @property
    def ledger(self) -> Path:
        """The sealed records and the ledger that chains them."""
        return self.root / "ledger"

    @property
    def unfinished(self) -> Path:
        """What a stage that was interrupted goes on from, by the hash of its inputs."""
        return self.root / "unfinished"

    @property
    def sender_lock(self) -> Path:
        """Held by the one process that writes to the store; touched whenever it gets on."""
        return self.root / "sender.lock"

    @property
    def sender_log(self) -> Path:
        """What the sender had to say."""
        return self.root / "sender.log"

    @property
    def trouble(self) -> Path:
        """Exists while the store does not take what it is sent: nobody waits for it then."""
        return self.root / "trouble"

    @property
    def schema_lock(self) -> Path:
        """Held while the schema of the SQLite store is made."""
        return self.root / "schema.lock"

    @property
    def uri(self) -> str:
        """The MLflow store."""
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.database}"

    @property
    def sqlite(self) -> Path | None:
        """The file that the store is, where it is one."""
        return Path(self.uri.removeprefix("sqlite:///")) if self.is_local else None

    @property
    def is_server(self) -> bool:
        """Whether the store is asked by HTTP."""
        return self.uri.startswith(("http://", "https://"))

    @property
    def is_local(self) -> bool:
        """Whether the store is a file of this machine, which cannot hang."""
        return self.uri.startswith("sqlite:")


def without_password(uri: str) -> str:
    """The address of a store, or of another server, as it may be shown.

    A password of a database may hold a slash, and may stand behind the question mark too.
    """
    shown = re.sub(r"(?<=//)[^@?#]*@", "", uri)
    return re.sub(r"(?i)([?&](?:ssl)?password=)[^&]*", r"\1…", shown)


def home() -> Home:
    """The state folder below DVC_ROOT, or below the working folder without DVC."""
    return Home(Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve() / ".clintune")
