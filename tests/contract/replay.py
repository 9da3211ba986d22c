"""Hold a server against the recording of real ones.

A scenario is a list of steps: a request, one sent in the background, a join, a
pause. After each foreground step the recording has the status, the answer with its
times and free texts taken out, how many loads the scenario has started, and what
`/api/ps` shows. Before a scenario everything is unloaded.
"""

import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

Json = dict[str, Any]

_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
_DROPPED = {"context", "eval_duration"}
_NANOSECONDS = ("total_duration", "load_duration", "prompt_eval_duration")
_FREE = (
    "response",
    "content",
    "embeddings",
    "embedding",
    "digest",
    "size",
    "modified_at",
    "details",
    "thinking",
    "version",
)
_HIDDEN = {**dict.fromkeys(_FREE, "<any>"), **dict.fromkeys(_NANOSECONDS, "<ns>")}
_TLS = ssl.create_default_context()
"""Made once: a context for each request would take longer than the request."""

_TIMEOUT_S = 120
_SLACK_S = 3
_RESETS = 200


def normal(value: Any, key: str = "") -> Any:
    """Take out of an answer what differs from call to call."""
    if key in _HIDDEN:
        return _HIDDEN[key]
    if isinstance(value, dict):
        kept = sorted(value.items())
        return {k: normal(v, k) for k, v in kept if k not in _DROPPED}
    if isinstance(value, list):
        return [normal(v, key) for v in value]
    if isinstance(value, str) and _TIME.match(value):
        return "<time>"
    if key == "error":
        return re.sub(r"(Get \").*", r"\1<address>", value)
    return value


def differences(want: Json, got: Json) -> Iterator[str]:
    """What one step has otherwise than the recording."""
    for key in sorted(want.keys() - {"took_s", "resident"}):
        if want[key] != got.get(key):
            yield f"{key}: want {json.dumps(want[key])}, got {json.dumps(got.get(key))}"
    long, mine = want.get("took_s", 0), got.get("took_s", 0)
    if long >= 1 and not 0.3 * long <= mine <= 3 * long + 1:
        yield f"took {mine} s, want about {long} s"
    if "resident" in want and "resident" in got:
        yield from _resident_differences(want["resident"], got["resident"])


def _resident_differences(want: list[Json], got: list[Json]) -> Iterator[str]:
    rows = {row["name"]: row for row in got}
    for row in want:
        mine = rows.pop(row["name"], None)
        if mine is None:
            yield f"resident: {row['name']} is missing"
            continue
        if mine["context_length"] != row["context_length"]:
            yield (
                f"{row['name']}: context_length {mine['context_length']}, "
                f"want {row['context_length']}"
            )
        a, b = row["expires_in_s"], mine["expires_in_s"]
        one_is_forever = (a == "forever") != (b == "forever")
        if one_is_forever or (a != "forever" and abs(a - b) > _SLACK_S):
            yield f"{row['name']}: expires in {b} s, want {a} s"
    for name in rows:
        yield f"resident: {name} should not be there"


@dataclass
class Server:
    """A server under test, and how its loads are counted."""

    base: str
    count_loads: Callable[[httpx.Client], int]
    http: httpx.Client = field(init=False)
    background: dict[str, threading.Thread] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.base, timeout=_TIMEOUT_S, verify=_TLS)

    def run(self, steps: list[Json]) -> list[Json]:
        """Play a scenario; what was seen after each step."""
        self._reset()
        before = self.count_loads(self.http)
        seen = [self._step(step, before) for step in steps]
        for thread in self.background.values():
            thread.join()
        self.background.clear()
        self.http.close()
        return seen

    def _step(self, step: Json, before: int) -> Json:
        if "sleep_s" in step:
            _pause(step["sleep_s"])
            outcome: Json = {}
        elif "join" in step:
            self.background.pop(step["join"]).join()
            _pause(0.3)  # a timer restarts a moment after the answer
            outcome = self.answers.pop(step["join"])
        elif "as" in step:
            self._send_in_background(step, step["as"])
            return {}
        else:
            outcome = self._send(step)
        if not self.background:  # else what is under way may be counted or not
            outcome |= {"loads": self.count_loads(self.http) - before}
        elif "join" in step:  # and what waited for it is coming and going just now
            return outcome
        body = outcome.get("body")
        if not isinstance(body, dict) or body.get("done_reason") != "unload":
            outcome |= {"resident": self._resident()}
        return outcome

    def _send_in_background(self, step: Json, name: str) -> None:
        def send() -> None:
            self.answers[name] = self._send(step)

        self.background[name] = threading.Thread(target=send, daemon=True)
        self.background[name].start()

    def _send(self, step: Json) -> Json:
        began = time.monotonic()
        body: Json = {}
        if "raw" in step:
            body = {"content": step["raw"]}
        elif "json" in step:
            body = {"json": step["json"]}
        try:
            answer = httpx.request(
                step.get("method", "POST"),
                self.base + step["path"],
                headers=step.get("headers"),
                timeout=step.get("timeout_s", _TIMEOUT_S),
                verify=_TLS,
                **body,
            )
        except httpx.TimeoutException:
            return {"gave_up": True}
        took_s = round(time.monotonic() - began, 2)
        return {"status": answer.status_code, "body": _body(answer), "took_s": took_s}

    def _resident(self) -> list[Json]:
        answer = self.http.get("/api/ps")
        date = parsedate_to_datetime(answer.headers["date"])
        rows = []
        for model in answer.json()["models"]:
            stamp = re.sub(r"(\.\d{6})\d*", r"\1", model["expires_at"])
            expires_at = datetime.fromisoformat(stamp)
            left_s = (expires_at - date).total_seconds()
            rows.append(
                {
                    "name": model["name"],
                    "context_length": model["context_length"],
                    "expires_in_s": "forever" if left_s > 1e9 else round(left_s),
                }
            )
        return sorted(rows, key=lambda row: str(row["name"]))

    def _reset(self) -> None:
        for _ in range(_RESETS):
            rows = self._resident()
            if not rows:
                return
            for row in rows:
                unload = {"model": row["name"], "keep_alive": 0}
                self.http.post("/api/generate", json=unload)
            _pause(0.1)
        raise AssertionError("the server does not unload")


def _body(answer: httpx.Response) -> Any:
    try:
        return normal(answer.json())
    except ValueError:
        return answer.text


def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - a recording of real servers has real pauses
