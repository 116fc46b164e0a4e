"""Our evaluator and Cedar's own engine decide alike: on made-up policies and requests, and on a table of edges."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.cedar import Entity, Policy, PolicySet, Request, Set, Uid, quoted, read_policies
from stockade.cedar.analysis import contradiction, covers
from stockade.cedar.errors import EvaluationError
from stockade.cedar.extensions import Datetime, Decimal, Duration, Ip, parse_datetime, parse_ip
from stockade.cedar.peer import decide

U, G, A, R = Uid("U", "a"), Uid("G", "g"), Uid("Action", "x"), Uid("R", "r")
TOP = Uid("G", "top")
ENTITIES = {
    U: Entity(
        {"x": 1, "name": "ann", "s": Set(["a", "b"]), "r": {"y": True, "z": {"w": "deep"}}, "e": R},
        frozenset({G, TOP}),
        {"t": 1},
    ),
    G: Entity({"x": "group"}, frozenset({TOP})),
    R: Entity({"owner": U, "x": 2}, frozenset({Uid("R", "all")})),
}
CONTEXT: dict[str, Any] = {
    "n": 5,
    "most": (1 << 63) - 1,
    "t": True,
    "text": "a*b/c",
    "set": Set([1, True, "1", Uid("U", "a"), Set([1])]),
    "rec": {"a": 1, "b": {"c": "d"}},
    "ip": Ip(32, 0x0A010203, 32),
    "dec": Decimal(-15_000),
    "now": Datetime(1_700_000_000_123),
    "len": Duration(-5400_000),
    "gone": Uid("U", "nobody"),
}
REQUEST = Request(U, A, R, CONTEXT, ENTITIES)

ATOMS = [
    *("principal", "action", "resource", "context", "true", "false", "0", "1", "-1", "5", "9223372036854775807"),
    *(
        '"a"',
        '"ann"',
        '"1"',
        '"a*b/c"',
        '""',
        "[]",
        '[1, "a"]',
        '["a"]',
        "[true]",
        "{}",
        "{a: 1}",
        '{a: 1, b: {c: "d"}}',
    ),
    *('U::"a"', 'U::"nobody"', 'G::"g"', 'G::"top"', 'R::"all"', '[G::"g", R::"all"]', '[U::"a", 1]'),
    *("principal.x", "principal.name", "principal.s", "principal.r", "principal.r.z.w", "principal.e", "principal.no"),
    *("resource.owner", "resource.owner.name", "resource.x", "context.gone.x", "action.x"),
    *(f"context.{name}" for name in CONTEXT),
    *('ip("10.0.0.0/8")', 'ip("::1")', 'ip("127.0.0.1/9")', 'ip("x")', 'decimal("-1.5")', 'decimal("1.23456")'),
    *('datetime("2023-11-14")', 'datetime("2023-11-14T22:13:20.123Z")', 'datetime("2023-13-14")'),
    *('duration("1h30m")', 'duration("-90m")', 'duration("1m1h")', 'duration("106751991168d")'),
]
BINARY = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "in", "&&", "||"]
METHODS = [
    *("contains", "containsAll", "containsAny", "isInRange", "lessThan", "lessThanOrEqual", "greaterThan"),
    *("greaterThanOrEqual", "offset", "durationSince", "getTag", "hasTag"),
]
PLAIN = [
    *("isEmpty", "isIpv4", "isIpv6", "isLoopback", "isMulticast", "toDate", "toTime", "toMilliseconds", "toSeconds"),
    *("toMinutes", "toHours", "toDays"),
]


def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pick = st.sampled_from
    return st.one_of(
        st.builds("({} {} {})".format, inner, pick(BINARY), inner),
        st.builds("({}).{}({})".format, inner, pick(METHODS), inner),
        st.builds("({}).{}()".format, inner, pick(PLAIN)),
        st.builds("(!({}))".format, inner),
        st.builds("(-({}))".format, inner),
        st.builds("(({}) has {})".format, inner, pick(["x", "a", "no", "z.w", '"b"'])),
        st.builds('(({})["x"])'.format, inner),
        st.builds("(({}) like {})".format, inner, pick(['"*"', '"a*"', '"*b*c"', r'"a\*b*"', '""', '"a**c"'])),
        st.builds("(({}) is {})".format, inner, pick(["U", "G", "R", 'U in G::"top"'])),
        st.builds("(if ({}) then ({}) else ({}))".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{a: {}}}".format, inner),
    )


ANYTHING = st.recursive(st.sampled_from(ATOMS), wider, max_leaves=6)

# The same where types fit, so that few of them err.
NUMBERS = st.sampled_from(
    ["1", "5", "principal.x", "context.n", "resource.x", "context.n * 2", "-3", "(principal.x + 1)"]
)
TEXTS = st.sampled_from(['"a"', '"ann"', "principal.name", "context.text", "principal.r.z.w", "context.rec.b.c", '""'])
SETS = st.sampled_from(["principal.s", "context.set", '["a", "b"]', "[1, true]", "[]", '["a"]'])
NAMED = st.sampled_from(["principal", "resource", "resource.owner", "principal.e", "context.gone", 'U::"a"', 'G::"g"'])
GROUPS = st.sampled_from(['G::"g"', 'G::"top"', 'R::"all"', '[G::"top", R::"all"]', "principal", "resource.owner"])
TRUTHS = st.recursive(
    st.one_of(
        st.sampled_from(
            ["true", "context.t", "principal.r.y", "principal has name", "context has no", "resource has owner.x"]
        ),
        st.builds("({} {} {})".format, NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS),
        st.builds("({} {} {})".format, TEXTS, st.sampled_from(["==", "!="]), TEXTS),
        st.builds("({} like {})".format, TEXTS, st.sampled_from(['"a*"', '"*n"', r'"a\\*b*"', '"*e*p"'])),
        st.builds("({}.{}({}))".format, SETS, st.sampled_from(["containsAll", "containsAny"]), SETS),
        st.builds("({}.contains({}))".format, SETS, st.one_of(NUMBERS, TEXTS, st.just("true"))),
        st.builds("({} in {})".format, NAMED, GROUPS),
        st.builds("({} {} {})".format, NAMED, st.sampled_from(["==", "!="]), NAMED),
        st.builds("({} is {})".format, NAMED, st.sampled_from(["U", "R", 'U in G::"top"'])),
        st.builds("(context.ip.isInRange({}))".format, st.sampled_from(['ip("10.0.0.0/8")', 'ip("10.1.2.4/31")'])),
        st.builds(
            "(context.now {} datetime({}))".format,
            st.sampled_from(["<", ">"]),
            st.sampled_from(['"2020-01-01"', '"2030-01-01"']),
        ),
    ),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||", "=="]), inner),
        st.builds("!{}".format, inner),
        st.builds("(if {} then {} else {})".format, inner, inner, inner),
    ),
    max_leaves=5,
)
EXPRESSIONS = st.one_of(ANYTHING, TRUTHS, TRUTHS, TRUTHS)
SCOPES = st.tuples(
    st.sampled_from(["principal", 'principal == U::"a"', 'principal in G::"top"', "principal is U", "principal is G"]),
    st.sampled_from(
        ["action", 'action == Action::"x"', 'action in [Action::"x", Action::"y"]', 'action == Action::"y"']
    ),
    st.sampled_from(["resource", 'resource in R::"all"', 'resource is R in R::"all"', 'resource == R::"q"']),
)
POLICIES = st.builds(
    lambda effect, scope, kind, one, also: f"{effect}({', '.join(scope)}) {kind} {{ {one} }} {also};",
    st.sampled_from(["permit", "permit", "forbid"]),
    SCOPES,
    st.sampled_from(["when", "unless"]),
    EXPRESSIONS,
    st.one_of(st.just(""), st.builds("when {{ {} }}".format, EXPRESSIONS)),
)


def both(text: str, request: Request = REQUEST) -> bool:
    """What both say, in an allowed, a reason that Cedar gives too, and in errors of forbids."""
    policies = read_policies(text, "p")
    ours = PolicySet(policies).about(A, frozenset()).decide(request)
    theirs = decide(policies, request)
    assert ours.allowed == theirs.allowed, text
    assert set(ours.errors) <= set(theirs.errors), text
    effects = {policy.name: policy.effect for policy in policies}
    if ours.allowed:
        assert effects[ours.policy] == "permit"
    elif not ours.policy and not theirs.policy:
        assert set(ours.errors) == set(theirs.errors), text  # all were tried
    return ours.allowed


@given(st.lists(POLICIES, min_size=1, max_size=4))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_made_up_policies(texts):
    try:
        policies = read_policies("\n".join(texts), "p")
    except ValueError:
        return  # a literal that Cedar's parser refuses
    assert len(policies) == len(texts)
    both("\n".join(texts))


EDGES = [
    ("1 == true", False),
    ("[1].contains(true)", False),
    ("context.set.contains(1) && context.set.contains(true) && context.set.contains([1])", True),
    ("context.most + 1 == 0 || true", False),
    ("-context.most - 1 < 0", True),
    ("-(-context.most - 1) == 0", False),
    ("false && 1", False),
    ("true || 1", True),
    ("false || 1", False),
    ("!(false && 1)", True),
    ("principal has r.z.w", True),
    ("principal has no.z.w", False),
    ("principal.x has z", False),
    ("context.gone has x", False),
    ('context.gone in U::"nobody"', True),
    ("principal in []", False),
    ('principal in [G::"g", 1]', False),
    ('"a*b" like "a\\*b"', True),
    ('"axb" like "a\\*b"', False),
    ('"aaa" like "a*a*a*a"', False),
    ('"aaa" like "a*a*a"', True),
    ("[1, 1, 2] == [2, 1]", True),
    ('{a: 1} == {"a": 1}', True),
    ("{a: 1} == {a: true}", False),
    ('context.dec == decimal("-1.50")', True),
    ('context.now.toTime() > duration("22h")', True),
    ("context.len.toHours() == -1", True),
    ('datetime("0000-03-01") < datetime("0001-01-01")', True),
    ('datetime("2024-01-01T00:00:00+0100") == datetime("2023-12-31T23:00:00Z")', True),
    ('ip("1.2.3.4/24") == ip("1.2.3.0/24")', False),
    ('ip("01.2.3.4").isIpv4()', False),
    ('ip("::ffff:1.2.3.4").isIpv6()', False),
    ('ip("::1%eth0").isIpv6()', False),
    ('principal.getTag("t") == 1 && !principal.hasTag("u")', True),
    (" && ".join(["true"] * 200), True),
    (" || ".join(["false"] * 200), False),
]


@pytest.mark.parametrize(("expression", "allowed"), EDGES, ids=map(str, range(len(EDGES))))
def test_edges(expression, allowed):
    text = f"permit(principal, action, resource) when {{ {expression} }};"
    assert both(text) is allowed


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_datetimes_and_addresses_that_are_none(text):
    literal = quoted(text)
    for function, method in (("datetime", 'toTime() == duration("0h")'), ("ip", "isIpv4()")):
        both(f"permit(principal, action, resource) when {{ {function}({literal}).{method} || true }};")


def test_extension_values():
    assert parse_datetime("1970-01-01T00:00:01.500Z").value == 1500
    with pytest.raises(EvaluationError, match="no datetime"):
        parse_datetime("1970-01-01T00:00:01.5Z")  # milliseconds have three digits
    assert parse_ip("10.1.2.3").lies_in(parse_ip("10.0.0.0/8"))
    assert not parse_ip("10.0.0.0/7").lies_in(parse_ip("10.0.0.0/8"))


def test_a_forbid_that_errs_forbids():
    """Cedar itself would skip it."""
    text = "permit(principal, action, resource);"
    text += '@id("f") forbid(principal, action, resource) when { context.n == context.no };'
    decision = PolicySet(read_policies(text, "p")).about(A, frozenset()).decide(REQUEST)
    assert (decision.allowed, decision.policy, decision.errors) == (False, "f", ("f",))


def test_what_is_proved_of_policies_is_so():
    seen: Counter[str] = Counter()

    @given(POLICIES, POLICIES)
    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    def look(one, other):
        seen.update(checked_proofs(one, other))

    look()
    assert seen["read"] > 150
    assert seen["covered"] > 3


def checked_proofs(one: str, other: str) -> list[str]:
    """A policy that is said never to apply does not, and one that is said to cover another applies where that does.

    What there was to be checked is told, so that its callers know whether anything was.
    """
    try:
        wide, narrow = read_policies(f"{one}\n{other}\n", "p")
    except ValueError:
        return []  # a literal that Cedar's parser refuses
    met, seen = applies(narrow), ["read"]
    if contradiction(narrow):
        seen.append("impossible")
        assert not met
    if covers(wide, narrow, ENTITIES):
        seen += ["covered", *(["applies"] if met else [])]
        assert applies(wide) or not met
    return seen


def applies(policy: Policy) -> bool:
    text = policy.text.replace("forbid", "permit", 1)
    return PolicySet(read_policies(text, "p")).about(A, frozenset()).decide(REQUEST).allowed


CONDITIONS = st.lists(TRUTHS, min_size=1, max_size=3).map(" && ".join)


def test_what_is_proved_of_like_policies_is_so():
    seen: Counter[str] = Counter()

    @given(CONDITIONS, CONDITIONS, st.sampled_from(["when", "unless"]))
    @settings(max_examples=200, suppress_health_check=list(HealthCheck))
    def look(one, other, kind):
        seen.update(
            checked_proofs(
                f"permit(principal, action, resource) when {{ {one} }};",
                f"permit(principal, action, resource) when {{ {one} }} {kind} {{ {other} }};",
            )
        )

    look()
    assert seen["read"] > 100
    assert seen["covered"] == seen["read"], "one condition more never makes a policy wider"
    assert seen["applies"] > 10


def test_what_is_proved_of_policies_that_deny_themselves_is_so():
    seen: Counter[str] = Counter()

    @given(TRUTHS, CONDITIONS)
    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    def look(one, other):
        seen.update(
            checked_proofs(
                f"permit(principal, action, resource) when {{ {other} }};",
                f"permit(principal, action, resource) when {{ {one} && {other} }} unless {{ {one} }};",
            )
        )

    look()
    assert seen["read"] > 50
    assert seen["impossible"] > 0.5 * seen["read"]
