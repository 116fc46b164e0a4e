"""Load on one HTTP port: `saturate` asks how much it can carry (wrk), `paced` how long it takes at a given rate.

wrk keeps a fixed number of requests under way, so a slow answer delays the next question and hides from the
percentiles. `paced` sends at instants drawn beforehand (Poisson, seeded) and counts latency from the instant a request
was due, so waiting in line counts; every peer is given the same instants.
"""

import gc
import json
import random
import select
import socket
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "shop.example.test"
CONNECTIONS = 32
WRK_GRACE_SECONDS = 30.0
PACED_GRACE_SECONDS = 10.0
REACHED = 0.97  # a paced run that falls further behind its schedule measured something else
ORDER = {
    "customer": "c-20417",
    "currency": "EUR",
    "items": [
        {"product": 1, "quantity": 1, "price": "1249.00"},
        {"product": 318, "quantity": 4, "price": "14.90"},
    ],
    "delivery": {"name": "Mara Lindqvist", "street": "Hafenweg 12", "city": "Bremen", "postcode": "28195"},
    "note": "",
}
ORDER_BYTES = 350

WRK_DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests": %d, "microseconds": %d, "p50": %f, "p99": %f, "status": %d, "broken": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


class LoadError(Exception):
    """The load generator itself failed, so there is no figure."""


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: str = ""

    def wire(self) -> bytes:
        """The request as it goes over HTTP/1.1."""
        headers = {**self.headers, **({"Content-Length": str(len(self.body))} if self.body else {})}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    def lua(self) -> str:
        """The wrk script that sends this request and prints the outcome as JSON (JSON strings are Lua strings here)."""
        lines = [f"wrk.method = {json.dumps(self.method)}"]
        lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"wrk.body = {json.dumps(self.body)}")
        return "\n".join(lines) + WRK_DONE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a load gave. Latencies in milliseconds; `errors` counts all that is not a 2xx answer."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds if self.seconds else 0.0


def loads(api_key: str) -> list[Load]:
    """The two requests of the benchmark: read a product, place an order."""
    headers = {
        "Host": HOST,
        "User-Agent": "shop-client/4.2 (linux; python-httpx/0.28.1)",
        "Accept": "application/json",
        "Accept-Language": "en-GB,en;q=0.8",
        "Accept-Encoding": "gzip, deflate, br",
        "Cache-Control": "no-cache",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "X-API-Key": api_key,
    }
    return [
        Load("GET", "GET", "/products/1", headers),
        Load("POST", "POST", "/orders", {**headers, "Content-Type": "application/json"}, order()),
    ]


def order() -> str:
    """A JSON order of exactly ORDER_BYTES bytes; the note is as long as it takes."""
    missing = ORDER_BYTES - len(json.dumps(ORDER))
    note = "Please ring twice and leave it with the neighbour on the left, second floor, if nobody answers the door."
    return json.dumps({**ORDER, "note": (note * 4)[:missing]})


