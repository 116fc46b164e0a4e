"""The fold of an exchange over its controls: journeys of events in, and verdict and record out."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest

from stockade.engine import (
    REQUEST_HEAD,
    Answer,
    Binding,
    NotNow,
    RequestBody,
    Route,
    drive,
    drive_async,
    open_session,
    resume,
)
from stockade.engine.policy import PHASES, Hook
from stockade.engine.session import Steps
from stockade.vocabulary import (
    PASS,
    Action,
    Ask,
    Control,
    Edits,
    Exchange,
    Finding,
    Pass,
    Principal,
    Stop,
    StoreError,
    Verdict,
)
from stockade.wire import Response, problem
from tests.exchanges import Door, Question, make_control, make_request, make_route, no_answer, says

ALICE = Principal("alice", "api_key", "k1", frozenset({"orders:read"}))
SAW = Pass((Finding("saw"),))


def stop(status: int = 403, rule: str = "refused", action: Action = "deny") -> Stop:
    return Stop(problem(status, "No.", "r-1"), (Finding(rule),), action)


def breaks(exchange):
    raise RuntimeError("the canary in a message")


def no_store(ask):
    raise StoreError("the canary in a message")


def asks(exchange):
    reply = yield Question(1)
    return Pass((Finding(reply),))


def forgets(exchange):
    yield Question(1)


def forgives(exchange):
    """Asks, and copes with a store that does not answer."""
    try:
        yield Question(1)
    except StoreError:
        return Pass((Finding("forgiven"),))
    return stop()


def asks_twice_then_breaks(exchange):
    yield Question(1)
    yield Question(2)
    raise ValueError("after the answers")


class Journey(NamedTuple):
    """Controls (with mode and failure) in; status, action, control and findings out. Status 200 is the upstream's."""

    title: str
    bindings: list[Binding]
    status: int
    action: str
    control: str | None
    findings: list[str]
    answer: Any = None


def bound(name: str, hook: Hook, *, phase: str = "on_request", **how: Any) -> Binding:
    return Binding(make_control(name, None, **{phase: hook}), **how)


