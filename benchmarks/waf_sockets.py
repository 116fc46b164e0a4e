"""nginx with ModSecurity and CRS against `stockade up` with CRS: one core each, the same load, by turns."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gateway import say
from benchmarks.load import WRK_DONE, Load, LoadError, saturate
from benchmarks.peers import NginxProxy, Peer, PeerError, Proxy, Stockade, Upstream, answer_of
from benchmarks.processes import TICKS_PER_SECOND, Program
from benchmarks.waf_engines import crs_files
from benchmarks.waf_requests import GET, HOST, POST, Case
from stockade.config.crs import find_crs

NGINX = "nginx-modsecurity"
STOCKADE = "stockade-crs"
MODULE = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
POOL = 300
WARM_UP_SECONDS = 2.0
ATTACK_PATH = "/products/1?q=1%27%20UNION%20SELECT%20password%20FROM%20users--"
PROBE_HEADERS = {"Host": HOST, "User-Agent": "shop-client/4.2", "Accept": "application/json"}

NGINX_SERVER = """\
    modsecurity on;
    modsecurity_rules_file {rules};
"""

POLICY = """\
version: 1
listen: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "127.0.0.1:{admin}"}}
log: {{path: {decisions}}}
keys: {{path: {keys}}}
apis:
  - name: shop
    kind: open
    hosts: ["*"]
    prefix: /
    upstream: {{url: "http://127.0.0.1:{upstream}", timeout: 30s}}
    limits: [{{name: per-address, key: address, rate: 1000000/s, burst: 1000000}}]
    waf: {{mode: block, rules: {rules}, paranoia: {paranoia}}}
"""

WRK_POOL = """
local requests = {{
{requests}
}}
local at = 0
request = function()
  at = at % #requests + 1
  return requests[at]
end
"""


@dataclass(frozen=True, slots=True)
class PoolLoad(Load):
    """A load that goes round many requests."""

    requests: Sequence[bytes] = ()

    def lua(self) -> str:
        """The wrk script with every request as it goes over the wire."""
        return WRK_POOL.format(requests=",\n".join(map(lua_string, self.requests))) + WRK_DONE


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one load on one gateway; latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    cpu_microseconds: float


@dataclass(slots=True)
class Sockets:
    """One paranoia level; `runs` by load and gateway, a run per round."""

    paranoia: int
    rounds: int
    seconds: float
    pool: int
    rules: str
    versions: list[str]
    runs: dict[tuple[str, str], list[Run]] = field(default_factory=dict)


class WafProxy(Proxy):
    """A gateway that must refuse an attack before it is measured: one that lets it pass would be fast for nothing."""

    crs: Path
    paranoia: int

    def check(self, headers: Mapping[str, str]) -> None:
        """The upstream's body for an honest request, 403 for SQL injection."""
        Peer.check(self, headers)
        answer, _ = answer_of(self.port, ATTACK_PATH, headers)
        if answer != "403":
            raise PeerError(f"{self.name} answered SQL injection with {answer}, not 403: it does not run its rules")


class NginxModSecurity(WafProxy, NginxProxy):
    """nginx with the ModSecurity module of Debian."""

    name = NGINX

    def prepare(self) -> None:
        """Write nginx.conf, and the one file of rules that includes all others."""
        if not MODULE.exists():
            raise PeerError("no ModSecurity for nginx: apt-get install libnginx-mod-http-modsecurity")
        super().prepare()
        rules = [f"Include {file}" for file in crs_files(self.directory, self.crs, self.paranoia)]
        (self.directory / "modsecurity.conf").write_text("\n".join([*rules, "SecAuditEngine Off", ""]))
        conf = self.directory / "nginx.conf"
        conf.write_text(f"load_module {MODULE};\n{conf.read_text()}")

    def server(self) -> str:
        """The plain proxy, with ModSecurity before it."""
        return NGINX_SERVER.format(rules=self.directory / "modsecurity.conf") + super().server()

    def version(self) -> str:
        """nginx's and the library's."""
        library = next(Path("/usr/lib").glob("*/libmodsecurity.so.3.*"), None)
        return f"{super().version()}, ModSecurity {library.name.partition('.so.')[2] if library else '?'} (in nginx)"


