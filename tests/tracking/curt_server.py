"""A server that says one thing to whoever comes, and nothing after it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def server(said: bytes) -> Iterator[str]:
    """Says the same to whoever comes, then keeps the connection open in silence; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                kept.append(connection)
                connection.recv(4096)
                connection.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


def head(status: str, length: int = 0) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode()
