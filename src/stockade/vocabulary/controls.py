"""A defence and its hooks, and what it sets to watch over what is too long to be held: streams and pieces of bodies."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from stockade.messages import Message, Protocol
from stockade.vocabulary.asks.question import Asking
from stockade.vocabulary.exchange import Exchange
from stockade.vocabulary.records import Finding
from stockade.vocabulary.verdicts import PASS, Shortcut, Stop, Verdict
from stockade.wire import Request

Mode: TypeAlias = Literal["block", "monitor", "off"]
Failure: TypeAlias = Literal["closed", "open"]


class Watcher:
    """What a control keeps of one direction of one stream, and how it judges its messages, one by one.

    limit: of a message, bytes; a longer one comes with `too_long` and without content, before it is kept anywhere.
    keep: whether the content is wanted; a message is then held until it is complete. The door sees to both.
    """

    limit: int | None = None
    keep: bool = False

    def judge(self, message: Message, at: float) -> Verdict:
        """A message, or what is none ("malformed", after which nothing can be read). at: seconds since the epoch.

        A Pass lets it go on; its edits mean nothing here. It cannot ask the outside.
        """
        return PASS


class Sieve:
    """What a control does with the body of one response as it passes, whatever its size.

    hold: bytes. So much of what passes is kept, and the head with it, until the control has had a chance to Stop.
    """

    hold: int = 0

    def feed(self, data: bytes, ends: bool) -> tuple[bytes, Stop | None]:
        """What of these bytes, and of those held before, goes on. A Stop ends the response; nothing can be asked."""
        return data, None

    def rest(self) -> bytes:
        """What was fed and has not gone on, as it came: for when the control breaks and its policy says open."""
        return b""

    def tally(self) -> tuple[Finding, ...]:
        """What was noticed, in all; asked for once, when the exchange is over."""
        return ()


class Control:
    """One defence. Override the hooks that are needed: overriding is what subscribes to a phase.

    `rules` names, for each rule that findings carry, the key of the control's policy section that made it so.
    """

    name: ClassVar[str]
    rules: ClassVar[dict[str, str]] = {}
    bodies_alone: ClassVar[bool] = False  # its `on_request_body` has nothing to say of a request without a body
    seals: ClassVar[bool] = False  # its `on_response_body` comes last, after all sieves: nothing reads what it makes

    def describe(self) -> str:
        """What it enforces, in a few words, for `stockade check`."""
        return ""

    def on_request(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The request head is complete."""
        return PASS

    def wants_request_body(self, exchange: Exchange) -> bool:
        """Whether `on_request_body` is to be asked of the request whose head has passed. A body that nobody wants is
        not held, and nobody is asked."""
        return True

    def on_request_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The whole request body is in `exchange.request_body`."""
        return PASS

    def on_response(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The response head is in `exchange.response`."""
        return PASS

    def on_response_shortcut(self, scheme: str, *, known: bool = False) -> Shortcut | None:
        """What `on_response` says of an ordinary response to a request of that scheme; None: it must be asked.

        known: the request has a principal.
        """
        return None

    def own_response_headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """What a response that Stockade itself makes to this request carries, unless it says otherwise."""
        return ()

    def wants_response_body(self, exchange: Exchange) -> bool:
        """Whether `on_response_body` is to be asked of the response whose head has passed; else it is not held."""
        return True

    def on_response_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The whole response body is in `exchange.response_body`."""
        return PASS

    def on_request_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        """The request goes on as a stream of messages: who shall judge them? None: nobody, and they pass unread."""
        return None

    def on_response_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        """The same for the response, whose head is in `exchange.response`."""
        return None

    def on_response_pieces(self, exchange: Exchange) -> Sieve | None:
        """The body of the response, whose head is in `exchange.response`, comes in pieces. None: it passes unread."""
        return None
