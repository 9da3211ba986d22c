"""An Ollama that answers from a table, and remembers what it was asked."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHOWN = {
    ("GET", "/api/ps"): {"models": []},
    ("GET", "/api/tags"): {
        "models": [{"name": "tiny:latest", "digest": "d1", "size": 1}]
    },
    ("POST", "/api/show"): {"capabilities": ["completion"], "model_info": {}},
}


@contextmanager
def recorder(shown=SHOWN):
    """An Ollama with one model that is cold, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            asked.append((self.command, self.path))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps(shown.get(asked[-1], {})).encode()
            self.send_response(200 if asked[-1] in shown else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
