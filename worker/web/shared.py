"""One answer for all who ask the same at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Shared(Generic[K, T]):
    """Answers that are made once and given to everybody for a short time."""

    def __init__(self, *, keep_s: float) -> None:
        """Have none yet.

        Args:
            keep_s: how long one is given, from when it was first asked for, seconds.
        """
        self._keep_s = keep_s
        self._made: dict[K, tuple[float, asyncio.Future[T]]] = {}

    async def get(self, key: K, make: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question, made anew if there is none or it is old.

        Whoever comes while it is being made waits for that one.

        Args:
            key: equal for equal questions.
            make: makes it.

        Raises:
            Exception: what `make` raises, for all who share it.
        """
        now_s = asyncio.get_running_loop().time()
        self._made = {
            known: (since_s, answer)
            for known, (since_s, answer) in self._made.items()
            if now_s - since_s < self._keep_s or not answer.done()
        }
        if key not in self._made:
            self._made[key] = (now_s, asyncio.ensure_future(make()))
        # Whoever goes away takes it from nobody else.
        return await asyncio.shield(self._made[key][1])
