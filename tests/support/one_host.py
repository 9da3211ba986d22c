"""One host in memory and the worker beside it, for unit tests of the use cases.

All of it runs on a virtual clock: loads take their seconds, leases end, and no test
sleeps. The server does what an Ollama with enough memory does; a test that needs
another answer puts it into `fails`, `next_view_fails` or `on_infer`.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from ollama_warmup import names
from ollama_warmup.errors import OllamaDown, UnknownModel, WarmupError
from ollama_warmup.request import RunnerOptions
from ollama_warmup.target import Target
from ollama_warmup.warmlist import Host, WarmList
from tests.support.builders import INFO, NOW, RULES, resident, target, view
from tests.support.memory_store import MemoryLoadStore, MemoryPassStore, Shelf
from tests.support.virtual_time import VirtualTime
from worker import warming
from worker.core.calls import Call, RunResult
from worker.core.domain import (
    Answer,
    HostView,
    ModelInfo,
    Progress,
    Resident,
    Tag,
    Unanswered,
)
from worker.core.pass_values import HostResponse
from worker.core.passes import Action
from worker.deps import Deps
from worker.ports import Download

KEEP_ALIVE_S = 300.0
"""The server's own."""
CONTEXT = 4096
"""Of a model that is loaded without `num_ctx`."""
LOAD_S, ANSWER_S = 8.0, 0.05
"""What a load takes, and what a loaded model takes to answer."""


@dataclass(eq=False, slots=True)
class FakeServer:
    """An Ollama that has `chat` and `plain`, and loads what it is asked for."""

    time: VirtualTime
    shown: str = "gpu (http://gpu:11434)"
    load_s: float = LOAD_S
    infos: dict[str, ModelInfo] = field(default_factory=dict)
    """What `/api/show` tells, by the model's name; `builders.INFO` of all others."""
    tagged: dict[str, Tag] = field(default_factory=dict)
    residents: list[Resident] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What it was asked to do, without looks at it."""
    questions: list[str] = field(default_factory=list)
    """What it was asked about its models: `tags`, `show MODEL`."""
    fails: list[WarmupError] = field(default_factory=list)
    """Raised by the next requests, after the seconds of a load."""
    view_fails: list[WarmupError | None] = field(default_factory=list)
    """Raised by the next looks; None = that look is answered."""
    on_view: Callable[[], object] = lambda: None
    """Called when it is looked at, before it answers."""
    on_unload: Callable[[], object] = lambda: None
    """Called when it is asked to unload a model, before it does."""
    on_infer: Callable[[], object] = lambda: None
    """Called when a request has been answered, before its client knows."""
    is_dead: bool = False
    """Whether the runner of what is resident has died: the next request loads."""
    lets_go: bool = True
    """Whether a model goes at once when it is to be unloaded."""
    download: "FakeDownload | None" = None
    _busy: set[str] = field(default_factory=set)
    """Residents that were listed as at work: their timers do not end."""

    def __post_init__(self) -> None:
        for name in ("chat", "plain"):
            self.add(name)

    def add(self, name: str, *, size_bytes: int = 100, **info: Any) -> None:
        """Let it have a model."""
        self.infos[name] = replace(INFO, **info)
        digest = f"d-{names.parse(name).short}"
        normal = names.parse(name).normal
        self.tagged[normal] = Tag(digest=digest, size_bytes=size_bytes)

    @property
    def now(self) -> float:
        """By the store's clock, Unix seconds."""
        return NOW + self.time.now

    def resident(
        self, name: str, left_s: float | None = 300.0, **rest: Any
    ) -> Resident:
        """Let a model be resident from now on; below 0 s left, it is at work."""
        there = resident(name, left_s, now=self.now, **rest)
        self._keep(lambda r: r.name != there.name)
        self.residents.append(there)
        self._busy.discard(there.name)
        if left_s is not None and left_s < 0:
            self._busy.add(there.name)
        return there

    def _keep(self, stays: Callable[[Resident], bool]) -> None:
        self.residents[:] = filter(stays, self.residents)

    def view(self) -> HostView:
        self.on_view()
        if self.view_fails and (failure := self.view_fails.pop(0)):
            raise failure
        found = view(*self.residents, now=self.now)
        self._keep(lambda r: r.name in self._busy or found.left(r).total_seconds() > 0)
        return replace(found, residents=tuple(self.residents))

    def tags(self) -> dict[str, Tag]:
        self.questions.append("tags")
        return dict(self.tagged)

    def show(self, model: str) -> ModelInfo:
        self.questions.append(f"show {model}")
        name = model.removesuffix(":latest")
        if name not in self.infos:
            raise UnknownModel(model)
        return self.infos[name]

    def infer(
        self,
        model: str,
        *,
        options: RunnerOptions,
        keep_alive_s: float | None,
        **rest: Any,
    ) -> Answer:
        sent: dict[str, Any] = {"model": model, "options": options.given()}
        if keep_alive_s is not None:
            sent["keep_alive_s"] = keep_alive_s
        self.asked.append(("infer", sent | _given(rest)))
        took_s = self._serve(model, options)
        self._restart_timer(model, options, keep_alive_s)
        self.on_infer()
        return Answer(load_s=took_s - ANSWER_S, total_s=took_s)

    def touch(self, model: str, *, options: RunnerOptions, **rest: Any) -> None:
        sent = {"model": model, "options": options.given()}
        self.asked.append(("touch", sent | _given(rest)))
        self._serve(model, options)
        self._restart_timer(model, options, None)
        self.on_infer()

    def unload(self, model: str) -> None:
        self.asked.append(("unload", {"model": model}))
        self.on_unload()
        if self.fails:
            raise self.fails.pop(0)
        if self.lets_go:
            self._keep(lambda r: r.name != model)

    def pull(self, model: str) -> AbstractContextManager[Download]:
        self.asked.append(("pull", {"model": model}))
        assert self.download
        return self.download

    def _find(self, model: str) -> Resident | None:
        short = names.parse(model).short
        return next((r for r in self.residents if r.name == short), None)

    def _serve(self, model: str, options: RunnerOptions) -> float:
        """Let the seconds pass that a request takes; returns them."""
        there = self._find(model)
        fits = there and options.num_ctx in {None, there.context_length}
        took_s = ANSWER_S if fits and not self.is_dead else self.load_s + ANSWER_S
        self.is_dead = False
        self.time.sleep(took_s)
        if self.fails:
            raise self.fails.pop(0)
        return took_s

    def _restart_timer(
        self, model: str, options: RunnerOptions, keep_alive_s: float | None
    ) -> None:
        there = self._find(model)
        context = options.num_ctx or (there.context_length if there else CONTEXT)
        left_s = KEEP_ALIVE_S if keep_alive_s is None else keep_alive_s
        self.resident(names.parse(model).short, left_s, context=context)


