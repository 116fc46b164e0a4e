"""The WAF engines that are compared in process, each as one class: built once, then `refuses(sent)` per request.

Everybody gets the whole request and looks at all of it: limits on arguments, depth and bytes are raised for all. What
an HTTP server would have done (reading the head, percent-decoding of the query for libddwaf) is done beforehand.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.waf_requests import Sent
from stockade.waf import RuleSet

OWN_RULES = Path(str(files("stockade") / "rules"))
ENGINE = OWN_RULES / "engine.conf"
DEBIAN_CRS = Path("/usr/share/modsecurity-crs/rules")
DEBIAN_SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")
GEOGRAPHY = "REQUEST-910-IP-REPUTATION.conf"  # wants a database of countries, which neither engine is given

LIMITS = """\
SecRequestBodyLimit 1048576
SecArgumentsLimit 100000
SecRequestBodyJsonDepthLimit 512
SecResponseBodyAccess Off
"""
METHODS = "GET HEAD POST OPTIONS PUT PATCH DELETE"
TYPES = "|application/x-www-form-urlencoded| |multipart/form-data| |text/xml| |application/xml| |application/json|"
LEVELS = ("paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level")


class Engine(ABC):
    """One engine with its rules loaded."""

    name: str

    @abstractmethod
    def refuses(self, sent: Sent) -> bool:
        """Inspect a request from beginning to end; whether it would be stopped."""

    @abstractmethod
    def version(self) -> str:
        """Name and version, for the report."""


class Stockade(Engine):
    """Ours, with whichever rules."""

    def __init__(self, name: str, rule_files: Sequence[Path], variables: dict[str, str] | None = None) -> None:
        self.name = name
        self._rules = RuleSet.load(rule_files, variables=variables)

    def refuses(self, sent: Sent) -> bool:
        """Phases 1, 2 and 5."""
        return self._rules.inspect(sent.request).action != "allow"

    def version(self) -> str:
        """The installed distribution's version."""
        return f"Stockade {version('stockade')}"


class LibModSecurity(Engine):
    """ModSecurity 3 by its Python binding, called as a connector for a web server calls it."""

    name = "libmodsecurity"

    def __init__(self, rule_files: Sequence[Path]) -> None:
        self._binding = import_module("libmodsecurity")
        self._engine = self._binding.ModSecurity()
        self._engine.set_log_callback(lambda _line: None)
        self._rules = self._binding.RulesSet()
        for file in rule_files:
            if self._rules.load_from_uri(str(file)) < 0:
                raise ValueError(f"libmodsecurity cannot read {file}: {self._rules.get_parser_error()}")

    def refuses(self, sent: Sent) -> bool:
        """Phases 1, 2 and 5; asked after each whether to stop, as connectors ask."""
        request = sent.request
        transaction = self._binding.Transaction(self._engine, self._rules, request.id)
        transaction.process_connection(request.peer.address, 40000, "127.0.0.1", 80)
        transaction.process_uri(request.target, request.method, "1.1")
        add = transaction.add_request_header
        for name, value in request.headers:
            add(name, value)
        transaction.process_request_headers()
        stopped = transaction.intervention() is not None
        if not stopped:
            if request.body:
                transaction.append_request_body(request.body)
            transaction.process_request_body()
            stopped = transaction.intervention() is not None
        transaction.process_logging()
        return stopped

    def version(self) -> str:
        """The package's version, which is the library's with the package's own build at the end."""
        return f"libmodsecurity {version('libmodsecurity')}"


