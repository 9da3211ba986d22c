"""Hosts, what is wanted of them, and who uses them for a day."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from ollama_warmup import request
from ollama_warmup.target import Target
from tests.history.fate import DAY_S, Fate
from tests.history.server import Server
from tests.history.traffic import HOUR_S, Habit, Traffic
from tests.history.worker import Worker
from tests.support.virtual_time import VirtualTime
from tests.unit.simulator import world
from worker.core.passes import Rules
from worker.simulator.physics.models import Model
from worker.simulator.physics.options import ServerSettings

GIB = 2**30
TROUBLES = {
    "restart": 4,
    "mute": 4,
    "crash": 6,
    "full": 4,
    "out_of_memory": 2,
    "beat_down": 3,
    "lanes_down": 4,
    "store_emptied": 3,
}


def model(
    name: str, *, load_s: float, gib: float = 4.0, unload_s: float = 0.5
) -> Model:
    """One that writes ten tokens a second."""
    return world.model(
        name,
        load_s=load_s,
        size_bytes=int(gib * GIB),
        token_s=0.1,
        train_context=32_768,
        unload_s=unload_s,
    )


def wanted(*texts: str) -> list[Target]:
    """Targets, the most wanted first."""
    requests = [request.parse(text) for text in texts]
    return [
        replace(Target.of(r, host="gpu"), priority=len(texts) - n)
        for n, r in enumerate(requests)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One host for a day."""

    models: Sequence[Model]
    settings: ServerSettings
    targets: Sequence[Target]
    habits: Callable[["History"], None]
    troubles: dict[str, int] = field(default_factory=lambda: dict(TROUBLES))
    tick_s: float = 10.0


@dataclass(eq=False, slots=True, kw_only=True)
class History:
    """A scene, and what happened in it."""

    scene: Scene
    seed: int
    rng: random.Random
    time: VirtualTime
    server: Server
    worker: Worker
    traffic: Traffic
    fate: Fate
    has_begun: bool = False

    @classmethod
    def of(cls, scene: Scene, seed: int) -> "History":
        """One that has not begun."""
        rng = random.Random(seed)  # noqa: S311 - the same history for every run
        time = VirtualTime()
        skew_s = rng.uniform(-5_000.0, 5_000.0)
        server = Server(time, scene.models, scene.settings, skew_s=skew_s)
        worker = Worker(server, scene.targets, rng, rules=Rules(tick_s=scene.tick_s))
        return cls(
            scene=scene,
            seed=seed,
            rng=rng,
            time=time,
            server=server,
            worker=worker,
            traffic=Traffic(time, server, rng),
            fate=Fate(time, server, worker, rng),
        )

    def run(self, *, until: float = DAY_S) -> "History":
        """Let everything happen until an instant; may be called again and again."""
        if not self.has_begun:
            self.has_begun = True
            self.scene.habits(self)
            self.fate.start(a_day=self.scene.troubles)
            self.worker.start()
        self.time.run_until(until)
        return self


ROOMY = (
    model("chat", load_s=12.0, gib=8.0),
    model("code", load_s=25.0, gib=18.0),
    model("plain", load_s=3.0),
    model("embed", load_s=1.0, gib=0.5),
    model("ext1", load_s=9.0),
    model("ext2", load_s=30.0, gib=20.0),
)


def _roomy(history: History) -> None:
    use, rng = history.traffic.use, history.rng
    chat = {"num_ctx": 8_192}
    use(Habit(who="users", model="chat:latest", options=chat))
    long = Habit(
        who="batch",
        model="chat:latest",
        options=chat,
        gap_s=(3_600.0, 9_000.0),
        calls=(1.0, 3.0),
        work_s=(100.0, 600.0),
    )
    use(long, after=rng.uniform(0, HOUR_S))
    use(Habit(who="v1", model="plain:latest", options={}, gap_s=(60.0, 9_000.0)))
    short = Habit(
        who="short",
        model="code:latest",
        options={"num_ctx": 16_384},
        keep_alive_s=rng.choice([30.0, 60.0, 300.0]),
        gap_s=(1_800.0, 7_200.0),
    )
    use(short, after=rng.uniform(0, 3 * HOUR_S))
    noon = rng.uniform(8, 14) * HOUR_S
    drift = Habit(
        who="drift",
        model="chat:latest",
        options={"num_ctx": 2_048},
        gap_s=(30.0, 900.0),
    )
    use(drift, after=noon, until=noon + 2 * HOUR_S)
    for name in ("ext1:latest", "ext2:latest"):
        use(
            Habit(who="other", model=name, options={}, gap_s=(600.0, 7_200.0)),
            after=rng.uniform(0, HOUR_S),
        )


def _crowd(history: History) -> None:
    """Models of others come and go; one of them is used for an hour."""
    use, rng = history.traffic.use, history.rng
    targets = history.scene.targets
    for target in targets:
        habit = Habit(
            who="users",
            model=target.name.short,
            options=target.options.given(),
            gap_s=(300.0, 7_200.0),
        )
        use(habit, after=rng.uniform(0, HOUR_S))
    names = {t.name.short for t in targets}
    others = [n for n in history.server.models if n not in names]
    for name in others:
        use(
            Habit(
                who="other",
                model=name,
                options={},
                gap_s=(900.0, 10_000.0),
                calls=(1.0, 8.0),
            ),
            after=rng.uniform(0, HOUR_S),
        )
    at = rng.uniform(4, 20) * HOUR_S
    steady = Habit(
        who="steady",
        model=others[0],
        options={},
        gap_s=(1.0, 15.0),
        think_s=(0.5, 10.0),
        work_s=(0.5, 8.0),
    )
    use(steady, after=at, until=at + HOUR_S)


SCENES = {
    "roomy": Scene(
        models=ROOMY,
        settings=ServerSettings(max_loaded_models=9, gpu=True),
        targets=wanted(
            "chat?num_ctx=8192&keep_alive=30m",
            "code?num_ctx=16384",
            "plain",
            "embed?keep_alive=2h",
        ),
        habits=_roomy,
    ),
    "full": Scene(
        models=ROOMY,
        settings=ServerSettings(max_loaded_models=4),
        targets=wanted(
            "chat?num_ctx=8192&keep_alive=30m", "code", "embed?keep_alive=2h"
        ),
        habits=_crowd,
    ),
    "tight": Scene(
        models=ROOMY,
        settings=ServerSettings(max_loaded_models=2, gpu=True),
        targets=wanted(
            "chat?num_ctx=8192&keep_alive=10m", "plain", "embed?keep_alive=1h"
        ),
        habits=_crowd,
    ),
    "single": Scene(
        models=ROOMY,
        settings=ServerSettings(max_loaded_models=1, gpu=True),
        targets=wanted("chat?num_ctx=8192&keep_alive=30m", "plain"),
        habits=_crowd,
    ),
}


@cache
def history(name: str, seed: int) -> History:
    """A day in a scene."""
    return History.of(SCENES[name], seed).run()
