"""`Sifting`: the body of one response on its way past the sieves of its route's controls.

It stands where a `Flow` may stand, and takes one before itself: what the flow lets pass is what the sieves get.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol as Interface

from stockade.engine.flow import Flow
from stockade.engine.policy import Binding, SieveHook
from stockade.messages import Message, Protocol
from stockade.vocabulary import Exchange, Finding, Sieve, Stop, Verdict


class Judge(Interface):
    """What a sifting needs of its Session."""

    exchange: Exchange
    stopped: bool

    def weigh(self, binding: Binding, verdict: Verdict | Exception) -> Stop | None: ...


class Sifting:
    """hold: bytes that the door keeps back, and the head with them, until more has passed or the body has ended."""

    __slots__ = ("_flow", "_judge", "_sieves", "hold")

    def __init__(self, judge: Judge, sieves: list[tuple[Binding, Sieve]], flow: Flow | None) -> None:
        self._judge = judge
        self._sieves = sieves
        self._flow = flow
        self.hold = max((sieve.hold for binding, sieve in sieves if not binding.monitor), default=0)

    @classmethod
    def open(cls, judge: Judge, hooks: Iterable[tuple[Binding, SieveHook]], flow: Flow | None) -> Sifting | None:
        """Past the sieves that the hooks send; None where they send none."""
        sieves: list[tuple[Binding, Sieve]] = []
        for binding, hook in hooks:
            sieve: Sieve | None
            try:
                sieve = hook(judge.exchange)
            except Exception as error:  # noqa: BLE001 - the policy says what follows, at the first piece
                sieve = _Broken(error)
            if sieve is not None:
                sieves.append((binding, sieve))
        return cls(judge, sieves, flow) if sieves else None

    @property
    def protocol(self) -> Protocol | None:
        return self._flow.protocol if self._flow is not None else None

    @property
    def limit(self) -> int | None:
        return self._flow.limit if self._flow is not None else None

    @property
    def between(self) -> bool:
        return self._flow is None or self._flow.between

    def judge(self, message: Message, at: float) -> Stop | None:
        """Whole messages go past the flow alone."""
        return self._flow.judge(message, at) if self._flow is not None else None

    def receive(self, data: bytes, ends: bool, at: float) -> tuple[bytes, Stop | None]:
        """As with a Flow: what goes on, and the Stop that comes after it, if any."""
        stop: Stop | None = None
        if self._flow is not None:
            data, stop = self._flow.receive(data, ends, at)
        elif self._judge.stopped:
            return b"", None
        over = ends or stop is not None
        for index, (binding, sieve) in enumerate(self._sieves):
            try:
                passed, halt = sieve.feed(data, over)
            except Exception as error:  # noqa: BLE001 - whatever a sieve does wrong, the policy says what follows
                passed, halt = sieve.rest() or data, self._judge.weigh(binding, error)
                self._sieves[index] = (binding, _Passing(sieve))
                if halt is not None:
                    return b"", halt
            if binding.monitor:
                continue
            if halt is not None:
                return passed, stop or self._judge.weigh(binding, halt)
            data = passed
        return data, stop

    def tally(self) -> list[tuple[Binding, tuple[Finding, ...]]]:
        """What the sieves noticed."""
        return [(binding, sieve.tally()) for binding, sieve in self._sieves]


class _Broken(Sieve):
    """In place of one that could not be made."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def feed(self, data: bytes, ends: bool) -> tuple[bytes, Stop | None]:  # noqa: ARG002 - as any sieve
        raise self._error


class _Passing(Sieve):
    """In place of one that broke where the policy says open."""

    def __init__(self, broken: Sieve) -> None:
        self._broken = broken

    def tally(self) -> tuple[Finding, ...]:
        return self._broken.tally()
