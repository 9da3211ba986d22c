"""Runs rounds one after the other: quiet, a fault, and until all is well again."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults import strikes
from tests.faults.bounds import TICK_S
from tests.faults.matrix import Action, Victim, process_of
from tests.faults.scene import POLL_S
from tests.soak import schedule
from tests.soak.past import MACHINE, Call, Past, Trouble
from tests.soak.schedule import DECLARED, HOST_A, SERVERS, WANTED, Round, Strike
from tests.soak.stage import Stage
from tests.support.processes import START_S, RestartingSupervisor
from worker.adapters.passstore import PASS_S
from worker.core.domain import LEASE_S

SPARE_S = 10.0
"""So much longer than its bound is waited for: late is told apart from never."""
LOCK_S = PASS_S + 2 * TICK_S
"""How long a host stays locked whose pass was cut off; then a pass comes."""
SLOW_S = 60.0
"""After a time in which the machine was too slow, whatever is late is excused."""
SEEN = 2
"""After so many looks of passes at each server, passes run again."""


@dataclass(slots=True, kw_only=True)
class Soak:
    """What was done so far."""

    stage: Stage
    tell: Callable[[str], None]
    """Called with each line of progress."""
    begin: float = field(default_factory=time.time)
    troubles: list[Trouble] = field(default_factory=list)
    _sent: dict[str, tuple[float, Sequence[str]]] = field(default_factory=dict)
    """Callers: when they began, and what they call for."""
    _deaths: int = 0

    @property
    def _supervisor(self) -> RestartingSupervisor:
        return self.stage.system.supervisor

    def run(self, one: Round) -> None:
        """Do it, and wait until it is healed."""
        stage, strike, supervisor = self.stage, one.strike, self._supervisor
        self._say(str(one))
        stage.uses, stage.uses_from = list(one.uses), time.time()
        stage.wait(one.quiet_s)
        if name := self._call(one, "before", one.before):
            stage.wait(START_S, until=lambda: supervisor.said(name, "sent"))
        stage.wait(one.lead_s)
        if not stage.wait(START_S, until=supervisor.is_alive):
            raise TimeoutError(f"not all serve before round {one.number}")
        children = len(supervisor.children("worker"))
        stage.read()
        trouble = Trouble(
            what=f"{one.number}. {strike}",
            victim=strike.victim,
            at=time.time(),
            warm_s=strike.warm_s,
            calls_s=strike.calls_s,
            host=strike.host,
            forgets=strike.action is Action.FLUSH,
            stops_child=strike.action is Action.STOP
            and strike.victim in {Victim.CHILD, Victim.WORKER},
        )
        if strike.cuts_passes:
            trouble.locks_until = trouble.at + strike.away_s + LOCK_S
        self.troubles.append(trouble)
        self._say(f"{strike}")
        if strike.action is not Action.STOP:
            strikes.strike(stage.system, strike)
            self._call(one, "after", one.after)
        else:
            self._call(one, "after", one.after)
            strikes.strike(stage.system, strike)
        self._heal(trouble, strike, children)

    def past(self) -> Past:
        """All that is known, to be judged."""
        self.stage.read()
        running = set(self.stage.server_pids().values())
        keep_alive_s = {"": schedule.KEEP_ALIVE_S}
        for models in WANTED.values():
            keep_alive_s |= models
        return Past(
            begin=self.begin,
            end=time.time(),
            wanted={host: tuple(models) for host, models in WANTED.items()},
            keep_alive_s=keep_alive_s,
            contexts=schedule.OPTIONS,
            loads_s=schedule.LOADS_S,
            lives=self.stage.record.lives(),
            stays=self.stage.record.stays(running=running),
            asked=self.stage.record.asked(running=running),
            troubles=(*self.troubles, *map(_slow, self.stage.pace.spans)),
            calls=tuple(self._calls()),
        )

    def _call(self, one: Round, when: str, models: Sequence[str]) -> str:
        """Let an application send warm-ups; its name, if there are any."""
        if not models:
            return ""
        name = f"client-{one.number}-{when}"
        self._sent[name] = time.time(), models
        seconds = one.strike.calls_s + SPARE_S
        self.stage.system.call(name, models, wait_s=seconds)
        return name

    def _heal(self, trouble: Trouble, strike: Strike, children: int) -> None:
        """Wait for it; in the end tell what is still wrong."""
        stage, supervisor = self.stage, self._supervisor
        most_s = max(trouble.warm_s, trouble.calls_s) + SPARE_S
        if strike.ends_it:
            stage.wait(most_s, until=lambda: len(supervisor.died) > self._deaths)
        left_s = trouble.at + most_s - time.time()
        stage.wait(left_s, until=supervisor.is_alive)
        stage.read()
        before = stage.views()
        left_s = trouble.at + most_s - time.time()
        last = set[str]()
        while left_s > 0 and (now := self._missing(before)):
            last = now
            stage.wait(POLL_S)
            left_s = trouble.at + most_s - time.time()
        stage.wait(LEASE_S + 1, until=lambda: not stage.leases())
        if not (wrong := self._wrong(before, strike, children)):
            trouble.healed = time.time()
            words = f", at last {' and '.join(sorted(last))}" if last else ""
            self._say(f"healed after {trouble.healed - trouble.at:.1f} s{words}")
        trouble.wrong = wrong
        for words in wrong:
            self._say(f"not healed: {words}")

    def _missing(self, before: dict[str, int]) -> set[str]:
        """What is waited for."""
        missing = {
            "all callers have an answer": self._waiting(),
            "what is wanted is warm": self.stage.cold(),
            "passes look again": self._unseen(before),
        }
        return {words for words, is_so in missing.items() if is_so}

    def _unseen(self, before: dict[str, int]) -> set[str]:
        now = self.stage.views()
        return {h for h in SERVERS if now.get(h, 0) < before.get(h, 0) + SEEN}

    def _waiting(self) -> set[str]:
        return self._sent.keys() - self._supervisor.finished

    def _wrong(
        self, before: dict[str, int], strike: Strike, children: int
    ) -> list[str]:
        stage, supervisor = self.stage, self._supervisor
        if not supervisor.is_alive():
            return ["a process does not serve"]
        eternal = stage.system.state.eternal()
        known = {
            f"no passes look at {self._unseen(before)}": self._unseen(before),
            f"{self._waiting()} have no answer": self._waiting(),
            f"cold: {stage.cold()}": stage.cold(),
            f"a lane is held: {stage.leases()}": stage.leases(),
            f"never lapse: {eternal}": eternal,
        }
        wrong = [words for words, is_so in known.items() if is_so]
        if (now := len(supervisor.children("worker"))) != children:
            wrong.append(f"the worker has {now} children, not {children}")
        died, self._deaths = supervisor.died[self._deaths :], len(supervisor.died)
        ended = process_of(strike.victim) if strike.ends_it else ""
        if ended and not any(d.name == ended for d in died):
            wrong.append(f"{ended} has not died of it")
        others = (d for d in died if d.name != ended)
        wrong += [f"{d.name} ({d.cause}) died by itself" for d in others]
        return wrong

    def _say(self, words: str) -> None:
        self.tell(f"{time.time() - self.begin:7.1f} s  {words}")

    def _calls(self) -> list[Call]:
        found = []
        for name, (sent, models) in self._sent.items():
            told = {id(a): a for a in self.stage.system.answers(name)}
            for model in models:
                key = next((k for k, a in told.items() if a["model"] == model), None)
                host = DECLARED.get(model, HOST_A)
                call = Call(model=model, host=host, sent=sent)
                if key is not None:
                    answer = told.pop(key)
                    call = Call(
                        model=model,
                        host=host,
                        sent=sent,
                        answered=answer["at"],
                        what=answer["what"],
                        told=answer["told"],
                    )
                found.append(call)
        return found


def _slow(span: tuple[float, float]) -> Trouble:
    """The machine gave no time: a fault, though not one of ours."""
    begin, end = span
    return Trouble(
        what=f"the machine was too slow for {end - begin:.1f} s",
        victim=MACHINE,
        at=begin,
        healed=end,
        warm_s=end - begin + SLOW_S,
        calls_s=end - begin + SLOW_S,
    )
