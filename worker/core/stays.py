"""One residency over several views: who loaded it, how long it stays. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from worker.core.domain import HostView, LoadRecord, Resident, TouchRecord
from worker.core.passes import Seen

MOVED_S = 1.0
"""A timer that moved by more was restarted: `Date` tells whole seconds."""
SHORT_TICKS = 3
"""A keep-alive below so many ticks cannot be held."""
GOING_S = 1.0
"""One with so little time left is about to go, or is doomed."""
AGAIN_S = 3_600.0
"""A second touch within so long that turned out to be a load was no accident."""
BEFORE_S = 5.0
"""What a view shows may be so much older than the records beside it."""
FRESH_S = 60.0
"""A load of ours that ended longer ago, unobserved, may have been replaced since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One residency, as far as passes have seen it."""

    name: str
    digest: str
    context_length: int | None
    expires_at: float
    """By the host's clock, Unix seconds."""
    seen_at: float
    """By the host's clock, Unix seconds."""
    used_at: float
    """When somebody else was last seen to use it; by the store's clock."""
    proof_at: float
    """When its runner last answered anybody; by the store's clock."""
    window_s: float | None = None
    """Its keep-alive, seconds; above `FOREVER` = no timer, None = not known yet."""
    ours: str | None = None
    """The key of the target that a load of ours made it for."""
    is_untouchable: bool = False
    """Whether a touch of it was a load: it has options that nobody sees."""
    is_doomed: bool = False
    """Whether it goes when its work ends: its timer has jumped to this instant."""
    is_short_told: bool = False
    """Whether it was said that its keep-alive is too short to be held."""
    asked_at: float = 0.0
    """When a touch was last sent; by the store's clock."""

    @property
    def left_s(self) -> float:
        """As of the last view; negative = busy."""
        return self.expires_at - self.seen_at

    def is_short(self, tick_s: float) -> bool:
        """Whether its keep-alive is too short to be held by passes `tick_s` apart."""
        return self.window_s is not None and self.window_s < SHORT_TICKS * tick_s

    @property
    def is_busy(self) -> bool:
        """Whether its timer lay in the past in the last view."""
        return self.left_s < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """From one look to the next; instants by the store's clock."""

    looked_at: float
    """When the look before was; 0 = never."""
    now: float
    touch_loads: Mapping[str, float] = field(default_factory=dict)
    """When a touch last turned out to be a load, by digest."""

    def was_loaded_by_touch(self, digest: str, stay: Stay | None) -> bool:
        """Whether a touch was a load shortly before, and somebody may use it since.

        If nobody does, its runner has died once more.
        """
        at = self.touch_loads.get(digest, 0.0)
        is_recent = 0 < at > self.now - AGAIN_S
        return is_recent and (stay is None or stay.used_at > at)


def after(
    before: Mapping[str, Stay],
    seen: Seen,
    view: HostView,
    *,
    serves: Mapping[str, str],
    since: Since,
) -> dict[str, Stay]:
    """Every resident of a view as a stay, by digest.

    Args:
        before: the stays of the view before.
        seen: how our loads and touches ended.
        view: the new one.
        serves: the residents' digests, by the keys of the targets they serve.
        since: what is known of the time from one to the other.
    """
    keys: dict[str, list[str]] = {}
    for key, digest in serves.items():
        keys.setdefault(digest, []).append(key)
    after: dict[str, Stay] = {}
    for resident in view.residents:
        ours = keys.get(resident.digest, [])
        old = before.get(resident.digest)
        step = _Step(
            resident=resident,
            view=view,
            load=_load(ours, resident, seen.records, since),
            touch=_touch(ours, resident, seen.touches, since),
            is_again=since.was_loaded_by_touch(resident.digest, old),
            loading=seen.holder is not None and seen.holder.key in ours,
            now=since.now,
        )
        same = old is not None and old.context_length == resident.context_length
        after[resident.digest] = step.go_on(old) if old and same else step.begin()
    return after


