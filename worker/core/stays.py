"""One residency over several views: who loaded it, how long it stays. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from worker.core.domain import HostView, LoadRecord, Resident, TouchRecord
from worker.core.passes import Seen
from worker.core.since import Since

DATE_S = 1.0
"""The host's `Date` tells whole seconds: so much less time may be left than shown."""
MOVED_S = 1.0
"""A timer that moved by more was restarted."""
SHORT_TICKS = 3
"""A keep-alive below so many ticks cannot be held."""
GOING_S = 1.0
"""One with so little time left is about to go, or is doomed."""


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
    least_s: float = 0.0
    """Its keep-alive is so long at least, seconds: what was left when its timer had
    been restarted."""
    most_s: float | None = None
    """And so long at most: as if that had been right after the view before; None =
    not known."""
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
            load=since.load(ours, resident, seen.records),
            touch=since.touch(ours, resident, seen.touches),
            is_again=since.was_loaded_by_touch(
                resident.digest, used_at=old.used_at if old else None
            ),
            loading=seen.holder is not None and seen.holder.key in ours,
            now=since.now,
            gap_s=since.gap_s,
        )
        same = old is not None and old.context_length == resident.context_length
        after[resident.digest] = step.go_on(old) if old and same else step.begin()
    return after


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
    gap_s: float | None
    """Since the last view, seconds; None = there was none."""

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
        return self._with_ours(self._restarted(stay))

    def go_on(self, old: Stay) -> Stay:
        """A residency that was there before, as far as a view can tell."""
        stay = replace(
            old,
            expires_at=self.resident.expires_at.timestamp(),
            seen_at=self.view.observed_at.timestamp(),
        )
        moved = abs(stay.expires_at - old.expires_at) > MOVED_S
        stay = self._restarted(stay) if moved else stay
        if stay.is_busy or (moved and not self._was_moved_by_us(stay)):
            stay = replace(
                stay,
                used_at=self.now,
                proof_at=self.now,
                window_s=self._window_s(old, stay) if moved else stay.window_s,
            )
        return self._with_ours(stay)

    def _restarted(self, stay: Stay) -> Stay:
        """With what a timer that was restarted since the last view tells."""
        if stay.is_busy:
            return replace(stay, is_doomed=False)
        return replace(
            stay,
            least_s=stay.left_s - DATE_S,
            most_s=None if self.gap_s is None else stay.left_s + self.gap_s,
            is_doomed=stay.left_s <= GOING_S,
        )

    def _was_moved_by_us(self, stay: Stay) -> bool:
        """Whether its timer is as our load or touch has left it."""
        ended = [(self.load[1].ended_at, self.load[1].left_s)] if self.load else []
        ended += [(self.touch[1].at, self.touch[1].left_s)] if self.touch else []
        return any(
            left_s is not None and stay.left_s <= left_s - (self.now - at) + 2 * MOVED_S
            for at, left_s in ended
        )

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
