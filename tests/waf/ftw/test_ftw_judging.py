"""What was seen against what was expected; runs, redirects, cookies, exclusions, reports."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from msgspec.structs import replace

from stockade.seclang import Place
from stockade.waf.ftw import (
    Case,
    Expected,
    Input,
    Reply,
    Seen,
    Stage,
    in_process,
    judge,
    junit,
    log_line,
    observed,
    parse_exclusions,
    run,
    shortcomings,
    told,
    tuning,
)
from stockade.waf.inspection import Inspection, Match
from stockade.wire import Headers, Request, Response

OK = Response(200, Headers.of([("Server", "x")]), b"fine")


def case(*stages: Stage, name: str = "942100-1") -> Case:
    return Case(name, 942100, "", "sqli/942100.yaml", 3, stages)


TABLE = [
    (Expected(), Seen(), []),
    (Expected(ids=(1, 2)), Seen(ids=(2, 3, 1)), []),
    (Expected(ids=(1, 2)), Seen(ids=(2,)), ["expected 1 to match"]),
    (Expected(no_ids=(1, 2)), Seen(ids=(2, 1)), ["expected 1, 2 not to match"]),
    (Expected(ids=(1,), isolated=True), Seen(ids=(1, 1)), []),
    (Expected(ids=(1,), isolated=True), Seen(ids=(1, 2)), ["expected 1 alone to match"]),
    (Expected(log="a.c"), Seen(log=("x", "xabcx")), []),
    (Expected(log="a.c"), Seen(log=("a", "c")), ["expected a log line with /a.c/"]),
    (Expected(no_log="a.c"), Seen(log=("abc",)), ["expected no log line with /a.c/, not 'abc'"]),
    (Expected(statuses=(403, 400)), Seen(statuses=(200, 403)), []),
    (Expected(statuses=(403, 400)), Seen(statuses=(200,)), ["expected status 403 or 400, not 200"]),
    (Expected(response="o.k"), Seen(response=b"oak"), []),
    (Expected(response="o.k"), Seen(response=b"ok"), ["expected a response with /o.k/"]),
    (Expected(error=True), Seen(error="closed"), []),
    (Expected(error=True, ids=(1,)), Seen(refused="malformed"), []),
    (Expected(error=True), Seen(), ["expected no answer"]),
    (Expected(no_ids=(1,)), Seen(error="closed"), ["expected an answer: closed"]),
    (Expected(ids=(1,)), Seen(refused="malformed"), ["expected 1 to match"]),
]


@pytest.mark.parametrize(("expected", "seen", "said"), TABLE)
def test_shortcomings(expected: Expected, seen: Seen, said: list[str]) -> None:
    assert shortcomings(expected, seen) == said


@pytest.mark.parametrize(
    ("expected", "good"),
    [
        (Expected(ids=(1,)), True),
        (Expected(log="x"), True),
        (Expected(statuses=(403,)), True),
        (Expected(statuses=(200, 403)), False),
        (Expected(response="x"), False),
    ],
)
def test_a_refusal_protects_where_a_block_was_wanted(expected: Expected, good: bool) -> None:
    seen = Seen(refused="answered 400: malformed", statuses=(400,))
    assert (not shortcomings(expected, seen, refusal_protects=True)) is good


def test_stages_are_played_in_order_and_all_count() -> None:
    asked: list[str] = []

    def inspect(request: Request, response: Response) -> Seen:
        asked.append(request.target)
        return Seen(ids=(len(asked),))

    stages = (Stage(Input(uri=b"/a"), Expected(ids=(1,))), Stage(Input(uri=b"/b"), Expected(ids=(1,))))
    (outcome,) = run([case(*stages)], in_process(inspect), {})
    assert asked == ["/a", "/b"]
    assert outcome.shortcomings == ("stage 2: expected 1 to match",)
    assert (outcome.verdict, outcome.matched) == ("failed", (1, 2))


def test_what_http_refuses_reaches_no_rule() -> None:
    def inspect(request: Request, response: Response) -> Seen:
        raise AssertionError

    stages = (
        Stage(Input(method=b" GET"), Expected(statuses=(400,))),
        Stage(Input(headers=((b"Content-Length", b"9"),)), Expected(error=True)),
    )
    (outcome,) = run([case(*stages)], in_process(inspect), {})
    assert outcome.verdict == "passed"
    assert outcome.ends == ("the method is no token", "the body is shorter than its Content-Length")


def test_the_back_end_says_what_it_is_told() -> None:
    answers: list[Response] = []

    def inspect(request: Request, response: Response) -> Seen:
        answers.append(response)
        return Seen()

    kind = ((b"Content-Type", b"application/json"),)
    told = [
        Input(),
        Input(response=Reply(302, ((b"Location", b"/x"),), b"moved")),
        Input(b"POST", b"/reflect", headers=kind, data=b'{"status": 418, "headers": {"A": "b"}, "body": "tea"}'),
        Input(b"POST", b"/reflect", headers=kind, data=b'{"encodedBody": "AP8="}'),
        Input(b"POST", b"/reflect", headers=kind, data=b"{"),
    ]
    list(run([case(*(Stage(one, Expected()) for one in told))], in_process(inspect), {}))
    assert [(answer.status, answer.body) for answer in answers] == [
        *((200, b""), (302, b"moved"), (418, b"tea"), (200, b"\0\xff"), (400, b"Invalid JSON in request body"))
    ]
    assert answers[1].headers.get("location") == "/x"
    assert answers[2].headers.get("a") == "b"


def test_redirects_and_cookies_lead_from_stage_to_stage() -> None:
    seen: list[Request] = []

    def inspect(request: Request, response: Response) -> Seen:
        seen.append(request)
        return Seen()

    answer = Reply(302, ((b"Location", b"http://other:81/c?d=1#e"), (b"Set-Cookie", b"k=v; Path=/")))
    first = Input(uri=b"/a/b", headers=((b"Host", b"h"),), response=answer)
    follow = Input(headers=((b"Host", b"h"),), follow_redirect=True, save_cookie=True)
    stages = (Stage(first, Expected()), Stage(follow, Expected()))
    (outcome,) = run([case(*stages)], in_process(inspect), {})
    assert outcome.verdict == "passed"
    assert (seen[1].target, seen[1].authority, seen[1].headers.get("cookie")) == ("/c?d=1", "other", "k=v")
    (astray,) = run([case(stages[1])], in_process(inspect), {})
    assert astray.shortcomings == ("expected an answer: no stage before this one was answered",)


def test_exclusions_excuse_failures_and_nothing_else() -> None:
    one = case(Stage(Input(), Expected(ids=(1,))))
    assert judge(one, [Seen()], {}).verdict == "failed"
    assert judge(one, [Seen()], {"942100-1": "why"}).verdict == "excluded"
    assert judge(one, [Seen(ids=(1,))], {"942100-1": "why"}).verdict == "unused"
    assert judge(one, [Seen(ids=(1,))], {"942100-2": "why"}).verdict == "passed"


def test_lists_of_exclusions() -> None:
    text = "- {reason: 'one\n  reason', cases: [a, b]}\n- {reason: another, cases: [c]}\n"
    assert parse_exclusions(text) == ({"a": "one reason", "b": "one reason", "c": "another"}, ())
    assert parse_exclusions("a: one\n# b\nc: two\n") == ({"a": "one", "c": "two"}, ())
    assert parse_exclusions("") == ({}, ())
    _, problems = parse_exclusions("- {reason: '', cases: [a]}\n- {reason: x, cases: [b, b], why: 1}\n", "e.yaml")
    assert sorted(map(str, problems)) == [
        "e.yaml:1: a has no reason",
        "e.yaml:2: b is named twice",
        "e.yaml:2: unknown key 'why' in an exclusion; there are reason, cases",
    ]


def test_reports() -> None:
    one = case(Stage(Input(), Expected(ids=(1,))))
    outcomes = [
        judge(one, [Seen(ids=(1,))], {}),
        judge(replace(one, name='"<&\0'), [Seen(ids=(2,))], {}),
        judge(one, [Seen()], {"942100-1": "why"}),
        judge(replace(one, file="b.yaml"), [Seen(ids=(1,))], {"942100-1": "why"}),
    ]
    assert [told(outcome) for outcome in outcomes[1::2]] == [
        "expected 1 to match; matched: 2",
        "is excluded (why), and passes",
    ]
    root = ET.fromstring(junit(outcomes))
    suites = [{key: suite.get(key) for key in ("name", "tests", "failures", "skipped")} for suite in root]
    assert suites == [
        {"name": "sqli/942100.yaml", "tests": "3", "failures": "1", "skipped": "1"},
        {"name": "b.yaml", "tests": "1", "failures": "1", "skipped": "0"},
    ]
    assert [child.tag for element in root.iter("testcase") for child in element] == ["failure", "skipped", "failure"]


MATCH = Match(
    942100, Place("r.conf", 9), "ARGS:a", b"v", 0, 1, "SQL", "Data: v found within ARGS:a", ("t",), "CRITICAL", "v1"
)


def test_what_the_engine_says_is_what_tests_see() -> None:
    seen = observed(Inspection(rules=(942100, 949110), matches=(MATCH,)), OK)
    assert seen.ids == (942100, 949110)
    assert seen.statuses == (200, 403)
    assert seen.response == b"HTTP/1.1 200\r\nserver: x\r\n\r\nfine"
    assert seen.log == (log_line(MATCH),)
    assert '[id "942100"] [msg "SQL"] [data "Data: v found within ARGS:a"]' in log_line(MATCH)
    assert '[data "\\x0d\\x0a\\xc3\\xa9 \\x22\\x5c"]' in log_line(replace(MATCH, logdata='\r\né "\\'))
    assert observed(Inspection(action="deny", status=406), OK).statuses == (406,)


def test_every_level_has_its_name() -> None:
    assert "setvar:tx.paranoia_level=3" in tuning(3)
    assert "setvar:tx.blocking_paranoia_level=3" in tuning(3)
