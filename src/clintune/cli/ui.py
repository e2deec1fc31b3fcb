"""clintune ui: MLflow's own server on the store of this project."""

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from clintune.errors import UserError
from clintune.tracking.home import Home, home
from clintune.tracking.store import open_store


def ui(*, port: int) -> int:
    """Print the link, then become the server; where a server keeps the records, only the link."""
    store = home()
    if not store.is_server:
        _serve(store, port)
    print(f"The records are at {open_store(store).url(store.uri)}")
    return 0


def _serve(store: Home, port: int) -> NoReturn:
    _expect_free(port)
    link = open_store(store).url(f"http://127.0.0.1:{port}")
    print(f"MLflow opens in about 15 seconds at {link}\nEnd it with Ctrl-C.", flush=True)
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # 15 s instead of 44, and half the memory
    os.environ["MLFLOW_BACKEND_STORE_URI"] = store.uri  # its password would be seen in the list of processes
    mlflow = Path(sys.executable).with_name("mlflow")
    os.execv(mlflow, [
        str(mlflow), "ui", "--workers", "1", "--host", "127.0.0.1", "--port", str(port),
    ])  # fmt: skip


def _expect_free(port: int) -> None:
    """MLflow itself ends with exit code 0 where another program has the port."""
    with socket.socket() as probe:
        # As the server does: a port whose last connections still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            problem = f"port {port} cannot be had ({error.strerror})"
            raise UserError("clintune ui", problem, f"name another: clintune ui --port {port + 1}") from None
