"""FTW test files: YAML in one of three layouts, read into `Case`s.

- the old one of CRS 3 (`test_title`, `stages: [{stage: {input, output}}]`, `output: {log_contains: 'id "942100"'}`);
- version 2 of coreruleset/ftw-tests-schema (`rule_id`, `test_id`, `output: {log: {expect_ids: [942100]}}`);
- version 3, which adds a `template` with `{{.Payload}}` in it and tests that are but a `payload`.

A file is read as far as it can be; what cannot be understood is a `Problem` with its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml
from msgspec import structs

from stockade.waf.ftw.model import Case, Expected, Fields, Input, Parsed, Reply, Stage
from stockade.waf.ftw.nodes import NULL, Nodes
from stockade.waf.ftw.templates import fill

_WHERE = ("dest_addr", "port", "protocol", "virtual_host_mode", "follow_redirect", "save_cookie")
_WHAT = ("method", "uri", "version", "headers", "ordered_headers", "data", "encoded_data", "response")
_INPUT = (*_WHERE, *_WHAT, "encoded_request", "raw_request", "autocomplete_headers", "stop_magic")
_ANSWER = ("status", "response_contains", "expect_error", "retry_once", "isolated")
_OUTPUT = (*_ANSWER, "log", "log_contains", "no_log_contains")
_LOG = ("expect_ids", "expect_id", "no_expect_ids", "match_regex", "no_match_regex")
_RESPONSE = ("status", "headers", "body", "encoded_body", "log_message")
_id_text = re.compile(r'id[ :]\\?"?(\d{1,18})\\?"?').fullmatch
_NAME = re.compile(r"\d+")


def parse(text: str, file: str = "<text>") -> Parsed:
    """The cases of one file; none where all of it is commented out."""
    return _Reader(file).read(text)


class _Reader:
    def __init__(self, file: str) -> None:
        self._nodes = Nodes(file)
        self._file = file

    def read(self, text: str) -> Parsed:
        cases = self._cases(self._nodes.compose(text))
        names: set[str] = set()
        return Parsed(tuple(_renamed(case, names) for case in cases), tuple(self._nodes.problems))

    def _cases(self, root: yaml.Node | None) -> list[Case]:
        if root is None or root.tag == NULL:
            return []
        top = self._nodes.mapping(root, "a test file")
        if top and "tests" not in top:
            self._nodes.problem(root, "`tests` is missing")
        found = _NAME.search(self._file.rpartition("/")[2])
        rule = self._nodes.number(top.get("rule_id"), "rule_id", int(found[0][:18]) if found else 0)
        return [
            self._case(node, rule, number, top.get("template"))
            for number, node in enumerate(self._nodes.items(top.get("tests"), "tests"), start=1)
        ]

    def _case(self, node: yaml.Node, rule: int, number: int, template: yaml.Node | None) -> Case:
        nodes = self._nodes
        test = nodes.mapping(node, "a test")
        number = nodes.number(test.get("id", test.get("test_id")), "test_id", number)
        old = "test_title" in test
        stages = tuple(self._stage(stage, old=old) for stage in nodes.items(test.get("stages"), "stages"))
        if "payload" in test:
            stages = (self._payload(test, template),)
        if not stages:
            nodes.problem(node, "the test has neither stages nor a payload")
        return Case(
            name=nodes.text(test.get("test_title"), "test_title") or f"{rule}-{number}",
            rule=rule,
            description=nodes.text(test.get("description", test.get("desc")), "desc").strip(),
            file=self._file,
            line=node.start_mark.line + 1,
            stages=stages,
            tags=tuple(nodes.text(tag, "a tag") for tag in nodes.items(test.get("tags"), "tags")),
        )

    def _payload(self, test: Mapping[str, yaml.Node], template: yaml.Node | None) -> Stage:
        fields = self._nodes.mapping(template, "template", _INPUT) if template is not None else {}
        if "template" in test:
            fields |= self._nodes.mapping(test["template"], "template", _INPUT)
        payload = self._nodes.octets(test["payload"], "payload")
        output = test.get("output")
        expected = self._expected(output) if output is not None else Expected()
        return Stage(self._input(fields, payload), expected)

    def _stage(self, node: yaml.Node, *, old: bool) -> Stage:
        stage = self._nodes.mapping(node, "a stage")
        if "stage" in stage:
            stage = self._nodes.mapping(stage["stage"], "a stage")
        fields = self._nodes.mapping(stage["input"], "input", _INPUT) if "input" in stage else {}
        expected = self._expected(stage["output"]) if "output" in stage else Expected()
        sent = self._input(fields, None)
        return Stage(structs.replace(sent, empty_length=False) if old else sent, expected)

    def _input(self, fields: Mapping[str, yaml.Node], payload: bytes | None) -> Input:
        """`payload`: what templates are filled with; None where only bodies are templates."""
        nodes = self._nodes
        default = Input()
        magic = not nodes.flag(fields.get("stop_magic"), "stop_magic", default=False)
        headers = self._headers(fields)
        uri = nodes.octets(fields.get("uri"), "uri", default.uri)
        if payload is not None:
            uri = fill(uri, payload)
            headers = tuple((name, fill(value, payload)) for name, value in headers)
        return Input(
            method=nodes.octets(fields.get("method"), "method", default.method),
            uri=uri,
            version=nodes.octets(fields.get("version"), "version", default.version),
            headers=headers,
            data=self._data(fields, payload or b""),
            raw=self._raw(fields),
            autocomplete=nodes.flag(fields.get("autocomplete_headers"), "autocomplete_headers", default=magic),
            address=nodes.text(fields.get("dest_addr"), "dest_addr", default.address),
            port=nodes.number(fields.get("port"), "port", default.port),
            protocol=nodes.text(fields.get("protocol"), "protocol", default.protocol).lower(),
            follow_redirect=nodes.flag(fields.get("follow_redirect"), "follow_redirect", default=False),
            save_cookie=nodes.flag(fields.get("save_cookie"), "save_cookie", default=False),
            response=self._reply(fields["response"]) if "response" in fields else None,
        )

    def _data(self, fields: Mapping[str, yaml.Node], payload: bytes) -> bytes:
        if "data" in fields:
            return fill(self._nodes.octets(fields["data"], "data"), payload)
        return self._nodes.decoded(fields["encoded_data"], "encoded_data") if "encoded_data" in fields else b""

    def _raw(self, fields: Mapping[str, yaml.Node]) -> bytes | None:
        if "encoded_request" in fields:
            return self._nodes.decoded(fields["encoded_request"], "encoded_request") or None
        return self._nodes.octets(fields["raw_request"], "raw_request") if "raw_request" in fields else None

    def _headers(self, fields: Mapping[str, yaml.Node]) -> Fields:
        node = fields.get("ordered_headers", fields.get("headers"))
        if node is None:
            return ()
        if isinstance(node, yaml.SequenceNode):
            return tuple(pair for item in node.value for pair in self._header(item))
        pairs = self._nodes.mapping(node, "headers")
        return tuple((_utf8(name), self._nodes.octets(value, name)) for name, value in pairs.items())

    def _header(self, node: yaml.Node) -> Fields:
        """`{name: Host, value: localhost}`, or `{Host: localhost}`."""
        pair = self._nodes.mapping(node, "a header")
        if "name" in pair:
            return ((self._nodes.octets(pair["name"], "name"), self._nodes.octets(pair.get("value"), "value")),)
        return tuple((_utf8(name), self._nodes.octets(value, name)) for name, value in pair.items())

    def _reply(self, node: yaml.Node) -> Reply:
        nodes = self._nodes
        fields = nodes.mapping(node, "response", _RESPONSE)
        body = nodes.octets(fields.get("body"), "body")
        if "encoded_body" in fields:
            body = nodes.decoded(fields["encoded_body"], "encoded_body")
        return Reply(nodes.number(fields.get("status"), "status", 200), self._headers(fields), body)

    def _expected(self, node: yaml.Node) -> Expected:
        nodes = self._nodes
        fields = nodes.mapping(node, "output", _OUTPUT)
        log = nodes.mapping(fields["log"], "log", _LOG) if "log" in fields else {}
        ids = nodes.numbers(log.get("expect_ids", log.get("expect_id")), "expect_ids")
        no_ids = nodes.numbers(log.get("no_expect_ids"), "no_expect_ids")
        matches, old_ids = self._pattern(log.get("match_regex", fields.get("log_contains")), "match_regex")
        unwanted = log.get("no_match_regex", fields.get("no_log_contains"))
        no_matches, no_old_ids = self._pattern(unwanted, "no_match_regex")
        return Expected(
            ids=ids + old_ids,
            no_ids=no_ids + no_old_ids,
            log=matches,
            no_log=no_matches,
            statuses=nodes.numbers(fields.get("status"), "status"),
            response=self._regex(fields.get("response_contains"), "response_contains"),
            error=nodes.flag(fields.get("expect_error"), "expect_error", default=False),
            retry_once=nodes.flag(fields.get("retry_once"), "retry_once", default=False),
            isolated=nodes.flag(fields.get("isolated"), "isolated", default=False),
        )

    def _pattern(self, node: yaml.Node | None, what: str) -> tuple[str, tuple[int, ...]]:
        """A pattern for the log, or the rule that it is a long way of naming: `id "942100"`."""
        text = self._regex(node, what)
        found = _id_text(text)
        return ("", (int(found[1]),)) if found else (text, ())

    def _regex(self, node: yaml.Node | None, what: str) -> str:
        text = self._nodes.text(node, what)
        try:
            re.compile(text)
        except re.error as error:
            assert node is not None
            self._nodes.problem(node, f"{what} is not a regular expression: {error}")
            return ""
        return text


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _renamed(case: Case, names: set[str]) -> Case:
    """The case under a name that no case before it in the file has."""
    name, number = case.name, 1
    while name in names:
        number += 1
        name = f"{case.name}#{number}"
    names.add(name)
    return Case(name, case.rule, case.description, case.file, case.line, case.stages, case.tags)
