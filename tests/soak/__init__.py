"""A soak: a whole system under mixed traffic and one fault after the other.

Run `make soak`, or `python -m tests.soak`. Workers, beat and a Valkey that keeps its
data are real processes, beside two simulated Ollama servers: `a` has room, on `b` two
strangers push out what is wanted. All comes from a seed: what applications ask, the
warm-ups, and the faults, between which there is quiet (`schedule.py`).

What must hold is judged in the end, on what the servers themselves have recorded
(`/_sim/history`, `/_sim/requests`, `/_sim/stats`), never on the worker's word. Each
check (`checks.py`, `loads.py`, `touches.py`) is one invariant of docs/design.md:

- stuck: whatever is wanted is back by a bound, whichever fault or stranger made it go
  (the bounds are those of docs/faults.md, and the six ticks for which a load that no
  view shows is waited for).
- calls: each warm-up ends with the truth within its bound, but those whose message
  was in a Redis that was emptied; errors only of a server that was hurt, or Celery's
  own of a child that was stopped beyond its hard limit.
- healed: after each fault all serve, nobody else has died, the worker has all its
  children, no lease is left, and none would never lapse.
- two loads: never two loads of ours at once on a host, a lost Redis apart.
- cut loads: no load of ours ends before it was done, but by a fault.
- reloads: nothing is loaded with other options, or let go, by us.
- evictions: no load of ours takes the room of what an application has used just
  before, where views could tell: its host was known to be full.
- lapses: nothing that is wanted runs out, but in a fault; what an application has
  loaded with another context is not held (docs/design.md, section 4).
- touches: without keep_alive; none loads, but where its model was lost a moment ago;
  no more of them than windows need.
- views: a bounded number of looks at each host.

Where a fault excuses something, it does from its begin until all was well again, and
as long as its effect reaches. So does a time in which the machine ran nobody
(`pace.py`), which is told. Memory (`memory.py`): the RSS of each process, read
every ten seconds, and how it has grown since the first minute of its life; judged
without what happens once: that it begins to work, and its first outage of each kind.
"""