WATCH: dict[str, Any] = {"monitor": True}
OPEN: dict[str, Any] = {"failure": "open"}
JOURNEYS = [
    Journey("no controls", [], 200, "allow", None, []),
    Journey("a control that says nothing", [bound("a", says(PASS))], 200, "allow", None, []),
    Journey(
        "findings are kept in order",
        [bound("a", says(SAW)), bound("b", says(SAW))],
        200,
        "allow",
        None,
        ["a:saw", "b:saw"],
    ),
    Journey(
        "the first Stop ends it",
        [bound("a", says(SAW)), bound("b", says(stop(403))), bound("c", breaks)],
        403,
        "deny",
        "b",
        ["a:saw", "b:refused"],
    ),
    Journey(
        "a Stop has its own action", [bound("a", says(stop(429, "many", "throttle")))], 429, "throttle", "a", ["a:many"]
    ),
    Journey("who watches does not stop", [bound("a", says(stop()), **WATCH)], 200, "allow", None, ["a:refused?"]),
    Journey(
        "who watches does not keep the next from stopping",
        [bound("a", says(stop(403)), **WATCH), bound("b", says(stop(405)))],
        405,
        "deny",
        "b",
        ["a:refused?", "b:refused"],
    ),
    Journey(
        "all watch",
        [bound("a", says(stop()), **WATCH), bound("b", says(stop()), **WATCH)],
        200,
        "allow",
        None,
        ["a:refused?", "b:refused?"],
    ),
    # failure
    Journey("an exception is closed", [bound("a", breaks)], 503, "deny", "a", ["a:control-error"]),
    Journey(
        "nothing runs after it", [bound("a", breaks), bound("b", says(SAW))], 503, "deny", "a", ["a:control-error"]
    ),
    Journey("an exception is open", [bound("a", breaks, **OPEN)], 200, "allow", None, ["a:control-error"]),
    Journey(
        "open means that the next control judges",
        [bound("a", breaks, **OPEN), bound("b", says(stop()))],
        403,
        "deny",
        "b",
        ["a:control-error", "b:refused"],
    ),
    Journey("who watches cannot fail closed", [bound("a", breaks, **WATCH)], 200, "allow", None, ["a:control-error?"]),
    Journey("a hook that returns nothing", [bound("a", says(None))], 503, "deny", "a", ["a:control-error"]),
    Journey(
        "a hook that returns something else", [bound("a", says(True), **OPEN)], 200, "allow", None, ["a:control-error"]
    ),
    Journey("a hook that returns an empty list", [bound("a", says([]))], 503, "deny", "a", ["a:control-error"]),
    Journey(
        "a hook that forgets to return", [bound("a", forgets)], 503, "deny", "a", ["a:control-error"], lambda ask: ""
    ),
    # asking
    Journey("an answer", [bound("a", asks)], 200, "allow", None, ["a:answer 1"], lambda ask: f"answer {ask.number}"),
    Journey("a dead store is closed", [bound("a", asks)], 503, "deny", "a", ["a:control-error"], no_store),
    Journey("a dead store is open", [bound("a", asks, **OPEN)], 200, "allow", None, ["a:control-error"], no_store),
    Journey(
        "a dead store of one who watches",
        [bound("a", asks, **WATCH)],
        200,
        "allow",
        None,
        ["a:control-error?"],
        no_store,
    ),
    Journey(
        "a control may cope with a dead store", [bound("a", forgives)], 200, "allow", None, ["a:forgiven"], no_store
    ),
    Journey(
        "an exception after the answers",
        [bound("a", asks_twice_then_breaks), bound("b", says(SAW))],
        503,
        "deny",
        "a",
        ["a:control-error"],
        lambda ask: "",
    ),
    Journey(
        "the error of one is not the next one's",
        [bound("a", asks, **OPEN), bound("b", forgives)],
        200,
        "allow",
        None,
        ["a:control-error", "b:forgiven"],
        no_store,
    ),
]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.title)
def test_journey(journey, phase):
    """Each journey in each phase: mode and failure mean the same in all of them."""
    bindings = [
        bound(item.control.name, item.control.on_request, phase=phase, monitor=item.monitor, failure=item.failure)
        for item in journey.bindings
    ]
    door = Door(make_route(*bindings), **({"answer": journey.answer} if journey.answer else {}))
    verdict = door.send(make_request(), response=Response(200))
    status = verdict.response.status if isinstance(verdict, Stop) else 200
    record = door.session.close(status, 1.5)
    assert status == journey.status
    assert (record.status, record.action, record.control) == (journey.status, journey.action, journey.control)
    told = [f"{finding.control}:{finding.rule}{'?' * finding.monitor}" for finding in record.findings]
    assert told == journey.findings
    assert door.session.stopped is (journey.control is not None)


def at_once(steps: Steps, answer: Answer) -> Verdict:
    return drive(steps, answer)


def later(steps: Steps, answer: Answer) -> Verdict:
    async def answer_later(ask: Ask[Any]) -> Any:
        await asyncio.sleep(0)
        return answer(ask)

    return asyncio.run(drive_async(steps, answer_later))


def suspended(steps: Steps, answer: Answer) -> Verdict:
    """As Envoy's door does it: at once as far as that goes, the rest on another thread's event loop."""

    def not_now(ask: Ask[Any]) -> Any:
        raise NotNow

    async def answer_later(ask: Ask[Any]) -> Any:
        return answer(ask)

    try:
        return drive(steps, not_now)
    except NotNow as waiting:
        verdict: Verdict = asyncio.run(resume(waiting, answer_later))
        return verdict


@pytest.mark.parametrize("driver", [later, suspended])
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.title)
def test_every_driver_comes_to_the_same_end(journey, driver):
    ends = []
    for drives in (at_once, driver):
        session = open_session(Door(make_route(*journey.bindings)).policy, make_request())
        verdict = drives(session.receive(REQUEST_HEAD), journey.answer or no_answer)
        ends.append((verdict, session.stopped, session.close(journey.status, 1.5)))
    assert ends[0] == ends[1]


