"""What an FTW test file says, whichever of its layouts it is written in."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from stockade.problems import Problem

Fields: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Header fields in their order, names as written."""


class Reply(Struct, frozen=True, gc=False):
    """What the test wants the back end to answer."""

    status: int = 200
    headers: Fields = ()
    body: bytes = b""


class Input(Struct, frozen=True, gc=False):
    """What a stage sends. Text is bytes already: UTF-8 where the file does not say otherwise."""

    method: bytes = b"GET"
    uri: bytes = b"/"
    version: bytes = b"HTTP/1.1"
    headers: Fields = ()
    data: bytes = b""
    raw: bytes | None = None  # the whole request, in place of all above (`encoded_request`, `raw_request`)
    autocomplete: bool = True  # add what a client would: Content-Length, Connection, a form's encoding
    empty_length: bool = True  # and "Content-Length: 0" where a body might be expected; the client of CRS 3 did not
    address: str = "localhost"
    port: int = 80
    protocol: str = "http"
    follow_redirect: bool = False  # go where the stage before was sent
    save_cookie: bool = False  # send the cookies that the stages before were given
    response: Reply | None = None


class Expected(Struct, frozen=True, gc=False):
    """What must be seen. Several expectations must all hold; where `error` is set, it alone counts."""

    ids: tuple[int, ...] = ()  # all of these rules matched
    no_ids: tuple[int, ...] = ()  # and none of these
    log: str = ""  # a regular expression that some line of the log matches
    no_log: str = ""  # and one that no line does
    statuses: tuple[int, ...] = ()  # one of them; empty: any
    response: str = ""  # a regular expression for the whole response
    error: bool = False  # there is no answer
    retry_once: bool = False
    isolated: bool = False  # no rule but the one in `ids` matched


class Stage(Struct, frozen=True, gc=False):
    input: Input
    expected: Expected


class Case(Struct, frozen=True, gc=False):
    """One test. Its stages are played one after the other; all must succeed."""

    name: str  # "942100-3", unique among the cases that are run together
    rule: int  # which it is about; 0 where the file does not say
    description: str
    file: str
    line: int  # counts from 1
    stages: tuple[Stage, ...]
    tags: tuple[str, ...] = ()


class Parsed(Struct, frozen=True, gc=False):
    cases: tuple[Case, ...]
    problems: tuple[Problem, ...] = ()