def saturate(port: int, load: Load, seconds: float, directory: Path) -> Outcome:
    """As many requests as the port takes from CONNECTIONS connections on one thread for some (whole) seconds."""
    script = directory / f"{load.name}.lua"
    script.write_text(load.lua())
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(script)]
    command = ["wrk", *options, f"http://127.0.0.1:{port}{load.path}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + WRK_GRACE_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"wrk did not end within {error.timeout:.0f} s") from error
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if done.returncode != 0 or line is None:
        raise LoadError(f"wrk exited with status {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return wrk_outcome(json.loads(line.removeprefix("RESULT ")), done.stdout)


def wrk_outcome(result: Mapping[str, float], printed: str) -> Outcome:
    """The outcome of a wrk run. Its script sees statuses from 400 on as errors; the 3xx are only in its own words."""
    not_ok = int(result["status"])
    for line in printed.splitlines():
        if line.strip().startswith("Non-2xx or 3xx responses:"):
            not_ok = max(not_ok, int(line.rpartition(":")[2]))
    return Outcome(
        requests=int(result["requests"]),
        seconds=result["microseconds"] / 1e6,
        p50=result["p50"] / 1e3,
        p99=result["p99"] / 1e3,
        errors=not_ok + int(result["broken"]),
    )


class Connection:
    """A kept-alive connection with at most one request under way."""

    def __init__(self, port: int, request: bytes) -> None:
        self._request = request
        self._received = b""
        self.due = 0.0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """Lets `select` take the connection itself."""
        return self.socket.fileno()

    def ask(self, due: float) -> None:
        """Send the request that was due at that instant."""
        self.due = due
        self._received = b""
        self.socket.sendall(self._request)

    def status(self) -> bytes | None:
        """Read what has come; the status once the answer is whole."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise LoadError("the peer closed a connection in the middle of an answer")
        self._received += chunk
        return whole_answer(self._received)


def whole_answer(received: bytes) -> bytes | None:
    """The status of the HTTP/1.1 answer in these bytes, or None while some of it is missing."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at >= 0:
        length = int(lower[at + 17 :].partition(b"\r\n")[0])
        return head[9:12] if len(body) >= length else None
    if b"\r\ntransfer-encoding: chunked" in lower:
        return head[9:12] if body.endswith(b"0\r\n\r\n") else None
    raise LoadError("an answer with neither content-length nor chunks")


def poisson_instants(rate: float, seconds: float, seed: int) -> list[float]:
    """When requests are due, in seconds from the start: independent clients, the same ones for the same seed."""
    source = random.Random(seed)
    instants = []
    at = source.expovariate(rate)
    while at < seconds:
        instants.append(at)
        at += source.expovariate(rate)
    return instants


def paced(port: int, load: Load, rate: float, seconds: float, seed: int) -> Outcome:
    """Open-loop load at `rate` requests per second. The caller pins this process, away from the proxy's core."""
    instants = poisson_instants(rate, seconds, seed)
    if not instants:
        raise LoadError(f"{rate:.2f} requests/s for {seconds:.1f} s is no request at all")
    request = load.wire()
    connections = [Connection(port, request) for _ in range(CONNECTIONS)]
    Path("/proc/self/timerslack_ns").write_text("1")  # the default of 50 µs would be a visible part of the latency
    gc.collect()
    gc.disable()
    try:
        latencies, errors, elapsed = follow(instants, connections, time.perf_counter() + PACED_GRACE_SECONDS + seconds)
    finally:
        gc.enable()
        for connection in connections:
            connection.socket.close()
    if elapsed * REACHED > instants[-1]:
        raise LoadError(f"{rate:.0f} requests/s were not reached: {seconds:.0f} s of load took {elapsed:.1f} s")
    return paced_outcome(latencies, errors, elapsed)


def follow(
    instants: Sequence[float], connections: Sequence[Connection], deadline: float
) -> tuple[list[float], int, float]:
    """Send at the instants, on whichever connection is free; gives latencies, errors, and the seconds it took."""
    free = deque(connections)
    waiting: set[Connection] = set()
    latencies: list[float] = []
    errors = 0
    sent = 0
    clock = time.perf_counter
    start = clock()
    while sent < len(instants) or waiting:
        now = clock() - start
        while sent < len(instants) and free and instants[sent] <= now:
            connection = free.popleft()
            connection.ask(instants[sent])
            waiting.add(connection)
            sent += 1
        pause = max(0.0, instants[sent] - (clock() - start)) if sent < len(instants) and free else 1.0
        # select, not epoll: Python rounds an epoll timeout up to whole milliseconds
        readable, _, _ = select.select(waiting, (), (), pause)
        for connection in readable:
            status = connection.status()
            if status is not None:
                latencies.append(clock() - start - connection.due)
                errors += not status.startswith(b"2")
                waiting.discard(connection)
                free.append(connection)
        if clock() > deadline:
            raise LoadError(f"{len(instants) - len(latencies)} of {len(instants)} requests got no answer in time")
    return latencies, errors, clock() - start


def paced_outcome(latencies: Sequence[float], errors: int, elapsed: float) -> Outcome:
    """Percentiles of what `follow` saw."""
    ordered = sorted(latencies)
    return Outcome(
        requests=len(ordered),
        seconds=elapsed,
        p50=ordered[len(ordered) // 2] * 1e3,
        p99=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1e3,
        errors=errors,
    )