def test_a_broken_control_is_told_of_by_its_kind_of_error_alone():
    """An exception's message may hold what it broke on."""
    door = Door(make_route(bound("a", breaks)))
    verdict = door.send(make_request())
    assert isinstance(verdict, Stop)
    (finding,) = door.session.close(503, 1.0).findings
    assert (finding.evidence, finding.severity) == ("RuntimeError", "critical")
    assert b"canary" not in verdict.response.body
    assert verdict.response.headers.get("retry-after") == "5"
    assert verdict.response.headers.get("content-type") == "application/problem+json"


def test_hooks_not_overridden_are_not_bound():
    """Else every door would buffer bodies that nobody reads."""
    route = make_route(
        bound("a", says(PASS)),
        bound("b", says(PASS), phase="on_response"),
        Binding(Control()),
    )
    assert [len(getattr(route, phase)) for phase in PHASES] == [1, 0, 1, 0]
    assert len(route.bindings) == 3
    session = open_session(Door(route).policy, make_request())
    assert (session.reads_request_body, session.reads_response, session.reads_response_body) == (False, True, False)


def test_a_hook_inherited_from_another_control_is_bound():
    base = type(make_control("base", on_request=says(stop())))
    child = type("child", (base,), {"name": "child"})()
    assert isinstance(Door(make_route(child)).send(make_request()), Stop)


@pytest.mark.parametrize(
    ("phase", "reads"),
    [
        ("on_request", (False, False, False)),
        ("on_request_body", (True, False, False)),
        ("on_response", (False, True, False)),
        ("on_response_body", (False, True, True)),
    ],
)
def test_what_the_door_must_read(phase, reads):
    door = Door(make_route(bound("a", says(PASS), phase=phase)))
    session = open_session(door.policy, make_request("POST", has_body=True))
    assert (session.reads_request_body, session.reads_response, session.reads_response_body) == reads


def test_once_stopped_nothing_more_is_read():
    controls = [bound(phase, says(stop() if phase == "on_request" else PASS), phase=phase) for phase in PHASES]
    door = Door(make_route(*controls))
    door.send(make_request("POST", has_body=True))
    session = door.session
    assert (session.reads_request_body, session.reads_response, session.reads_response_body) == (False, False, False)


def test_controls_see_the_bodies_and_the_response():
    seen: list[Any] = []
    door = Door(
        make_route(
            bound("a", notes(seen, lambda exchange: exchange.request_body), phase="on_request_body"),
            bound(
                "b", notes(seen, lambda exchange: exchange.response and exchange.response.status), phase="on_response"
            ),
            bound("c", notes(seen, lambda exchange: exchange.response_body), phase="on_response_body"),
        )
    )
    door.send(make_request("POST", has_body=True), b"sent", Response(201), b"received")
    assert seen == [b"sent", 201, b"received"]


def notes(seen: list[Any], look: Hook) -> Hook:
    """A hook that keeps what it sees."""

    def hook(exchange: Exchange) -> Verdict:
        seen.append(look(exchange))
        return PASS

    return hook


# Principals, edits, and what one who only watches may do.


def principal_after(*bindings: Binding) -> tuple[Principal | None, str | None]:
    seen: list[Principal | None] = []
    door = Door(make_route(*bindings, bound("last", notes(seen, lambda exchange: exchange.principal))))
    door.send(make_request())
    return seen[0], door.session.close(200, 1.0).principal


def test_a_principal_is_known_to_the_controls_after_and_to_the_record():
    assert principal_after(bound("a", says(Pass(principal=ALICE)))) == (ALICE, "alice")
    assert principal_after() == (None, None)


def test_who_watches_keeps_findings_and_principal_but_not_edits():
    told = Pass((Finding("saw"),), ALICE, Edits((("x-told", "1"),), ("x-key",)))
    door = Door(make_route(bound("a", says(told), monitor=True)))
    verdict = door.send(make_request(headers=[("x-key", "secret")]))
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    assert "x-told" not in dict(verdict.edits.set)
    assert "x-key" not in verdict.edits.remove
    assert dict(verdict.edits.set)["x-stockade-principal"] == "alice"
    record = door.session.close(200, 1.0)
    assert (record.principal, record.findings[0].monitor) == ("alice", True)


