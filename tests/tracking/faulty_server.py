"""A real MLflow server with faults on demand: `python faulty_server.py FOLDER PORT`.

FOLDER/fault says what happens to a request: nothing (no such file), `500`, or `hang` (accepted, never
answered); `500 40` lets 40 more requests through first. FOLDER/requests counts those that came.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])
os.environ |= {
    "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{FOLDER}/mlflow.db",
    "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
    "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(FOLDER / "artifacts"),
    "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Faulty:
    """The server's application behind the faults."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            self._count += 1
            (FOLDER / "requests").write_text(str(self._count))
            fault = self._fault()
        if fault == "hang":
            while self._fault() == "hang":
                threading.Event().wait(0.2)
            fault = "500"
        if fault == "500":
            start_response("500 INTERNAL SERVER ERROR", [("Content-Type", "text/plain")])
            return [b"no"]
        return self._app(environ, start_response)

    def _fault(self) -> str | None:
        try:
            kind, _, after = (FOLDER / "fault").read_text().partition(" ")
        except FileNotFoundError:
            return None
        return kind if self._count > int(after or 0) else None


if __name__ == "__main__":
    from mlflow.server import app
    from werkzeug.serving import make_server

    make_server("127.0.0.1", PORT, Faulty(app), threaded=True).serve_forever()
