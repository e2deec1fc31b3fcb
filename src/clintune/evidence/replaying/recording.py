"""A certificate is sealed, and is a run in MLflow: an auditor finds the verdict where the results are.

The run names its line of the ledger, and the line's record names the run: neither goes without the other
being missed.
"""

import psutil

from clintune import provenance
from clintune.evidence.replaying.certificate import Certificate
from clintune.evidence.verification.observing import CERTIFICATE
from clintune.process import identity
from clintune.sealing.canonical import canonical
from clintune.sealing.ledger import Ledger
from clintune.tracking.home import Home
from clintune.tracking.journal import Artifact, Closed, Journal, Milliseconds, Opened, Tags, new_key, now
from clintune.tracking.reported import reported
from clintune.tracking.run import LEDGER, NOTE, SEALED
from clintune.tracking.sending import wait_a_little
from clintune.tracking.stored import REPLAY


def record(place: Home, certificate: Certificate, *, began: Milliseconds) -> None:
    """Seal a certificate and show it; what the store does not take now waits in the spool."""
    key, process, ledger = new_key(REPLAY), identity(psutil.Process()), Ledger(place.ledger)
    name = f"{REPLAY} @ {certificate.commit[:7]}: {certificate.tier}"
    tags = {
        **_tags(certificate), "dvc.exec_id": process, "clintune.run": key, LEDGER: ledger.begin()
    }  # fmt: skip
    spooled = Journal.open(place.spool, Opened(key, name, began, tags, process, None), {})
    shown = spooled.keep("certificate.json", canonical(certificate.as_json()).decode())
    spooled.write(Artifact(shown, ""))
    said = {"run": key, "name": name, "started": began, "reported": reported(spooled.folder)}
    line = ledger.append(CERTIFICATE, certificate.commit, {**certificate.as_json(), **said}, at=now())
    spooled.write(Tags({SEALED: line.name}))
    spooled.close(Closed("FINISHED", now(), ""))
    wait_a_little(place, spooled.folder)


def _tags(certificate: Certificate) -> dict[str, str]:
    stages = ", ".join(certificate.stages)
    return {
        "dvc.kind": REPLAY,
        "mlflow.user": provenance.user(),
        "mlflow.source.name": "clintune replay",
        "mlflow.source.type": "LOCAL",
        "replay.commit": certificate.commit,
        "replay.stages": stages,
        "replay.tier": certificate.tier,
        "replay.holds": str(certificate.holds).lower(),
        NOTE: f"Again, from nothing: {stages}.\n\n" + "\n".join(f"- {line}" for line in certificate.lines()),
    }
