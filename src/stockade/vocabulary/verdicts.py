"""What a control's hook answers: `Pass`, with what it learned and changes, or `Stop`, with a ready response."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

from stockade.vocabulary.principals import Principal
from stockade.vocabulary.records import Action, Finding
from stockade.wire import Request, Response

Texts: TypeAlias = Callable[[], Iterable[tuple[str, str]]]


class Edits(Struct, frozen=True, gc=False):
    """Changes to the message in hand; names are lower case. `set` replaces, `remove` drops.

    A name that stands twice in `set` has two lines, as Set-Cookie must. Where two controls set the same name, what the
    later one says holds.
    """

    set: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()
    replace: Response | None = None  # response phase only: send this instead
    body: bytes | None = None  # body phases only: this in place of the body that came


class Proofs(Struct, frozen=True, eq=False, gc=False):
    """Arguments of which something has been proved. query: names of parameters. json: JSON pointers into the body (RFC
    6901), with "*" for every item of an array. all_of_body: there is nothing else in the body, names included."""

    query: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    all_of_body: bool = False


class Pass(Struct, frozen=True, gc=False):
    """Go on. A control that watches (`mode: monitor`) keeps its findings and its principal, but not its edits.

    operation: what the request is called from here on, where its body says more than its path; of few values.
    calls: how many calls of that operation it is, for limits.
    proofs: which of its arguments are known to hold no injection. texts: all that the client chose freely in a body
    whose language the control has read, with its places; who looks for injections need not look at the rest.
    unknown: the arguments that the description does not name, by parameter or JSON pointer, and their texts.
    request: its head as the controls after this one shall see it, where `edits` change what it says of its body.
    """

    findings: tuple[Finding, ...] = ()
    principal: Principal | None = None
    edits: Edits | None = None
    operation: str | None = None
    calls: int = 1
    proofs: Proofs | None = None
    texts: Texts | None = None
    decided: str = ""  # the rule that let it pass, for the record
    unknown: Texts | None = None
    request: Request | None = None
    risk: int = 0  # 0 to 100; the highest that is said holds


class Closing(Struct, frozen=True, gc=False):
    """How a WebSocket is ended: status code and reason of the Close frame (RFC 6455, section 7.4)."""

    code: int = 1008  # policy violation
    reason: str = ""


class Stop(Struct, frozen=True, gc=False):
    """Go no further and answer `response`. The last finding is the reason.

    A stream whose response has begun cannot be answered any more: a WebSocket ends with `closing`, a gRPC call with
    the `grpc-status` and `grpc-message` of `response`, a stream of events after the last good one.
    """

    response: Response
    findings: tuple[Finding, ...]
    action: Action = "deny"
    operation: str | None = None  # as in Pass
    closing: Closing = Closing()


Verdict: TypeAlias = Pass | Stop
PASS = Pass()


class Shortcut(Struct, frozen=True, gc=False):
    """A control's promise that lets a door decide without asking it.

    For every response whose status is under `below`, that has none of the headers in `absent`, and whose content type
    begins with none of `not_media`, `on_response` returns `Pass(edits=edits)` and nothing else. Where it also reads
    bodies, `bodies` promises that it wants none of those responses'.
    """

    edits: Edits
    below: int = 600
    absent: frozenset[str] = frozenset()
    not_media: tuple[str, ...] = ()
    bodies: bool = False
