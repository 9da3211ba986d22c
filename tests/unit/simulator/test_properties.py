"""What holds whatever is asked of a scheduler, and whenever."""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.unit.simulator.world import World, model
from worker.simulator.physics.events import Failed, Finished, Granted, Started
from worker.simulator.physics.keepalive import FOREVER_S
from worker.simulator.physics.models import Model

MODELS = [
    model("a", load_s=3.0, unload_s=0.5),
    model("alias", of="a", load_s=3.0, unload_s=0.5),
    model("child", of="a", load_s=3.0, unload_s=0.5, parameters={"num_ctx": 512.0}),
    model("b", load_s=1.0),
    model("c", load_s=20.0),
    model("d", load_s=0.0),
]
KEEP_ALIVES = st.sampled_from([None, None, -1.0, 0.0, 0.5, 5.0, 60.0, FOREVER_S])
LONG_S = 1e12
"""Later than for ever."""


class Caprice(RuleBasedStateMachine):
    """Any sequence of requests, disconnects, unloads, crashes and waits."""

    @initialize(
        fits=st.integers(1, 3), queue=st.integers(0, 4), parallel=st.integers(1, 2)
    )
    def start(self, fits, queue, parallel):
        self.world = World(
            max_loaded_models=fits,
            max_queue=queue,
            num_parallel=parallel,
            keep_alive_s=30.0,
        )
        self.asked: dict[int, Model] = {}
        self.gone: set[int] = set()

    @rule(
        wanted=st.sampled_from(MODELS),
        keep_alive_s=KEEP_ALIVES,
        tokens=st.sampled_from([None, 0, 1, 30]),
        num_ctx=st.sampled_from([None, None, 1024.0, 4096.0, 9e9]),
    )
    def ask(self, wanted, keep_alive_s, tokens, num_ctx):
        options = {} if num_ctx is None else {"num_ctx": num_ctx}
        ticket = self.world.ask(
            wanted, keep_alive_s=keep_alive_s, tokens=tokens, **options
        )
        self.asked[ticket] = wanted

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def hang_up(self, data):
        ticket = data.draw(st.sampled_from(sorted(self.asked)))
        if not self._is_over(ticket):
            self.gone.add(ticket)
        self.world.hang_up(ticket)

    @rule(loaded=st.sampled_from(MODELS))
    def unload(self, loaded):
        self.world.unload(loaded)

    @rule(loaded=st.sampled_from(MODELS))
    def crash(self, loaded):
        self.world.scheduler.crash(loaded, now=self.world.now)

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 7.0, 100.0]))
    def wait(self, seconds):
        self.world.at(self.world.now + seconds)

    @rule()
    def go_back_in_time(self):
        self.world.scheduler.advance(self.world.now - 5)

    @invariant()
    def never_more_models_than_fit(self):
        residents = self.world.scheduler.residents(now=self.world.now)
        blobs = [row.model.weights.path for row in residents]

        assert len(blobs) <= self.world.settings.max_loaded_models
        assert len(set(blobs)) == len(blobs)

    @invariant()
    def a_busy_model_is_never_unloaded(self):
        residents = self.world.scheduler.residents(now=self.world.now)
        self.world.at(self.world.now)
        blobs = {row.model.weights.path for row in residents if row.is_busy}

        assert {self.asked[ticket].weights.path for ticket in self._working()} <= blobs

    @invariant()
    def the_history_knows_who_is_there(self):
        listed = self.world.loaded
        stays = self.world.scheduler.ledger.stays

        there = [stay.name.split(":")[0] for stay in stays if stay.why is None]
        assert sorted(there) == listed

    @invariant()
    def time_never_goes_back(self):
        instants = [event.at for event in self.world.events]

        assert instants == sorted(instants)
        due = self.world.scheduler.next_event_at()
        assert due is None or due >= self.world.now

    @invariant()
    def nothing_happens_to_who_is_gone_or_answered(self):
        ends: set[int] = set()
        for event in self.world.events:
            assert event.ticket not in ends
            if isinstance(event, Finished | Failed):
                ends.add(event.ticket)

    @invariant()
    def every_load_is_accounted_for(self):
        ledger = self.world.scheduler.ledger
        under_way = int(self.world.scheduler.is_loading)
        ended = len(ledger.stays) + ledger.counts.cancelled_loads

        assert ledger.counts.loads == ended + under_way

    def teardown(self):
        if not hasattr(self, "world"):
            return
        self.world.at(self.world.now + LONG_S)

        unanswered = [t for t in self.asked.keys() - self.gone if not self._is_over(t)]
        assert unanswered == []
        assert not self.world.scheduler.is_loading
        assert not self.world.scheduler.is_waiting
        assert self.world.loaded == []

    def _is_over(self, ticket):
        ends = (Finished, Failed)
        return any(
            event.ticket == ticket and isinstance(event, ends)
            for event in self.world.events
        )

    def _working(self):
        started = {e.ticket for e in self.world.events if isinstance(e, Started)}
        granted = {e.ticket for e in self.world.events if isinstance(e, Granted)}
        assert started <= granted
        return [t for t in started - self.gone if not self._is_over(t)]


TestCaprice = Caprice.TestCase
TestCaprice.settings = hypothesis_settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
