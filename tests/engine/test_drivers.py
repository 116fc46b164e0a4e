"""One generator, two drivers: answered at once, later, or at once as far as that goes and later from there."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.engine import NotNow, drive, drive_async, resume
from stockade.vocabulary import StoreError
from tests.exchanges import Question


def interview(count: int) -> Generator[Question, str, list[str]]:
    """Asks `count` questions; what was answered, or which error came instead."""
    heard = []
    for number in range(count):
        try:
            heard.append((yield Question(number)))
        except (StoreError, KeyError) as error:
            heard.append(type(error).__name__)
    return heard


def answer(ask: Any) -> str:
    if ask.number % 5 == 3:
        raise StoreError("gone")
    if ask.number % 5 == 4:
        raise KeyError(ask.number)
    return f"answer {ask.number}"


async def answer_later(ask: Any) -> str:
    await asyncio.sleep(0)
    return answer(ask)


def run_both(count: int, late: set[int]) -> Any:
    """By `drive` until a question of `late`, then by `resume`."""

    def answer_some(ask: Any) -> str:
        if ask.number in late:
            raise NotNow
        return answer(ask)

    try:
        return drive(interview(count), answer_some)
    except NotNow as waiting:
        return asyncio.run(resume(waiting, answer_later))


@given(st.integers(0, 8), st.sets(st.integers(0, 9), max_size=3))
def test_every_driver_gives_the_same_result(count, late):
    at_once = drive(interview(count), answer)
    assert len(at_once) == count
    assert asyncio.run(drive_async(interview(count), answer_later)) == at_once
    assert run_both(count, late) == at_once


def test_what_is_expected_of_five():
    assert drive(interview(5), answer) == ["answer 0", "answer 1", "answer 2", "StoreError", "KeyError"]


def breaks_after(count: int) -> Generator[Question, None, None]:
    for number in range(count):
        yield Question(number)
    raise LookupError("the generator's own")


@pytest.mark.parametrize("count", [0, 2])
def test_an_error_of_the_generator_leaves_every_driver(count):
    with pytest.raises(LookupError, match="own"):
        drive(breaks_after(count), lambda ask: None)
    with pytest.raises(LookupError, match="own"):
        asyncio.run(drive_async(breaks_after(count), answer_later))


def test_an_error_that_the_generator_does_not_catch_leaves_it():
    def careless() -> Generator[Question, str, None]:
        yield Question(3)

    with pytest.raises(StoreError, match="gone"):
        drive(careless(), answer)
    with pytest.raises(StoreError, match="gone"):
        asyncio.run(drive_async(careless(), answer_later))


def test_a_generator_that_asks_nothing():
    assert drive(interview(0), answer) == []
    assert asyncio.run(drive_async(interview(0), answer_later)) == []


def test_not_now_may_come_after_an_error_was_thrown_in():
    """`throw` goes on to the next question, which may have to wait."""

    def answer_some(ask):
        if ask.number == 4:
            raise NotNow
        return answer(ask)

    with pytest.raises(NotNow) as caught:
        drive(interview(6), answer_some)
    assert caught.value.ask == Question(4)
    assert asyncio.run(resume(caught.value, answer_later)) == drive(interview(6), answer)


def test_a_cancelled_wait_closes_the_generator():
    """A client that leaves while a store is slow must not leave its exchange behind."""
    ended = []

    def patient() -> Generator[Question, None, None]:
        try:
            yield Question(0)
        finally:
            ended.append(True)

    async def cancelled() -> None:
        async def never(ask):
            await asyncio.Event().wait()

        task = asyncio.create_task(drive_async(patient(), never))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert ended == [True]
