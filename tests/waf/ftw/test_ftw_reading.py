"""FTW files of every layout, and what is said of those that cannot be understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.waf.ftw import Case, Expected, Input, Reply, parse

OLD = """\
meta: {author: someone, enabled: true, name: 942100.yaml, description: none}
tests:
  - test_title: 942100-1
    desc: a quote
    stages:
      - stage:
          input:
            dest_addr: 127.0.0.1
            method: POST
            port: 8080
            uri: /post
            headers: {Host: localhost, Content-Length: 7}
            data: [one, two]
            version: HTTP/1.0
            stop_magic: true
          output:
            status: [403, 400]
            log_contains: id "942100"
            no_log_contains: id "942110"
"""
NEW = """\
meta: {author: someone}
rule_id: 942100
tests:
  - test_id: 7
    desc: a quote
    tags: [slow]
    stages:
      - input:
          headers:
            - {name: Host, value: localhost}
            - {name: Host, value: again}
          encoded_data: YQ==
          autocomplete_headers: false
          response: {status: 302, headers: {Location: /b}, body: moved}
        output:
          status: 200
          response_contains: mo.ed
          retry_once: true
          isolated: true
          log: {expect_ids: [942100], no_expect_ids: [1, 2], match_regex: a+, no_match_regex: b+}
  - stages:
      - input: {encoded_request: R0VUIC8=}
        output: {expect_error: true}
"""
PAYLOADS = """\
rule_id: 942100
template: {uri: "/?q={{.Payload}}", method: PUT, headers: [{name: X-Attack, value: "={{ .Payload }}"}]}
tests:
  - id: 1
    payload: "' or 1"
    output: {log: {expect_ids: [942100]}}
  - payload: b
    template: {data: "a={{.Payload}}", uri: /}
    output: {}
"""


def only(text: str) -> Case:
    parsed = parse(text, "942100.yaml")
    assert parsed.problems == ()
    (case,) = parsed.cases
    return case


def test_the_old_layout() -> None:
    case = only(OLD)
    assert (case.name, case.rule, case.description, case.line) == ("942100-1", 942100, "a quote", 3)
    (stage,) = case.stages
    assert stage.input == Input(
        method=b"POST",
        uri=b"/post",
        version=b"HTTP/1.0",
        headers=((b"Host", b"localhost"), (b"Content-Length", b"7")),
        data=b"one\r\ntwo",
        autocomplete=False,
        empty_length=False,
        address="127.0.0.1",
        port=8080,
    )
    assert stage.expected == Expected(ids=(942100,), no_ids=(942110,), statuses=(403, 400))


def test_the_new_layout() -> None:
    parsed = parse(NEW, "folder/942100.yaml")
    assert parsed.problems == ()
    first, second = parsed.cases
    assert [(case.name, case.tags) for case in parsed.cases] == [("942100-7", ("slow",)), ("942100-2", ())]
    assert first.stages[0].input == Input(
        headers=((b"Host", b"localhost"), (b"Host", b"again")),
        data=b"a",
        autocomplete=False,
        response=Reply(302, ((b"Location", b"/b"),), b"moved"),
    )
    assert first.stages[0].expected == Expected(
        ids=(942100,),
        no_ids=(1, 2),
        log="a+",
        no_log="b+",
        statuses=(200,),
        response="mo.ed",
        retry_once=True,
        isolated=True,
    )
    assert second.stages[0].input.raw == b"GET /"
    assert second.stages[0].expected.error


def test_payloads_in_templates() -> None:
    parsed = parse(PAYLOADS)
    assert parsed.problems == ()
    first, second = (case.stages[0].input for case in parsed.cases)
    assert (first.method, first.uri, first.headers) == (b"PUT", b"/?q=' or 1", ((b"X-Attack", b"=' or 1"),))
    assert (second.uri, second.data) == (b"/", b"a=b")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{{ "1" | repeat 3 }}', b"111"),
        ("{{ `a` | repeat 2 }}b{{ repeat 2 `c` }}", b"aabcc"),
        ('{{"\\u00e9"}}', "é".encode()),
        ("{{constructor.constructor('alert(1)')()}}", b"{{constructor.constructor('alert(1)')()}}"),
        ('{{ "12345678" | repeat 9999999 }}', b"12345678" * (1 << 21)),
    ],
)
def test_templates_in_bodies(written: str, read: bytes) -> None:
    text = "tests:\n- stages:\n  - input:\n      data: |-\n        " + written + "\n    output: {}\n"
    assert only(text).stages[0].input.data == read


@pytest.mark.parametrize("text", ["", "# all of it is commented out\n", "---\n", "~"])
def test_nothing(text: str) -> None:
    assert parse(text) == parse("# none")
    assert parse(text).cases == ()


def test_text_is_what_stands_there() -> None:
    """A version of 1.0 is no number, and `no` is no boolean."""
    stage = "{version: 1.10, method: no, data: 0x10, headers: {A: yes, B: ~}}"
    sent = only(f"tests: [{{stages: [{{input: {stage}, output: {{}}}}]}}]").stages[0].input
    assert (sent.version, sent.method, sent.data, sent.headers) == (b"1.10", b"no", b"0x10", ((b"A", b"yes"),))


def test_two_cases_of_one_name_are_told_apart() -> None:
    stages = "stages: [{input: {}, output: {}}]"
    parsed = parse(f"tests: [{{test_title: a, {stages}}}, {{test_title: a, {stages}}}, {{test_title: a, {stages}}}]")
    assert [case.name for case in parsed.cases] == ["a", "a#2", "a#3"]


PROBLEMS = [
    ("a: [", "2: not valid YAML: did not find expected node content"),
    ("[1]", "1: a test file must be a mapping"),
    ("meta: {}", "1: `tests` is missing"),
    ("tests: a", "1: tests must be a list"),
    ("tests:\n- {test_id: 1}", "2: the test has neither stages nor a payload"),
    ("tests: [{stages: [{input: {urii: /}}]}]", "1: unknown key 'urii' in input (did you mean 'uri'?)"),
    ("tests: [{stages: [{output: {zzzzz: 1}}]}]", "1: unknown key 'zzzzz' in output; there are status, "),
    ("tests: [{stages: [{input: {port: http}}]}]", "1: port must be a number, not 'http'"),
    ("tests: [{stages: [{input: {uri: {a: 1}}}]}]", "1: uri must be text"),
    ("tests: [{stages: [{input: {stop_magic: 2}}]}]", "1: stop_magic must be true or false, not '2'"),
    ("tests: [{stages: [{input: {encoded_request: '*'}}]}]", "1: encoded_request is not base64: "),
    ("tests: [{stages: [{output: {log_contains: '['}}]}]", "1: match_regex is not a regular expression: "),
    ("tests: [{stages: [{output: {log: {expect_ids: [a]}}}]}]", "1: expect_ids must be a number, not 'a'"),
    ('a: "\x01"', "1: not valid YAML: "),
]


@pytest.mark.parametrize(("text", "said"), PROBLEMS)
def test_problems_have_their_lines(text: str, said: str) -> None:
    (problem, *_) = parse(text, "x.yaml").problems
    assert str(problem).startswith(f"x.yaml:{said}")


def test_all_problems_are_told() -> None:
    parsed = parse("tests:\n- stages:\n  - input: {urii: 1}\n    output: {statuss: 1}\n- 1\n")
    assert [problem.line for problem in parsed.problems] == [3, 4, 5, 5]


@given(st.text())
def test_any_text_is_read_or_told(text: str) -> None:
    parse(text)
    parse("tests:\n- stages:\n  - input: " + text)