def test_the_edits_of_several_controls_are_merged_in_order():
    first = Pass(edits=Edits((("x-a", "1"), ("x-b", "1")), ("server",)))
    second = Pass(edits=Edits((("x-b", "2"),), ("via",)))
    door = Door(
        make_route(
            bound("a", says(first), phase="on_response"),
            bound("silent", says(PASS), phase="on_response"),
            bound("watches", says(Pass(edits=Edits(remove=("x-kept",)))), phase="on_response", monitor=True),
            bound("b", says(second), phase="on_response"),
        )
    )
    verdict = door.send(make_request(), response=Response(200))
    assert verdict == Pass(edits=Edits((("x-a", "1"), ("x-b", "2")), ("server", "via")))


def test_the_first_replacement_of_a_response_is_the_one():
    own, other = Response(500, body=b"own"), Response(500, body=b"other")
    door = Door(
        make_route(
            bound("a", says(Pass(edits=Edits((("x-a", "1"),)))), phase="on_response"),
            bound("b", says(Pass(edits=Edits(replace=own))), phase="on_response"),
            bound("c", says(Pass(edits=Edits(replace=other))), phase="on_response"),
        )
    )
    verdict = door.send(make_request(), response=Response(500))
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    replacement = verdict.edits.replace
    assert replacement is not None
    assert (replacement.body, list(replacement.headers)) == (b"own", [("x-a", "1")])  # what the others set is on it


def test_a_name_that_one_control_sets_twice_has_two_lines_and_a_later_one_takes_both():
    cookies = Pass(edits=Edits((("set-cookie", "a=1"), ("set-cookie", "b=2"))))
    first = bound("a", says(cookies), phase="on_response")
    door = Door(make_route(first, bound("b", says(Pass(edits=Edits((("x-b", "1"),)))), phase="on_response")))
    verdict = door.send(make_request(), response=Response(200))
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    assert verdict.edits.set == (("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-b", "1"))
    door = Door(make_route(first, bound("b", says(Pass(edits=Edits(remove=("set-cookie",)))), phase="on_response")))
    verdict = door.send(make_request(), response=Response(200))
    assert verdict == Pass(edits=Edits((), ("set-cookie",)))


def test_a_body_that_was_changed_is_what_the_next_control_reads():
    seen: list[bytes] = []

    def second(exchange: Exchange) -> Pass:
        seen.append(exchange.response_body)
        return Pass(edits=Edits(body=exchange.response_body + b"!"))

    def route(monitor: bool) -> Route:
        change = bound("a", says(Pass(edits=Edits(body=b"less"))), phase="on_response_body", monitor=monitor)
        return make_route(change, bound("b", second, phase="on_response_body"))

    for monitor in (False, True):
        verdict = Door(route(monitor)).send(make_request(), response=Response(200), reply=b"all")
        assert verdict == Pass(edits=Edits(body=seen[-1] + b"!"))
    assert seen == [b"less", b"all"]


@pytest.mark.parametrize("wants", [True, False, None])
def test_a_body_that_nobody_wants_is_not_held(wants):
    class Choosy(Control):
        name = "choosy"

        def wants_response_body(self, exchange):
            if wants is None:
                raise ValueError
            return wants

        def on_response_body(self, exchange):
            return Pass(edits=Edits(body=b"read"))

    door = Door(make_route(Choosy()))
    verdict = door.send(make_request(), response=Response(200), reply=b"all")
    assert door.session.reads_response_body is (wants is not False)
    assert verdict == (PASS if wants is False else Pass(edits=Edits(body=b"read")))


def test_a_response_phase_without_edits_is_a_plain_pass():
    door = Door(make_route(bound("a", says(SAW), phase="on_response")))
    assert door.send(make_request(), response=Response(200)) is PASS


# What a finding says of the policy.


def test_a_finding_names_the_line_of_the_policy_that_made_it_so():
    lines = {"refused": "stockade.yaml:12"}
    both = Pass((Finding("refused"), Finding("other")))
    door = Door(make_route(bound("a", says(both), line="stockade.yaml:9", lines=lines), bound("b", says(SAW))))
    door.send(make_request())
    findings = door.session.close(200, 1.0).findings
    assert [finding.policy for finding in findings] == ["stockade.yaml:12", "stockade.yaml:9", ""]