class LibDdwaf(Engine):
    """Datadog's libddwaf with the rules that `ddtrace` brings, and without the limits that ddtrace sets.

    ddtrace makes the input from Python objects, call by call; libddwaf's own reader of JSON does it in less, so it is
    what is used here, and a JSON body goes straight in. Forms are given read.
    """

    name = "libddwaf"
    timeout_microseconds = 60_000_000  # ddtrace gives up after 5 ms

    def __init__(self) -> None:
        self._types: Any = import_module("ddtrace.appsec._ddwaf.ddwaf_types")
        binding: Any = import_module("ddtrace.appsec._ddwaf.waf")
        text = (Path(str(files("ddtrace.appsec"))) / "rules.json").read_bytes()
        self._waf = binding.DDWaf(text, b"", b"")
        self._begin = binding.py_ddwaf_context_init

    def refuses(self, sent: Sent) -> bool:
        """One evaluation of all that is known of the request; it reports, and who asks decides."""
        types = self._types
        context = self._begin(self._waf._handle)
        result = types.ddwaf_object()
        given = types.ddwaf_object.from_json_bytes(self._input(sent))
        code = types.ddwaf_context_eval(context.ctx, given, types.DEFAULT_ALLOCATOR, result, self.timeout_microseconds)
        seen = result.struct if code == 1 else None
        types.ddwaf_object_free(result)
        if code < 0 or (seen and seen["timeout"]):
            raise RuntimeError(f"libddwaf did not evaluate the request (code {code})")
        return bool(seen and seen["events"])

    @staticmethod
    def _input(sent: Sent) -> bytes:
        request = sent.request
        head = {
            "server.request.method": request.method,
            "server.request.uri.raw": request.target,
            "server.request.headers.no_cookies": dict(request.headers),
            "server.request.query": sent.query,
            "http.client_ip": request.peer.address,
        }
        if sent.fields is not None:
            head["server.request.body"] = sent.fields
        text = msgspec.json.encode(head)
        if request.body and sent.fields is None:
            text = text[:-1] + b',"server.request.body":' + request.body + b"}"
        return text

    def version(self) -> str:
        """libddwaf's version, ddtrace's, and how many rules."""
        library = self._types.ddwaf_get_version().decode()
        return f"libddwaf {library} (ddtrace {version('ddtrace')}, {self._waf.info.loaded} rules)"


def crs_files(folder: Path, crs: Path, paranoia: int) -> list[Path]:
    """All that an engine loads for the Core Rule Set, in order; what is not CRS's own is written to `folder`."""
    limits, tuning = folder / "limits.conf", folder / f"tuning-{paranoia}.conf"
    limits.write_text(LIMITS)
    values = {
        **dict.fromkeys(LEVELS, str(paranoia)),
        "crs_setup_version": "400",
        "allowed_methods": METHODS,
        "allowed_request_content_type": TYPES,
    }
    setvars = ",\\\n".join(f"    setvar:'tx.{name}={value}'" for name, value in values.items())
    tuning.write_text(f'SecAction "id:7199900,phase:1,pass,nolog,t:none,\\\n{setvars}"\n')
    rules = [file for file in sorted(crs.glob("*.conf")) if file.name != GEOGRAPHY]
    return [ENGINE, limits, setup_file(crs), tuning, *rules]


def setup_file(crs: Path) -> Path:
    """The setup that came with the rules: beside their folder, or Debian's."""
    beside = [crs.parent / name for name in ("crs-setup.conf", "crs-setup.conf.example")]
    return next((path for path in beside if path.exists()), DEBIAN_SETUP)


def engines(crs: Path, paranoia: int) -> list[Engine]:
    """All of them at one paranoia level, which libddwaf does not know."""
    with tempfile.TemporaryDirectory(prefix="stockade-waf-") as directory:
        folder = Path(directory)
        core = crs_files(folder, crs, paranoia)
        own = [ENGINE, folder / "limits.conf", *sorted(path for path in OWN_RULES.glob("*.conf") if path != ENGINE)]
        levels = dict.fromkeys(LEVELS, str(paranoia))
        return [
            LibModSecurity(core),
            LibDdwaf(),
            Stockade("ours, CRS", core),
            Stockade("ours, builtin", own, levels),
        ]


def crs_version(crs: Path) -> str:
    """What the rules call themselves."""
    from stockade.config.crs import describe

    return describe(crs).title.replace("_", " ").replace("/", " ")


__all__ = ["DEBIAN_CRS", "Engine", "LibDdwaf", "LibModSecurity", "Stockade", "crs_files", "crs_version", "engines"]
