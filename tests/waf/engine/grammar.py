"""Small rule sets and small requests, made so that what one rule does is often what another asks after.

Few names, few values: the variables are tx.a, tx.b, tx.ab and tx.c, the arguments x and y, the texts "a", "b", "1" …
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from stockade.wire import Headers, Peer, Request, Response

_NAMES = ("a", "b", "ab", "c")
_MARKERS = ("M1", "M2", "END")
_ANY_TARGETS = (
    *("TX:a", "TX:a", "TX:b", "TX:ab", "TX:c", "&TX:a", "&TX:b", "&TX:c", "TX:/^a/", "TX", "&TX", "TX:0", "TX:1"),
    *("ARGS", "ARGS", "ARGS:x", "ARGS:x", "ARGS_NAMES", "ARGS_GET", "ARGS:/^x/", "ARGS|!ARGS:x", "ARGS_COMBINED_SIZE"),
    *("&ARGS", "&ARGS:x", "&ARGS|!ARGS:x", "ARGS|TX:a", "ARGS:x|!ARGS:x", "ARGS_GET_NAMES|ARGS_NAMES"),
    *("REQUEST_METHOD", "REQUEST_URI", "QUERY_STRING", "REQUEST_BASENAME", "REMOTE_ADDR"),
    *("REQUEST_HEADERS", "REQUEST_HEADERS:h", "REQUEST_HEADERS:g", "&REQUEST_HEADERS:h", "REQUEST_HEADERS_NAMES"),
    *("REQUEST_HEADERS|!REQUEST_HEADERS:h", "&REQUEST_HEADERS", "REQUEST_COOKIES", "REQUEST_COOKIES:a"),
    *("MATCHED_VAR", "MATCHED_VARS", "&MATCHED_VARS", "MATCHED_VARS_NAMES", "MATCHED_VAR_NAME", "HIGHEST_SEVERITY"),
    *("IP:x", "&IP:x", "IP", "GLOBAL:x", "USERID", "RULE:id"),
)
_BODY_TARGETS = (
    *("REQUEST_BODY", "ARGS_POST", "REQBODY_PROCESSOR", "REQBODY_ERROR", "XML:/*", "XML://b", "&XML:/*", "XML://@*"),
    *("FILES", "FILES_NAMES", "&FILES", "REQUEST_BODY_LENGTH", "ARGS_POST_NAMES", "MULTIPART_PART_HEADERS"),
    *("FULL_REQUEST_LENGTH", "REQBODY_ERROR_MSG", "FILES_COMBINED_SIZE"),
)
_RESPONSE_TARGETS = (
    *("RESPONSE_STATUS", "RESPONSE_HEADERS", "RESPONSE_HEADERS:h", "&RESPONSE_HEADERS:h", "RESPONSE_BODY"),
    *("RESPONSE_CONTENT_TYPE", "RESPONSE_HEADERS_NAMES", "&RESPONSE_HEADERS"),
)
_TARGETS = {
    1: _ANY_TARGETS,
    2: (*_ANY_TARGETS, *_BODY_TARGETS),
    3: (*_ANY_TARGETS, *_BODY_TARGETS, *_RESPONSE_TARGETS),
    4: (*_ANY_TARGETS, *_BODY_TARGETS, *_RESPONSE_TARGETS),
    5: (*_ANY_TARGETS, *_BODY_TARGETS, *_RESPONSE_TARGETS),
}
_OPERATORS = (
    *("@eq 0", "@eq 1", "@ge 1", "@ge 2", "@lt 1", "@gt 0", "@eq %{tx.a}", "@ge %{tx.b}"),
    *("@streq a", "@streq %{tx.a}", "@streq %{tx.b}", "@contains a", "@contains %{tx.ab}", "@within a b %{tx.a}"),
    *("@rx a", "@rx ^$", "@rx ^a$", "@rx (a)(b)?", "@rx (?i)A", "@rx %{tx.c}", "@rx ^[ab]+$", "@rx (?=a)ab", "@rx b$"),
    *("@pm a b", "@pm ab", "@beginsWith a", "@endsWith %{tx.a}", "@containsWord a", "@strmatch b", "@ipMatch 10.0.0.1"),
    *("@unconditionalMatch", "@noMatch", "@validateByteRange 97-98", "@validateUrlEncoding", "@detectSQLi"),
    *("@validateUtf8Encoding", "@rxGlobal a"),
)
_TRANSFORMATIONS = (
    *("none", "lowercase", "uppercase", "urlDecodeUni", "base64Decode", "length", "removeWhitespace", "hexEncode"),
    *("trim", "compressWhitespace", "none", "htmlEntityDecode", "removeCommentsChar"),
)
_VALUES = (
    *("0", "1", "2", "a", "b", "+1", "+1", "-1", "+%{tx.a}", "%{tx.a}", "%{tx.b}", "%{tx.ab}", "%{tx.0}", "%{tx.1}"),
    *("%{MATCHED_VAR}", "%{MATCHED_VAR_NAME}", "%{REQUEST_METHOD}", "%{HIGHEST_SEVERITY}", "%{ip.x}", "%{RULE.id}"),
    *("%{ARGS.x}", "a%{tx.a}b", "%{UNIQUE_ID}", "%{USERID}", ""),
)
_TEXTS = (
    "plain",
    "%{tx.a}/%{tx.b}",
    "%{tx.0} in %{MATCHED_VAR_NAME}: %{MATCHED_VAR}",
    "%{tx.1}",
    "%{HIGHEST_SEVERITY}",
)
_DISRUPTIVE = ("pass",) * 9 + ("deny", "drop", "redirect:/x%{tx.a}", "block", "allow", "allow:phase", "allow:request")
_REMOVABLE = ("ARGS:x", "ARGS", "TX:a", "TX", "REQUEST_HEADERS:h", "ARGS:/^x/", "REQUEST_BODY", "IP:x")


class Play(Struct):
    """A rule set and the requests that it shall see, in order."""

    rules: str
    variables: dict[str, str]
    messages: list[tuple[Request, Response | None]]

    def __repr__(self) -> str:
        asked = [
            f"{one.method} {one.target!r} {list(one.headers)} {one.body!r} at {one.at:g} → {reply and (reply.status, list(reply.headers), reply.body)}"  # noqa: E501
            for one, reply in self.messages
        ]
        return "\n".join(["", f"# {self.variables}", self.rules, *asked])


@st.composite
def plays(draw: st.DrawFn) -> Play:
    variables = draw(st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(("0", "1", "a")), max_size=2))
    messages = draw(st.lists(_messages(), min_size=2, max_size=4))
    return Play("\n".join(draw(rule_sets())), variables, messages)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[str]:
    count = draw(st.integers(1, 8))
    lines = [draw(st.sampled_from(("SecRuleEngine On", "SecRuleEngine On", "SecRuleEngine DetectionOnly")))]
    lines.append("SecResponseBodyAccess " + draw(st.sampled_from(("On", "On", "Off"))))
    if draw(st.integers(0, 7)) == 0:
        default = draw(st.sampled_from(("deny,log", "pass,nolog", "pass,log,t:lowercase", "deny,status:406,nolog")))
        lines.append(f'SecDefaultAction "phase:{draw(st.integers(1, 2))},{default}"')
    ends = sorted(draw(st.lists(st.integers(0, count), min_size=len(_MARKERS), max_size=len(_MARKERS))))
    phase = 1
    for number in range(count + 1):
        lines += [f"SecMarker {name}" for name, end in zip(_MARKERS, ends, strict=True) if end == number]
        if number < count:
            ahead = [name for name, end in zip(_MARKERS, ends, strict=True) if end > number]
            phase = draw(st.sampled_from((phase, phase, phase, 1, 2, 2, 3, 4, 5)))
            lines += draw(_rules(number + 1, count, phase, ahead))
    if draw(st.integers(0, 5)) == 0:
        lines.append(draw(_changes(count)))
    return lines


@st.composite
def _changes(draw: st.DrawFn, count: int) -> str:
    rule = draw(st.integers(1, count))
    return draw(
        st.sampled_from(
            (
                f"SecRuleRemoveById {rule}",
                "SecRuleRemoveByTag t1",
                "SecRuleRemoveByMsg plain",
                f'SecRuleUpdateTargetById {rule} "!ARGS:x"',
                f'SecRuleUpdateTargetById {rule} "ARGS_NAMES"',
                'SecRuleUpdateTargetByTag t2 "!TX:a"',
                f'SecRuleUpdateActionById {rule} "pass,log"',
            )
        )
    )


@st.composite
def _rules(draw: st.DrawFn, number: int, count: int, phase: int, ahead: Sequence[str]) -> list[str]:
    """A rule, chained to none, one or two others."""
    links = draw(st.sampled_from((1, 1, 1, 2, 2, 3)))
    lines = []
    for link in range(links):
        actions = [f"id:{number}", f"phase:{phase}"] if link == 0 else []
        if link == 0:
            actions += draw(_of_rule(ahead))
        actions += draw(_of_link(count))
        if link < links - 1:
            actions.append("chain")
        is_action = draw(st.integers(0, 4)) == 0 if phase == 1 else draw(st.integers(0, 9)) == 0
        if is_action:
            actions = [one for one in actions if one not in ("capture", "multiMatch") and not one.startswith("t:")]
            lines.append(f'SecAction "{",".join(actions) or "t:none"}"')
        else:
            target = draw(st.sampled_from(_TARGETS[phase]))
            operator = draw(st.sampled_from(("", "", "", "!"))) + draw(st.sampled_from(_OPERATORS))
            lines.append(f'SecRule {target} "{operator}" "{",".join(actions) or "t:none"}"')
    return lines


@st.composite
def _of_rule(draw: st.DrawFn, ahead: Sequence[str]) -> list[str]:
    """What only the first link may have. `ahead`: the markers after it."""
    actions = [draw(st.sampled_from(_DISRUPTIVE)), draw(st.sampled_from(("log", "log", "nolog")))]
    kind = draw(st.integers(0, 9))
    if kind == 0:
        actions.append(f"skip:{draw(st.integers(1, 3))}")
    elif kind <= 2 and ahead:
        actions.append(f"skipAfter:{draw(st.sampled_from(ahead))}")
    if draw(st.booleans()):
        actions.append(f"msg:'{draw(st.sampled_from(_TEXTS))}'")
    if draw(st.integers(0, 3)) == 0:
        actions.append(f"logdata:'{draw(st.sampled_from(_TEXTS))}'")
    if draw(st.integers(0, 3)) == 0:
        actions.append(f"severity:{draw(st.sampled_from(('CRITICAL', 'NOTICE')))}")
    if draw(st.integers(0, 2)) == 0:
        actions.append(f"tag:'{draw(st.sampled_from(('t1', 't2')))}'")
    return actions


@st.composite
def _of_link(draw: st.DrawFn, count: int) -> list[str]:
    actions = [f"t:{name}" for name in draw(st.lists(st.sampled_from(_TRANSFORMATIONS), max_size=2))]
    actions += [f"setvar:'{one}'" for one in draw(st.lists(_setvars(), max_size=2))]
    if draw(st.integers(0, 3)) == 0:
        actions.append("capture")
    if draw(st.integers(0, 7)) == 0:
        actions.append("multiMatch")
    if draw(st.integers(0, 4)) == 0:
        actions.append(draw(_deeds(count)))
    return actions


@st.composite
def _setvars(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 11))
    name = draw(st.sampled_from(_NAMES))
    if kind == 0:
        return f"!tx.{name}"
    value = draw(st.sampled_from(_VALUES))
    if kind == 1:
        return f"ip.x={value}"
    if kind == 2:
        return f"tx.{draw(st.sampled_from(('%{tx.b}', 'a%{MATCHED_VAR}', '%{MATCHED_VAR}', '0', '1')))}={value}"
    return f"tx.{name}={value}"


@st.composite
def _deeds(draw: st.DrawFn, count: int) -> str:
    rule = draw(st.integers(1, count))
    return draw(
        st.sampled_from(
            (
                f"ctl:ruleRemoveById={rule}",
                f"ctl:ruleRemoveById={rule}-{count}",
                "ctl:ruleRemoveByTag=t1",
                "ctl:ruleRemoveByMsg=plain",
                f"ctl:ruleRemoveTargetById={rule};{draw(st.sampled_from(_REMOVABLE))}",
                f"ctl:ruleRemoveTargetByTag=t2;{draw(st.sampled_from(_REMOVABLE))}",
                "ctl:ruleEngine=Off",
                "ctl:ruleEngine=DetectionOnly",
                "ctl:ruleEngine=On",
                "ctl:requestBodyProcessor=JSON",
                "ctl:requestBodyProcessor=XML",
                "ctl:requestBodyProcessor=URLENCODED",
                "ctl:requestBodyAccess=Off",
                "ctl:forceRequestBodyVariable=On",
                "initcol:ip=%{REMOTE_ADDR}",
                "initcol:ip=%{REMOTE_ADDR}",
                "initcol:global=%{tx.a}",
                "expirevar:ip.x=2",
                "setuid:%{ARGS.x}",
                "setsid:%{tx.a}",
            )
        )
    )


# Messages.

_WORDS = ("a", "b", "ab", "A", "1", "2", "", "x", "YQ==", "%61", " a ", "1' or 1=1--", "a\nb", "\xe9", "0")
_KEYS = ("x", "y", "X", "a", "")


@st.composite
def _messages(draw: st.DrawFn) -> tuple[Request, Response | None]:
    pairs = draw(st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(_WORDS)), max_size=3))
    fields = draw(_fields())
    method, body = "GET", b""
    if draw(st.booleans()):
        method = "POST"
        kind, body = draw(_bodies())
        fields += [("Content-Type", kind)] if kind else []
        fields.append(("Content-Length", str(len(body))))
    target = "/p/a" + (f"?{_form(pairs)}" if pairs else "")
    at = draw(st.sampled_from((0.0, 0.0, 1.0, 3.0, 4000.0)))
    path, _, query = target.partition("?")
    address = draw(st.sampled_from(("10.0.0.1", "10.0.0.1", "10.0.0.2")))
    request = Request(
        "id1", at, method, "http", "h", path, query, Headers.of(fields), Peer(address), target=target, body=body
    )
    return request, draw(_responses())


@st.composite
def _fields(draw: st.DrawFn) -> list[tuple[str, str]]:
    names, words = ("h", "g", "H"), ("a", "b", "ab", "1", "", "A")
    fields = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(words)), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        fields.append(("Cookie", draw(st.sampled_from(("a=a", "x=b; a=1", "a=", "b")))))
    return fields


@st.composite
def _bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    pairs = draw(st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(_WORDS)), max_size=2))
    kind = draw(st.integers(0, 5))
    if kind <= 1:
        return "application/x-www-form-urlencoded", _form(pairs).encode("latin-1")
    if kind == 2:
        return "application/json", json.dumps(dict(pairs)).encode()
    if kind == 3:
        return "text/xml", draw(st.sampled_from((b"<a>a<b c='ab'>b</b></a>", b"<a><b>a</b></a>", b"<a", b"<b/>")))
    if kind == 4:
        return "multipart/form-data; boundary=0", _multipart(pairs)
    return "", draw(st.sampled_from((b"", b"a", b"x=a")))


def _form(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs).replace(" ", "+").replace("\n", "%0a")


def _multipart(pairs: Sequence[tuple[str, str]]) -> bytes:
    parts = [
        f'--0\r\nContent-Disposition: form-data; name="{name}"{"; filename=a" if value == "a" else ""}\r\n\r\n{value}\r\n'  # noqa: E501
        for name, value in pairs
    ]
    return ("".join(parts) + "--0--\r\n").encode("latin-1")


@st.composite
def _responses(draw: st.DrawFn) -> Response | None:
    if draw(st.booleans()):
        return None
    fields: list[Any] = draw(
        st.lists(st.tuples(st.sampled_from(("h", "X")), st.sampled_from(("a", "b", ""))), max_size=2)
    )
    if draw(st.booleans()):
        fields.append(("Content-Type", draw(st.sampled_from(("text/plain", "text/html; charset=a", "image/png")))))
    return Response(draw(st.sampled_from((200, 404))), Headers.of(fields), draw(st.sampled_from((b"", b"a", b"ab"))))