def _load(
    keys: Iterable[str],
    resident: Resident,
    records: Mapping[str, LoadRecord],
    since: Since,
) -> tuple[str, LoadRecord] | None:
    """The load of ours since the last view that made this resident."""
    loads = [
        (key, record)
        for key in keys
        if (record := records.get(key)) and record.error is None and record.load_s > 0
        if record.digest == resident.digest
        and record.context_length == resident.context_length
        and record.ended_at >= max(since.looked_at - BEFORE_S, since.now - FRESH_S)
    ]
    return max(loads, key=lambda load: load[1].ended_at, default=None)


def _touch(
    keys: Iterable[str],
    resident: Resident,
    touches: Mapping[str, TouchRecord],
    since: Since,
) -> tuple[str, TouchRecord] | None:
    """The last touch of ours since the last view."""
    records = [
        (key, record)
        for key in keys
        if (record := touches.get(key)) and record.error is None
        if record.digest == resident.digest and record.at >= since.looked_at
    ]
    return max(records, key=lambda touch: touch[1].at, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One resident from the last view to this one."""

    resident: Resident
    view: HostView
    load: tuple[str, LoadRecord] | None
    touch: tuple[str, TouchRecord] | None
    is_again: bool
    """Whether a touch of it was a load shortly before."""
    loading: bool
    """Whether a load of ours that has not ended yet is for it."""
    now: float

    def begin(self) -> Stay:
        """A residency that was not there before."""
        resident = self.resident
        stay = Stay(
            name=resident.name,
            digest=resident.digest,
            context_length=resident.context_length,
            expires_at=resident.expires_at.timestamp(),
            seen_at=self.view.observed_at.timestamp(),
            used_at=0.0 if self.load or self.loading else self.now,
            proof_at=self.now,
        )
        return self._with_ours(replace(stay, is_doomed=0 <= stay.left_s <= GOING_S))

    def go_on(self, old: Stay) -> Stay:
        """A residency that was there before, as far as a view can tell."""
        stay = replace(
            old,
            expires_at=self.resident.expires_at.timestamp(),
            seen_at=self.view.observed_at.timestamp(),
        )
        moved = abs(stay.expires_at - old.expires_at) > MOVED_S
        is_doomed = moved and 0 <= stay.left_s <= GOING_S
        stay = replace(stay, is_doomed=is_doomed or (old.is_doomed and not moved))
        if stay.is_busy or (moved and not self.load and not self._restarted_it):
            stay = replace(
                stay,
                used_at=self.now,
                proof_at=self.now,
                window_s=self._window_s(old, stay) if moved else stay.window_s,
            )
        return self._with_ours(stay)

    @property
    def _restarted_it(self) -> bool:
        """Whether a touch of ours restarted the timer; not while somebody works."""
        return self.touch is not None and self.touch[1].left_s is not None

    def _window_s(self, old: Stay, stay: Stay) -> float | None:
        """The keep-alive after a use that fell between two views.

        It began to run somewhere in between, so what is known of it has bounds.
        """
        if old.window_s is None or stay.is_busy:
            return old.window_s
        return min(max(old.window_s, stay.left_s), stay.expires_at - old.seen_at)

    def _with_ours(self, stay: Stay) -> Stay:
        """What our own load or touch since then makes certain."""
        if self.load:
            key, record = self.load
            stay = replace(
                stay,
                ours=key,
                is_untouchable=False,
                window_s=_window(record.left_s) or stay.window_s,
                proof_at=max(stay.proof_at, record.ended_at),
            )
        if self.touch:
            key, touch = self.touch
            window_s = _window(touch.left_s) or stay.window_s
            proof_at = max(stay.proof_at, touch.at)
            stay = replace(stay, window_s=window_s, proof_at=proof_at)
            if touch.was_load:
                stay = self._loaded_by_touch(stay, key, touch)
        return stay

    def _loaded_by_touch(self, stay: Stay, key: str, touch: TouchRecord) -> Stay:
        """After a touch that was a load, the runner has what the touch carried.

        On a load of ours it was dead. If that comes again soon, or we had not loaded
        it, somebody uses it with options that nobody sees: a touch would take them
        away again.
        """
        if touch.was_ours and not self.is_again:
            return replace(stay, ours=key, is_untouchable=False)
        return replace(stay, ours=None, is_untouchable=True)


def _window(left_s: float | None) -> float | None:
    return left_s if left_s is not None and left_s > 0 else None
