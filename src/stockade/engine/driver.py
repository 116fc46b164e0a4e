"""The two drivers of one generator: whoever answers the Asks at once, and whoever must wait for some.

try:
    verdict = drive(steps, answer)
except NotNow as waiting:                  # the answer needs the network
    verdict = await resume(waiting, answer_later)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeAlias, TypeVar

from stockade.vocabulary import Ask, Asking

R = TypeVar("R")
Answer: TypeAlias = Callable[[Ask[Any]], Any]
AnswerLater: TypeAlias = Callable[[Ask[Any]], Awaitable[Any]]


class NotNow(Exception):
    """An answer cannot be had without waiting. Raised by an `Answer`; leaves `drive` with the generator attached."""

    ask: Ask[Any]
    steps: Generator[Ask[Any], Any, Any]


def drive(steps: Asking[R], answer: Answer) -> R:
    """Run to the end, answering each Ask at once. An error of the answer is thrown into the generator.

    Raises NotNow, resumable by `resume`, when an answer has to wait.
    """
    try:
        ask = next(steps)
        while True:
            try:
                reply = answer(ask)
            except NotNow as waiting:
                waiting.ask, waiting.steps = ask, steps
                raise
            except Exception as error:  # noqa: BLE001 - it goes to the generator, whose control it concerns
                ask = steps.throw(error)
            else:
                ask = steps.send(reply)
    except StopIteration as end:
        result: R = end.value
        return result


async def drive_async(steps: Asking[R], answer: AnswerLater) -> R:
    """Run to the end, awaiting each answer."""
    try:
        result: R = await _answer_on(steps, next(steps), answer)
    except StopIteration as end:
        result = end.value
    return result


async def resume(waiting: NotNow, answer: AnswerLater) -> Any:
    """Go on where `drive` stopped."""
    return await _answer_on(waiting.steps, waiting.ask, answer)


async def _answer_on(steps: Generator[Ask[Any], Any, Any], ask: Ask[Any], answer: AnswerLater) -> Any:
    while True:
        reply: Any = None
        failure: Exception | None = None
        try:
            reply = await answer(ask)
        except Exception as error:  # noqa: BLE001 - it goes to the generator, whose control it concerns
            failure = error
        try:
            ask = steps.send(reply) if failure is None else steps.throw(failure)
        except StopIteration as end:
            return end.value
