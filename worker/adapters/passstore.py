"""Redis: what passes remember, and what they tell.

    key                                  value              lives
    <ns>:pass:<host>                     a pass's nonce     30 s
    <ns>:again:<host>                    a mark: look once  30 s
                                         more
    <ns>:sent:<host>                     key of the target  as long as the message
                                         whose load is sent
    <ns>:unloaded:<host>                 digest: instant    1 min, or 3 ticks, after
                                         of what we unload  the last one
    <ns>:touch:<host>:<target's key>     TouchRecord        2 h
    <ns>:memory:<host>                   Memory             7 days after its last use
    <ns>:report                          hash: a host's     for ever; one field a host
                                         last HostReport
    <ns>:events                          stream of Event    the last 10,000, roughly
    <ns>:counts                          hash: events by    for ever
                                         kind|host|model
    <ns>:paused                          set of names       for ever

The lane, the records of loads and the lease of a pull, which a pass reads too, are
those of `worker.adapters.store`; what metrics count is in `ollama_warmup.tally`.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import islice

from redis import Redis

from ollama_warmup import report, tally
from ollama_warmup.errors import StoreUnavailable
from ollama_warmup.report import HostReport
from ollama_warmup.tally import Tally
from ollama_warmup.target import Target
from worker.adapters import passvalues
from worker.adapters.connection import connect, reaching
from worker.adapters.eventlog import EventLog
from worker.adapters.store import RECORD_S, RELEASE
from worker.core.domain import TouchRecord
from worker.core.pass_values import PassResult, StoredHost
from worker.core.passes import Event

PASS_S = 30.0
MEMORY_S = 7 * 86_400

# KEYS: lock, again, memory, report. ARGV: nonce, memory, seconds it lives, host,
# report. Returns -1 if the lock is another's by now, and then nothing was written;
# else whether somebody wants one more look.
_END = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[3])
redis.call('HSET', KEYS[4], ARGV[4], ARGV[5])
redis.call('DEL', KEYS[1])
return redis.call('DEL', KEYS[2])
"""

# KEYS: unloaded. ARGV: digest, seconds it lives. Each digest has an instant of its own.
_UNLOADED = """
local now = tonumber(redis.call('TIME')[1])
local notes = cjson.decode(redis.call('GET', KEYS[1]) or '{}')
for digest, at in pairs(notes) do
  if now - at > tonumber(ARGV[2]) then notes[digest] = nil end
end
notes[ARGV[1]] = now
redis.call('SET', KEYS[1], cjson.encode(notes), 'EX', ARGV[2])
"""


