"""An Ollama with one resident model that says when it was first asked for its view.

Run as `python -m bench.resident PORT`: a process of its own, so that who measures
does not delay what is measured. `GET /api/ps` lists the model; `GET /first` tells
when the first `/api/ps` since the last `/first` came in, Unix seconds or null.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

MODEL = "resident:latest"
_VIEW = {
    "models": [
        {
            "name": MODEL,
            "model": MODEL,
            "size": 1,
            "size_vram": 1,
            "digest": "0" * 64,
            "context_length": 4096,
            "expires_at": "2318-01-01T00:00:00Z",
        }
    ]
}

_asked: list[float] = []


class _Handler(BaseHTTPRequestHandler):
    def parse_request(self) -> bool:
        """Take the stamp when the request line is there, not when it is parsed."""
        self.came_at = time.time()
        return super().parse_request()

    def do_GET(self) -> None:
        if self.path == "/api/ps":
            _asked.append(self.came_at)
            self._answer(_VIEW)
        else:
            self._answer(_asked[0] if _asked else None)
            _asked.clear()

    def log_message(self, *_: object) -> None:
        """Write nothing: a line a request would be part of what is measured."""

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
