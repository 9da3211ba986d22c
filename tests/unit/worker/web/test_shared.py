import asyncio

import pytest

from worker.web.shared import Shared


def counted(shared, *keys, times=1, pause_s=0.0):
    """How often an answer was made."""
    made = []

    async def make(key):
        made.append(key)
        await asyncio.sleep(pause_s)
        return key

    async def ask():
        for _ in range(times):
            asked = [shared.get(key, lambda key=key: make(key)) for key in keys]
            assert await asyncio.gather(*asked) == list(keys)

    asyncio.run(ask())
    return made


def test_requests_at_the_same_time_share_one_answer():
    assert counted(Shared(keep_s=0.0), *"aaaa", pause_s=0.01) == ["a"]


def test_another_question_has_an_answer_of_its_own():
    assert counted(Shared(keep_s=60), *"abab", times=3) == ["a", "b"]


def test_an_answer_that_is_too_old_is_made_anew():
    assert counted(Shared(keep_s=0.0), "a", times=3) == ["a", "a", "a"]


def test_a_failure_is_raised_in_every_request_that_shares_it():
    shared: Shared[str, int] = Shared(keep_s=60)

    async def fail():
        raise ValueError("no")

    async def ask():
        asked = [shared.get("a", fail) for _ in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [str(answer) for answer in asyncio.run(ask())] == ["no"] * 3


def test_a_request_that_is_cancelled_leaves_the_answer_to_the_others():
    shared: Shared[str, str] = Shared(keep_s=60)

    async def make():
        await asyncio.sleep(0.01)
        return "made"

    async def ask():
        gone = asyncio.create_task(shared.get("a", make))
        stays = asyncio.create_task(shared.get("a", make))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert asyncio.run(ask()) == "made"
