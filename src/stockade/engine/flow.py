"""`Flow`: one direction of one stream on its way past the watchers of its route's controls.

A door that has bytes feeds `receive`; one that has whole messages (ASGI's WebSockets) feeds `judge`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn
from typing import Protocol as Interface

from msgspec.structs import replace

from stockade.engine.policy import Binding, StreamHook
from stockade.messages import BadMessage, Message, Protocol, Reader, reader
from stockade.vocabulary import PASS, Exchange, Pass, Stop, Verdict, Watcher


class Judge(Interface):
    """What a flow needs of its Session."""

    exchange: Exchange
    stopped: bool

    def weigh(self, binding: Binding, verdict: Verdict | Exception) -> Stop | None: ...


class Flow:
    """`protocol` is what it speaks, `limit` the least that a watcher sets."""

    __slots__ = ("_blind", "_judge", "_reader", "_watchers", "limit", "protocol")

    def __init__(
        self, judge: Judge, watchers: list[tuple[Binding, Watcher]], protocol: Protocol, *, from_client: bool
    ) -> None:
        self._judge = judge
        self._watchers = watchers
        self._blind = False  # nothing can be read any more, and nobody minds
        self.protocol = protocol
        self.limit = min((watcher.limit for _, watcher in watchers if watcher.limit is not None), default=None)
        keep = any(watcher.keep for _, watcher in watchers)
        self._reader: Reader = reader(protocol, from_client=from_client, limit=self.limit, keep=keep)

    @classmethod
    def open(
        cls, judge: Judge, hooks: Iterable[tuple[Binding, StreamHook]], protocol: Protocol, *, from_client: bool
    ) -> Flow | None:
        """A flow past the watchers that the hooks send; None where they send none."""
        watchers: list[tuple[Binding, Watcher]] = []
        for binding, hook in hooks:
            watcher: Watcher | None
            try:
                watcher = hook(judge.exchange, protocol)
            except Exception as error:  # noqa: BLE001 - the policy says what follows, at the first message
                watcher = _Broken(error)
            if watcher is not None:
                watchers.append((binding, watcher))
        return cls(judge, watchers, protocol, from_client=from_client) if watchers else None

    @property
    def between(self) -> bool:
        """Whether a message of ours could follow what has gone on so far."""
        return not self._blind and self._reader.between

    def receive(self, data: bytes, ends: bool, at: float) -> tuple[bytes, Stop | None]:
        """What of these bytes, and of those held before, may go on; and the Stop that comes after it, if any.

        ends: nothing more comes. at: seconds since the epoch. Once the exchange is stopped nothing goes on.
        """
        if self._judge.stopped:
            return b"", None
        if self._blind:
            return data, None
        passed: list[bytes] = []
        try:
            stop = self._read(data, passed, at)
            if ends and stop is None:
                self._reader.end()
        except BadMessage as error:
            stop = self.judge(Message("malformed", 0, trouble=str(error), code=error.code), at)
            self._blind = stop is None
        if stop is None and (self._blind or (ends and all(binding.monitor for binding, _ in self._watchers))):
            passed.append(self._reader.rest())
        return b"".join(passed), stop

    def _read(self, data: bytes, passed: list[bytes], at: float) -> Stop | None:
        for part, message in self._reader.feed(data):
            if message is not None and (stop := self.judge(message, at)) is not None:
                return stop
            passed.append(part)
        return None

    def judge(self, message: Message, at: float) -> Stop | None:
        """A whole message: None when it may go on."""
        for binding, watcher in self._watchers:
            try:
                verdict: Any = watcher.judge(_told(message, watcher), at)
                if type(verdict) is not Pass and type(verdict) is not Stop:
                    raise TypeError("a watcher must return Pass or Stop")  # noqa: TRY301 - the control's error
            except Exception as error:  # noqa: BLE001 - whatever a watcher does wrong, the policy says what follows
                verdict = error
            if verdict is not PASS and (stop := self._judge.weigh(binding, verdict)) is not None:
                return stop
        return None


def _told(message: Message, watcher: Watcher) -> Message:
    """A call that is too long for one is not for all: its header says how long it will be."""
    if message.kind != "call" or not message.too_long or watcher.keep:
        return message
    return replace(message, too_long=watcher.limit is not None and message.size > watcher.limit)


class _Broken(Watcher):
    """In place of one that could not be made."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def judge(self, message: Message, at: float) -> NoReturn:  # noqa: ARG002 - as any watcher
        raise self._error