class StockadeCrs(WafProxy, Stockade):
    """Stockade with a WAF, and a limit in place of the one per address that every API has if it names none."""

    name = STOCKADE

    def prepare(self) -> None:
        """Write the policy."""
        self.policy.write_text(
            POLICY.format(
                port=self.port,
                admin=self.admin_port,
                upstream=self.upstream_port,
                decisions=self.directory / "decisions.jsonl",
                keys=self.directory / "stockade.db",
                rules=rules_of(self.crs),
                paranoia=self.paranoia,
            )
        )


def rules_of(crs: Path) -> str:
    """`crs` where that is the folder in question, else its files."""
    return "crs" if find_crs() == crs else f'["{crs}/*.conf"]'


def lua_string(content: bytes) -> str:
    """A Lua string literal."""
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03}" for b in content) + '"'


def pool_load(name: str, case: Case) -> PoolLoad:
    """The case's requests for wrk."""
    wires = []
    for sent in case.requests(POOL, "sockets"):
        request = sent.request
        head = [f"{request.method} {request.target} HTTP/1.1", *(f"{key}: {value}" for key, value in request.headers)]
        wires.append("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + request.body)
    return PoolLoad(name, case.name.split()[0], "/", {}, requests=wires)


@contextlib.contextmanager
def running(crs: Path, paranoia: int) -> Iterator[list[tuple[WafProxy, Program]]]:
    """The upstream and both gateways, checked."""
    with tempfile.TemporaryDirectory(prefix="stockade-benchmark-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        upstream = Upstream(folder)
        upstream.prepare()
        stack.enter_context(upstream.started(PROBE_HEADERS))
        started: list[tuple[WafProxy, Program]] = []
        proxies: list[WafProxy] = [NginxModSecurity(folder, upstream.port), StockadeCrs(folder, upstream.port)]
        for proxy in proxies:
            proxy.crs, proxy.paranoia = crs, paranoia
            proxy.prepare()
            started.append((proxy, stack.enter_context(proxy.started(PROBE_HEADERS))))
        yield started


def measured_through_sockets(crs: Path, paranoia: int, rounds: int, seconds: float) -> Sockets:
    """Both gateways under both loads, by turns. The caller is pinned to the load's core."""
    loads = [pool_load("GET", GET), pool_load("POST", POST)]
    with running(crs, paranoia) as started, tempfile.TemporaryDirectory() as scripts:
        versions = [proxy.version() for proxy, _ in started]
        result = Sockets(paranoia, rounds, seconds, POOL, rules_of(crs), versions)
        for load, (proxy, program) in itertools.product(loads, started):
            one_run(proxy, program, load, WARM_UP_SECONDS, Path(scripts))
        for turn, load in itertools.product(range(rounds), loads):
            for proxy, program in started if turn % 2 == 0 else started[::-1]:
                run = one_run(proxy, program, load, seconds, Path(scripts))
                result.runs.setdefault((load.name, proxy.name), []).append(run)
        for (name, proxy_name), runs in result.runs.items():
            say(f"{proxy_name} {name}: {statistics.median(run.rate for run in runs):,.0f}/s")
    return result


def one_run(proxy: WafProxy, program: Program, load: PoolLoad, seconds: float, scripts: Path) -> Run:
    """Refused requests are no figures: raises LoadError where one was."""
    before = program.cpu_ticks()
    outcome = saturate(proxy.port, load, seconds, scripts)
    if outcome.errors or not outcome.requests:
        raise LoadError(f"{proxy.name} {load.name}: {outcome.errors} of {outcome.requests} requests got no 2xx answer")
    cpu = (program.cpu_ticks() - before) / TICKS_PER_SECOND / outcome.requests * 1e6
    return Run(outcome.rate, outcome.p50, outcome.p99, cpu)


__all__ = ["NGINX", "STOCKADE", "Run", "Sockets", "measured_through_sockets"]
