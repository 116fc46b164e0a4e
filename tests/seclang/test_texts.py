"""The public readers of parts: macros, lists of actions, lists of variables."""

from __future__ import annotations

import pytest

from stockade.seclang import Action, BadSyntax, Macro, Target, Text, parse_actions, parse_targets, parse_text

TEXTS: list[tuple[str, Text]] = [
    ("", ()),
    ("plain %", ("plain %",)),
    ("%{tx.score}", (Macro("TX", "score"),)),
    ("a%{TX.0}b", ("a", Macro("TX", "0"), "b")),
    ("%{unique_id}%{tx.a}", (Macro("UNIQUE_ID"), Macro("TX", "a"))),
    ("%{REQUEST_HEADERS:User-Agent}", (Macro("REQUEST_HEADERS", "User-Agent"),)),
    ("%{tx.a.b:c}", (Macro("TX", "a.b:c"),)),
    (r"\%{tx.a}", (r"\%{tx.a}",)),
    (r"\\%{tx.a}", ("\\\\", Macro("TX", "a"))),
    ("100 %%{tx.a}", ("100 %", Macro("TX", "a"))),
    ("%{multipart_semicolon_missing}", (Macro("MULTIPART_MISSING_SEMICOLON"),)),
]
BAD_TEXTS = [
    "%{",
    "%{}",
    "%{tx",
    "%{tx.a",
    "%{nosuch}",
    "%{tx.%{x}}",
    "%{1}",
    "%{tx}",
    "%{tx.}",
    "%{IP}",
    "%{perf_all}",
    "%{tx. a",
]

TARGETS: list[tuple[str, tuple[Target, ...]]] = [
    ("ARGS", (Target("ARGS"),)),
    ("args.x", (Target("ARGS", "x"),)),
    ("&REQUEST_HEADERS:Content-Type", (Target("REQUEST_HEADERS", "Content-Type", counted=True),)),
    ("ARGS|!ARGS:pwd", (Target("ARGS"), Target("ARGS", "pwd", excluded=True))),
    ("ARGS,REQUEST_URI", (Target("ARGS"), Target("REQUEST_URI"))),
    ("ARGS:/^a{1,2}[/]$/|TX:1", (Target("ARGS", pattern="^a{1,2}[/]$"), Target("TX", "1"))),
    ("ARGS:'/a|b/'", (Target("ARGS", pattern="a|b"),)),
    ("ARGS:'a|b'", (Target("ARGS", "a|b"),)),
    ("ARGS:'/'", (Target("ARGS", "/"),)),
    ("XML:/*|XML://@*", (Target("XML", "/*"), Target("XML", "//@*"))),
    ("XML:/a/b/", (Target("XML", "/a/b/"),)),
    ("XML", (Target("XML"),)),
    ("ARGS:json.a.b[0]", (Target("ARGS", "json.a.b[0]"),)),
    (" ARGS:x , TX:y ", (Target("ARGS", "x"), Target("TX", "y"))),
]
BAD_TARGETS = ["", " ", "|", "ARGS|", "ARGS||TX", "NOPE", "ARGS:", "ARGS:''", "ARGS:/a", "TIME:x", "&!ARGS", "ARGS x"]

ACTIONS: list[tuple[str, tuple[Action, ...]]] = [
    ("pass", (Action("pass"),)),
    (" ID:1 , T:lowerCase", (Action("id", "1"), Action("t", "lowercase"))),
    ("msg:'a, b: \\'c\\''", (Action("msg", "a, b: 'c'"),)),
    ("msg:a 'b' c", (Action("msg", "a 'b' c"),)),
    ("msg:'back\\slash \\\\'", (Action("msg", "back\\slash \\\\"),)),
    ('tag:\\"x\\"', (Action("tag", '"x"'),)),
    ("initcol:ip='a,b'", (Action("initcol", "ip=a,b"),)),
    ("setvar:tx.a='b'", (Action("setvar", "tx.a='b'"),)),
    ("phase:response", (Action("phase", "4"),)),
    ("msg: a ", (Action("msg", "a"),)),
    ("sanitizeMatchedBytes:1/2", (Action("sanitisematchedbytes", "1/2"),)),
]
BAD_ACTIONS = [
    "",
    ",",
    "pass,",
    "pass:x",
    "msg",
    "msg:",
    "msg:''",
    "nosuch",
    "msg:'a",
    "msg:'a'b",
    "exec:x",
    "pass log",
    "id:0",
]


@pytest.mark.parametrize(("text", "parts"), TEXTS)
def test_texts(text: str, parts: Text) -> None:
    assert parse_text(text) == parts


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_bad_texts(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_text(text)


@pytest.mark.parametrize(("text", "targets"), TARGETS)
def test_targets(text: str, targets: tuple[Target, ...]) -> None:
    assert parse_targets(text) == targets


@pytest.mark.parametrize("text", BAD_TARGETS)
def test_bad_targets(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_targets(text)


@pytest.mark.parametrize(("text", "actions"), ACTIONS)
def test_actions(text: str, actions: tuple[Action, ...]) -> None:
    assert parse_actions(text) == actions


@pytest.mark.parametrize("text", BAD_ACTIONS)
def test_bad_actions(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_actions(text)
