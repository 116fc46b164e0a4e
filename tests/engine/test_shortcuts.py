"""Shortcuts: what lets a door decide about an ordinary response without asking. All must promise, or none does."""

from __future__ import annotations

from stockade.engine import Binding, open_session
from stockade.vocabulary import PASS, Control, Edits, Exchange, Pass, Shortcut, Verdict
from tests.exchanges import Door, make_control, make_request, make_route, says


class Promising(Control):
    name = "promising"

    def __init__(self, http: Shortcut, https: Shortcut | None = None) -> None:
        self._promises = {"http": http, "https": https or http}

    def on_response(self, exchange: Exchange) -> Verdict:
        return Pass(edits=self._promises[exchange.request.scheme].edits)

    def on_response_shortcut(self, scheme: str, *, known: bool = False) -> Shortcut:
        return self._promises[scheme]


FIRST = Shortcut(Edits((("x-a", "1"),), ("server",)), 500, frozenset({"x-a"}), ("text/html",))
SECOND = Shortcut(Edits((("x-b", "2"),), ("via",)), 400, frozenset({"x-b", "etag"}), ("text/", "image/"))


def shortcut_of(*bindings: Binding | Control, scheme: str = "http") -> Shortcut | None:
    door = Door(make_route(*bindings))
    return open_session(door.policy, make_request(scheme=scheme)).shortcut


def test_one_promise_is_the_routes():
    assert shortcut_of(Promising(FIRST)) == FIRST


def test_promises_are_joined_to_the_one_that_holds_for_all():
    assert shortcut_of(Promising(FIRST), Promising(SECOND)) == Shortcut(
        Edits((("x-a", "1"), ("x-b", "2")), ("server", "via")),
        400,
        frozenset({"x-a", "x-b", "etag"}),
        ("text/html", "text/", "image/"),
    )


def test_one_control_without_a_promise_has_to_be_asked():
    assert shortcut_of(Promising(FIRST), make_control("a", on_response=says(PASS))) is None


def test_without_response_hooks_there_is_nothing_to_cut_short():
    assert shortcut_of() is None
    assert shortcut_of(make_control("a", on_request=says(PASS))) is None


def test_who_only_watches_promises_no_edits():
    watched = shortcut_of(Binding(Promising(FIRST), monitor=True), Promising(SECOND))
    assert watched is not None
    assert watched.edits == SECOND.edits
    assert watched.below == 400
    assert watched.absent == {"x-a", "x-b", "etag"}


def test_each_scheme_has_its_own():
    control = Promising(FIRST, SECOND)
    assert shortcut_of(control) == FIRST
    assert shortcut_of(control, scheme="https") == SECOND


def test_a_request_without_an_api_has_none():
    door = Door(make_route(Promising(FIRST), hosts=("api.example.com",)))
    assert open_session(door.policy, make_request(host="elsewhere.example")).shortcut is None