def test_our_own_responses_carry_the_routes_headers_and_keep_their_own():
    response = Response(403, problem(403, "No.", "r-1").headers)
    door = Door(
        make_route(
            bound("a", says(Stop(response, (Finding("refused"),)))),
            own_headers=(("x-frame-options", "DENY"), ("cache-control", "public")),
        )
    )
    verdict = door.send(make_request())
    assert isinstance(verdict, Stop)
    assert verdict.response.headers.all("x-frame-options") == ["DENY"]
    assert verdict.response.headers.all("cache-control") == ["no-store"]


def test_a_doors_own_refusal_is_on_the_record_like_a_controls():
    door = Door(make_route(bound("firewall", says(PASS), line="p:3", lines={"too-large": "p:5"})))
    door.send(make_request())
    verdict = door.session.refuse("firewall", Finding("too-large", where="body"), Response(413))
    record = door.session.close(413, 1.0)
    assert (verdict.response.status, verdict.action) == (413, "deny")
    assert (record.action, record.control) == ("deny", "firewall")
    assert [(finding.control, finding.rule, finding.policy) for finding in record.findings] == [
        ("firewall", "too-large", "p:5")
    ]
    assert door.session.stopped


# Observers.


def test_an_observer_hears_every_control_with_its_binding():
    heard = []
    bindings = [bound("a", says(PASS)), bound("b", breaks, monitor=True), bound("c", says(stop()))]
    policy = Door(make_route(*bindings)).policy
    session = open_session(policy, make_request(), lambda *said: heard.append(said))
    drive(session.receive(REQUEST_HEAD), lambda ask: None)
    assert [(phase, binding.control.name, type(verdict)) for phase, binding, verdict in heard] == [
        ("on_request", "a", Pass),
        ("on_request", "b", Pass),
        ("on_request", "c", Stop),
    ]


def test_a_route_without_one_of_its_controls():
    bindings = [bound("a", says(stop())), bound("a", says(stop()), phase="on_request_body"), bound("b", says(SAW))]
    route = make_route(*bindings).without("a")
    assert [binding.control.name for binding in route.bindings] == ["b"]
    door = Door(route)
    assert isinstance(door.send(make_request()), Pass)
    assert not door.session.reads_request_body


def test_sessions_share_nothing():
    door = Door(make_route(bound("a", says(Pass((Finding("saw"),), ALICE)))))
    first, second = (open_session(door.policy, make_request(id=id_)) for id_ in ("r-1", "r-2"))
    drive(first.receive(REQUEST_HEAD), lambda ask: None)
    assert second.close(200, 1.0).findings == ()
    assert second.exchange.principal is None
    drive(second.receive(RequestBody(b"")), lambda ask: None)
    assert first.close(200, 1.0).request_id == "r-1"


@pytest.mark.parametrize(
    "kind", ["application/grpc", "application/grpc+proto", "application/grpc-web", "application/grpcx"]
)
@pytest.mark.parametrize("speaks_grpc", [False, True])
def test_a_body_is_a_stream_of_calls_only_where_the_api_speaks_grpc(kind: str, speaks_grpc: bool) -> None:
    """Else any client could have its body pass unread by calling it so."""
    door = Door(make_route(bound("a", says(stop()), phase="on_request_body"), speaks_grpc=speaks_grpc))
    door.send(make_request("POST", "/", [("content-type", kind)], has_body=True), b"hostile")
    is_stream = speaks_grpc and kind in ("application/grpc", "application/grpc+proto")
    assert door.session.exchange.request_body == (b"" if is_stream else b"hostile")


def test_an_upgrade_to_anything_but_a_websocket_has_a_body_like_any_other() -> None:
    door = Door(make_route(bound("a", says(stop()), phase="on_request_body")))
    fields = [("upgrade", "h2c"), ("transfer-encoding", "chunked")]
    assert isinstance(door.send(make_request("GET", "/", fields, has_body=True), b"hostile"), Stop)
    assert door.session.exchange.request_body == b"hostile"
