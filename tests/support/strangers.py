"""Servers that are no Ollama of this system, or only seem one, and what they heard."""

import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SELF_SIGNED = Path(__file__).parents[1] / "data" / "self-signed.pem"
"""Key and certificate of 127.0.0.1 that nobody vouches for; valid until 2126."""


@dataclass(slots=True, kw_only=True)
class Stranger:
    """A server on loopback."""

    url: str
    heard: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Authorization of each request."""

    @property
    def tokens(self) -> set[str | None]:
        return {authorization for _, authorization in self.heard}

    @property
    def paths(self) -> set[str]:
        return {path for path, _ in self.heard}


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Say nothing of a client that hangs up at our certificate."""


@contextmanager
def stranger(*, moved_to: str | None = None, is_tls: bool = False):
    """One that answers 500, or that everything has moved to another one."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.heard.append((self.path, self.headers.get("Authorization")))
            self.send_response(302 if moved_to else 500)
            if moved_to:
                self.send_header("Location", moved_to + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_):
            pass

    with _Quiet(("127.0.0.1", 0), Handler) as server:
        if is_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(SELF_SIGNED)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https" if is_tls else "http"
        seen = Stranger(url=f"{scheme}://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield seen
        server.shutdown()
