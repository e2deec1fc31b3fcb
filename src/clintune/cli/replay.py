"""clintune replay: run a commit again from nothing, compare, seal the verdict."""

import tempfile
from pathlib import Path

from clintune.evidence.replaying.certificate import Certificate, certify
from clintune.evidence.replaying.rerun import replay
from clintune.evidence.subject import CERTIFICATE
from clintune.sealing.ledger import Ledger
from clintune.tracking.home import Home
from clintune.tracking.journal import now


def replay_and_certify(root: Path, place: Home, revision: str | None) -> Certificate:
    """The certificate, which is sealed like a stage. The clone is removed."""
    with tempfile.TemporaryDirectory(prefix="clintune-replay-") as folder:
        certificate = certify(replay(root, place, revision, Path(folder)), root)
    Ledger(place.ledger).append(CERTIFICATE, certificate.commit, certificate.as_json(), at=now())
    return certificate
