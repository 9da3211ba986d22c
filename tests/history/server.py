"""A simulated Ollama that keeps its history over restarts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ollama_warmup import errors
from tests.history.past import RESTARTED, Asked, Past
from tests.support.virtual_time import VirtualTime
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Resident, Tag
from worker.simulator.physics.events import Failure
from worker.simulator.physics.events import Resident as Row
from worker.simulator.physics.models import Model
from worker.simulator.physics.options import ServerSettings, want
from worker.simulator.physics.runner import Inference
from worker.simulator.physics.scheduler import Scheduler

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
LONGEST_S = 292 * 365 * 86_400.0
VIEW_S = 15.0
VIEW_LATENCY_S = 0.005
Options = Mapping[str, int | bool]
_ERRORS: dict[Failure | str, type[errors.WarmupError]] = {
    Failure.QUEUE_FULL: errors.OllamaBusy,
    Failure.OUT_OF_MEMORY: errors.OutOfMemory,
    Failure.RUNNER_STOPPED: errors.RunnerTerminated,
    RESTARTED: errors.OllamaUnreachable,
}


@dataclass(slots=True)
class Accidents:
    """What is to go wrong next, by the model's short name."""

    time: VirtualTime
    out_of: set[str] = field(default_factory=set)
    """Whose next load runs out of memory."""
    ran_out: list[tuple[float, Model]] = field(default_factory=list)
    """When one did."""
    slow: dict[str, float] = field(default_factory=dict)

    def out_of_memory(self, model: Model) -> bool:
        fails = model.name.short in self.out_of
        if fails:
            self.out_of.discard(model.name.short)
            self.ran_out.append((self.time.now, model))
        return fails

    def slowness(self, model: Model) -> float:
        return self.slow.get(model.name.short, 1.0)


class Server:
    """An Ollama, its accidents and its past."""

    def __init__(
        self,
        time: VirtualTime,
        models: Iterable[Model],
        settings: ServerSettings,
        *,
        skew_s: float = 0.0,
    ) -> None:
        self.time = time
        self.models = {m.name.short: m for m in models}
        self.settings = settings
        self.skew_s = skew_s
        """How far its clock is ahead of ours."""
        self.accidents = Accidents(time)
        self.past = Past()
        self.down_until = 0.0
        self.mute_until = 0.0
        """`/api/ps` is not answered until then."""
        self.full_until = 0.0
        """Loads are refused until then."""
        self.scheduler = Scheduler(settings, mishaps=self.accidents)
        self.tags = {
            residency.normal(name): Tag(
                digest=m.digest, size_bytes=m.weights.size_bytes
            )
            for name, m in self.models.items()
        }
        self.infos = {residency.normal(n): _info(m) for n, m in self.models.items()}
        self._known = {id(m): (n, m.digest) for n, m in self.models.items()}
        self._shown: dict[str, tuple[object, Resident]] = {}
        """The last row of each model, and of what it was made."""
        self._due: float | None = None
        self._is_due_old = True
        time.source = self

    def next_event_at(self) -> float | None:
        if self._is_due_old:
            self._due, self._is_due_old = self.scheduler.next_event_at(), False
        return self._due

    def advance(self, now: float) -> None:
        self.scheduler.advance(now)
        self._note()

    def restart(self, *, down_s: float) -> None:
        """Everything goes, and every caller hears of it."""
        self.down_until = self.time.now + down_s
        lost = self.past.restarted(self.time.now)
        self.scheduler = Scheduler(self.settings, mishaps=self.accidents)
        self.scheduler.advance(self.time.now)
        self._is_due_old = True
        for asked in lost:
            asked.failure = RESTARTED
            asked.over.set()

    def crash(self, name: str) -> None:
        self.scheduler.crash(self.models[name], now=self.time.now)
        self._note()

    def view(self) -> HostView:
        """`/api/ps`; raises `OllamaDown`, or after 15 s `OllamaUnreachable`."""
        self.refuse()
        if self.time.now < self.mute_until:
            self.time.sleep(VIEW_S)
            raise errors.OllamaUnreachable("no answer within 15 s")
        now = self.time.now
        due = self.next_event_at()
        residents = tuple(map(self._row, self.scheduler.residents(now=now)))
        seen_at = self._date(now).replace(microsecond=0)
        if due is not None and due <= now:
            self._note()
        self.time.sleep(VIEW_LATENCY_S)
        return HostView(residents=residents, observed_at=seen_at)

    def ask(
        self,
        who: str,
        name: str,
        options: Options,
        *,
        tokens: int | None = None,
        keep_alive_s: float | None = None,
    ) -> Asked:
        """One request, to its end; raises why it was not served."""
        asked = self.send(who, name, options, tokens=tokens, keep_alive_s=keep_alive_s)
        self.wait(asked)
        return asked

    def wait(self, asked: Asked) -> None:
        """Wait for its end; raises why it was not served."""
        asked.over.wait()
        if asked.failure is not None:
            raise _ERRORS[asked.failure](str(asked.failure))

    def send(
        self,
        who: str,
        name: str,
        options: Options,
        *,
        tokens: int | None = None,
        keep_alive_s: float | None = None,
    ) -> Asked:
        """One request, without waiting for its end; without tokens a load, or touch."""
        self.refuse()
        model, now = self.models[name], self.time.now
        asked = Asked(
            who=who,
            model=model,
            at=now,
            infers=tokens is not None,
            keep_alive_s=keep_alive_s,
            over=self.time.signal(),
        )
        self.past.asked.append(asked)
        if now < self.full_until and asked.digest not in self.past.here:
            asked.failure = Failure.QUEUE_FULL
            asked.over.set()
            return asked
        self.advance(now)
        self.past.submitted(asked)
        given = {k: v if isinstance(v, bool) else float(v) for k, v in options.items()}
        self.scheduler.submit(
            model,
            want(model, given, settings=self.settings),
            now=now,
            keep_alive_s=keep_alive_s,
            inference=None if tokens is None else Inference(tokens=tokens),
        )
        self._note()
        return asked

    def unload(self, name: str) -> None:
        self.refuse()
        self.scheduler.unload(self.models[name], now=self.time.now)
        self._note()

    def hang_up(self, asked: Asked) -> None:
        """Its caller is gone."""
        self.advance(self.time.now)
        self.scheduler.disconnect(asked.ticket, now=self.time.now)
        self.past.hung_up(asked, self.time.now)
        self._note()

    def refuse(self) -> None:
        """Raise `OllamaDown` while the server is down."""
        if self.time.now < self.down_until:
            raise errors.OllamaDown("connection refused")

    def _row(self, row: Row) -> Resident:
        name, digest = self._known[id(row.model)]
        shown = (row.launched.context_length, row.expires_at)
        if self._shown.get(name, (None, None))[0] != shown:
            resident = Resident(
                name=name,
                digest=digest,
                context_length=row.launched.context_length,
                size_bytes=row.model.weights.size_bytes,
                size_vram_bytes=0,
                expires_at=self._date(min(row.expires_at, LONGEST_S)),
            )
            self._shown[name] = (shown, resident)
        return self._shown[name][1]

    def _date(self, instant: float) -> datetime:
        return EPOCH + timedelta(seconds=self.skew_s + instant)

    def _note(self) -> None:
        self._is_due_old = True
        for asked in self.past.note(self.scheduler):
            asked.over.set()


def _info(model: Model) -> ModelInfo:
    return ModelInfo(
        capabilities=frozenset(c.value for c in model.capabilities),
        training_context=model.weights.train_context,
        modelfile_num_ctx=None,
        blob=f"sha256-{model.weights.digest}",
        is_remote=False,
    )
