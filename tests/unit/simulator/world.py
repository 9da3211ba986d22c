"""A scheduler under a virtual clock, and models to load."""

from collections.abc import Mapping
from typing import Any

from worker.simulator.physics.events import Event, Failed, Finished, Granted, Started
from worker.simulator.physics.models import Capability, Model, Weights, sha256
from worker.simulator.physics.names import parse_name
from worker.simulator.physics.options import ServerSettings, want
from worker.simulator.physics.runner import Inference
from worker.simulator.physics.scheduler import Scheduler


def model(name: str, *, of: str | None = None, **traits: Any) -> Model:
    """A model that loads in 10 s and writes a token a second, unless told otherwise."""
    parameters: Mapping[str, object] = traits.pop("parameters", {})
    given = {
        "digest": sha256(of or name),
        "size_bytes": 10**9,
        "load_s": 10.0,
        "token_s": 1.0,
        "train_context": 8192,
        "family": "llama",
        "parameter_size": "1B",
        "embedding_length": 4,
        "capabilities": (Capability.COMPLETION,),
    }
    weights = Weights(**{**given, **traits})
    return Model(name=parse_name(name), weights=weights, parameters=parameters)


class World:
    """Asks a scheduler for models and remembers what came of it."""

    def __init__(self, mishaps: Any = None, **settings: Any) -> None:
        self.settings = ServerSettings(**settings)
        self.scheduler = Scheduler(self.settings, mishaps=mishaps)
        self.now = 0.0
        self.events: list[Event] = []

    def ask(
        self,
        wanted: Model,
        *,
        keep_alive_s: float | None = None,
        tokens: int | None = None,
        shift: bool | None = None,
        **options: float | bool,
    ) -> int:
        """Ask for a load, or with tokens for work."""
        given = {
            name: value if isinstance(value, bool) else float(value)
            for name, value in options.items()
        }
        ticket = self.scheduler.submit(
            wanted,
            want(wanted, given, settings=self.scheduler.settings, shift=shift),
            now=self.now,
            keep_alive_s=keep_alive_s,
            inference=None if tokens is None else Inference(tokens=tokens),
        )
        self._collect()
        return ticket

    def load(self, wanted: Model, **asked: Any) -> int:
        """Ask, and wait until the load has ended."""
        ticket = self.ask(wanted, **asked)
        self.at(self.now + wanted.weights.load_s)
        return ticket

    def at(self, instant: float) -> "World":
        """Let the time pass until an instant."""
        self.now = instant
        self.scheduler.advance(instant)
        self._collect()
        return self

    def hang_up(self, ticket: int) -> None:
        self.scheduler.disconnect(ticket, now=self.now)
        self._collect()

    def unload(self, loaded: Model) -> None:
        self.scheduler.unload(loaded, now=self.now)
        self._collect()

    def granted_at(self, ticket: int) -> float | None:
        return self._at(ticket, Granted)

    def started_at(self, ticket: int) -> float | None:
        return self._at(ticket, Started)

    def finished_at(self, ticket: int) -> float | None:
        return self._at(ticket, Finished)

    def failure(self, ticket: int) -> str | None:
        for event in self.events:
            if isinstance(event, Failed) and event.ticket == ticket:
                return event.failure.name
        return None

    @property
    def loaded(self) -> list[str]:
        """What `/api/ps` lists, by bare name."""
        residents = self.scheduler.residents(now=self.now)
        return sorted(resident.model.name.model for resident in residents)

    def left_s(self, name: str) -> float:
        """How long `/api/ps` says that a model stays."""
        return float(self._resident(name).expires_at - self.now)

    def context(self, name: str) -> int:
        return int(self._resident(name).launched.context_length)

    @property
    def loads(self) -> int:
        return self.scheduler.ledger.counts.loads

    def _resident(self, name: str) -> Any:
        rows = self.scheduler.residents(now=self.now)
        return next(row for row in rows if row.model.name.model == name)

    def _at(self, ticket: int, kind: type[Event]) -> float | None:
        for event in self.events:
            if isinstance(event, kind) and event.ticket == ticket:
                return event.at
        return None

    def _collect(self) -> None:
        self.events += self.scheduler.take_events()
