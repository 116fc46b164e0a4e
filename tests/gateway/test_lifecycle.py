"""From the first process to the last: workers that die, and a gateway that is told to stop."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from h2.events import ConnectionTerminated

from tests.gateway.client import Client, ask
from tests.gateway.conftest import Start
from tests.gateway.harness import Gateway, alive, api, policy, wait_until
from tests.gateway.http2 import Http2Client
from tests.gateway.upstreams import Upstream, after

pytestmark = pytest.mark.envoy

Serve = Callable[..., Upstream]


def folder_of(gateway: Gateway) -> Path:
    """The supervisor's own folder."""
    (folder,) = gateway.scratch.iterdir()
    return folder


def wait_ready(gateway: Gateway, workers: int) -> None:
    def ready() -> bool:
        with contextlib.suppress(OSError):
            return bool(gateway.ready()["workers"] == workers)
        return False

    wait_until(ready, f"{workers} workers")


def refuses_connections(gateway: Gateway) -> bool:
    try:
        Client(gateway.port).close()
    except ConnectionRefusedError:
        return True
    except ConnectionError:
        return False
    return False


# Workers that die.


def test_a_killed_worker_is_started_again(start: Start, echoing: Upstream) -> None:
    """Under load. The other one serves on; only requests that were on the killed one's connections may be lost."""
    gateway = start(policy(api(echoing.port), workers=2))
    wait_ready(gateway, 2)
    victim, other = gateway.workers()
    answered: list[float] = []
    lost: list[Exception] = []
    wrong: list[Any] = []

    def keep_asking(until: Callable[[], bool]) -> None:
        while not until():
            try:
                reply = gateway.get("/")
            except OSError as error:
                lost.append(error)
            except EOFError as error:
                lost.append(error)
            else:
                answered.append(time.monotonic())
                if reply.status != 200:
                    wrong.append(reply)

    done = False
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(keep_asking, lambda: done) for _ in range(4)]
        wait_until(lambda: len(answered) > 50)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: not alive(victim))
        wait_until(lambda: sum(at > killed for at in answered) > 50, "answers of the other worker")
        wait_until(lambda: len(gateway.workers()) == 2 and victim not in gateway.workers())
        wait_ready(gateway, 2)
        done = True
        for client in clients:
            client.result()
    assert wrong == []
    assert len(lost) <= 8  # those on the victim's connections, and in its queue
    assert other in gateway.workers()
    assert gateway.metrics()["stockade_worker_restarts_total"] == 1
    assert f"worker {0 if victim < other else 1} ended (SIGKILL)" in gateway.stderr


def test_what_a_killed_worker_had_counted(start: Start, echoing: Upstream) -> None:
    """Is not forgotten, but for the last moments."""
    gateway = start(policy(api(echoing.port)))
    for _ in range(10):
        assert gateway.get("/").status == 200
    assert gateway.total("stockade_requests_total") == 10
    (worker,) = gateway.workers()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: gateway.workers() not in ([], [worker]))
    wait_ready(gateway, 1)
    assert gateway.get("/").status == 200
    assert gateway.total("stockade_requests_total") == 11


def test_a_worker_that_dies_again_and_again(start: Start, echoing: Upstream) -> None:
    """It is started again each time, after pauses that grow."""
    gateway = start(policy(api(echoing.port)))
    for _ in range(3):
        (worker,) = gateway.workers()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda worker=worker: gateway.workers() not in ([], [worker]))  # type: ignore[misc]
    wait_ready(gateway, 1)
    assert gateway.get("/").status == 200
    pauses = re.findall(r"starting it again in ([\d.]+) s", gateway.stderr)
    assert pauses == ["0.1", "0.2", "0.4"]


def test_a_worker_that_dies_during_a_reload(start: Start, echoing: Upstream) -> None:
    """The policy is taken all the same, by all."""
    begin: Any = policy(api(echoing.port), workers=2)
    gateway = start(begin)
    wait_ready(gateway, 2)
    denied = {**begin, "apis": [{**begin["apis"][0], "firewall": {"deny": ["127.0.0.2"]}}]}
    for round_ in range(3):
        wait_until(lambda: len(gateway.workers()) == 2)
        os.kill(gateway.workers()[round_ % 2], signal.SIGKILL)
        assert gateway.reload(denied if round_ % 2 == 0 else begin)["policy_errors"] == []
    wait_ready(gateway, 2)
    statuses = set()
    for _ in range(20):
        with Client(gateway.port, source="127.0.0.2") as client:
            statuses.add(client.ask("GET", "/").status)
    assert statuses == {403}


# A supervisor that dies.


