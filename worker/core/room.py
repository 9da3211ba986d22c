"""How many models a host holds, and whether somebody loads one there unseen. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from worker.core.departures import Change, Departure
from worker.core.passes import Kind

HOLD_TICKS = 6
"""How long a load that no view shows is waited for: a large one takes a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Of one host since its server began; instants by the store's clock."""

    most: int = 0
    """How many models were resident at once, at most."""
    full_at: float = 0.0
    """When one last made room for another with as many there as ever; 0 = never."""
    hold_until: float = 0.0
    """Until then nothing is loaded: somebody's load may be under way."""
    gone: frozenset[str] = frozenset()
    """Who went for no visible reason, and nobody has come since."""


def after(
    before: Room,
    change: Change,
    left: Mapping[str, Departure],
    *,
    now: float,
    hold_s: float,
) -> Room:
    """What one more view tells of the room.

    One that comes after another has gone took its room; unless it is the same one,
    loaded anew with other options.

    Args:
        before: what was known.
        change: from the view before to this one.
        left: why residencies ended in between, by digest.
        now: by the store's clock.
        hold_s: how long a load that may be under way is waited for.
    """
    as_many = len(change.listed) >= before.most
    came = {stay.digest for stay in change.strangers}
    made_room = any(departure.kind is Kind.EVICTED for departure in left.values())
    took_room = bool(before.gone and came - before.gone)
    full_at = now if as_many and (made_room or took_room) else before.full_at
    hold_until = 0.0 if came and as_many else before.hold_until
    if _hides_load(change, left.values(), has_room=made_room and not as_many):
        hold_until = now + hold_s
    sudden = {digest for digest, departure in left.items() if departure.is_sudden}
    return Room(
        most=max(before.most, len(change.after)),
        full_at=full_at if len(change.after) <= before.most else 0.0,
        hold_until=hold_until,
        gone=frozenset(sudden | (set() if came else before.gone)),
    )


def _hides_load(change: Change, left: Collection[Departure], *, has_room: bool) -> bool:
    """Whether somebody's load may be under way, which no view shows.

    (1) One went, and nothing shows why; or as soon as our own load had ended.
    (2) One is about to go, and no load of ours waits for that.
    (3) One made room for another, and yet there are fewer residents than there have
        been: the other alone would not have needed its room.
    """
    if change.undone or any(departure.is_sudden for departure in left):  # (1)
        return True
    is_waited_for = any(stay.is_doomed for stay in change.after.values())
    return has_room or (is_waited_for and change.seen.holder is None)  # (2), (3)
