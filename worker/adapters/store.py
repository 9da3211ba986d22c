"""Redis: who holds a lane or a pull, how loads ended, how long they took.

    key                                  value              lives
    <ns>:lane:<host>                     Holder             15 s, renewed each 5 s
    <ns>:outcome:<host>:<target's key>   LoadRecord         2 h after it was written
    <ns>:history:<host>:<weights>:<ctx>  seconds, the last  90 days after its last use
                                         32, newest first
    <ns>:longest:<host>                  seconds and bytes  90 days after its last use
                                         of its longest
    <ns>:pull:<host>                     who pulls what     15 s, renewed each 5 s

<ns> is OLLAMA_WARMUP_NAMESPACE. The clock of leases and records is Redis' own,
so that the clocks of many machines do not matter.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict

from ollama_warmup import tally
from ollama_warmup.tally import Tally
from worker.adapters.connection import connect, reaching
from worker.core.domain import LEASE_S, Holder, LoadRecord

RECORD_S = 7_200
HISTORY_S = 90 * 86_400
HISTORY_LENGTH = 32

# KEYS: lease. ARGV: holder, milliseconds. Returns 1 if the holder has it now: it
# had it, or nobody had.
_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
# KEYS: lease. ARGV: holder. Returns 1 if it was the holder's, who has it no more.
RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class Store:
    """What all workers of a namespace share."""

    def __init__(
        self, url: str, *, namespace: str, answer_s: float | None = None
    ) -> None:
        """Open nothing yet.

        Args:
            url: of Redis or Valkey.
            namespace: prefix of every key.
            answer_s: as of `worker.adapters.connection.connect`.
        """
        self._namespace = namespace
        self._prefix = f"{namespace}:"
        self._redis = connect(url, answer_s=answer_s)
        self._renew = self._redis.register_script(_RENEW)
        self._release = self._redis.register_script(RELEASE)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._redis.close()

    def now(self) -> float:
        """The time by which leases and records are read, Unix seconds."""
        with reaching():
            seconds, microseconds = self._redis.time()
        return float(seconds) + float(microseconds) / 1e6

    def take_lane(self, host: str, holder: Holder) -> bool:
        """Take the lane of a host if it is free; nobody waits.

        Who has it needs no mark any more that a load is sent.
        """
        with reaching():
            taken = self._redis.set(
                self._lane(host), _dump(holder), nx=True, px=_milliseconds(LEASE_S)
            )
            if taken:
                self._redis.delete(f"{self._prefix}sent:{host}")
        return bool(taken)

    def renew_lane(self, host: str, holder: Holder) -> bool:
        """Keep the lane, or take it again if it was lost and is free.

        Returns:
            False when another load has it now.
        """
        with reaching():
            return bool(
                self._renew(
                    keys=[self._lane(host)],
                    args=[_dump(holder), _milliseconds(LEASE_S)],
                )
            )

    def release_lane(self, host: str, holder: Holder) -> None:
        """Give the lane back; without effect if it is another's by now."""
        with reaching():
            self._release(keys=[self._lane(host)], args=[_dump(holder)])

    def holder(self, host: str) -> Holder | None:
        """Who holds a host's lane."""
        with reaching():
            value = self._redis.get(self._lane(host))
        return Holder(**json.loads(str(value))) if value else None

    def holders(self, hosts: Sequence[str]) -> dict[str, Holder]:
        """Who holds the lanes of hosts, by host; those that are free are left out."""
        if not hosts:
            return {}
        with reaching():
            values = self._redis.mget([self._lane(host) for host in hosts])
        held = ((h, v) for h, v in zip(hosts, values, strict=True) if v)
        return {host: Holder(**json.loads(str(value))) for host, value in held}

    def read(self, host: str, key: str) -> tuple[LoadRecord | None, Holder | None]:
        """How the last load of a target ended, and who holds its host's lane."""
        with reaching():
            values = self._redis.mget(self._outcome(host, key), self._lane(host))
        record, holder = (json.loads(str(v)) if v else None for v in values)
        return record and LoadRecord(**record), holder and Holder(**holder)

    def write_record(
        self, host: str, key: str, record: LoadRecord, *, adds: Tally = tally.NOTHING
    ) -> None:
        """Tell all callers how a load ended, and count it; before its lane is free."""
        with reaching(), self._redis.pipeline() as together:
            together.set(self._outcome(host, key), _dump(record), ex=RECORD_S)
            tally.add(together, adds, namespace=self._namespace)
            together.execute()

    def history(
        self, host: str, *, weights: str, context: int, is_used: bool = True
    ) -> list[float]:
        """Seconds of the last loads of these weights, newest first, at most 32.

        Args:
            host: its name.
            weights: of the model.
            context: the `num_ctx` that is asked for; 0 = none.
            is_used: whether this counts as a use; else nothing is written.
        """
        key = self._history(host, weights, context)
        with reaching(), self._redis.pipeline() as together:
            together.lrange(key, 0, HISTORY_LENGTH - 1)
            if is_used:
                together.expire(key, HISTORY_S)
            rows = together.execute()[0]
        return [float(row) for row in rows]

    def histories(self, of: Sequence[tuple[str, str, int]]) -> list[list[float]]:
        """Several histories at once, to look at; they live no longer for it.

        Args:
            of: host, weights and context of each, as of `history`.
        """
        with reaching(), self._redis.pipeline(transaction=False) as together:
            for host, weights, context in of:
                together.lrange(self._history(host, weights, context), 0, -1)
            rows = together.execute()
        return [[float(value) for value in row] for row in rows]

    def add_history(
        self, host: str, *, weights: str, context: int, load_s: float
    ) -> None:
        """Remember how long a load took, seconds."""
        key = self._history(host, weights, context)
        with reaching(), self._redis.pipeline() as together:
            together.lpush(key, round(load_s, 3))
            together.ltrim(key, 0, HISTORY_LENGTH - 1)
            together.expire(key, HISTORY_S)
            together.execute()

    def longest(self, host: str) -> tuple[float, int]:
        """The longest load that was seen on a host: seconds, and the model's bytes."""
        with reaching():
            value = self._redis.get(f"{self._prefix}longest:{host}")
        load_s, size_bytes = json.loads(str(value)) if value else (0.0, 0)
        return float(load_s), int(size_bytes)

    def set_longest(self, host: str, load_s: float, size_bytes: int) -> None:
        """Remember the longest load of a host; by who has its lane."""
        with reaching():
            value = json.dumps([round(load_s, 3), size_bytes])
            self._redis.set(f"{self._prefix}longest:{host}", value, ex=HISTORY_S)

    def hold_pull(self, host: str, holder: str) -> bool:
        """Take the one pull of a host if it is free, or keep it.

        Args:
            host: its name.
            holder: tells this pull from any other.
        """
        with reaching():
            lease = _milliseconds(LEASE_S)
            return bool(self._renew(keys=[self._pull(host)], args=[holder, lease]))

    def release_pull(self, host: str, holder: str) -> None:
        """Give the pull back; without effect if it is another's by now."""
        with reaching():
            self._release(keys=[self._pull(host)], args=[holder])

    def _pull(self, host: str) -> str:
        return f"{self._prefix}pull:{host}"

    def _lane(self, host: str) -> str:
        return f"{self._prefix}lane:{host}"

    def _outcome(self, host: str, key: str) -> str:
        return f"{self._prefix}outcome:{host}:{key}"

    def _history(self, host: str, weights: str, context: int) -> str:
        return f"{self._prefix}history:{host}:{weights}:{context}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _dump(value: Holder | LoadRecord) -> str:
    return json.dumps(asdict(value), sort_keys=True)
