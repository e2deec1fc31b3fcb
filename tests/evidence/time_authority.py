"""An authority that stamps the time, of one's own: OpenSSL's, behind HTTP."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

_CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/stamper.pem
signer_key = {folder}/stamper.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
ess_cert_id_chain = no
[stamping]
extendedKeyUsage = critical,timeStamping
"""


class Authority:
    """`certificate` is what a reviewer trusts. It stamps digests of one kind only."""

    def __init__(self, folder: Path, *, digests: str = "sha256") -> None:
        self.folder = folder
        self.certificate = folder / "authority.pem"
        folder.mkdir()
        (folder / "serial").write_text("01\n")
        (folder / "openssl.cnf").write_text(_CONFIGURATION.format(folder=folder, digests=digests))
        self._certify("authority", "-x509")
        self._certify("stamper")
        request, made = folder / "stamper.csr", folder / "stamper.pem"
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", folder / "authority.key",
            "-CAcreateserial", "-extfile", folder / "openssl.cnf", "-extensions", "stamping", "-out", made,
        )  # fmt: skip

    def _certify(self, name: str, *kind: str) -> None:
        out = self.folder / f"{name}.{'pem' if kind else 'csr'}"
        key = self.folder / f"{name}.key"
        self._openssl(
            "req", *kind, "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", out
        )

    def answer(self, query: bytes) -> bytes:
        """The token, or the refusal."""
        asked, answered = self.folder / "query", self.folder / "reply"
        asked.write_bytes(query)
        self._openssl(
            "ts", "-reply", "-config", self.folder / "openssl.cnf", "-queryfile", asked, "-out", answered
        )
        return answered.read_bytes()

    @staticmethod
    def _openssl(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@contextmanager
def serving(authority: Authority, *, instead: bytes | None = None) -> Iterator[str]:
    """Its address; it says something else `instead`, if asked to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            said = authority.answer(query) if instead is None else instead
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Not on the screen of the tests."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
