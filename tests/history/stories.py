"""Stories of one host, told second by second: who asks, who works, who pings."""

from collections.abc import Callable
from functools import partial

from ollama_warmup.target import Target
from tests.history.scenes import GIB, History, Scene, model, wanted
from tests.support.memory_store import BEGAN_AT
from worker.core.passes import Kind, Rules
from worker.simulator.physics.ledger import Why
from worker.simulator.physics.options import ServerSettings

RULES = Rules()
CHAT, PLAIN = "chat?keep_alive=30m", "plain?keep_alive=10m"
LOAD_S = 6.0
SMALL = [model(name, load_s=LOAD_S) for name in ("chat", "plain", "third", "ext")]
THIRD = wanted("third")[0]
"""A model that no warm list has."""
ASKED_AT = 100.0
"""When somebody asks for it."""
PING_S = 3_600.0
"""The keep-alive of what wedges a host: it is revived with it."""

Script = Callable[[History], None]


def story(
    *scripts: Script,
    targets=(CHAT, PLAIN),
    slots=2,
    rules=RULES,
    models=SMALL,
    until=1_800.0,
) -> History:
    """A while of a host on which every model of ours was loaded three times."""

    def begin(history: History) -> None:
        history.worker.loads.shelf.set("longest", "gpu", value=(LOAD_S, 4 * GIB))
        for script in scripts:
            history.time.start(partial(script, history))

    settings = ServerSettings(max_loaded_models=slots, gpu=True)
    scene = Scene(
        models=models,
        settings=settings,
        targets=wanted(*targets),
        habits=begin,
        troubles={},
    )
    history = History.of(scene, seed=0)
    history.worker.rules = rules
    for target in (*wanted(CHAT, PLAIN), THIRD):
        history.worker.remember(target, [LOAD_S] * 3)
    return history.run(until=until)


def asked(*, at: float = ASKED_AT) -> Script:
    """Somebody asks for `third`."""

    def script(history: History) -> None:
        history.time.sleep(at)
        history.worker.call(THIRD)

    return script


def works(*, at: float = 0.0, **seconds: float) -> Script:
    """An application has models work for so long."""

    def script(history: History) -> None:
        history.time.sleep(at)
        for name, work_s in seconds.items():
            history.server.send("app", f"{name}:latest", {}, tokens=round(10 * work_s))

    return script


def pinged(name: str, *, at: float, keep_alive_s: float = PING_S) -> Script:
    """A script keeps a model warm, as it believes."""

    def script(history: History) -> None:
        history.time.sleep(at)
        history.server.send("ping", f"{name}:latest", {}, keep_alive_s=keep_alive_s)

    return script


takes_the_slot = works(at=41.0, ext=1.0)
"""Between two passes, so that the next one sees who has the only slot."""


def told(history: History, kind: Kind) -> list[tuple[float, str]]:
    return [(e.at - BEGAN_AT, e.model) for e in history.worker.told(kind)]


def unloaded(history: History) -> list[str]:
    visits = history.server.past.visits
    return [v.stay.name for v in visits if v.why is Why.UNLOADED]


def ended_at(history: History, target: Target = THIRD) -> float:
    """When the last load of a target ended well."""
    record = history.worker.record(target)
    assert record is not None
    assert record.error is None
    return record.ended_at - BEGAN_AT