def test_workers_end_when_the_supervisor_is_killed(start: Start, echoing: Upstream) -> None:
    gateway = start(policy(api(echoing.port), workers=2))
    workers, folder = gateway.workers(), folder_of(gateway)
    assert len(workers) == 2
    gateway.get("/", x_tag="last")
    os.kill(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait(10)
    wait_until(lambda: not any(map(alive, workers)), "the workers to end", 10)
    assert refuses_connections(gateway)
    assert gateway.record("last")["status"] == 200
    assert not folder.exists()  # it held the keys of the listeners


def test_workers_end_when_the_supervisor_is_killed_while_they_start(tmp_path: Path, echoing: Upstream) -> None:
    gateway = Gateway(tmp_path, policy(api(echoing.port), workers=2))
    for pause in (0.0, 0.2, 0.4):
        gateway.launch()
        try:
            wait_until(lambda: len(gateway.workers()) == 2)
            time.sleep(pause)
            gateway.process.kill()
            gateway.process.wait(10)
            wait_until(lambda: not any(map(alive, gateway.known_workers)), "the workers to end", 10)
        finally:
            gateway.end()


# A gateway that is told to stop.


def test_an_open_request_ends(start: Start, serve: Serve) -> None:
    slow = serve(after(2.0))
    gateway = start(policy(api(slow.port), drain="20s"))
    folder = folder_of(gateway)
    workers = gateway.workers()
    with Client(gateway.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Tag: last\r\n\r\n")
        wait_until(lambda: slow.seen)
        gateway.process.terminate()
        wait_until(lambda: refuses_connections(gateway), "new connections to be refused")
        status = ask(gateway.admin_port, "GET", "/readyz")
        assert (status.status, status.json()["stopping"]) == (503, True)
        reply = client.reply()
        assert (reply.status, reply.header("connection")) == (200, "close")
        assert client.file.read() == b""
    assert gateway.process.wait(10) == 0
    assert not any(map(alive, workers))
    assert gateway.record("last")["status"] == 200  # its record is the last that was written
    assert not folder.exists()


def test_the_bound_holds(start: Start, serve: Serve) -> None:
    slow = serve(after(30.0))
    gateway = start(policy(api(slow.port), drain="1s"))
    with Client(gateway.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: slow.seen)
        started = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - started < 12


@pytest.mark.parametrize("numbers", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT)])
def test_told_twice_it_does_not_wait(start: Start, serve: Serve, numbers: tuple[int, int]) -> None:
    slow = serve(after(30.0))
    gateway = start(policy(api(slow.port), drain="60s"))
    with Client(gateway.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: slow.seen)
        gateway.process.send_signal(numbers[0])
        wait_until(lambda: "stopping" in gateway.stderr)
        gateway.process.send_signal(numbers[1])
        assert gateway.process.wait(15) == 0
    assert not any(map(alive, gateway.known_workers))


def test_ctrl_c_drains(start: Start, serve: Serve) -> None:
    """The terminal sends it to the whole group of processes; workers must not take it as theirs."""
    slow = serve(after(1.5))
    gateway = start(policy(api(slow.port)))
    with Client(gateway.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: slow.seen)
        os.killpg(gateway.process.pid, signal.SIGINT)
        assert client.reply().status == 200
    assert gateway.process.wait(10) == 0
    assert "Traceback" not in gateway.stderr


def test_idle_clients_do_not_hold_it_up(start: Start, echoing: Upstream) -> None:
    gateway = start(policy(api(echoing.port), drain="60s"))
    with Client(gateway.port) as client, Http2Client(gateway.port) as client2:
        assert client.ask("GET", "/").status == client2.ask("GET", "/").status == 200
        started = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - started < 15


def test_busy_clients_are_told_to_go(start: Start, echoing: Upstream) -> None:
    """`Connection: close` and GOAWAY: no request is lost on a connection that is closed under it."""
    gateway = start(policy(api(echoing.port), drain="20s"))
    failures: list[Exception] = []
    began: list[str] = []
    ended: list[str] = []

    def http1() -> None:
        try:
            with Client(gateway.port) as client:
                began.append(client.ask("GET", "/").header("date") or "")
                while client.ask("GET", "/").header("connection") != "close":
                    time.sleep(0.01)
                ended.append("http1")
        except Exception as error:  # noqa: BLE001 - whatever it is, a client suffered it
            failures.append(error)

    def http2() -> None:
        try:
            with Http2Client(gateway.port) as client:
                began.append(client.ask("GET", "/").header("date") or "")
                while not any(isinstance(event, ConnectionTerminated) for event in client.events):
                    assert client.ask("GET", "/").status == 200
                    time.sleep(0.01)
                ended.append("http2")
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(client) for client in [http1, http2] * 4]
        wait_until(lambda: len(began) == 8)
        assert gateway.stop() == 0
        for client in clients:
            client.result(10)
    assert failures == []
    assert sorted(ended) == ["http1"] * 4 + ["http2"] * 4


def test_stopped_before_it_was_ready(tmp_path: Path, echoing: Upstream) -> None:
    """At any moment of its beginning: it ends, and nothing is left of it."""
    gateway = Gateway(tmp_path, policy(api(echoing.port)))
    for pause in (0.0, 0.3, 0.6, 0.9, 1.2):
        gateway.launch()
        try:
            time.sleep(pause)
            gateway.workers()
            gateway.process.terminate()
            assert gateway.process.wait(20) in (0, -signal.SIGTERM)
            wait_until(lambda: not any(map(alive, gateway.known_workers)), within=10)
            assert refuses_connections(gateway)
            assert list(gateway.scratch.iterdir()) == []
        finally:
            gateway.end()


def test_start_and_stop_leave_nothing(start: Start, echoing: Upstream) -> None:
    gateway = start(policy(api(echoing.port), workers=2))
    folder, workers = folder_of(gateway), gateway.workers()
    assert oct(folder.stat().st_mode)[-3:] == "700"
    for path in folder.iterdir():
        assert oct(path.stat().st_mode)[-2:] == "00" or path.is_socket()
    assert gateway.stop() == 0
    assert not folder.exists()
    assert not any(map(alive, workers))
    assert gateway.stderr.strip().splitlines() == ["stockade: stopping: open requests have 15 s"]