def _given(rest: Mapping[str, Any]) -> dict[str, Any]:
    """What a request says beside model and options, defaults left out."""
    usual = {"embed": False, "sample": None, "ceiling_s": OneHost.CEILING_S}
    return {name: value for name, value in rest.items() if usual.get(name) != value}


@dataclass(eq=False, slots=True)
class FakeDownload:
    """A download that says at each second what a test wants it to say."""

    time: VirtualTime
    says: Callable[[float], Progress | WarmupError | None]
    """Given the seconds since it began; None = nothing new, an error = it ended so."""
    ends_after_s: float = float("inf")
    heard: int = 0
    progress: Progress = field(default_factory=Progress)
    began_at: float = 0.0
    is_closed: bool = False
    failure: WarmupError | None = None

    def __enter__(self) -> Self:
        self.began_at = self.time.now
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closed = True

    def wait(self, timeout_s: float) -> bool:
        left_s = self.began_at + self.ends_after_s - self.time.now
        self.time.sleep(min(timeout_s, max(0.0, left_s)))
        said = self.says(self.time.now - self.began_at)
        if isinstance(said, WarmupError):
            self.failure = said
            return True
        if said is not None:
            self.heard, self.progress = self.heard + 1, said
        return self.time.now - self.began_at >= self.ends_after_s

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass(eq=False)
class OneHost:
    """One host, what is wanted of it, and the process that runs a use case."""

    CEILING_S = 1_800.0

    targets: Sequence[Target] = ()
    time: VirtualTime = field(default_factory=VirtualTime)
    hosts: Sequence[str] = ("gpu",)
    """All of them are this one server."""
    rules: Any = RULES
    ended: list[str] = field(default_factory=list)
    """The hosts on which a load has ended, in order."""
    progress: list[tuple[float, float | None]] = field(default_factory=list)
    """What a warm-up reported: elapsed and expected seconds."""
    sent: list[tuple[Action, float]] = field(default_factory=list)
    """What passes sent, and after how many seconds it expires."""

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.time, began_at=NOW)
        self.loads = MemoryLoadStore(self.shelf)
        self.passes = MemoryPassStore(self.shelf)
        self.server = FakeServer(self.time)
        self._nonces = 0

    @property
    def now(self) -> float:
        """By the store's clock, Unix seconds."""
        return NOW + self.time.now

    @cached_property
    def deps(self) -> Deps:
        return Deps(
            server=lambda _host: self.server,
            observer=self,
            store=self.loads,
            passes=self.passes,
            clock=self.time,
            threads=self.time,
            nonce=self._nonce,
            warm_list=WarmList(
                hosts={
                    name: Host(name=name, url=f"http://user:secret@{name}:11434")
                    for name in self.hosts
                },
                targets=tuple(self.targets),
                is_named=True,
            ),
            rules=self.rules,
            load_ceiling_s=self.CEILING_S,
            on_load_ended=self.ended.append,
        )

    def _nonce(self) -> str:
        self._nonces += 1
        return f"{self._nonces:08x}"

    def look(
        self,
        hosts: Iterable[Host],
        targets: Mapping[str, Sequence[Target]],  # noqa: ARG002 - as the protocol
    ) -> Generator[Mapping[str, HostResponse], None, None]:
        """As the observer of passes."""
        for host in hosts:
            found: HostView | Unanswered
            try:
                found = self.server.view()
            except WarmupError as exc:
                is_down = isinstance(exc, OllamaDown)
                found = Unanswered(text=str(exc), is_refused=is_down)
            infos = {names.parse(n).normal: i for n, i in self.server.infos.items()}
            yield {
                host.name: HostResponse(
                    view=found, tags=self.server.tags(), infos=infos
                )
            }

    def warm(self, wanted: str | Target = "chat", **call: Any) -> RunResult:
        """Run one warm-up of this process to its end."""
        meant = target(wanted) if isinstance(wanted, str) else wanted
        given: dict[str, Any] = {"task_id": "t", "process": "w:1", "patience_s": 60.0}
        return warming.make_warm(
            Call(target=meant, **(given | call)), self.deps, on_progress=self._note
        )

    def _note(self, elapsed_s: float, expected_s: float | None) -> None:
        self.progress.append((round(elapsed_s, 3), expected_s))

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        """Let something happen so many seconds from now, whatever else goes on."""
        self.time.start(do, after=seconds)
