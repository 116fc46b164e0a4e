"""Source code of servers, by what only code has: PHP and JSP tags, `#!` lines, imports and definitions in full.

A word of a language is not enough, for manuals and commit messages have those too. Masked to the end of the line.
"""

from __future__ import annotations

from stockade.detectors.detector import Detector, Span, Trigger, Window, line_span, pattern

_MOST = 512
_LINE_START = pattern(rb"""[\r\n]|\\[nr]|(?:^|[:\[,] ?)"|[A-Za-z"/]>""")


def _confirm(window: Window) -> Span | None:
    data, low, at, _ = window
    left = max(low, at - 200)
    starts = [found.end() for found in _LINE_START.finditer(data, left, max(left, at - 2))]
    return line_span(window, starts[-1] if starts else left, _MOST)


_LINE = rb"(?:^|[\n\">]|\\n)[ \t]{0,16}"
_EXPRESSIONS = (
    rb"<\?php[\s\\]",
    rb"<\?= ?\$",
    rb"<%@ ?(?:page|Page|WebService|taglib|Control) ",
    rb"<%= ?[A-Za-z_]",
    rb"#!/(?:usr/)?bin/(?:env |bash|sh|python|perl|ruby|node)",
    rb"if __name__ == (?:'|\\?\")__main__",
    rb"public static void main\(String",
    rb"\b(?:public|private|protected) (?:static |final |async |override ){0,3}[A-Za-z<>\[\]]{2,40} "
    rb"[A-Za-z_]{2,40}\([^)\r\n]{0,80}\) ?(?:throws [A-Za-z, ]{1,60})?\{",
    _LINE + rb"#include ?<[a-z_/.]{2,40}>",
    _LINE + rb"from [a-z_][a-z0-9_.]{1,60} import [A-Za-z_(*]",
    _LINE + rb"import (?:java|javax|org|com|android|kotlin)\.[a-zA-Z0-9_.]{2,80};",
    _LINE + rb"using (?:System|Microsoft)(?:\.[A-Za-z]{2,40}){0,4};",
    _LINE + rb"(?:async )?def [a-z_][a-z0-9_]{0,60}\([^\r\n\"]{0,120}\)(?: ?-> ?[A-Za-z\[\], .|]{1,60})?:(?:\r?\n|\\n)",
    _LINE
    + rb"func (?:\([a-z]{1,8} \*?[A-Za-z]{1,40}\) )?[A-Za-z_]{1,40}\([^\r\n\"]{0,120}\)[^\r\n\"]{0,60}\{(?:\r?\n|\\n)",
    _LINE + rb"package main(?:\r?\n|\\n)",
    _LINE + rb"(?:const|let|var) [A-Za-z_{}, ]{1,60} = require\(['\\]",
    rb"module\.exports ?=",
    rb"require_once ?\(?['\\]",
    rb"\$_(?:GET|POST|SERVER|SESSION|COOKIE|REQUEST)\[",
)

SOURCE_CODE = Detector(
    "source_code",
    tuple(Trigger(expression, _confirm, after=_MOST) for expression in _EXPRESSIONS),
    "high",
    "mask",
    "source code of servers",
)
