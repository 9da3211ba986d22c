"""What our own loads and touches did from one look to the next. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from worker.core.domain import LoadRecord, Resident, TouchRecord

AGAIN_S = 3_600.0
"""A second touch within so long that turned out to be a load was no accident."""
BEFORE_S = 5.0
"""What a view shows may be so much older than the records beside it."""
FRESH_S = 60.0
"""A load of ours that ended longer ago, unobserved, may have been replaced since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """From one look to the next; instants by the store's clock."""

    looked_at: float
    """When the look before was; 0 = never."""
    now: float
    touch_loads: Mapping[str, float] = field(default_factory=dict)
    """When a touch last turned out to be a load, by digest."""

    @property
    def gap_s(self) -> float | None:
        """How long nobody looked, seconds; None = always."""
        return self.now - self.looked_at if self.looked_at else None

    def was_loaded_by_touch(self, digest: str, *, used_at: float | None) -> bool:
        """Whether a touch was a load shortly before, and somebody may use it since.

        If nobody does, its runner has died once more.
        """
        at = self.touch_loads.get(digest, 0.0)
        is_recent = 0 < at > self.now - AGAIN_S
        return is_recent and (used_at is None or used_at > at)

    def load(
        self,
        keys: Iterable[str],
        resident: Resident,
        records: Mapping[str, LoadRecord],
    ) -> tuple[str, LoadRecord] | None:
        """The load of ours since the last view that made this resident."""
        loads = [
            (key, record)
            for key in keys
            if (record := records.get(key))
            and record.error is None
            and record.load_s > 0
            if record.digest == resident.digest
            and record.context_length == resident.context_length
            and record.ended_at >= max(self.looked_at - BEFORE_S, self.now - FRESH_S)
        ]
        return max(loads, key=lambda load: load[1].ended_at, default=None)

    def touch(
        self,
        keys: Iterable[str],
        resident: Resident,
        touches: Mapping[str, TouchRecord],
    ) -> tuple[str, TouchRecord] | None:
        """The last touch of ours since the last view."""
        records = [
            (key, record)
            for key in keys
            if (record := touches.get(key)) and record.error is None
            if record.digest == resident.digest and record.at >= self.looked_at
        ]
        return max(records, key=lambda touch: touch[1].at, default=None)