class PassStore:
    """What passes of a namespace share."""

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
        self._redis: Redis = connect(url, answer_s=answer_s)
        self.log = EventLog(self._redis, namespace=namespace)
        self._end = self._redis.register_script(_END)
        self._unloaded = self._redis.register_script(_UNLOADED)
        self._release = self._redis.register_script(RELEASE)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._redis.close()

    def begin(self, hosts: Sequence[str], *, nonce: str, once_more: bool) -> list[str]:
        """Take the hosts that no other pass is at.

        Args:
            hosts: names.
            nonce: tells this pass from any other.
            once_more: whether who is at a host now shall look once more.
        """
        with reaching(), self._redis.pipeline(transaction=False) as together:
            for host in hosts:
                lock = self._key("pass", host)
                together.set(lock, nonce, nx=True, px=int(PASS_S * 1000))
            taken = dict(zip(hosts, together.execute(), strict=True))
            for host in [h for h, is_taken in taken.items() if not is_taken]:
                if once_more:
                    together.set(self._key("again", host), "1", ex=int(PASS_S))
            together.execute()
        return [host for host, is_taken in taken.items() if is_taken]

    def give_up(self, hosts: Sequence[str], *, nonce: str) -> None:
        """Let hosts go, of which nothing is left; if Redis is away, they lapse."""
        with (
            suppress(StoreUnavailable),
            reaching(),
            self._redis.pipeline(transaction=False) as together,
        ):
            for host in hosts:
                lock = self._key("pass", host)
                self._release(keys=[lock], args=[nonce], client=together)
            together.execute()

    def read(
        self, hosts: Mapping[str, Sequence[Target]]
    ) -> tuple[dict[str, StoredHost], frozenset[str], float]:
        """What is kept of hosts, what is paused, and the time.

        Args:
            hosts: their targets, by name.

        Returns:
            By name; the paused names; Unix seconds by Redis' clock.
        """
        with reaching(), self._redis.pipeline(transaction=False) as together:
            for host, targets in hosts.items():
                together.mget(self._of_host(host, targets))
            together.smembers(self._key("paused"))
            together.time()
            *rows, paused, (seconds, microseconds) = together.execute()
        stored = {
            host: passvalues.stored_host(row, targets)
            for (host, targets), row in zip(hosts.items(), rows, strict=True)
        }
        return stored, frozenset(paused), float(seconds) + float(microseconds) / 1e6

    def end(
        self, results: Mapping[str, PassResult], *, nonce: str
    ) -> tuple[set[str], set[str]]:
        """Write what a pass leaves of hosts, and let them go.

        Returns:
            The hosts that are written; those of them to look at once more.
        """
        with reaching(), self._redis.pipeline(transaction=False) as together:
            for host, one in results.items():
                keys = [self._key(name, host) for name in ("pass", "again", "memory")]
                dumped = passvalues.dump_memory(one.memory)
                shown = report.dump(one.report)
                values: list[str | int] = [nonce, dumped, MEMORY_S, host, shown]
                self._end(
                    keys=[*keys, report.key(self._namespace)],
                    args=values,
                    client=together,
                )
            answers = dict(zip(results, together.execute(), strict=True))
            written = {host for host, answer in answers.items() if int(answer) >= 0}
            for host in written:
                self.log.add(together, results[host].events)
                for key in results[host].forgotten:
                    together.delete(self._key("outcome", host, key))
            together.execute()
        return written, {host for host, answer in answers.items() if int(answer) > 0}

    def drop_strangers(self, hosts: Sequence[str]) -> None:
        """Forget the reports of hosts that are not configured any more."""
        key = report.key(self._namespace)
        with reaching():
            gone = set(self._redis.hkeys(key)) - set(hosts)
            if gone:
                self._redis.hdel(key, *gone)

    def mark_sent(self, host: str, key: str, *, seconds: float) -> None:
        """Note that the load of a target is sent, as long as its message lives."""
        with reaching():
            self._redis.set(self._key("sent", host), key, px=int(seconds * 1000))

    def clear_sent(self, host: str) -> None:
        """Its load has begun, or is not needed."""
        with reaching():
            self._redis.delete(self._key("sent", host))

    def note_unload(self, host: str, digest: str, *, seconds: int) -> None:
        """Note, for so many seconds, that we unload a resident of a host."""
        with reaching():
            self._unloaded(keys=[self._key("unloaded", host)], args=[digest, seconds])

    def write_touch(
        self, host: str, key: str, record: TouchRecord, *, adds: Tally = tally.NOTHING
    ) -> None:
        """Tell passes how a touch ended, and count it."""
        value = json.dumps(asdict(record), sort_keys=True)
        with reaching(), self._redis.pipeline() as together:
            together.set(self._key("touch", host, key), value, ex=RECORD_S)
            tally.add(together, adds, namespace=self._namespace)
            together.execute()

    def count(self, adds: Tally) -> None:
        """Add to what metrics count."""
        with reaching(), self._redis.pipeline() as together:
            tally.add(together, adds, namespace=self._namespace)
            together.execute()

    def add_events(self, events: Sequence[Event]) -> None:
        """Tell what happened outside a pass."""
        with reaching(), self._redis.pipeline(transaction=False) as together:
            self.log.add(together, events)
            together.execute()

    def events(self, count: int) -> list[Event]:
        """The last events, the newest first; at most `count`."""
        entries = islice(self.log.backwards(page=count), count)
        return [entry.event for entry in entries if entry.event]

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many events there were, by (kind, host, model)."""
        return self.log.counts()

    def reports(self) -> list[HostReport]:
        """What the last pass saw of each host; hosts in any order."""
        with reaching():
            rows = self._redis.hvals(report.key(self._namespace))
        return [report.load(row) for row in rows]

    def pause(self, name: str) -> bool:
        """Let what a name of `worker.core.pauses` means rest; False = it did."""
        with reaching():
            return bool(self._redis.sadd(self._key("paused"), name))

    def resume(self, name: str) -> bool:
        """Let it be kept warm again; False = it was not paused."""
        with reaching():
            return bool(self._redis.srem(self._key("paused"), name))

    def paused(self) -> frozenset[str]:
        """What is paused."""
        with reaching():
            return frozenset(map(str, self._redis.smembers(self._key("paused"))))

    def _of_host(self, host: str, targets: Sequence[Target]) -> list[str]:
        names = ("memory", "lane", "sent", "pull", "unloaded")
        keys = [self._key(name, host) for name in names]
        for target in targets:
            keys.append(self._key("outcome", host, target.key))
            keys.append(self._key("touch", host, target.key))
        return keys

    def _key(self, *parts: str) -> str:
        return ":".join((self._namespace, *parts))
